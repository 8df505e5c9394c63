#include <cmath>

#include "components/sdk/cells.h"
#include "components/sdk/row_hash.h"
#include "components/split/run.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

// {"train": 0.8, "valid": 0.1, "test": 0.1}; what is left out is 0, and the sum must be 1.
void ReadFractions(sdk::Parameters& p, SplitOptions& options) {
  const Json fractions = p.Object("fractions");
  if (fractions.empty()) return;
  double sum = 0;
  options.fractions = {0, 0, 0};
  for (const auto& [name, value] : fractions.items()) {
    bool known = false;
    for (std::size_t i = 0; i < kPartNames.size(); ++i) {
      if (name != kPartNames[i]) continue;
      known = true;
      if (!value.is_number() || value < 0) return p.Fail("fractions." + name + ": must be >= 0");
      options.fractions[i] = value.get<double>();
      sum += options.fractions[i];
    }
    if (!known) return p.Fail("fractions: has train, valid and test, not " + name);
  }
  if (std::abs(sum - 1) > 1e-9) p.Fail("fractions: must add up to 1, not " + Json(sum).dump());
}

std::int64_t ReadCut(sdk::Parameters& p, const Json& cuts, const char* name) {
  if (cuts.contains(name) && cuts[name].is_string()) {
    const auto time = sdk::ParseTimestamp(cuts[name].get<std::string>());
    if (time) return *time;
  }
  p.Fail(std::string("cuts.") + name + ": must be a time such as \"2013-08-01\"");
  return 0;
}

std::size_t PartOfFraction(double u, const std::array<double, 3>& fractions) {
  if (u < fractions[0]) return 0;
  return u < fractions[0] + fractions[1] || fractions[2] == 0 ? 1 : 2;
}

Result<std::vector<Part>> AssignByHash(const arrow::RecordBatch& batch,
                                       const SplitOptions& options) {
  const auto columns = options.columns.empty() ? batch.schema()->field_names() : options.columns;
  if (options.by == SplitOptions::By::kGroup) {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, columns.front()));
    if (column.array->null_count() > 0) {
      return Invalid("group column '" + columns.front() + "' has nulls; leave them out with query");
    }
  }
  PENSTOCK_ASSIGN(const auto hashes, sdk::HashRows(batch, columns, options.seed));
  std::vector<Part> parts;
  for (const auto hash : hashes) {
    parts.push_back(Part(PartOfFraction(sdk::UnitInterval(hash), options.fractions)));
  }
  return parts;
}

Result<std::vector<Part>> AssignByTime(const arrow::RecordBatch& batch,
                                       const SplitOptions& options) {
  const std::string& name = options.columns.front();
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
  const sdk::Column timestamp = {name, sdk::ColumnType::kTimestamp, false};
  if (column.type != sdk::ColumnType::kTimestamp && column.type != sdk::ColumnType::kString) {
    return Invalid("time column '" + name + "' is a " + Name(column.type) + ", not a timestamp");
  }
  std::vector<Part> parts;
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    PENSTOCK_ASSIGN(const sdk::Cell cell, Coerce(CellAt(column, r), timestamp));
    const auto* time = std::get_if<std::int64_t>(&cell);
    if (time == nullptr) {
      return Invalid("time column '" + name + "' has nulls; leave them out with query");
    }
    parts.push_back(*time >= options.test_cut    ? Part::kTest
                    : *time >= options.valid_cut ? Part::kValid
                                                 : Part::kTrain);
  }
  return parts;
}

}  // namespace

Result<SplitOptions> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  SplitOptions options;
  const std::string by = p.OneOf("by", "hash", {"hash", "group", "time"});
  const std::string column = p.String("column", "");
  options.columns = p.Strings("columns");
  options.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  ReadFractions(p, options);
  const Json cuts = p.Object("cuts");
  if (by != "hash") {
    options.by = by == "group" ? SplitOptions::By::kGroup : SplitOptions::By::kTime;
    if (column.empty()) p.Fail("column: is required when by is " + by);
    options.columns = {column};
  } else if (!column.empty()) {
    options.columns.push_back(column);
  }
  if (by == "time") {
    options.valid_cut = ReadCut(p, cuts, "valid");
    options.test_cut = ReadCut(p, cuts, "test");
    if (options.valid_cut > options.test_cut) p.Fail("cuts: valid must not be after test");
  } else if (!cuts.empty()) {
    p.Fail("cuts: only when by is time");
  }
  PENSTOCK_TRY(p.Finish());
  return options;
}

Result<std::vector<Part>> Assign(const arrow::RecordBatch& batch, const SplitOptions& options) {
  return options.by == SplitOptions::By::kTime ? AssignByTime(batch, options)
                                               : AssignByHash(batch, options);
}

}  // namespace penstock::split
