// A CSV's bytes in pieces that end where a record ends, one after the other. One thread reads;
// whoever has a block may split it.
#pragma once

#include <arrow/io/interfaces.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "components/ingest/csv/dialect.h"
#include "operator/base/result.h"

namespace penstock::ingest {

// The longest record.
inline constexpr std::size_t kMostRecordBytes = 16 << 20;

struct Block {
  std::unique_ptr<char[]> bytes;  // followed by kPadding zeros
  std::size_t size = 0;
  [[nodiscard]] std::string_view text() const { return {bytes.get(), size}; }
};

class BlockReader {
 public:
  // `one_column`: empty lines are rows, but not the file's last ones.
  BlockReader(std::shared_ptr<arrow::io::InputStream> stream, const Dialect& dialect,
              bool one_column)
      : stream_(std::move(stream)), dialect_(dialect), one_column_(one_column) {}

  // Of the file's beginning; before the first Next.
  [[nodiscard]] Result<void> Skip(std::size_t bytes);
  // nullopt at the end. A line without an end within kMostRecordBytes is Invalid.
  [[nodiscard]] Result<std::optional<Block>> Next();

 private:
  Result<std::size_t> Fill(char* to, std::size_t size);
  [[nodiscard]] std::size_t Cut(std::string_view text) const;
  [[nodiscard]] std::size_t CutLast(std::string_view text) const;

  const std::shared_ptr<arrow::io::InputStream> stream_;
  const Dialect dialect_;
  const bool one_column_;
  std::string rest_;
  bool ended_ = false;
};

// Where the last whole record of `text` ends, which begins where a record does; 0 when none ends.
[[nodiscard]] std::size_t CutOfRecords(std::string_view text, const Dialect& dialect);

}  // namespace penstock::ingest
