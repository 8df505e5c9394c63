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
  // Who said no among those refused, and is not known to be nobody who may: onTimeout: Approve does
  // not go past them. Empty: nobody.
  std::string refused_no;
};

// What waits: a run, or a version that a ModelDeployment rolls out.
struct ApprovalSubject {
  const api::ObjectMeta& meta;
  std::int64_t version = 0;  // of the ModelDeployment; 0: it is a run
  // The run whose submitter notBySubmitter means: itself, or that which made the model. Null: not
  // known.
  const api::ObjectMeta* submitted = nullptr;
};

// Of a step that waits since `begun`; an approval that was made after `until` does not count, a
// rejection does as long as the step waits.
[[nodiscard]] ApprovalVerdict JudgeApprovals(const api::ApprovalStep& step,
                                             const std::string& step_name,
                                             const ApprovalSubject& subject,
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

// Why no decision counts now; empty: they do.
[[nodiscard]] std::string WhyUnbound(const ApprovalPolicy& policy, TimePoint now);

// Why nobody's silence is consent yet at the end of the time (onTimeout: Approve): no decision
// would have counted, or somebody said no. Empty: it is.
[[nodiscard]] std::string WhyNoConsent(const ApprovalVerdict& verdict, const std::string& unbound);

// What it waits for, after `message`: by whom, who has approved so far, what does not count.
[[nodiscard]] std::string WaitText(const api::ApprovalStep& step, const std::string& message,
                                   const ApprovalVerdict& verdict, const std::string& unbound);
// kAwaitingApproval, kApprovalRefused or kApprovalUnbound.
[[nodiscard]] const char* WaitReason(const ApprovalVerdict& verdict, const std::string& unbound);

}  // namespace penstock::plan
