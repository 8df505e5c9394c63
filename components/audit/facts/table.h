// Rows of a dataset in memory, by column: what the checks read. Memory: 8 bytes a number and 4 a
// text, of at most kMostCells cells, whatever the dataset is (kShownValues texts of a column are
// kept for messages; others are known by their hash). Value types.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "components/model_format/column.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::audit {

inline constexpr std::int64_t kMostCells = 20'000'000;
inline constexpr std::size_t kShownValues = 1000;
inline constexpr std::uint32_t kNoCode = std::numeric_limits<std::uint32_t>::max();
inline constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

struct TableColumn {
  std::string name;
  sdk::ColumnType type = sdk::ColumnType::kString;
  sdk::Role role = sdk::Role::kFeature;
  std::vector<double> numbers;       // of what is no text: the value; NaN is null, infinities too
  std::vector<std::uint32_t> codes;  // of a text: its number in the order of first sight; kNoCode
  std::vector<std::string> values;   // of a text: the first kShownValues, cut at 100 bytes
  std::uint32_t distinct = 0;        // of the rows kept

  [[nodiscard]] bool text() const { return type == sdk::ColumnType::kString; }
  [[nodiscard]] bool IsNull(std::size_t r) const {
    return text() ? codes[r] == kNoCode : numbers[r] != numbers[r];
  }
  [[nodiscard]] std::size_t rows() const { return text() ? codes.size() : numbers.size(); }
};

struct Table {
  std::int64_t rows_total = 0;     // of the dataset
  std::vector<std::int64_t> rows;  // which are kept, rising
  std::vector<TableColumn> columns;
  std::vector<std::string> skipped;  // columns of lists, bytes and the like

  [[nodiscard]] bool whole() const { return rows_total == std::int64_t(rows.size()); }
  // Null when there is none.
  [[nodiscard]] const TableColumn* Find(const std::string& name) const;
};

enum class Keep : std::uint8_t {
  kSpread,  // by a hash of the row's number and the seed
  kFirst    // one block from the beginning, for what needs rows beside each other
};
struct TableOptions {
  std::int64_t most_rows = 100'000;
  std::uint64_t seed = 0;
  Keep keep = Keep::kSpread;
  std::vector<std::string> columns = {};  // empty: all
};
// Invalid for a dataset without rows or columns that can be read, and for an unknown column.
[[nodiscard]] Result<Table> LoadTable(const std::string& dataset, const TableOptions& options);

// Each row's value as the number of a distinct one, in rising order of numbers, first sight of
// texts; null is the last. `levels` counts null where there is one.
struct Levels {
  std::vector<std::uint32_t> codes;
  std::uint32_t levels = 0;
  bool has_null = false;
};
[[nodiscard]] Levels LevelsOf(const TableColumn& column);
// "UA", "7", "null": a level of a column for people.
[[nodiscard]] std::string LevelText(const TableColumn& column, const Levels& levels,
                                    std::uint32_t level);

}  // namespace penstock::audit
