#include "operator/plan/attempt/pod_fact.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "operator/api/codec.h"
#include "operator/base/json_member.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::plan {
namespace {

constexpr std::size_t kMaxText = 4096;

// Reading never throws: a pod is what others wrote.
std::string Text(const Json& j, const char* key) {
  const Json& v = Member(j, key);
  return v.is_string() ? v.get<std::string>().substr(0, kMaxText) : "";
}

std::optional<TimePoint> Time(const Json& j, const char* key) {
  auto t = ParseTime(Text(j, key));
  return t ? std::optional(*t) : std::nullopt;
}

PodPhase PhaseOf(const std::string& phase) {
  if (phase == "Running") return PodPhase::kRunning;
  if (phase == "Succeeded") return PodPhase::kSucceeded;
  if (phase == "Failed") return PodPhase::kFailed;
  if (phase == "Unknown") return PodPhase::kUnknown;
  return PodPhase::kPending;
}

const Json* ContainerStatus(const Json& status, const char* list, const std::string& name) {
  const Json& all = Member(status, list);
  if (!all.is_array()) return nullptr;
  for (const Json& one : all)
    if (Text(one, "name") == name) return &one;
  return nullptr;
}

void ReadWaiting(const Json& container, PodFact& fact) {
  const Json& waiting = Member(Member(container, "state"), "waiting");
  if (waiting.is_null()) return;
  fact.waiting_reason = Text(waiting, "reason");
  fact.waiting_message = Text(waiting, "message");
}

// Whether a container of the pod that is not ours has not ended. Native sidecars are init
// containers, which the kubelet ends by itself.
bool OthersGoOn(const Json& status, const std::vector<std::string>& ours) {
  const Json& all = Member(status, "containerStatuses");
  return all.is_array() && std::any_of(all.begin(), all.end(), [&](const Json& one) {
           return std::find(ours.begin(), ours.end(), Text(one, "name")) == ours.end() &&
                  Member(Member(one, "state"), "terminated").is_null();
         });
}

// The containers of the step, in their order, as their pod names them.
std::vector<std::string> OursOf(const std::string& annotation) {
  std::vector<std::string> ours;
  if (const auto names = ParseJson(annotation.empty() ? "[]" : annotation, kAnnotationContainers);
      names && names->is_array())
    for (const Json& name : *names)
      if (name.is_string()) ours.push_back(kTurnPrefix + name.get<std::string>());
  if (ours.empty()) ours.push_back(kStepContainer);
  return ours;
}

const Json& EndOf(const Json& container) {
  return Member(Member(container, "state"), "terminated");
}

void ReadEnd(const Json& end, PodFact& fact) {
  const Json& code = Member(end, "exitCode");
  if (code.is_number_integer()) fact.exit_code = Clamped(code, INT_MIN, INT_MAX);
  fact.termination_message = Text(end, "message");
  fact.terminated_reason = Text(end, "reason");
  fact.oom_killed = fact.terminated_reason == "OOMKilled";
  fact.finished = Time(end, "finishedAt");
}

// Several in turn have ended when all have; the first that failed is the one that counts. Those
// behind it end at once; one before it that goes on (it waits for a container that died before its
// turn) would never end by itself, as where somebody injects a container. A pod that has ended may
// have containers that never started.
void ReadSteps(const Json& status, const std::vector<std::string>& ours, PodFact& fact) {
  const Json* last = nullptr;
  const Json* failed = nullptr;
  bool all_started = true;
  bool all_ended = true;
  for (const std::string& name : ours) {
    const Json* one = ContainerStatus(status, "containerStatuses", name);
    if (one == nullptr) {
      all_started = all_ended = false;
      continue;
    }
    if (fact.waiting_reason.empty() || fact.waiting_reason == "PodInitializing" ||
        fact.waiting_reason == "ContainerCreating")
      ReadWaiting(*one, fact);
    const Json& end = EndOf(*one);
    if (end.is_null()) {
      all_ended = false;
      const auto started = Time(Member(Member(*one, "state"), "running"), "startedAt");
      all_started = all_started && started;
      if (!fact.started) fact.started = started;
      continue;
    }
    if (!fact.started) fact.started = Time(end, "startedAt");
    last = &end;
    if (failed == nullptr && Member(end, "exitCode") != 0) {
      failed = &end;
      if (ours.size() > 1) fact.container = name.substr(std::string_view(kTurnPrefix).size());
    }
  }
  // The first program waits until all are there.
  if (!all_started && !HasEnded(fact)) fact.started.reset();
  if (failed != nullptr && !fact.deleting) fact.outlived = !all_ended;
  if (failed != nullptr && (all_ended || fact.outlived || HasEnded(fact)))
    return ReadEnd(*failed, fact);
  if (last != nullptr && (all_ended || HasEnded(fact))) ReadEnd(*last, fact);
}

// "PodInitializing" of the step says nothing; what an init container waits for does.
void ReadInitWaiting(const Json& status, PodFact& fact) {
  const Json& all = Member(status, "initContainerStatuses");
  if (!all.is_array()) return;
  for (const Json& one : all) {
    const std::string name = Text(one, "name");
    if (name != kInstallContainer && !name.starts_with(kSidecarPrefix)) continue;
    PodFact init;
    ReadWaiting(one, init);
    if (init.waiting_reason.empty() || init.waiting_reason == "PodInitializing") continue;
    fact.waiting_reason = init.waiting_reason;
    fact.waiting_message = init.waiting_message;
    return;
  }
}

void ReadContainers(const Json& status, const std::vector<std::string>& ours, PodFact& fact) {
  ReadSteps(status, ours, fact);
  ReadInitWaiting(status, fact);
  const Json* install = ContainerStatus(status, "initContainerStatuses", kInstallContainer);
  if (install == nullptr) return;
  const Json& end = Member(Member(*install, "state"), "terminated");
  if (!end.is_null() && Member(end, "exitCode") != 0 && !fact.exit_code) {
    fact.pod_message = "the init container that installs the launcher ended with exit code " +
                       Member(end, "exitCode").dump() + " " + Text(end, "message");
    if (!fact.finished) fact.finished = Time(end, "finishedAt");
  }
}

// A kubelet reports the end of a container, stops the pod's sandbox, and only then says that the
// pod has succeeded: a second later, or never where somebody injects a sidecar that goes on. A
// container that is never restarted and ended with 0 is the end of the attempt. One that failed
// waits for the pod's own word, which tells an eviction from the user's failure; where the pod is
// outlived, for a while only (step_facts.h).
bool StepSucceeded(const PodFact& fact) {
  return fact.phase != PodPhase::kFailed && fact.finished && fact.exit_code == 0;
}

void ReadConditions(const Json& status, PodFact& fact) {
  const Json& conditions = Member(status, "conditions");
  if (!conditions.is_array()) return;
  for (const Json& c : conditions) {
    const std::string type = Text(c, "type");
    const bool yes = Text(c, "status") == "True";
    if (type == "DisruptionTarget" && yes) {
      fact.disrupted = true;
      if (fact.pod_message.empty()) fact.pod_message = Text(c, "message");
    }
    if (type == "PodScheduled" && Text(c, "status") == "False" && fact.waiting_reason.empty()) {
      fact.waiting_reason = Text(c, "reason");
      fact.waiting_message = Text(c, "message");
    }
    if (type == "Ready") {
      fact.ready = yes;
      fact.ready_since = Time(c, "lastTransitionTime");
    }
    // The node controller sets this when the kubelet no longer answers.
    if (type == "Ready" && Text(c, "reason") == "NodeLost") fact.node_lost = true;
  }
}

}  // namespace

