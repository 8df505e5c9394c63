// gzip, by zlib: Arrow's reader takes what follows the last member for another one.
#include <zlib.h>

#include "components/ingest/stream.h"

namespace penstock::ingest {
namespace {

constexpr std::int64_t kGzipBytes = 256 * 1024;

class GzipStream : public FilterStream {
 public:
  explicit GzipStream(std::shared_ptr<arrow::io::InputStream> packed) : packed_(std::move(packed)) {
    state_.next_in = Z_NULL;
    state_.avail_in = 0;
    usable_ = ::inflateInit2(&state_, MAX_WBITS + 16) == Z_OK;
  }
  ~GzipStream() override {
    if (usable_) ::inflateEnd(&state_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 protected:
  arrow::Status Fill(std::string& out) override {
    if (!usable_) return arrow::Status::OutOfMemory("gzip");
    const std::size_t before = out.size();
    out.resize(before + kGzipBytes);
    state_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    state_.avail_out = kGzipBytes;
    while (state_.avail_out > 0) {
      ARROW_ASSIGN_OR_RAISE(const bool more, Refill());
      if (!more) {
        if (within_) return arrow::Status::Invalid("gzip: the file ends before its data does");
        break;
      }
      if (!within_) {
        ARROW_ASSIGN_OR_RAISE(const bool member, BeginMember());
        if (!member) break;
      }
      ARROW_RETURN_NOT_OK(Inflate());
    }
    out.resize(out.size() - state_.avail_out);
    return arrow::Status::OK();
  }

 private:
  // False at the end of the file.
  arrow::Result<bool> Refill() {
    if (state_.avail_in > 0) return true;
    ARROW_ASSIGN_OR_RAISE(chunk_, packed_->Read(kGzipBytes));
    state_.next_in = const_cast<Bytef*>(chunk_->data());
    state_.avail_in = static_cast<uInt>(chunk_->size());
    return state_.avail_in > 0;
  }

  // Past zeros to the next member; false where only zeros are left.
  arrow::Result<bool> BeginMember() {
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(const bool more, Refill());
      if (!more) return false;
      if (*state_.next_in != 0) break;
      padded_ = true;
      ++state_.next_in;
      --state_.avail_in;
    }
    if (padded_ || *state_.next_in != 0x1F) {
      return arrow::Status::Invalid("gzip: behind the data is something that is no gzip");
    }
    if (::inflateReset(&state_) != Z_OK) return arrow::Status::Invalid("gzip: cannot go on");
    within_ = true;
    return true;
  }

  arrow::Status Inflate() {
    const int result = ::inflate(&state_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      within_ = false;
      return arrow::Status::OK();
    }
    if (result == Z_OK || result == Z_BUF_ERROR) return arrow::Status::OK();
    return arrow::Status::Invalid("gzip: the file is damaged: ",
                                  state_.msg == nullptr ? "no more is known" : state_.msg);
  }

  std::shared_ptr<arrow::io::InputStream> packed_;
  std::shared_ptr<arrow::Buffer> chunk_;
  z_stream state_{};
  bool usable_ = false;
  bool within_ = true;  // of a member
  bool padded_ = false;
};

}  // namespace

std::shared_ptr<arrow::io::InputStream> OpenGzip(std::shared_ptr<arrow::io::InputStream> packed) {
  return std::make_shared<GzipStream>(std::move(packed));
}

}  // namespace penstock::ingest
