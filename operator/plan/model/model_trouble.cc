#include "operator/plan/model/model_trouble.h"

#include <algorithm>
#include <locale>

#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/model/uses_router.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

constexpr int kMaxRestarts = 3;
constexpr int kLoadFailure = 3;  // penstock-serve --exit-on-load-failure

// As a condition's reason must be; what others call it otherwise stands in the message.
std::string ReasonOf(const std::string& word) {
  const bool fits = !word.empty() && word.size() <= 64 &&
                    std::isalpha(word[0], std::locale::classic()) &&
                    std::all_of(word.begin(), word.end(),
                                [](char c) { return std::isalnum(c, std::locale::classic()); });
  return fits ? word : "Waiting";
}

// A key that the spec does not hold itself may be another one the next time.
bool HoldsItsKey(const api::ModelDeploymentSpec& spec) {
  return spec.verify && spec.verify->key && !spec.verify->key->config_map &&
         !spec.verify->key->secret;
}

Trouble OfEnd(const ServingPodFact& pod, const api::ModelDeploymentSpec& spec) {
  Trouble t;
  const bool ours = !spec.server.container;  // whose exit codes have a meaning
  const bool server = pod.last_container != kFetchContainer;
  if (!server && pod.last_exit_code == kNotSignedExit)  // whatever server comes after it
    return {"NotSigned", pod.last_message, HoldsItsKey(spec), true};
  t.own_fault = ours && pod.last_container == kServeContainer && pod.last_exit_code == kLoadFailure;
  t.reason = t.own_fault ? "LoadFailed" : server ? "CrashLoop" : "FetchFailed";
  if (pod.last_reason == "OOMKilled") t.reason = "OutOfMemory";
  t.lasting = server && pod.restarts >= kMaxRestarts;
  t.message = "exit code " + std::to_string(pod.last_exit_code);
  if (pod.last_reason == "OOMKilled") t.message += " (OOMKilled: above its memory limit)";
  if (!pod.last_message.empty()) t.message += ": " + pod.last_message;
  return t;
}

Trouble OfPod(const ServingPodFact& pod, const api::ModelDeploymentSpec& spec) {
  // A container that waits to be started again says less than how it ended; one that runs again may
  // have ended long ago.
  if (!pod.last_container.empty() &&
      (pod.waiting_reason.empty() || pod.waiting_reason == "CrashLoopBackOff")) {
    const Trouble end = OfEnd(pod, spec);
    return pod.running && !end.own_fault ? Trouble() : end;
  }
  if (pod.waiting_reason.empty()) return {};
  const std::string reason = ReasonOf(pod.waiting_reason);
  if (reason == pod.waiting_reason) return {reason, pod.waiting_message};
  return {reason, pod.waiting_reason + ": " + pod.waiting_message};
}

int Weight(const Trouble& t) { return t.own_fault ? 3 : t.lasting ? 2 : t.reason.empty() ? 0 : 1; }

}  // namespace

Trouble TroubleOf(const ModelObserved& observed, const DeploymentFact& deployment) {
  Trouble worst;
  for (const auto& pod : observed.pods) {
    if (pod.version != deployment.version || pod.ready || pod.ending) continue;
    // One that an earlier template made says nothing of what the spec says now.
    if (pod.template_hash != deployment.template_hash) continue;
    Trouble t = OfPod(pod, observed.md.spec);
    if (Weight(t) > Weight(worst)) worst = std::move(t);
  }
  if (worst.reason.empty() && !deployment.replica_failure.empty())
    return {"FailedCreate", deployment.replica_failure};
  return worst;
}

Trouble TroubleOfGuard(const ModelObserved& observed) {
  const api::ExposeSpec& expose = observed.md.spec.expose;
  if (!IsGuarded(observed.md.spec)) return {};
  if (observed.ready_routers == 0) return {"NoRouter", "no router of the namespace is ready"};
  Trouble waits;
  const auto look = [&](const rollout::GuardFact& fact, const char* reason, const char* what) {
    if (!fact.trouble.empty()) return Trouble{reason, fact.trouble, false, true};
    if (!fact.in_use) waits = {"Progressing", std::string("a router has not read ") + what};
    return Trouble();
  };
  int judged = 0;
  for (const RouterFact& router : observed.routers) {
    if (!router.ready) continue;
    ++judged;
    Trouble found;
    if (expose.tls)
      found = look(router.certificate, "CertificateUnusable", "the certificate of expose.tls yet");
    if (found.reason.empty() && expose.jwt)
      found = look(router.keys, "KeysUnusable", "the keys of expose.jwt yet");
    if (!found.reason.empty()) return found;
  }
  if (waits.reason.empty() && judged < observed.ready_routers)
    return {"Progressing", std::to_string(judged) + " of " +
                               std::to_string(observed.ready_routers) +
                               " routers that are ready tell what they guard it by"};
  return waits;
}

Trouble TroubleOfGrpc(const ModelObserved& observed) {
  if (!SpeaksGrpc(observed.md.spec) || !UsesRouter(observed.md.spec)) return {};
  const RouterFact* without = nullptr;
  bool any_with = false;
  for (const RouterFact& router : observed.routers) {
    if (!router.ready) continue;
    any_with |= router.speaks_grpc;
    if (!router.speaks_grpc && without == nullptr) without = &router;
  }
  if (without == nullptr) return {};
  return {"NoGrpcAtRouters",
          "router " + without->pod +
              " passes on no gRPC, which server.grpcPort asks for: its image was built without it "
              "(PENSTOCK_GRPC=OFF) or is of an earlier release",
          false, !any_with};
}

Trouble TroubleOf(const Refusal& refusal) {
  return {RefusalReason(refusal.why.kind), refusal.object + ": " + refusal.why.message, false,
          !PassesByItself(refusal.why.kind)};
}

}  // namespace penstock::plan
