// What a step or a run waits for beside other steps: locks, people, time. Shapes only; what they
// mean stands in crds/ and in operator/plan/run. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/time.h"

namespace penstock::api {

struct ParameterSpec;

// A lock of the namespace, by its name. How many may hold it at a time stands in kLockSizes; one
// where nothing stands there.
struct LockRef {
  std::string name;
};
// The ConfigMap of a namespace with the sizes of its locks, by name.
inline constexpr const char* kLockSizes = "penstock-locks";
inline constexpr std::size_t kMaxLocks = 10;        // of a run, of a step
inline constexpr std::size_t kMaxRunLocks = 1'000;  // entries in the status of a run

// Either one person or all of a group, by the names that the API server has for them.
struct Approver {
  std::string user;
  std::string group;
};

// What becomes of a step that nobody has decided in time.
enum class ApprovalTimeout : std::uint8_t {
  kFail,
  kSkip,
  kApprove,  // with the defaults of its values
};

// A step that people decide. It has no pod.
struct ApprovalStep {
  std::string message;              // for those who decide; may hold references
  std::vector<Approver> approvers;  // empty: who may create Approvals in the namespace
  int need = 1;                     // different people
  bool not_by_submitter = false;    // who started the run does not count
  std::optional<Milliseconds> timeout;
  ApprovalTimeout on_timeout = ApprovalTimeout::kFail;
  std::vector<ParameterSpec> values;  // given with the approval: the step's results
};

// A step that waits for a time to pass. It has no pod.
struct WaitStep {
  std::optional<Milliseconds> duration;  // required
};

}  // namespace penstock::api
