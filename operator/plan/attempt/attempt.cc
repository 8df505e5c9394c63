#include "operator/plan/attempt/attempt.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/value_schema.h"

namespace penstock::plan {
namespace {

constexpr std::size_t kMaxMessage = 2'200;  // 1 KiB of the launcher's and 1 KiB of the child's

Judgement Failed(FailureClass failure, std::string reason, const std::string& message) {
  Judgement j;
  j.verdict = Verdict::kFailed;
  j.failure = failure;
  j.reason = std::move(reason);
  j.message = Shown(message, kMaxMessage);
  return j;
}

Judgement Infrastructure(std::string reason, const std::string& message) {
  return Failed(FailureClass::kInfrastructure, std::move(reason), message);
}

Judgement User(std::string reason, const std::string& message) {
  return Failed(FailureClass::kUser, std::move(reason), message);
}

Judgement ExitedWith(int exit_code, std::string reason, const std::string& message) {
  Judgement j = User(std::move(reason), message);
  if (exit_code != 0) j.exit_code = exit_code;
  return j;
}

Judgement Is(Verdict verdict) {
  Judgement j;
  j.verdict = verdict;
  return j;
}

bool IsOf(const Receipt& r, const std::string& pod, int attempt, const std::string& step,
          const std::string& run_uid) {
  return r.pod == pod && r.attempt == attempt && r.step == step && r.run_uid == run_uid;
}

// What the child wrote last to its standard error, which says more than its exit code.
std::string LastWords(const TerminationMessage& m) {
  const std::string words = ShownEnd(m.last_words, kMaxLastWords);
  return words.empty() ? "" : "; its last words: \"" + words + "\"";
}

// Of a program that ended well and left what is not as it is declared: the launcher says of what.
std::string ReasonOfWhatWasLeft(const std::string& message) {
  if (message.starts_with("result '")) return "ResultInvalid";
  if (!message.starts_with("output '")) return "ExitCode";
  return message.find("was not written") != std::string::npos ? "OutputMissing" : "OutputInvalid";
}

// What the message says of an attempt that did not succeed.
Judgement JudgeMessage(const TerminationMessage& m) {
  const std::string said = (m.message.empty() ? "" : ": " + Shown(m.message)) + LastWords(m);
  const std::string code = "exit code " + std::to_string(m.exit_code);
  if (m.oom_killed && m.outcome != TaskOutcome::kTimedOut)
    return Failed(FailureClass::kOutOfMemory, "OutOfMemory", "out of memory (" + code + ")" + said);
  switch (m.outcome) {
    case TaskOutcome::kTimedOut:
      return Failed(FailureClass::kTimeout, "TimedOut", "timeouts.attempt has passed" + said);
    case TaskOutcome::kFailed:
      if (m.no_space) return User("DiskFull", "the disk is full (" + code + ")" + said);
      if (m.exit_code != 0) return ExitedWith(m.exit_code, "ExitCode", code + said);
      return User(ReasonOfWhatWasLeft(m.message),
                  (m.message.empty() ? code : Shown(m.message)) + LastWords(m));
    case TaskOutcome::kCancelled:
      return Infrastructure("Terminated", "it was ended from outside" + said);
    case TaskOutcome::kInvalid: {
      Judgement j = User("InvalidTask", "the step cannot be carried out as written" + said);
      j.may_retry = false;
      return j;
    }
    case TaskOutcome::kInfrastructure: {
      Judgement j = m.no_space ? Infrastructure("DiskFull", "the disk is full" + said)
                               : Infrastructure("LauncherFailed",
                                                "the launcher could not carry it out" + said);
      j.damaged = m.damaged;
      return j;
    }
    case TaskOutcome::kSucceeded:
      break;
  }
  return Infrastructure("BadMessage", "a success that failed");
}

bool IsInfrastructureReason(std::string_view reason) {
  constexpr std::array<std::string_view, 12> kReasons{
      "Evicted",    "NodeLost",     "NodeShutdown", "Shutdown",
      "Terminated", "NodeAffinity", "Preempting",   "UnexpectedAdmissionError",
      "OutOfcpu",   "OutOfmemory",  "OutOfpods",    "OutOfephemeral-storage"};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end() ||
         reason.rfind("OutOf", 0) == 0;
}

std::string ExitText(const PodFact& pod) {
  std::string text = pod.container.empty() ? "" : "container '" + Shown(pod.container) + "': ";
  text += pod.exit_code ? "exit code " + std::to_string(*pod.exit_code) : "no exit code";
  if (!pod.terminated_reason.empty()) text += " (" + pod.terminated_reason + ")";
  if (!pod.pod_message.empty()) text += ": " + pod.pod_message;
  return text;
}

// The pod's own deadline (spec.activeDeadlineSeconds), ours or one that somebody else set.
constexpr const char* kDeadline = "DeadlineExceeded";
Judgement JudgeDeadline(const PodFact& pod) {
  return Failed(FailureClass::kTimeout, "TimedOut",
                "the pod's deadline has passed: " + pod.pod_message);
}

// A kubelet that lacks something evicts a pod and calls it the target of a disruption (Kubernetes
// 1.26 and newer). One that evicts a pod because it has outgrown the limit of an emptyDir, or its
// limits.ephemeral-storage, does not: that is the step's own doing.
bool IsOverItsOwnLimit(const PodFact& pod) { return pod.pod_reason == "Evicted" && !pod.disrupted; }

Judgement JudgeOverLimit(const PodFact& pod) {
  return User("StorageLimit", pod.pod_message.empty()
                                  ? "its pod was evicted for using more storage than its limits"
                                  : pod.pod_message);
}

// Of a pod that ended without a message that says how.
Judgement JudgeSilent(const PodFact& pod) {
  if (pod.oom_killed)
    return Failed(FailureClass::kOutOfMemory, "OutOfMemory", "out of memory, " + ExitText(pod));
  if (pod.pod_reason == kDeadline) return JudgeDeadline(pod);
  if (!pod.exit_code)
    return Infrastructure(pod.pod_reason.empty() ? "PodFailed" : pod.pod_reason,
                          "the step's container was not run" +
                              (pod.pod_message.empty() ? "" : ": " + pod.pod_message));
  if (*pod.exit_code == 0)
    return Infrastructure("NoMessage",
                          "exit code 0, but the launcher left no message and no receipt");
  // SIGKILL and SIGTERM without a word from the launcher came from outside.
  if (*pod.exit_code == 137 || *pod.exit_code == 143)
    return Infrastructure("Killed", "the container was killed, " + ExitText(pod));
  return ExitedWith(
      *pod.exit_code,
      pod.terminated_reason == "StartError" || pod.terminated_reason == "ContainerCannotRun"
          ? pod.terminated_reason
          : "ExitCode",
      ExitText(pod) + (pod.termination_message.empty()
                           ? ""
                           : ": " + Shown(pod.termination_message.text(), 256)));
}

Judgement FromStore(const std::string& pod, int attempt, const ResolvedStep& step,
                    const std::string& run_uid, const ReceiptAnswer* answer,
                    const Judgement& otherwise) {
  if (answer == nullptr) return Is(Verdict::kNeedsReceipt);
  if (answer->receipt && IsOf(*answer->receipt, pod, attempt, step.name, run_uid))
    return JudgeReceipt(*answer->receipt, step);
  return otherwise;
}

Judgement JudgeSaidSuccess(const PodFact& pod, const ResolvedStep& step, const std::string& run_uid,
                           const ReceiptAnswer* answer, const TerminationMessage& message) {
  if (message.receipt && IsOf(*message.receipt, pod.name, pod.attempt, step.name, run_uid))
    return JudgeReceipt(*message.receipt, step);
  return FromStore(
      pod.name, pod.attempt, step, run_uid, answer,
      Infrastructure("NoReceipt", "the launcher said success, but the store has no receipt"));
}

}  // namespace

Judgement JudgeReceipt(Receipt receipt, const ResolvedStep& step) {
  // What a run within has given is as its own Pipeline declares it, which may be a newer state of
  // it than this run was resolved with.
  if (step.nested) {
    Judgement j = Is(Verdict::kSucceeded);
    j.receipt = std::move(receipt);
    return j;
  }
  std::erase_if(receipt.outputs,
                [&](const OutputRecord& o) { return step.Output(o.name) == nullptr; });
  for (const api::OutputSpec& declared : step.outputs) {
    const auto has = [&](const OutputRecord& o) { return o.name == declared.name; };
    const auto it = std::find_if(receipt.outputs.begin(), receipt.outputs.end(), has);
    if (it == receipt.outputs.end()) {
      if (!declared.optional)
        return User("OutputMissing", "the output '" + declared.name + "' was not written");
      continue;
    }
    it->type = declared.type;
  }
  Json results = Json::object();
  for (const api::ResultSpec& declared : step.results) {
    if (!receipt.results.contains(declared.name)) continue;
    const Json& value = receipt.results.at(declared.name);
    if (auto wrong = CheckAgainst(SchemaOf(declared), value))
      return User("ResultInvalid", "the result '" + declared.name + "': " + *wrong);
    results[declared.name] = value;
  }
  receipt.results = std::move(results);
  Judgement j = Is(Verdict::kSucceeded);
  j.receipt = std::move(receipt);
  return j;
}

Judgement JudgePod(const PodFact& pod, const ResolvedStep& step, const std::string& run_uid,
                   const ReceiptAnswer* answer) {
  const bool ended = pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed;
  // A node that is gone reports nothing any more: what the store says is all there will be.
  const bool lost = !ended && pod.node_lost && pod.deleting;
  if (!ended && !lost) return Is(Verdict::kLive);
  if (lost)
    return FromStore(pod.name, pod.attempt, step, run_uid, answer,
                     Infrastructure("NodeLost", "its node is gone"));

  const bool disrupted = pod.disrupted || IsInfrastructureReason(pod.pod_reason);
  const std::string why = pod.pod_reason.empty() ? "Disrupted" : pod.pod_reason;
  const auto disruption = [&] {
    if (IsOverItsOwnLimit(pod)) return JudgeOverLimit(pod);
    return Infrastructure(why, pod.pod_message.empty() ? "its pod was evicted" : pod.pod_message);
  };
  const auto& message = pod.termination_message.Read();
  if (!message) {
    if (pod.oom_killed) return JudgeSilent(pod);
    // A protocol that is no longer ours, or text of the child's: the receipt decides.
    Judgement otherwise = disrupted ? disruption() : JudgeSilent(pod);
    const auto json = ParseJson(pod.termination_message.text(), "message");
    if (!disrupted && json && json->is_object())  // a launcher's, of another protocol
      otherwise = Infrastructure("BadMessage", message.error().message);
    return FromStore(pod.name, pod.attempt, step, run_uid, answer, otherwise);
  }
  if (message->outcome == TaskOutcome::kSucceeded) {
    Judgement j = JudgeSaidSuccess(pod, step, run_uid, answer, *message);
    if (j.verdict == Verdict::kSucceeded) j.note = Shown(message->message, kMaxMessage);
    return j;
  }
  if (pod.oom_killed) {
    Judgement j = JudgeSilent(pod);
    j.message = Shown(j.message + LastWords(*message), kMaxMessage);
    return j;
  }
  // The kubelet's SIGTERM at the pod's deadline is all that the launcher knows of it.
  if (pod.pod_reason == kDeadline && message->outcome == TaskOutcome::kCancelled)
    return JudgeDeadline(pod);
  if (disrupted && message->outcome != TaskOutcome::kTimedOut && !message->oom_killed)
    return disruption();
  Judgement j = JudgeMessage(*message);
  for (const api::ResultSpec& declared : step.results) {
    const auto it = message->results.find(declared.name);
    if (it != message->results.end() && !CheckAgainst(SchemaOf(declared), *it))
      j.results[declared.name] = *it;
  }
  return j;
}

Judgement JudgeVanished(const std::string& pod, int attempt, const ResolvedStep& step,
                        const std::string& run_uid, const ReceiptAnswer* answer) {
  return FromStore(pod, attempt, step, run_uid, answer,
                   Infrastructure("PodVanished",
                                  "its pod " + pod + " is gone and left no receipt in the store"));
}

}  // namespace penstock::plan
