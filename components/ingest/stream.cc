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

Result<std::shared_ptr<InputStream>> OpenZstd(std::shared_ptr<InputStream> raw,
                                              const std::string& path) {
  PENSTOCK_ASSIGN(std::shared_ptr<arrow::util::Codec> codec,
                  FromArrow(arrow::util::Codec::Create(arrow::Compression::ZSTD), path));
  PENSTOCK_ASSIGN(std::shared_ptr<InputStream> stream,
                  FromArrow(arrow::io::CompressedInputStream::Make(codec.get(), raw), path));
  // The stream borrows the codec.
  return std::shared_ptr<InputStream>(stream.get(),
                                      [stream, codec](InputStream*) mutable { stream.reset(); });
}

// A few bytes can unpack to any number: what comes out is counted.
class BoundedStream : public InputStream {
 public:
  BoundedStream(std::shared_ptr<InputStream> source, std::uint64_t max_bytes)
      : source_(std::move(source)), left_(max_bytes), max_bytes_(max_bytes) {}
  arrow::Status Close() override { return source_->Close(); }
  [[nodiscard]] bool closed() const override { return source_->closed(); }
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return source_->Tell(); }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const auto n, source_->Read(size, out));
    ARROW_RETURN_NOT_OK(Count(n));
    return n;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, source_->Read(size));
    ARROW_RETURN_NOT_OK(Count(buffer->size()));
    return buffer;
  }

 private:
  arrow::Status Count(std::int64_t n) {
    if (static_cast<std::uint64_t>(n) > left_)
      return arrow::Status::Invalid("unpacks to more than maxBytes, ", max_bytes_);
    left_ -= static_cast<std::uint64_t>(n);
    return arrow::Status::OK();
  }

  std::shared_ptr<InputStream> source_;
  std::uint64_t left_;
  const std::uint64_t max_bytes_;
};

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
  iconv_t converter = ::iconv_open("UTF-8", encoding.c_str());
  if (converter == iconv_t(-1)) {
    return Invalid("parameter encoding: '" + encoding + "' is not known");
  }
  return std::shared_ptr<InputStream>(
      std::make_shared<IconvStream>(std::move(source), converter, encoding));
}

const char* Name(Packing packing) {
  constexpr const char* kNames[] = {"none", "gzip", "zstd", "zip"};
  return kNames[static_cast<std::size_t>(packing)];
}

Result<Packing> PackingOf(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(const auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_ASSIGN(const std::string magic, ReadHead(*file, 4));
  if (magic.starts_with("\x1F\x8B")) return Packing::kGzip;
  if (magic == "\x28\xB5\x2F\xFD") return Packing::kZstd;
  return magic == std::string_view("PK\x03\x04", 4) ? Packing::kZip : Packing::kNone;
}

Result<std::shared_ptr<InputStream>> OpenUnpacked(const std::filesystem::path& path,
                                                  std::uint64_t max_bytes) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(const Packing packing, PackingOf(path));
  PENSTOCK_ASSIGN(std::shared_ptr<InputStream> stream,
                  FromArrow(arrow::io::ReadableFile::Open(name), name));
  if (packing == Packing::kNone) return stream;
  if (packing == Packing::kGzip) stream = OpenGzip(std::move(stream));
  if (packing == Packing::kZstd) {
    PENSTOCK_ASSIGN(stream, OpenZstd(std::move(stream), name));
  }
  if (packing == Packing::kZip) {
    PENSTOCK_ASSIGN(stream, OpenZip(path));
  }
  return std::shared_ptr<InputStream>(
      std::make_shared<BoundedStream>(std::move(stream), max_bytes));
}

Result<std::shared_ptr<InputStream>> OpenText(const std::filesystem::path& path,
                                              const std::string& encoding,
                                              std::uint64_t max_bytes) {
  PENSTOCK_ASSIGN(auto stream, OpenUnpacked(path, max_bytes));
  return Decode(std::move(stream), encoding);
}

Result<std::string> ReadHead(InputStream& stream, std::size_t size) {
  std::string head;
  while (head.size() < size) {
    PENSTOCK_ASSIGN(const auto chunk,
                    FromArrow(stream.Read(std::int64_t(size - head.size())), "read"));
    if (chunk->size() == 0) break;
    head.append(reinterpret_cast<const char*>(chunk->data()), std::size_t(chunk->size()));
  }
  return head;
}

Result<void> CopyToFile(InputStream& stream, const std::filesystem::path& to) {
  const std::string name = to.string();
  PENSTOCK_ASSIGN(const auto file, FromArrow(arrow::io::FileOutputStream::Open(name), name));
  for (;;) {
    PENSTOCK_ASSIGN(const auto chunk, FromArrow(stream.Read(kReadBytes), "unpack"));
    if (chunk->size() == 0) return FromArrow(file->Close(), name);
    PENSTOCK_TRY(FromArrow(file->Write(chunk), name));
  }
}

}  // namespace penstock::ingest
