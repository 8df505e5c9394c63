#include "components/ingest/stream.h"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>
#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using arrow::io::InputStream;
using sdk::FromArrow;

constexpr std::int64_t kReadBytes = 256 * 1024;

Result<std::string> ReadAt(arrow::io::ReadableFile& file, std::int64_t at, std::int64_t size,
                           const std::string& path) {
  PENSTOCK_ASSIGN(const auto buffer, FromArrow(file.ReadAt(at, size), path));
  return buffer->ToString();
}

Result<std::shared_ptr<InputStream>> OpenCompressed(std::shared_ptr<InputStream> raw,
                                                    arrow::Compression::type type,
                                                    const std::string& path) {
  PENSTOCK_ASSIGN(std::shared_ptr<arrow::util::Codec> codec,
                  FromArrow(arrow::util::Codec::Create(type), path));
  PENSTOCK_ASSIGN(std::shared_ptr<InputStream> stream,
                  FromArrow(arrow::io::CompressedInputStream::Make(codec.get(), raw), path));
  // The stream borrows the codec.
  return std::shared_ptr<InputStream>(stream.get(),
                                      [stream, codec](InputStream*) mutable { stream.reset(); });
}

class IconvStream : public FilterStream {
 public:
  IconvStream(std::shared_ptr<InputStream> source, iconv_t converter, std::string encoding)
      : source_(std::move(source)), converter_(converter), encoding_(std::move(encoding)) {}
  ~IconvStream() override { ::iconv_close(converter_); }

 protected:
  arrow::Status Fill(std::string& out) override {
    const std::size_t before = out.size();
    while (out.size() == before) {
      ARROW_ASSIGN_OR_RAISE(const auto chunk, source_->Read(kReadBytes));
      if (chunk->size() == 0) {
        return pending_.empty() ? arrow::Status::OK() : Broken("the file ends within a character");
      }
      pending_.append(reinterpret_cast<const char*>(chunk->data()), std::size_t(chunk->size()));
      ARROW_RETURN_NOT_OK(Convert(out));
    }
    return arrow::Status::OK();
  }

 private:
  [[nodiscard]] arrow::Status Broken(const std::string& what) const {
    return arrow::Status::Invalid("byte ", consumed_, " is not ", encoding_, ": ", what,
                                  "; set the parameter encoding");
  }

  // Converts what is pending; an unfinished character stays for the next chunk.
  arrow::Status Convert(std::string& out) {
    char* in = pending_.data();
    std::size_t left = pending_.size();
    char converted[64 * 1024];
    while (left > 0) {
      char* to = converted;
      std::size_t room = sizeof converted;
      const std::size_t was_left = left;
      const std::size_t result = ::iconv(converter_, &in, &left, &to, &room);
      const int problem = result == std::size_t(-1) ? errno : 0;
      out.append(converted, std::size_t(to - converted));
      consumed_ += std::int64_t(was_left - left);
      if (problem == EINVAL) break;
      if (problem == EILSEQ) return Broken("no such character");
    }
    pending_.erase(0, pending_.size() - left);
    return arrow::Status::OK();
  }

  std::shared_ptr<InputStream> source_;
  iconv_t converter_;
  std::string encoding_;
  std::string pending_;
  std::int64_t consumed_ = 0;
};

bool IsUtf8Name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), ::tolower);
  return name.empty() || name == "utf-8" || name == "utf8";
}

}  // namespace

arrow::Status FilterStream::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

arrow::Result<std::int64_t> FilterStream::Read(std::int64_t size, void* out) {
  std::int64_t done = 0;
  while (done < size && !ended_) {
    if (taken_ == buffer_.size()) {
      buffer_.clear();
      taken_ = 0;
      ARROW_RETURN_NOT_OK(Fill(buffer_));
      ended_ = buffer_.empty();
    }
    const auto n = std::min<std::int64_t>(size - done, std::int64_t(buffer_.size() - taken_));
    std::memcpy(static_cast<char*>(out) + done, buffer_.data() + taken_, std::size_t(n));
    taken_ += std::size_t(n);
    done += n;
  }
  position_ += done;
  return done;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> FilterStream::Read(std::int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
  ARROW_ASSIGN_OR_RAISE(const auto n, Read(size, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(n));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

Result<std::shared_ptr<InputStream>> Decode(std::shared_ptr<InputStream> source,
                                            const std::string& encoding) {
  if (IsUtf8Name(encoding)) return source;
  const iconv_t converter = ::iconv_open("UTF-8", encoding.c_str());
  if (converter == iconv_t(-1)) {
    return Invalid("parameter encoding: '" + encoding + "' is not known");
  }
  return std::shared_ptr<InputStream>(
      std::make_shared<IconvStream>(std::move(source), converter, encoding));
}

Result<std::shared_ptr<InputStream>> OpenText(const std::filesystem::path& path,
                                              const std::string& encoding) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_ASSIGN(const std::string magic, ReadAt(*file, 0, 4, name));
  PENSTOCK_TRY(FromArrow(file->Seek(0), name));
  std::shared_ptr<InputStream> stream = file;
  if (magic.compare(0, 2, "\x1F\x8B") == 0) {
    PENSTOCK_ASSIGN(stream, OpenCompressed(file, arrow::Compression::GZIP, name));
  } else if (magic == "\x28\xB5\x2F\xFD") {
    PENSTOCK_ASSIGN(stream, OpenCompressed(file, arrow::Compression::ZSTD, name));
  } else if (magic == std::string("PK\x03\x04", 4)) {
    PENSTOCK_ASSIGN(stream, OpenZip(path));
  }
  return Decode(std::move(stream), encoding);
}

Result<bool> IsParquet(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_ASSIGN(const auto size, FromArrow(file->GetSize(), name));
  if (size < 12) return false;
  PENSTOCK_ASSIGN(const auto head, ReadAt(*file, 0, 4, name));
  PENSTOCK_ASSIGN(const auto tail, ReadAt(*file, size - 4, 4, name));
  return head == "PAR1" && tail == "PAR1";
}

}  // namespace penstock::ingest
