// What is asked of a candidate before it gets any traffic: whether its signature takes and answers
// what the stable version's does, then gates of rows. operator/rollouts measures; here is what that
// means. Pure.
#pragma once

#include <string>

#include "operator/plan/model/world.h"

namespace penstock::plan {

// Reasons of a candidate that is held: it breaks the stable version's signature; what is asked of
// it was not decided within progressDeadline, and onInconclusive is Pause.
inline constexpr const char* kSignatureIncompatible = "SignatureIncompatible";
inline constexpr const char* kChecksUndecided = "ChecksUndecided";

enum class CheckEnd : std::uint8_t {
  kGoOn,    // nothing keeps it from traffic
  kWait,    // not known yet
  kHold,    // it gets none until somebody acts, or what is undecided is decided
  kRefuse,  // a gate fails
  kAbort,   // people want it gone
};
struct CheckOutcome {
  CheckEnd end = CheckEnd::kGoOn;
  std::string message;  // why, unless it goes on
  std::string reason;   // of kHold
};

// Looks at what was measured, fills the candidate's gates and message, the evidence, the questions
// to ask and the next look. A candidate whose stages have begun goes on. A signature that could not
// be compared and rows that could not be sent within progressDeadline do what onInconclusive says;
// penstock.dev/promote goes past them.
[[nodiscard]] CheckOutcome CheckBeforeTraffic(const ModelObserved& observed, TimePoint now,
                                              ModelPlan& plan);

// Why the signature of a version that comes in place of a stable one is not compared, as its event
// tells; empty: it is.
[[nodiscard]] std::string WhyNotCompared(const api::ModelDeploymentSpec& spec);

}  // namespace penstock::plan
