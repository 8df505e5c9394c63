// A person's decision of an approval step, as the Approval that says it. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/approval.h"
#include "operator/api/model_deployment.h"
#include "operator/base/json.h"

namespace penstock::views {

// Why the step of this run is not to be decided; empty: it is.
[[nodiscard]] std::string WhyNotToBeDecided(const Json& run, const std::string& step);

// Without comment and values. One a person: a second one meets the first.
[[nodiscard]] api::Approval DecisionOf(const Json& run, const std::string& step,
                                       api::Decision decision, const std::string& user,
                                       const std::vector<std::string>& groups);

// The same of the version that is coming in.
[[nodiscard]] std::string WhyNotToBeDecided(const api::ModelDeployment& md);
// The step at which that stands, where people decide it; nullptr: it is another, or none.
[[nodiscard]] const api::RolloutApproval* AskedOfPeople(const api::ModelDeployment& md);

// The same of the step at which a version of a ModelDeployment waits. `number` from 1.
[[nodiscard]] api::Approval RolloutDecisionOf(const api::ObjectMeta& md, std::int64_t version,
                                              int number, api::Decision decision,
                                              const std::string& user,
                                              const std::vector<std::string>& groups);

}  // namespace penstock::views
