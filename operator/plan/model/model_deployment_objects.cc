#include "operator/plan/model/model_deployment_objects.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/model/model_pod.h"
#include "operator/plan/model/uses_router.h"
#include "operator/plan/router/router_objects.h"

namespace penstock::plan {
namespace {

Json Owner(const api::ModelDeployment& md) {
  return Json::array({{{"apiVersion", api::kApiVersion},
                       {"kind", "ModelDeployment"},
                       {"name", md.meta.name},
                       {"uid", md.meta.uid},
                       {"controller", true},
                       {"blockOwnerDeletion", false}}});
}

Json Labels(const api::ModelDeployment& md, std::int64_t version) {
  return {{kLabelManaged, "true"},
          {kLabelModelDeployment, md.meta.name},
          {kLabelModelVersion, std::to_string(version)}};
}

// What users say of the pods, beside what is ours.
void AddMetadata(const api::ModelDeploymentSpec& spec, Json& metadata) {
  for (const auto& [name, value] : spec.pod_labels) metadata["labels"].emplace(name, value);
  for (const auto& [name, value] : spec.pod_annotations)
    metadata["annotations"].emplace(name, value);
}

// One of its name beside the servers.
Json BesideServers(const api::ModelDeployment& md, const char* api_version, const char* kind) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata",
           {{"name", md.meta.name},
            {"namespace", md.meta.namespace_},
            {"labels", {{kLabelManaged, "true"}, {kLabelModelDeployment, md.meta.name}}},
            {"ownerReferences", Owner(md)}}}};
}

// No container's port has this name: until the routers' port is known, nobody listens.
constexpr const char* kNoPort = "unassigned";

Json RouterPort(int port) { return port == 0 ? Json(kNoPort) : Json(port); }

Json ServingPort(const char* name, int port, Json target) {
  return {{"name", name}, {"protocol", "TCP"}, {"port", port}, {"targetPort", std::move(target)}};
}

}  // namespace

std::string VersionName(const std::string& md, std::int64_t version) {
  return md + "-v" + std::to_string(version);
}

std::string StoreName(const std::string& md) { return md + "-store"; }

std::string StoreText(const ModelSettings& settings) {
  TaskStore store = settings.store;
  if (!store.url.empty()) store.token_file = kTokenFile;
  return ToJson(store).dump();
}

std::string TemplateHash(const api::ModelDeployment& md) {
  Json shape = api::Encode(md.spec);  // what says nothing is left out
  for (const char* field : {"model", "replicas", "revisionHistoryLimit", "autoscaling", "rollout",
                            "expose", "disruption"})
    shape.erase(field);
  // Each version has its own.
  if (md.spec.model == api::kModelOfImage && md.spec.server.container)
    shape["server"]["container"].erase("image");
  // Connections to pods from before would go on past the routers; those that have one are left.
  if (IsGuarded(md.spec)) shape["guarded"] = true;
  if (md.spec.log.columns.empty()) {
    shape.erase("monitoring");
  } else {
    shape["monitoring"]["log"].erase("retention");
  }
  const auto renew = md.meta.annotations.find(kAnnotationRenew);
  if (renew != md.meta.annotations.end()) shape[kAnnotationRenew] = renew->second;
  return Sha256Hex(CanonicalJson(shape)).substr(0, 16);
}

std::int64_t DeadlineSeconds(const api::ModelDeployment& md) {
  return std::max<std::int64_t>(
      std::chrono::ceil<std::chrono::seconds>(md.spec.rollout.progress_deadline).count(), 1);
}

Json BuildDeployment(const api::ModelDeployment& md, std::int64_t version, const ModelRef& model,
                     const ModelSettings& settings) {
  const Json labels = Labels(md, version);
  const Json made_of{{kAnnotationTemplateHash, TemplateHash(md)}};
  Json d{
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata",
       {{"name", VersionName(md.meta.name, version)},
        {"namespace", md.meta.namespace_},
        {"labels", labels},
        {"ownerReferences", Owner(md)}}},
      {"spec",
       {{"replicas", md.spec.replicas},
        {"progressDeadlineSeconds", DeadlineSeconds(md)},
        {"revisionHistoryLimit", 2},
        {"selector",
         {{"matchLabels",
           {{kLabelModelDeployment, md.meta.name},
            {kLabelModelVersion, std::to_string(version)}}}}},
        {"strategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
        {"template",
         {{"metadata", {{"labels", labels}, {"annotations", made_of}}},
          {"spec", BuildModelPod(md, version, model, settings)}}}}}};
  AddMetadata(md.spec, d["spec"]["template"]["metadata"]);
  d["metadata"]["annotations"] = made_of;
  d["metadata"]["annotations"][kAnnotationModelDigest] = ToJson(model).dump();
  return d;
}

