// What a search of MLflow's asks: "metrics.auc > 0.8 and params.model = 'mlp'", of whatever is
// searched. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/metadata/tracked_values.h"

namespace penstock::gateway {

struct Comparison {
  enum class Of : std::uint8_t { kAttribute, kParameter, kTag, kMetric } of = Of::kAttribute;
  std::string name;
  std::string how;   // = != < <= > >= LIKE ILIKE
  std::string text;  // what it is compared with: a text, or a number as it was written
  double number = 0;
};
using Comparisons = std::vector<Comparison>;  // all must hold

// What something is searched by, beside its tags.
struct SearchedBy {
  std::vector<std::string> texts, numbers;  // its attributes
  bool values = false;                      // whether it has parameters and metrics
  std::map<std::string, std::string> same;  // other names of attributes, each with what it stands
                                            // for
};

// Invalid says where it cannot be read, or names what it is not searched by.
[[nodiscard]] Result<Comparisons> ParseComparisons(const std::string& text, const SearchedBy& by);

// One of "metrics.auc DESC".
struct Order {
  Comparison by;  // without a comparison
  bool down = false;
};
[[nodiscard]] Result<Order> ParseOrder(const std::string& text, const SearchedBy& by);

// A value of something that is searched: a text, or a number too.
struct SearchedValue {
  std::string text;
  std::optional<double> number;
};
using MaybeValue = std::optional<SearchedValue>;
[[nodiscard]] MaybeValue TextIn(const std::map<std::string, std::string>& map,
                                const std::string& name);
[[nodiscard]] MaybeValue MetricIn(const metadata::NewestMetrics& metrics, const std::string& name);
[[nodiscard]] SearchedValue NumberValue(std::int64_t number);

// No comparison holds of what is not there.
[[nodiscard]] bool Holds(const MaybeValue& value, const Comparison& comparison);
// -1, 0 or 1; what is not there comes last in either direction, and before it what is no number.
[[nodiscard]] int CompareValues(const MaybeValue& a, const MaybeValue& b, bool down);

}  // namespace penstock::gateway
