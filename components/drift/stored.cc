#include "components/drift/stored.h"

#include <algorithm>
#include <array>
#include <optional>

#include "components/drift/asked.h"
#include "components/drift/stored_column.h"
#include "components/sdk/dataset.h"
#include "components/statistics/summary/collect.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

constexpr std::size_t kListed = 1000;  // values of a column of a dataset

struct StoredSide {
  statistics::Statistics facts;
  sdk::Schema schema;
};

// What is counted stands for rows that are drawn from: no count may be below 0 or above its rows.
bool AddsUp(const statistics::Column& column) {
  std::int64_t left = column.rows;
  const auto take = [&](std::int64_t count) {
    const bool good = count >= 0 && count <= left;
    if (good) left -= count;
    return good;
  };
  const bool specials = take(column.nulls) && take(column.nan) && take(column.positive_infinite) &&
                        take(column.negative_infinite);
  if (!specials || column.top_error > 0) return specials;
  return std::all_of(column.top.begin(), column.top.end(),
                     [&](const auto& value) { return take(value.count); });
}

Result<StoredSide> Load(const Source& source, const Options& options) {
  StoredSide side;
  if (source.is_statistics) {
    PENSTOCK_ASSIGN(side.facts, statistics::LoadStatistics(source.path));
    for (const auto& column : side.facts.columns) {
      if (!AddsUp(column)) {
        return Invalid(source.path + ": the counts of column '" + column.name +
                       "' are more than its rows");
      }
      side.schema.columns.push_back({.name = column.name, .type = column.type});
    }
  } else {
    PENSTOCK_ASSIGN(side.schema, sdk::DatasetSchema(source.path));
    statistics::CollectOptions collect;
    collect.top = kListed;
    collect.sample = 0;
    collect.correlated = 0;
    collect.threads = options.threads;
    PENSTOCK_ASSIGN(side.facts, statistics::CollectStatistics(source.path, collect));
  }
  if (side.facts.rows <= 0) {
    return Invalid(source.path + " has no rows, so there is nothing to compare");
  }
  return side;
}

Result<void> CheckNeedsNoRows(const Options& options) {
  const char* parameter = !options.blocks.empty()   ? "blocks"
                          : !options.slices.empty() ? "slices"
                                                    : nullptr;
  if (parameter == nullptr) return {};
  return Invalid(std::string("parameter ") + parameter +
                 ": needs the rows of both sides, and a side is given by its statistics; give the "
                 "datasets, or leave it out");
}

// Those that have drifted even if each statistic is as small as it can be; undecided are the ones
// that would have if it were as large.
void DecideBetween(std::vector<ColumnDrift>& least, std::vector<ColumnDrift>& most, double alpha) {
  for (auto* columns : {&least, &most}) {
    std::vector<ColumnDrift*> tests;
    for (ColumnDrift& column : *columns) tests.push_back(&column);
    Decide(std::move(tests), alpha);
  }
  for (std::size_t i = 0; i < least.size(); ++i) {
    least[i].undecided = most[i].drifted && !least[i].drifted;
  }
}

}  // namespace

Result<Comparison> CompareStored(const Source& reference, const Source& current,
                                 const sdk::Schema* asked, const Options& parameters) {
  PENSTOCK_TRY(CheckNeedsNoRows(parameters));
  std::array<StoredSide, 2> sides;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const Source& source = i == kReference ? reference : current;
    auto loaded = Load(source, parameters);
    if (!loaded)
      return Wrap(
          std::string("input ") + kSideNames[i] + (source.is_statistics ? "Statistics" : ""),
          loaded.error());
    sides[i] = std::move(*loaded);
  }
  const bool only_current = reference.is_statistics && !current.is_statistics;
  const sdk::Schema& contract =
      asked != nullptr ? *asked : sides[only_current ? kCurrent : kReference].schema;
  Options options = parameters;
  PENSTOCK_TRY(TakeAsked(contract, options));
  Comparison out;
  PENSTOCK_ASSIGN(out.pairing,
                  PairColumns(sides[kReference].schema, sides[kCurrent].schema, contract, options));
  if (asked != nullptr) {
    out.unlike_schema = UnlikeSchema(*asked, sides[kReference].schema, sides[kCurrent].schema);
  }
  for (std::size_t i = 0; i < sides.size(); ++i) {
    out.rows[i] = out.looked[i] = sides[i].facts.rows;
  }
  out.of_statistics = true;
  if (!out.pairing.pairs.empty()) PENSTOCK_TRY(CheckEnoughRows(out.rows, options.alpha));
  const StoredMeasurer measurer(options, out.rows[0] + out.rows[1], out.pairing.pairs.size());
  std::vector<ColumnDrift> most;
  for (const Pair& pair : out.pairing.pairs) {
    StoredDrift drift = measurer.Measure(pair, *sides[kReference].facts.Find(pair.name),
                                         *sides[kCurrent].facts.Find(pair.name));
    if (!drift.why_not.empty()) {
      out.pairing.skipped.push_back({pair.name, drift.why_not});
      continue;
    }
    for (auto& why : Overruled(options, pair.name, pair.kind)) {
      out.overruled.push_back({pair.name, std::move(why)});
    }
    out.columns.push_back(std::move(drift.least));
    most.push_back(std::move(drift.most));
  }
  if (!out.HasCompared()) return NothingCompared(out.pairing);
  DecideBetween(out.columns, most, options.alpha);
  out.classified = options.classifier;
  out.domain.why_not = "statistics have no rows, so that columns cannot be looked at together";
  return out;
}

}  // namespace penstock::drift
