// What the decisions of people make of an approval step: approved, rejected, or how far it is.
// Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/gate.h"
#include "operator/api/pipeline_run.h"
#include "operator/plan/values/approval_words.h"

namespace penstock::plan {

struct ApprovalVerdict {
  enum class Kind : std::uint8_t { kWaits, kApproved, kRejected } kind = Kind::kWaits;
  std::vector<std::string> by;         // who approved so far, in order; of kRejected who did
  std::string comment;                 // of who rejected
  std::map<std::string, Json> values;  // of kApproved: all of them that are there
  std::vector<std::string> refused;    // decisions that do not count, a sentence each
};

// Of a step that waits since `begun`; what was decided after `until` does not count.
[[nodiscard]] ApprovalVerdict JudgeApprovals(const api::ApprovalStep& step,
                                             const std::string& step_name,
                                             const api::PipelineRun& run,
                                             const ApprovalFacts& facts, TimePoint begun,
                                             std::optional<TimePoint> until);

// Why a decision would not count, as far as it and the step tell; empty: nothing is known against
// it. `submitter` of the run: empty where it is not known.
[[nodiscard]] std::string WhyNotCounted(const api::ApprovalStep& step, const api::ApprovalSpec& by,
                                        const std::string& submitter);

// The values of an approval that nobody gave: defaults.
[[nodiscard]] std::map<std::string, Json> DefaultsOf(const api::ApprovalStep& step);

// "2 of: alice, group ml-leads".
[[nodiscard]] std::string WhoMayApprove(const api::ApprovalStep& step);

}  // namespace penstock::plan
