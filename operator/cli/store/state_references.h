// What refers to the artifacts of a state folder: every object that stands in it, and the history
// of its runs. Used by one thread.
#pragma once

#include <chrono>

#include "operator/artifacts/gc/collection.h"
#include "operator/base/time.h"
#include "operator/cli/objects/state.h"

namespace penstock::cli {

class StateReferences : public artifacts::References {
 public:
  // Runs of the history that ended longer than `keep` ago refer to nothing. The clock must outlive
  // it.
  StateReferences(State state, const Clock& clock, std::chrono::seconds keep)
      : state_(std::move(state)), clock_(clock), keep_(keep) {}

  // An error names the object that cannot be read.
  [[nodiscard]] Result<void> Each(const std::string& ns, const TextSink& sink,
                                  const std::stop_token& stop) override;

 private:
  const State state_;
  const Clock& clock_;
  const std::chrono::seconds keep_;
};

}  // namespace penstock::cli
