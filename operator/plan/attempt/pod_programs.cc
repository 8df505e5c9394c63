#include "operator/plan/attempt/pod_programs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "operator/base/sha256.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

constexpr int kInfrastructureRetries = 5;
constexpr double kMiB = 1024.0 * 1024.0;

const Json* Find(const Json& resources, const char* section, const std::string& name) {
  if (!resources.is_object() || !resources.contains(section)) return nullptr;
  const auto it = resources.at(section).find(name);
  return it == resources.at(section).end() ? nullptr : &*it;
}

// Of CPU in thousandths, of all else in whole units, rounded up.
std::string Quantity(const std::string& name, double amount) {
  if (amount <= 0) return "0";
  // What is left of a difference of two quantities is no thousandth more.
  const double exact = name == "cpu" ? amount * 1000 : amount;
  const auto whole = static_cast<std::int64_t>(std::ceil(exact - 1e-6));
  return std::to_string(whole) + (name == "cpu" ? "m" : "");
}

bool ScalesMemory(const ResolvedStep& step, const Spent& spent) {
  return step.retry.out_of_memory.memory_factor.value_or(1) > 1 && spent.out_of_memory > 0;
}

void ScaleMemory(Json& resources, double factor) {
  for (const char* section : {"requests", "limits"})
    if (const Json* memory = Find(resources, section, "memory"))
      if (const auto bytes = ParseQuantity(*memory))
        resources[section]["memory"] =
            std::to_string(static_cast<std::int64_t>(std::ceil(*bytes * factor / kMiB))) + "Mi";
}

// After retries of a class none is left.
bool IsLast(const ResolvedStep& step, const Spent& spent) {
  const RetryPolicy policy = PolicyOf(step.retry);
  const auto used_up = [](int used, const RetryBudget& b) { return used > 0 && used >= b.limit; };
  return used_up(spent.user, policy.user) || used_up(spent.out_of_memory, policy.out_of_memory) ||
         used_up(spent.infrastructure, policy.infrastructure) ||
         used_up(spent.timeout, policy.timeout);
}

