#include "components/audit/leakage/availability.h"

#include <arrow/api.h>

#include <algorithm>
#include <set>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

Result<sdk::TypedColumn> TimesOf(const arrow::RecordBatch& batch, const std::string& name) {
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
  if (column.type == sdk::ColumnType::kTimestamp) return column;
  return Invalid("availableAt: column " + name + " is no time; make it one with ingest's types");
}

bool HasValue(const sdk::Cell& cell) {
  const auto* real = std::get_if<double>(&cell);
  return cell.index() != 0 && (real == nullptr || *real == *real);
}

void CountBatch(const sdk::TypedColumn& values, const sdk::TypedColumn& since,
                const sdk::TypedColumn& moments, std::int64_t first_row, Late* late) {
  for (std::int64_t r = 0; r < values.array->length(); ++r) {
    if (!HasValue(CellAt(values, r))) continue;
    const auto known = CellAt(since, r);
    const auto moment = CellAt(moments, r);
    const auto* known_at = std::get_if<std::int64_t>(&known);
    const auto* asked_at = std::get_if<std::int64_t>(&moment);
    if (known_at == nullptr || asked_at == nullptr) {
      ++late->unknown;
      continue;
    }
    ++late->rows;
    if (*known_at <= *asked_at) continue;
    if (late->late++ == 0) late->first = first_row + r;
    late->worst_seconds =
        std::max(late->worst_seconds, (double(*known_at) - double(*asked_at)) / 1e6);
  }
}

}  // namespace

Result<std::vector<Late>> LateColumns(const std::string& dataset,
                                      const std::map<std::string, std::string>& available_at,
                                      const std::string& moment) {
  std::vector<Late> found;
  std::set<std::string> names{moment};
  for (const auto& [column, since] : available_at) {
    found.push_back({column, since});
    names.insert({column, since});
  }
  if (found.empty()) return found;
  std::int64_t row = 0;
  const std::vector<std::string> read(names.begin(), names.end());
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, read, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto moments, TimesOf(batch, moment));
        for (auto& late : found) {
          PENSTOCK_ASSIGN(const auto values, sdk::FindColumn(batch, late.column));
          PENSTOCK_ASSIGN(const auto since, TimesOf(batch, late.available_at));
          CountBatch(values, since, moments, row, &late);
        }
        row += batch.num_rows();
        return {};
      }));
  return found;
}

std::vector<LateTime> LateTimes(const Table& table, const std::string& moment,
                                const std::map<std::string, std::string>& declared) {
  std::vector<LateTime> found;
  const TableColumn* moments = table.Find(moment);
  if (moments == nullptr || moments->text()) return found;
  for (const auto& column : table.columns) {
    if (column.type != sdk::ColumnType::kTimestamp || column.name == moment) continue;
    if (column.role != sdk::Role::kFeature || declared.contains(column.name)) continue;
    LateTime late{column.name};
    for (std::size_t r = 0; r < column.numbers.size(); ++r) {
      if (column.IsNull(r) || moments->IsNull(r)) continue;
      ++late.rows;
      late.late += column.numbers[r] > moments->numbers[r] ? 1 : 0;
    }
    if (late.late * 2 > late.rows) found.push_back(late);
  }
  return found;
}

}  // namespace penstock::audit
