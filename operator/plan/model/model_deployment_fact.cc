#include "operator/plan/model/model_deployment_fact.h"

#include <algorithm>
#include <charconv>
#include <climits>

#include "operator/api/codec.h"
#include "operator/base/json_member.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"

namespace penstock::plan {
namespace {

int Int(const Json& j, const char* key, int otherwise = 0) {
  const Json& v = Member(j, key);
  return v.is_number_integer() ? Clamped(v, INT_MIN, INT_MAX) : otherwise;
}

std::int64_t VersionOf(const std::string& text) {
  std::int64_t v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() ? v : 0;
}

std::string Get(const std::map<std::string, std::string>& map, const char* key) {
  const auto it = map.find(key);
  return it == map.end() ? "" : it->second;
}

bool IsOwned(const api::ObjectMeta& meta, const std::string& uid) {
  return std::any_of(meta.owners.begin(), meta.owners.end(),
                     [&](const auto& o) { return o.uid == uid && o.controller; });
}

void ReadEnd(const Json& status, ServingPodFact& fact) {
  fact.restarts += Int(status, "restartCount");
  if (!fact.last_container.empty()) return;
  for (const char* where : {"state", "lastState"}) {
    const Json& end = Member(Member(status, where), "terminated");
    // What was fetched at last does, however often it did not.
    if (!end.is_null() && Int(end, "exitCode") == 0 && TextAt(status, "name") == kFetchContainer)
      return;
    if (end.is_null() || Int(end, "exitCode") == 0) continue;
    fact.last_container = TextAt(status, "name");
    fact.last_exit_code = Int(end, "exitCode");
    fact.last_reason = Shown(TextAt(end, "reason"), 64);
    fact.last_message = Shown(TextAt(end, "message"), 512);
    return;
  }
}

void ReadContainer(const Json& status, ServingPodFact& fact) {
  const Json& waiting = Member(Member(status, "state"), "waiting");
  const std::string reason = TextAt(waiting, "reason");
  if (!reason.empty() && reason != "PodInitializing" && reason != "ContainerCreating") {
    fact.waiting_reason = reason;
    fact.waiting_message = Shown(TextAt(waiting, "message"));
  }
  // What somebody injected says nothing of the model.
  const std::string name = TextAt(status, "name");
  if (name == kServeContainer || name == kFetchContainer || name == kTransformerContainer)
    ReadEnd(status, fact);
  if (name == kServeContainer)
    fact.running = Member(Member(status, "state"), "running").is_object();
}

// A pod in its node's network may listen where others than us said.
void ReadAddress(const Json& pod, ServingPodFact& fact) {
  const Json& status = Member(pod, "status");
  if (TextAt(status, "podIP") != TextAt(status, "hostIP")) fact.address = TextAt(status, "podIP");
  const Json& containers = Member(Member(pod, "spec"), "containers");
  if (!containers.is_array()) return;
  for (const Json& container : containers)
    if (const Json& ports = Member(container, "ports"); ports.is_array())
      for (const Json& port : ports)
        if (TextAt(port, "name") == kTrafficPort) fact.traffic_port = Int(port, "containerPort");
}

void ReadCondition(const Json& condition, DeploymentFact& fact) {
  const std::string type = TextAt(condition, "type");
  const std::string status = TextAt(condition, "status");
  if (type == "ReplicaFailure" && status == "True")
    fact.replica_failure = Shown(TextAt(condition, "message"), 1024);
  if (type == "Progressing" && status == "False")
    fact.deadline_exceeded = TextAt(condition, "reason") == "ProgressDeadlineExceeded";
}

void ReadServicePort(const Json& port, ServiceFact& fact) {
  if (TextAt(port, "name") == kGrpcPort) {
    const Json& target = Member(port, "targetPort");
    fact.grpc_target = target.is_string() ? target.get<std::string>() : target.dump();
    return;
  }
  fact.secure |= TextAt(port, "name") == "https";
  fact.by_name &= TextAt(port, "targetPort") == kTrafficPort;
}

}  // namespace

std::optional<DeploymentFact> DecodeDeployment(const Json& d, const std::string& md_uid) {
  const api::ObjectMeta meta = api::DecodeMeta(d);
  DeploymentFact fact;
  fact.version = VersionOf(Get(meta.labels, kLabelModelVersion));
  if (!IsOwned(meta, md_uid) || fact.version <= 0) return std::nullopt;
  auto model = ParseModelRef(Get(meta.annotations, kAnnotationModelDigest));
  if (!model) return std::nullopt;
  fact.model = *std::move(model);
  fact.name = meta.name;
  fact.uid = meta.uid;
  fact.template_hash = Get(meta.annotations, kAnnotationTemplateHash);
  fact.deleting = meta.deleted.has_value();
  fact.generation = meta.generation;
  fact.created = meta.created;
  const Json& status = Member(d, "status");
  fact.observed_generation = Int(status, "observedGeneration");
  fact.spec_replicas = Int(Member(d, "spec"), "replicas", 1);
  fact.total_replicas = Int(status, "replicas");
  fact.updated_replicas = Int(status, "updatedReplicas");
  fact.ready_replicas = Int(status, "readyReplicas");
  fact.available_replicas = Int(status, "availableReplicas");
  fact.progress_deadline_seconds = Int(Member(d, "spec"), "progressDeadlineSeconds");
  if (const Json& conditions = Member(status, "conditions"); conditions.is_array())
    for (const Json& c : conditions) ReadCondition(c, fact);
  if (fact.observed_generation < fact.generation) {  // of what the Deployment was before
    fact.deadline_exceeded = false;
    fact.replica_failure.clear();
  }
  return fact;
}

std::optional<ServingPodFact> DecodeServingPod(const Json& pod) {
  const api::ObjectMeta meta = api::DecodeMeta(pod);
  ServingPodFact fact;
  fact.name = meta.name;
  fact.version = VersionOf(Get(meta.labels, kLabelModelVersion));
  if (fact.version <= 0 || Get(meta.labels, kLabelModelDeployment).empty()) return std::nullopt;
  fact.template_hash = Get(meta.annotations, kAnnotationTemplateHash);
  ReadAddress(pod, fact);
  const Json& status = Member(pod, "status");
  const std::string phase = TextAt(status, "phase");
  fact.ending = meta.deleted.has_value() || phase == "Failed" || phase == "Succeeded";
  for (const char* list : {"containerStatuses", "initContainerStatuses"})
    if (const Json& all = Member(status, list); all.is_array())
      for (const Json& one : all) ReadContainer(one, fact);
  if (const Json& conditions = Member(status, "conditions"); conditions.is_array())
    for (const Json& c : conditions) {
      if (TextAt(c, "type") == "Ready") fact.ready = TextAt(c, "status") == "True";
      if (TextAt(c, "type") == "PodScheduled" && TextAt(c, "status") == "False") {
        fact.waiting_reason = TextAt(c, "reason");
        fact.waiting_message = Shown(TextAt(c, "message"));
      }
    }
  return fact;
}

std::optional<ServiceFact> DecodeService(const Json& service, const std::string& md_uid) {
  const api::ObjectMeta meta = api::DecodeMeta(service);
  if (!IsOwned(meta, md_uid)) return std::nullopt;
  ServiceFact fact;
  const Json& selector = Member(Member(service, "spec"), "selector");
  fact.to_routers = !Member(selector, kLabelRouter).is_null();
  fact.version = VersionOf(fact.to_routers ? Get(meta.annotations, kLabelModelVersion)
                                           : TextAt(selector, kLabelModelVersion));
  if (const Json& ports = Member(Member(service, "spec"), "ports");
      ports.is_array() && !ports.empty())
    fact.target_port = Int(ports.front(), "targetPort");
  fact.labelled = meta.labels.contains(kLabelModelDeployment);
  if (const Json& ports = Member(Member(service, "spec"), "ports"); ports.is_array())
    for (const Json& port : ports) ReadServicePort(port, fact);
  return fact;
}

std::int64_t DecodeVersionService(const Json& service, const std::string& md_uid) {
  const api::ObjectMeta meta = api::DecodeMeta(service);
  return IsOwned(meta, md_uid) ? VersionOf(Get(meta.labels, kLabelModelVersion)) : 0;
}

bool HasGrpcPort(const Json& service) {
  const Json& ports = Member(Member(service, "spec"), "ports");
  return ports.is_array() && std::any_of(ports.begin(), ports.end(), [](const Json& port) {
           return TextAt(port, "name") == kGrpcPort;
         });
}

std::map<std::int64_t, int> CountEndpoints(const std::vector<Json>& slices,
                                           const std::vector<ServingPodFact>& pods) {
  static const Json::json_pointer kReady("/conditions/ready"), kPod("/targetRef/name");
  std::map<std::string, std::int64_t> versions;
  for (const auto& pod : pods) versions[pod.name] = pod.version;
  std::map<std::int64_t, int> endpoints;
  for (const Json& slice : slices)
    for (const Json& endpoint : Member(slice, "endpoints")) {
      if (!endpoint.value(kReady, true)) continue;
      const auto version = versions.find(endpoint.value(kPod, std::string()));
      if (version != versions.end()) ++endpoints[version->second];
    }
  return endpoints;
}

std::optional<std::string> DecodeStore(const Json& config_map, const std::string& md_uid) {
  if (!IsOwned(api::DecodeMeta(config_map), md_uid)) return std::nullopt;
  return TextAt(Member(config_map, "data"), kStoreKey);
}

}  // namespace penstock::plan