Json Probe(const Json& readiness) {
  // Asked every second until it is ready; the step waits for it in the meantime, at most for its
  // timeouts.pending.
  Json probe{{"periodSeconds", 1}, {"failureThreshold", 86'400}, {"timeoutSeconds", 5}};
  if (readiness.contains("tcp")) probe["tcpSocket"] = {{"port", readiness.at("tcp")}};
  if (readiness.contains("http"))
    probe["httpGet"] = {{"port", readiness.at("http").at("port")},
                        {"path", readiness.at("http").value("path", "/")}};
  if (readiness.contains("exec")) probe["exec"] = {{"command", readiness.at("exec")}};
  return probe;
}

}  // namespace

RetryPolicy PolicyOf(const api::RetrySpec& retry) {
  const auto budget = [](const api::RetryBudget& b, int limit) {
    RetryBudget out{.limit = b.limit.value_or(limit)};
    if (b.backoff) out.base = *b.backoff;
    if (b.max_backoff) out.cap = *b.max_backoff;
    if (b.backoff_factor) out.factor = *b.backoff_factor;
    out.cap = std::max(out.cap, out.base);
    return out;
  };
  return {.user = budget(retry.user, 0),
          .out_of_memory = budget(retry.out_of_memory, 0),
          .infrastructure = budget(retry.infrastructure, kInfrastructureRetries),
          .timeout = budget(retry.timeout, 0)};
}

ResolvedStep ForAttempt(const ResolvedStep& step, const Spent& spent) {
  ResolvedStep shaped = step;
  if (ScalesMemory(step, spent)) {
    const double factor = std::pow(*step.retry.out_of_memory.memory_factor, spent.out_of_memory);
    ScaleMemory(shaped.resources, factor);
    for (api::StepContainer& c : shaped.containers) ScaleMemory(c.resources, factor);
    if (shaped.pod.is_object() && shaped.pod.contains("resources"))
      ScaleMemory(shaped.pod["resources"], factor);
  }
  if (step.retry.last_attempt && IsLast(step, spent)) {
    shaped.scheduling.node_selector = step.retry.last_attempt->node_selector;
    shaped.scheduling.tolerations = step.retry.last_attempt->tolerations;
  }
  return shaped;
}

std::vector<Json> InTurnResources(const ResolvedStep& step) {
  std::vector<Json> all;
  std::map<std::string, double> most;  // of those before
  for (const api::StepContainer& c : step.containers) {
    Json own = MergeResources(step.resources, c.resources);
    for (const char* name : {"cpu", "memory", "ephemeral-storage"}) {
      const Json* wanted = Find(own, "requests", name);
      if (wanted == nullptr) wanted = Find(own, "limits", name);
      const auto amount = wanted == nullptr ? std::nullopt : ParseQuantity(*wanted);
      if (!amount) continue;
      double& before = most[name];
      // Said even where it is nothing: Kubernetes takes the limit for a request that is not there.
      own["requests"][name] = before == 0 ? Json(*wanted) : Json(Quantity(name, *amount - before));
      before = std::max(before, *amount);
    }
    all.push_back(std::move(own));
  }
  return all;
}

Json ReadinessProbe(const api::DaemonSpec& daemon) {
  Json probe = Probe(daemon.readiness);
  probe["failureThreshold"] = 3;
  return probe;
}

Json Sidecar(const api::SidecarSpec& sidecar) {
  const api::ContainerSpec& p = sidecar.program;
  Json c{{"name", kSidecarPrefix + sidecar.name},
         {"image", p.image},
         {"restartPolicy", "Always"},
         {"securityContext", RestrictedContainer(false)}};
  const auto set = [&](const char* key, const auto& value) {
    if (!value.empty()) c[key] = value;
  };
  set("imagePullPolicy", p.image_pull_policy);
  set("command", p.command);
  set("args", p.args);
  set("workingDir", p.working_dir);
  set("env", p.env);
  set("envFrom", p.env_from);
  set("volumeMounts", p.volume_mounts);
  if (sidecar.resources.is_object()) c["resources"] = sidecar.resources;
  if (sidecar.readiness.is_object()) c["startupProbe"] = Probe(sidecar.readiness);
  return c;
}

void ApplyPod(const Json& pod, Json& metadata, Json& spec) {
  if (!pod.is_object()) return;
  for (const char* section : {"labels", "annotations"}) {
    if (!pod.contains(section)) continue;
    for (const auto& [key, value] : pod.at(section).items())
      if (!metadata[section].contains(key)) metadata[section][key] = value;
  }
  if (pod.contains("securityContext")) {
    const Json& wanted = pod.at("securityContext");
    Json& security = spec["securityContext"];
    if (wanted.contains("runAsUser"))
      for (const char* id : {"runAsUser", "runAsGroup", "fsGroup"})
        security[id] = wanted.at("runAsUser");
    security.update(wanted);
  }
  for (const char* field : {"hostAliases", "dnsPolicy", "dnsConfig", "resources", "resourceClaims"})
    if (pod.contains(field)) spec[field] = pod.at(field);
}

std::string ClaimName(const std::string& run, const std::string& run_uid,
                      const std::string& volume) {
  std::string name = run.substr(0, 100);
  std::replace(name.begin(), name.end(), '.', '-');
  return name + "-" + volume + "-" + Sha256Hex(run_uid + "\n" + volume).substr(0, 8);
}

Json BuildClaim(const api::PipelineRun& run, const api::RunVolume& volume) {
  const api::ClaimSpec claim = volume.claim.value_or(api::ClaimSpec{});
  Json spec{{"accessModes", claim.access_modes},
            {"resources", {{"requests", {{"storage", claim.size}}}}}};
  if (claim.access_modes.empty()) spec["accessModes"] = Json::array({"ReadWriteOnce"});
  if (!claim.storage_class_name.empty()) spec["storageClassName"] = claim.storage_class_name;
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata",
           {{"name", ClaimName(run.meta.name, run.meta.uid, volume.name)},
            {"namespace", run.meta.namespace_},
            {"labels", {{kLabelManaged, "true"}, {kLabelRunUid, run.meta.uid}}},
            {"ownerReferences", OwnedByRun(run)}}},
          {"spec", std::move(spec)}};
}

}  // namespace penstock::plan
