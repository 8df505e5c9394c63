// Steps for the tests of a run's plan.
#pragma once

#include <string>
#include <variant>

#include "operator/plan/run/testing/run_world.h"

namespace penstock::plan {

inline std::string Step(const std::string& name, const std::string& rest = "") {
  return "- {name: " + name + ", container: {image: \"" + kPinned + "\", command: [run, " + name +
         "]}, outputs: [{name: o, type: dataset, optional: true}], results: [{name: r, type: "
         "integer}]" +
         (rest.empty() ? "" : ", " + rest) + "}\n";
}
inline std::string After(const std::string& step) {
  return "inputs: {i: $(steps." + step + ".outputs.o)}";
}
inline const std::string kChain = "steps:\n" + Step("a") + Step("b", After("a"));

template <typename T>
int CountOf(const RunPlan& plan) {
  int n = 0;
  for (const auto& a : plan.actions) n += std::holds_alternative<T>(a) ? 1 : 0;
  return n;
}

}  // namespace penstock::plan
