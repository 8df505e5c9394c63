#include "components/split/facts.h"

#include <arrow/api.h>

#include "components/sdk/cells.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

std::string Row(std::int64_t row) { return "row " + std::to_string(row + 1); }

Result<void> RefuseNulls(const arrow::RecordBatch& batch, const std::string& group,
                         std::int64_t first_row) {
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, group));
  for (std::int64_t r = 0; column.array->null_count() > 0 && r < batch.num_rows(); ++r) {
    if (column.array->IsNull(r)) {
      return Invalid("group column '" + group + "' has nulls (the first in " + Row(first_row + r) +
                     "); leave them out with query");
    }
  }
  return {};
}

Part PartOfTime(std::int64_t time, const SplitOptions& options) {
  if (time >= options.test_cut) return Part::kTest;
  return time >= options.valid_cut ? Part::kValid : Part::kTrain;
}

Result<void> PlaceByTime(const arrow::RecordBatch& batch, const SplitOptions& options,
                         std::int64_t first_row, std::vector<RowFacts>& facts) {
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, options.time));
  const sdk::Column timestamp = {options.time, sdk::ColumnType::kTimestamp, false};
  if (column.type != sdk::ColumnType::kTimestamp && column.type != sdk::ColumnType::kString) {
    return Invalid("time column '" + options.time + "' is a " + Name(column.type) +
                   ", not a timestamp");
  }
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    const auto cell = Coerce(CellAt(column, r), timestamp);
    if (!cell) return Wrap(Row(first_row + r), cell.error());
    const auto* time = std::get_if<std::int64_t>(&*cell);
    if (time == nullptr && !options.null_times) {
      return Invalid("time column '" + options.time + "' has nulls (the first in " +
                     Row(first_row + r) +
                     "); leave them out with query, or say by nullTimes where they go");
    }
    const Part part = time == nullptr ? *options.null_times : PartOfTime(*time, options);
    facts[std::size_t(r)].part = std::uint32_t(part);
  }
  return {};
}

Result<void> Stratify(const arrow::RecordBatch& batch, const SplitOptions& options, Strata& strata,
                      std::vector<RowFacts>& facts) {
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, options.stratify));
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    const auto cell = CellAt(column, r);
    const bool is_null = std::holds_alternative<std::monostate>(cell);
    // A null and the text "null" are two strata.
    const std::string value = is_null ? "" : "=" + sdk::CellToText(cell);
    PENSTOCK_ASSIGN(facts[std::size_t(r)].stratum, strata.IndexOf(options.stratify, value));
  }
  return {};
}

}  // namespace

Result<std::uint32_t> Strata::IndexOf(const std::string& column, const std::string& value) {
  const auto [at, is_new] = indices_.emplace(value, std::uint32_t(indices_.size()));
  if (indices_.size() > kMost) {
    return Invalid("stratify: column '" + column + "' has more than " + std::to_string(kMost) +
                   " values; name one of classes");
  }
  if (is_new) hashes_.push_back(sdk::HashText(value));
  return at->second;
}

Result<std::vector<RowFacts>> FactsOf(const arrow::RecordBatch& batch, const SplitOptions& options,
                                      std::int64_t first_row, Strata& strata) {
  std::vector<RowFacts> facts(std::size_t(batch.num_rows()));
  const auto names = batch.schema()->field_names();
  PENSTOCK_ASSIGN(const auto rows, sdk::HashRows(batch, names, options.seed));
  auto decides = rows;
  auto groups = std::vector<std::uint64_t>(rows.size());
  if (!options.columns.empty()) {
    PENSTOCK_ASSIGN(decides, sdk::HashRows(batch, options.columns, options.seed));
  }
  if (!options.group.empty()) {
    PENSTOCK_ASSIGN(groups, sdk::HashRows(batch, {options.group}, options.seed));
    if (options.by == SplitOptions::By::kHash) {
      PENSTOCK_TRY(RefuseNulls(batch, options.group, first_row));
      decides = groups;
    }
  }
  const auto group = batch.GetColumnByName(options.group);
  for (std::size_t r = 0; r < facts.size(); ++r) {
    const bool has_group = group != nullptr && group->IsValid(std::int64_t(r));
    facts[r] = {rows[r], decides[r], has_group ? groups[r] : 0, 0, 0};
  }
  if (!options.time.empty()) PENSTOCK_TRY(PlaceByTime(batch, options, first_row, facts));
  if (!options.stratify.empty()) PENSTOCK_TRY(Stratify(batch, options, strata, facts));
  return facts;
}

}  // namespace penstock::split