Spent DecodeSpent(const std::string& text) {
  Spent spent;
  auto j = ParseJson(text.empty() ? "{}" : text, kAnnotationSpent);
  if (!j || !j->is_object()) return spent;
  const auto read = [&](const char* key, int& out) {
    const Json& v = Member(*j, key);
    if (v.is_number_integer()) out = Clamped(v, 0, 1'000'000);
  };
  read("user", spent.user);
  read("outOfMemory", spent.out_of_memory);
  read("infrastructure", spent.infrastructure);
  read("timeout", spent.timeout);
  return spent;
}

std::string EncodeSpent(const Spent& s) {
  return Json{{"user", s.user},
              {"outOfMemory", s.out_of_memory},
              {"infrastructure", s.infrastructure},
              {"timeout", s.timeout}}
      .dump();
}

PodFact DecodePod(const Json& pod) {
  const api::ObjectMeta meta = api::DecodeMeta(pod);
  const auto label = [&](const char* key) {
    const auto it = meta.labels.find(key);
    return it == meta.labels.end() ? std::string() : it->second;
  };
  const auto note = [&](const char* key) {
    const auto it = meta.annotations.find(key);
    return it == meta.annotations.end() ? std::string() : it->second;
  };
  PodFact fact;
  fact.name = meta.name;
  fact.uid = meta.uid;
  fact.step = label(kLabelStep);
  fact.daemon = label(kLabelDaemon) == "true";
  if (const std::string item = label(kLabelItem); !item.empty())
    fact.item = std::max(0, std::atoi(item.c_str()));
  fact.attempt = std::max(1, std::atoi(label(kLabelAttempt).c_str()));
  fact.spent = DecodeSpent(note(kAnnotationSpent));
  fact.cache_key = note(kAnnotationCacheKey);
  fact.settled_key = note(kAnnotationSettledKey);
  if (auto sources = ParseJson(note(kAnnotationCacheSources), "sources")) {
    fact.cache_base = Text(*sources, "base");
    for (const auto& [input, uri] : Member(*sources, "uris").items())
      if (uri.is_string()) fact.source_uris[input] = uri;
  }
  fact.locks = DecodeHeldLocks(note(kAnnotationLocks));
  fact.remakes_damage = note(kAnnotationCacheMiss) == kDamaged;
  fact.deleting = meta.deleted.has_value();
  fact.gone_by = meta.deleted;
  fact.created = meta.created;
  const Json& status = Member(pod, "status");
  fact.phase = PhaseOf(Text(status, "phase"));
  fact.pod_reason = Text(status, "reason");
  fact.pod_message = Text(status, "message");
  fact.address = Text(status, "podIP");
  const auto ours = OursOf(note(kAnnotationContainers));
  ReadContainers(status, ours, fact);
  fact.outlived =
      !HasEnded(fact) && (fact.outlived || (fact.exit_code && OthersGoOn(status, ours)));
  if (StepSucceeded(fact)) fact.phase = PodPhase::kSucceeded;
  ReadConditions(status, fact);
  if (fact.pod_reason == "NodeLost") fact.node_lost = true;
  return fact;
}

}  // namespace penstock::plan
