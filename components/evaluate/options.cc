#include "components/evaluate/options.h"

#include <algorithm>

#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

std::vector<std::vector<std::string>> ReadSlices(sdk::Parameters& p) {
  std::vector<std::vector<std::string>> slices;
  for (const Json& slice : p.List("slices")) {
    auto& columns = slices.emplace_back();
    for (const Json& column : slice.is_array() ? slice : Json::array({slice})) {
      if (column.is_string()) {
        columns.push_back(column);
      } else {
        p.Fail("slices: takes columns and lists of columns, as [carrier, [carrier, month]], not " +
               column.dump());
      }
    }
    if (columns.empty()) p.Fail("slices: a list of no columns is no slice");
  }
  return slices;
}

// A metric's name is one word, and one that no metric of ours has.
bool IsFreeName(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_other = [](char c) { return (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= 40 && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || is_other(c); }) &&
         name != "positiveRate" && name != "rows" &&
         sdk::DirectionOf(name) == sdk::Direction::kNone;
}

std::map<std::string, std::string> ReadSqlMetrics(sdk::Parameters& p) {
  std::map<std::string, std::string> metrics;
  const Json texts = p.Object("sqlMetrics");
  for (const auto& [name, text] : texts.items()) {
    if (!IsFreeName(name)) {
      p.Fail("sqlMetrics: '" + name +
             "' cannot name a metric: take letters, digits and _, and no name of ours");
    } else if (!text.is_string()) {
      p.Fail("sqlMetrics: '" + name + "' takes a SELECT as text");
    } else {
      metrics[name] = text;
    }
  }
  return metrics;
}

std::optional<double> ReadBound(sdk::Parameters& p, const std::string& name) {
  const auto bound = p.OptionalNumber(name);
  if (bound && !(*bound >= 0)) p.Fail(name + ": must be 0 or above");
  return bound;
}

}  // namespace

Result<Options> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  Options o;
  o.slices = ReadSlices(p);
  o.min_slice_rows = std::size_t(p.Integer("minSliceRows", 50, 1, INT32_MAX));
  o.threshold = p.OptionalNumber("threshold");
  if (o.threshold && !(*o.threshold >= 0 && *o.threshold <= 1)) {
    p.Fail("threshold: must be from 0 to 1");
  }
  o.person = p.OptionalNumber("person");
  o.required = p.OptionalNumber("required");
  o.measure.confidence = p.Number("confidence", 0.95, 0.5, 0.9999);
  o.measure.within = ReadBound(p, "within");
  o.measure.within_percent = ReadBound(p, "withinPercent");
  o.weight = p.String("weight", "");
  o.worst_depth = std::size_t(p.Integer("worstSlices", 2, 0, 3));
  o.fairness = p.Strings("fairness");
  o.importance_repeats = int(p.Integer("importance", 5, 0, 100));
  if (o.importance_repeats == 1) {
    p.Fail("importance: one shuffle has no interval; take 2 or more, or 0 for none");
  }
  o.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  o.sql_metrics = ReadSqlMetrics(p);
  o.on_refused = p.OneOf("onRefusedRow", "Fail", {"Fail", "Count"}) == "Count" ? OnRefused::kCount
                                                                               : OnRefused::kFail;
  PENSTOCK_TRY(p.Finish());
  return o;
}

}  // namespace penstock::evaluate
