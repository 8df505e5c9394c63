#include "components/audit/facts/table.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

double NumberOf(const sdk::Cell& cell) {
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1 : 0;
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return double(*integer);
  const auto* real = std::get_if<double>(&cell);
  return real != nullptr && std::isfinite(*real) ? *real : kNull;
}

// Fills one column; texts are told apart by their hash.
class ColumnFiller {
 public:
  explicit ColumnFiller(TableColumn* column) : column_(column) {}

  void Add(const sdk::Cell& cell) {
    if (!column_->text()) {
      column_->numbers.push_back(NumberOf(cell));
      return;
    }
    const auto* text = std::get_if<std::string_view>(&cell);
    if (text == nullptr) {
      column_->codes.push_back(kNoCode);
      return;
    }
    const auto [at, is_new] =
        codes_.try_emplace(sdk::HashText(*text), std::uint32_t(codes_.size()));
    column_->codes.push_back(at->second);
    if (is_new && column_->values.size() < kShownValues) {
      column_->values.emplace_back(text->substr(0, 100));
    }
  }
  void Finish() {
    if (column_->text()) {
      column_->distinct = std::uint32_t(codes_.size());
      return;
    }
    std::unordered_set<double> seen;
    for (const double x : column_->numbers) {
      if (x == x) seen.insert(x);
    }
    column_->distinct = std::uint32_t(seen.size());
  }

 private:
  TableColumn* column_;
  std::unordered_map<std::uint64_t, std::uint32_t> codes_;
};

// The columns that can be read, with their roles.
Result<Table> EmptyTable(const std::string& dataset, const std::vector<std::string>& wanted) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset, wanted));
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
  Table table;
  table.rows_total = reader->rows();
  if (table.rows_total == 0) return Invalid(dataset + ": no rows");
  for (const auto& field : reader->schema()->fields()) {
    const auto type = sdk::ColumnTypeOf(*field->type());
    if (!type) {
      table.skipped.push_back(field->name());
      continue;
    }
    auto& column = table.columns.emplace_back();
    column.name = field->name();
    column.type = *type;
    if (const auto* said = schema.Find(field->name())) column.role = said->role;
  }
  if (table.columns.empty()) return Invalid(dataset + ": no column is of a type that is audited");
  return table;
}

// Which rows of so many are kept.
class RowChoice {
 public:
  RowChoice(const TableOptions& options, const Table& table)
      : options_(options),
        most_(std::max<std::int64_t>(
            1000, std::min(options.most_rows, kMostCells / std::int64_t(table.columns.size())))),
        share_(double(most_) / double(table.rows_total)) {}

  [[nodiscard]] bool Keeps(std::int64_t row) const {
    if (options_.keep == Keep::kFirst) return row < most_;
    return share_ >= 1 ||
           sdk::UnitInterval(sdk::MixBits(options_.seed ^ sdk::MixBits(std::uint64_t(row)))) <
               share_;
  }

 private:
  const TableOptions& options_;
  std::int64_t most_;
  double share_;
};

}  // namespace

const TableColumn* Table::Find(const std::string& name) const {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const TableColumn& c) { return c.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

Result<Table> LoadTable(const std::string& dataset, const TableOptions& options) {
  PENSTOCK_ASSIGN(auto table, EmptyTable(dataset, options.columns));
  const RowChoice choice(options, table);
  std::vector<std::string> names;
  std::vector<ColumnFiller> fillers;
  for (auto& column : table.columns) {
    names.push_back(column.name);
    fillers.emplace_back(&column);
  }
  std::int64_t row = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        std::vector<std::int64_t> kept;
        for (std::int64_t r = 0; r < batch.num_rows(); ++r, ++row) {
          if (!choice.Keeps(row)) continue;
          kept.push_back(r);
          table.rows.push_back(row);
        }
        for (std::size_t c = 0; c < names.size(); ++c) {
          PENSTOCK_ASSIGN(const auto cells, sdk::FindColumn(batch, names[c]));
          for (const std::int64_t r : kept) fillers[c].Add(CellAt(cells, r));
        }
        return {};
      }));
  for (auto& filler : fillers) filler.Finish();
  return table;
}

Levels LevelsOf(const TableColumn& column) {
  Levels levels;
  levels.codes.resize(column.rows());
  if (column.text()) {
    levels.levels = column.distinct;
    levels.codes = column.codes;
  } else {
    std::vector<double> values;
    for (const double x : column.numbers) {
      if (x == x) values.push_back(x);
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    levels.levels = std::uint32_t(values.size());
    for (std::size_t r = 0; r < column.numbers.size(); ++r) {
      const double x = column.numbers[r];
      levels.codes[r] =
          x != x
              ? kNoCode
              : std::uint32_t(std::lower_bound(values.begin(), values.end(), x) - values.begin());
    }
  }
  for (auto& code : levels.codes) {
    if (code != kNoCode) continue;
    levels.has_null = true;
    code = levels.levels;
  }
  if (levels.has_null) ++levels.levels;
  return levels;
}

std::string LevelText(const TableColumn& column, const Levels& levels, std::uint32_t level) {
  if (levels.has_null && level + 1 == levels.levels) return "null";
  if (column.text()) {
    return level < column.values.size() ? column.values[level]
                                        : "the text number " + std::to_string(level);
  }
  for (std::size_t r = 0; r < levels.codes.size(); ++r) {
    if (levels.codes[r] != level) continue;
    if (column.type == sdk::ColumnType::kBool) return column.numbers[r] != 0 ? "true" : "false";
    return Json(column.numbers[r]).dump();
  }
  return "";
}

}  // namespace penstock::audit
