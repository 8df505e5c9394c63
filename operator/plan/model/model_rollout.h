// The way of a candidate under traffic: its stage, what routers do for it, and what becomes of it.
// operator/plan/rollout judges; here is what that means for a ModelDeployment. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/plan/model/world.h"
#include "operator/plan/rollout/decision.h"

namespace penstock::plan {

// Stages stand between this candidate and all traffic. Not for the first version, and not where no
// router is needed.
[[nodiscard]] bool HasStages(const ModelObserved& observed, const ModelPlan& plan);

// Its stage was reached before; pods that fail since then take nothing back.
[[nodiscard]] bool HasBegun(const ModelObserved& observed, std::int64_t version);

// The version that the new servers of the stable one have beside a candidate in an experiment: a
// number of its own, far from all others, which no version gets that is rolled out.
inline constexpr std::int64_t kFirstBaseline = 1'000'000'000;
[[nodiscard]] inline bool IsBaseline(std::int64_t version) { return version > kFirstBaseline; }
// That of the plan's candidate, while it is in an experiment; 0: it is in none.
[[nodiscard]] std::int64_t BaselineOf(const ModelObserved& observed, const ModelPlan& plan);

// Moves the plan's candidate on: fills its stage, gates and message, the evidence, the questions to
// ask and the next look. kPromote and kRollBack are the caller's to do.
[[nodiscard]] rollout::Decision Advance(const ModelObserved& observed,
                                        const DeploymentFact& deployment, TimePoint now,
                                        ModelPlan& plan);

// status.traffic and the weights of both versions, as far as routers are wanted. `promoting`: all
// to the candidate.
void PutTraffic(const ModelObserved& observed, bool promoting, ModelPlan& plan);

// The version that people want back in place of the stable one (penstock.dev/undo), from the
// history. nullopt: nothing is undone. `note` says why a wish cannot be met.
[[nodiscard]] std::optional<api::ModelHistoryEntry> UndoOf(const api::ModelDeploymentStatus& status,
                                                           const std::string& wish,
                                                           std::string* note);

// What an annotation says of a version: "8" of 8.
[[nodiscard]] bool Names(const api::ModelDeployment& md, const char* annotation,
                         const std::string& value);

}  // namespace penstock::plan
