// Judges one attempt by its pod and its receipt: is it live, has it succeeded, how did it fail.
// The termination message is parsed as hostile input. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/retry_plan.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// What the store said when it was asked for the receipt of a pod.
struct ReceiptAnswer {
  std::optional<Receipt> receipt;  // nullopt: the store says there is none
};

enum class Verdict : std::uint8_t {
  kLive,          // not ended yet
  kNeedsReceipt,  // the store must say whether there is a receipt under the pod's name
  kSucceeded,
  kFailed,
};

struct Judgement {
  Verdict verdict = Verdict::kLive;
  Receipt receipt;  // kSucceeded: checked, only declared outputs and results
  // kFailed:
  FailureClass failure = FailureClass::kInfrastructure;
  bool may_retry = true;  // false: it would end the same way
  std::string reason;     // CamelCase
  std::string
      message;  // one shown line; names the exit code where there is one, and the last words
  std::string damaged;  // digest of an input that is damaged in the store
  // kFailed of class kUser: what the program ended with; nothing where that was not its exit code.
  std::optional<int> exit_code;
  // kSucceeded: one shown line, of what went wrong all the same (a process that the kernel killed
  // for lack of memory, a container that was allowed to fail). Mostly empty.
  std::string note;
  // The results that it had written, checked: only declared ones.
  std::map<std::string, Json> results;
};

// `receipt` is null while the store has not been asked.
[[nodiscard]] Judgement JudgePod(const PodFact& pod, const ResolvedStep& step,
                                 const std::string& run_uid, const ReceiptAnswer* receipt);

// Of a pod that a live GET did not find.
[[nodiscard]] Judgement JudgeVanished(const std::string& pod, int attempt, const ResolvedStep& step,
                                      const std::string& run_uid, const ReceiptAnswer* receipt);

// A receipt against what the step declares: a success, or the failure that it is.
[[nodiscard]] Judgement JudgeReceipt(Receipt receipt, const ResolvedStep& step);

}  // namespace penstock::plan
