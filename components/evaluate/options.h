// The parameters of evaluate.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "components/evaluate/evaluation.h"
#include "components/sdk/step.h"

namespace penstock::evaluate {

struct Options {
  std::vector<std::vector<std::string>> slices;  // one column, or several that are crossed
  std::size_t min_slice_rows = 50;
  std::optional<double> threshold;
  std::optional<double> person;
  std::optional<double> required;
  MeasureOptions measure;
  std::string weight;                 // a column; empty: the one with that role, if any
  std::size_t worst_depth = 2;        // 0: no search
  std::vector<std::string> fairness;  // columns, besides those with the role protected
  int importance_repeats = 5;         // 0: none
  std::uint64_t seed = 0;
  std::map<std::string, std::string> sql_metrics;  // by name
  OnRefused on_refused = OnRefused::kFail;
};
// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

}  // namespace penstock::evaluate