Json GrpcTarget(const api::ModelDeployment& md, bool to_routers) {
  return to_routers ? RouterPort(md.status.router.grpc_port) : Json(kGrpcPort);
}

Json BuildService(const api::ModelDeployment& md, std::int64_t version, bool to_routers) {
  const Json pods{{kLabelModelDeployment, md.meta.name},
                  {kLabelModelVersion, std::to_string(version)}};
  const Json routers{{kLabelRouter, "true"}};
  const bool secure = to_routers && md.spec.expose.tls;
  Json ports = Json::array(
      {ServingPort(secure ? "https" : "http", secure ? 443 : 80,
                   to_routers ? RouterPort(md.status.router.port) : Json(kTrafficPort))});
  if (SpeaksGrpc(md.spec))
    ports.push_back(ServingPort(kGrpcPort, kGrpcServicePort, GrpcTarget(md, to_routers)));
  Json service{{"apiVersion", "v1"},
               {"kind", "Service"},
               {"metadata",
                {{"name", md.meta.name},
                 {"namespace", md.meta.namespace_},
                 {"labels", {{kLabelManaged, "true"}, {kLabelModelDeployment, md.meta.name}}},
                 {"ownerReferences", Owner(md)}}},
               {"spec", {{"selector", to_routers ? routers : pods}, {"ports", std::move(ports)}}}};
  if (to_routers) service["metadata"]["annotations"][kLabelModelVersion] = std::to_string(version);
  return service;
}

Json BuildVersionService(const api::ModelDeployment& md, std::int64_t version) {
  Json service = BuildService(md, version);
  service["metadata"]["name"] = VersionName(md.meta.name, version);
  service["metadata"]["labels"] = Labels(md, version);
  service["spec"]["clusterIP"] = "None";
  // Of a pod that has no port of that name the endpoint is without it.
  service["spec"]["ports"] = Json::array({ServingPort("http", api::kServerPort, kTrafficPort)});
  if (SpeaksGrpc(md.spec))
    service["spec"]["ports"].push_back(ServingPort(kGrpcPort, kGrpcServicePort, kGrpcPort));
  return service;
}

Json BuildRoute(const api::ModelDeployment& md) {
  const api::ExposeSpec& expose = md.spec.expose;
  Json parent{
      {"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", expose.gateway->name}};
  if (!expose.gateway->namespace_.empty()) parent["namespace"] = expose.gateway->namespace_;
  if (!expose.gateway->section_name.empty()) parent["sectionName"] = expose.gateway->section_name;
  const std::string prefix = expose.path.empty() ? "/" : expose.path;
  Json rule{
      {"matches", Json::array({{{"path", {{"type", "PathPrefix"}, {"value", prefix}}}}})},
      {"backendRefs",
       Json::array(
           {{{"kind", "Service"}, {"name", md.meta.name}, {"port", expose.tls ? 443 : 80}}})}};
  if (!expose.path.empty())
    rule["filters"] = Json::array(
        {{{"type", "URLRewrite"},
          {"urlRewrite",
           {{"path", {{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", "/"}}}}}}});
  Json route = BesideServers(md, "gateway.networking.k8s.io/v1", "HTTPRoute");
  route["spec"] = {{"parentRefs", Json::array({parent})}, {"rules", Json::array({rule})}};
  if (!expose.hostname.empty()) route["spec"]["hostnames"] = Json::array({expose.hostname});
  return WithWhatItIsMadeOf(std::move(route));
}

// Of the stable version's pods: those of a candidate that does not come up would count as missing,
// and hold up every drain. Where a candidate's go its requests are the stable version's.
Json BuildDisruptionBudget(const api::ModelDeployment& md) {
  Json labels{{kLabelModelDeployment, md.meta.name}};
  if (md.status.stable) labels[kLabelModelVersion] = std::to_string(md.status.stable->version);
  const std::string& most = md.spec.disruption.max_unavailable;
  Json budget = BesideServers(md, "policy/v1", "PodDisruptionBudget");
  budget["spec"] = {{"maxUnavailable", most.empty() ? Json(1) : Json(most)},
                    {"unhealthyPodEvictionPolicy", "AlwaysAllow"},
                    {"selector", {{"matchLabels", std::move(labels)}}}};
  return WithWhatItIsMadeOf(std::move(budget));
}

Json BuildStore(const api::ModelDeployment& md, const ModelSettings& settings) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", StoreName(md.meta.name)},
            {"namespace", md.meta.namespace_},
            {"labels", {{kLabelManaged, "true"}, {kLabelModelDeployment, md.meta.name}}},
            {"ownerReferences", Owner(md)}}},
          {"data", {{kStoreKey, StoreText(settings)}}}};
}

}  // namespace penstock::plan
