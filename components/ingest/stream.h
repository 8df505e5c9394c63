// A local file as its bytes, unpacked (gzip, zstd, zip with one file), or as UTF-8 text, as a
// stream. What it is packed with is seen from its first bytes, not from its name.
#pragma once

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock::ingest {

enum class Packing : std::uint8_t { kNone, kGzip, kZstd, kZip };
[[nodiscard]] const char* Name(Packing packing);  // "none", "gzip", "zstd", "zip"
[[nodiscard]] Result<Packing> PackingOf(const std::filesystem::path& path);

// A packed file that has more than `max_bytes` in it, or that is not whole, is an error of the Read
// that comes to it.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> OpenUnpacked(
    const std::filesystem::path& path, std::uint64_t max_bytes);

// The same decoded: "" or "utf-8" leaves the bytes alone; else an encoding that iconv knows
// ("cp949", "utf-16").
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> OpenText(
    const std::filesystem::path& path, const std::string& encoding, std::uint64_t max_bytes);

// At most `size` bytes from the front.
[[nodiscard]] Result<std::string> ReadHead(arrow::io::InputStream& stream, std::size_t size);

// All of the stream, into a new file.
[[nodiscard]] Result<void> CopyToFile(arrow::io::InputStream& stream,
                                      const std::filesystem::path& to);

// A stream whose bytes are made piecemeal by Fill. Used by one thread at a time.
class FilterStream : public arrow::io::InputStream {
 public:
  ~FilterStream() override = default;
  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;

 protected:
  // Appends some bytes to `out`; appending none means the end.
  virtual arrow::Status Fill(std::string& out) = 0;

 private:
  std::string buffer_;
  std::size_t taken_ = 0;
  std::int64_t position_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

// All members of a gzip file, and the zeros that a tape or dd leaves behind the last. Invalid where
// it ends within a member, where a checksum is wrong, and for anything else behind a member.
[[nodiscard]] std::shared_ptr<arrow::io::InputStream> OpenGzip(
    std::shared_ptr<arrow::io::InputStream> packed);

// The one file of a zip archive, stored or deflated; its checksum is verified at the end. What
// macOS and Windows add (__MACOSX, .DS_Store, Thumbs.db, desktop.ini) does not count. Invalid for
// an archive with several files (names them), an Office document, an encrypted or a damaged one.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> OpenZip(
    const std::filesystem::path& path);

// `source` decoded to UTF-8. Invalid for an encoding that iconv does not know; a byte sequence that
// is none is an error of Read that names the byte.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> Decode(
    std::shared_ptr<arrow::io::InputStream> source, const std::string& encoding);

}  // namespace penstock::ingest
