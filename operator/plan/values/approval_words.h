// Decisions on the approval steps of a run, as its plan sees them. Value types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/approval.h"
#include "operator/base/time.h"

namespace penstock::plan {

// An Approval of the namespace that names the run's UID.
struct ApprovalFact {
  api::Approval approval;
  std::string wrong;  // what its decoder found; empty: nothing
};

// Whether the API server holds what objects say of people against who makes them.
struct ApprovalPolicy {
  bool by_hand = false;  // a local run: whoever runs it decides alone
  // Why it does not, or cannot be asked; empty: it does.
  std::string why_not = "whether the policy for Approvals is in force is not known yet";
  // Why it does not hold who started a run; empty: it does.
  std::string submitters_unknown = {};
  TimePoint since{};  // what was made before counts for nothing
  bool operator==(const ApprovalPolicy&) const = default;
};

struct ApprovalFacts {
  std::vector<ApprovalFact> made;
  ApprovalPolicy policy;
  // The oldest of the runs above this one, whose annotation it has.
  std::optional<TimePoint> above_created = {};
};

}  // namespace penstock::plan
