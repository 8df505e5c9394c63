// Places under parallelism of steps and items that hold locks and have no pod: between attempts, or
// where none could be made yet. Whoever took such a place could wait for that lock for ever. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/gate.h"
#include "operator/plan/run/run_steps.h"

namespace penstock::plan {

class HeldPlaces {
 public:
  // `locks`: those that the run's steps and items have, before anything starts.
  void Take(const std::vector<api::RunLock>& locks, const RunSteps& steps);

  [[nodiscard]] bool Has(const StepState& s) const;
  [[nodiscard]] int all() const { return all_; }
  [[nodiscard]] int OfStep(const std::string& step) const;
  // Of one that has a pod from now on, or ends.
  void Leave(const StepState& s);

 private:
  std::map<std::string, std::vector<std::optional<int>>> places_;  // items, by step
  int all_ = 0;
};

}  // namespace penstock::plan
