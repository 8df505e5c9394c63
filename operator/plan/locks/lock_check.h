// What locks a run and its steps may take: each lock once, and, while something is held, only locks
// that come after it by their names. Who waits holds then nothing that somebody before them in that
// order waits for, so that no two runs wait for each other, nor one for itself. Pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/api/gate.h"
#include "operator/api/pipeline.h"

namespace penstock::plan {

// The last lock by name that a daemon of the pipeline holds while a step asks for its own.
struct HeldByDaemon {
  std::string lock;
  std::string daemon;  // its name
};
using LocksOfDaemons = std::map<std::string, HeldByDaemon>;  // by the step that asks

// Those of the spec and its steps, Pipelines in place included.
[[nodiscard]] std::vector<api::FieldError> CheckLocks(const api::PipelineSpec& spec,
                                                      const LocksOfDaemons& daemons);

// A Pipeline of the namespace or the library; null: there is none that is known.
using FindPipeline =
    std::function<std::shared_ptr<const api::Pipeline>(const std::string& name, bool library)>;
// What the Pipelines that steps name take under the locks that are held around them.
[[nodiscard]] std::vector<api::FieldError> CheckLocksOfNamed(const api::PipelineSpec& spec,
                                                             const LocksOfDaemons& daemons,
                                                             const FindPipeline& find);

// Why `lock` may not be asked for under `held`; empty: it may.
[[nodiscard]] std::string WhyNotUnder(const std::string& lock, const std::string& held);

// The last by name; empty: there is none.
[[nodiscard]] std::string LastOf(const std::vector<api::LockRef>& locks);

}  // namespace penstock::plan
