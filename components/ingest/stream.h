// A local file as the UTF-8 bytes of a CSV: unpacked (gzip, zstd, zip with one file) and decoded,
// as a stream. What it is packed with is seen from its first bytes, not from its name.
#pragma once

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <filesystem>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock::ingest {

// "" or "utf-8" leaves the bytes alone; else an encoding that iconv knows ("cp949", "utf-16").
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> OpenText(
    const std::filesystem::path& path, const std::string& encoding);

// Does the file begin and end as a Parquet file does?
[[nodiscard]] Result<bool> IsParquet(const std::filesystem::path& path);

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

// The one file of a zip archive, stored or deflated; its checksum is verified at the end. Invalid
// for an archive with several files, an encrypted one, or a damaged one.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> OpenZip(
    const std::filesystem::path& path);

// `source` decoded to UTF-8. Invalid for an encoding that iconv does not know; a byte sequence that
// is none is an error of Read that names the byte.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> Decode(
    std::shared_ptr<arrow::io::InputStream> source, const std::string& encoding);

}  // namespace penstock::ingest
