#include "operator/plan/model/model_deployment_objects.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::plan {
namespace {

constexpr const char* kModelVolume = "model";
constexpr const char* kModelFolder = "/model/content";
constexpr const char* kPredictionsFolder = "/tmp/predictions";
constexpr const char* kMostUnsentBytes = "67108864";  // a store that is away must not fill the node
constexpr const char* kStoreVolume = "penstock-store";
constexpr const char* kStoreFolder = "/penstock/store";
constexpr int kPort = 8080;
// Routers and kube-proxy need a moment to learn that a pod is going: it goes on accepting.
constexpr const char* kDrainDelay = "5s";
constexpr const char* kDrainTimeout = "30s";
constexpr int kTerminationGrace = 45;

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

// What a container needs to reach the store.
void MountStore(const ModelSettings& settings, Json* container) {
  Json& mounts = (*container)["volumeMounts"];
  mounts.push_back({{"name", kStoreVolume}, {"mountPath", kStoreFolder}, {"readOnly", true}});
  if (settings.store.url.empty()) return;
  mounts.push_back({{"name", kTokenVolume}, {"mountPath", kTokenFolder}, {"readOnly", true}});
}

std::string StoreFile() { return std::string(kStoreFolder) + "/" + kStoreKey; }

// The server's flags and mount for spec.monitoring.log.
void AddPredictionLog(const api::ModelDeployment& md, const ModelSettings& settings,
                      Json* container) {
  const auto& log = md.spec.log;
  if (log.columns.empty()) return;
  Json& args = (*container)["args"];
  for (const char* arg : {"--prediction-log", kPredictionsFolder}) args.push_back(arg);
  for (const auto& column : log.columns) {
    args.push_back("--prediction-log-columns");
    args.push_back(column);
  }
  for (const std::string& arg :
       {std::string("--prediction-log-sample"), log.sample.empty() ? "100%" : log.sample,
        std::string("--prediction-log-store"), StoreFile(),
        std::string("--prediction-log-namespace"), md.meta.namespace_,
        std::string("--prediction-log-max-bytes"), std::string(kMostUnsentBytes)})
    args.push_back(arg);
  MountStore(settings, container);
}

Json FetchContainer(const api::ModelDeployment& md, const ArtifactRef& model,
                    const ModelSettings& settings) {
  Json command{settings.launcher_path, "fetch",    "--task-store", StoreFile(), "--namespace",
               md.meta.namespace_,     "--digest", model.digest,   "--to",      kModelFolder};
  if (model.folder) command.push_back("--folder");
  Json c{{"name", kFetchContainer},
         {"image", settings.launcher_image},
         {"command", command},
         {"volumeMounts", Json::array({{{"name", kModelVolume}, {"mountPath", "/model"}}})},
         {"terminationMessagePolicy", "FallbackToLogsOnError"},
         {"securityContext", RestrictedContainer(true)}};
  MountStore(settings, &c);
  if (md.spec.resources.is_object()) c["resources"] = md.spec.resources;
  return c;
}

Json Probe(const char* path, int period, int failures) {
  return {{"httpGet", {{"path", path}, {"port", "http"}}},
          {"periodSeconds", period},
          {"timeoutSeconds", 2},
          {"failureThreshold", failures}};
}

Json ServeContainer(const api::ModelDeployment& md, std::int64_t version, const ArtifactRef& model,
                    const ModelSettings& settings) {
  const auto& server = md.spec.server;
  Json args{"--model",
            kModelFolder,
            "--name",
            md.meta.name,
            "--version",
            std::to_string(version),
            "--model-digest",
            model.digest,
            "--port",
            std::to_string(kPort),
            "--queue",
            std::to_string(server.queue),
            "--max-batch",
            std::to_string(server.max_batch),
            "--max-delay",
            FormatDuration(server.max_delay),
            "--drain-delay",
            kDrainDelay,
            "--drain-timeout",
            kDrainTimeout,
            "--exit-on-load-failure"};
  Json c{{"name", kServeContainer},
         {"image", settings.serve_image},
         {"args", args},
         {"ports", Json::array({{{"name", "http"}, {"containerPort", kPort}}})},
         {"readinessProbe", Probe("/v2/health/ready", 2, 2)},
         {"livenessProbe", Probe("/v2/health/live", 10, 3)},
         // Loading and warming up may take long; only then does the liveness probe count.
         {"startupProbe", Probe("/v2/health/live", 1, 600)},
         {"volumeMounts",
          Json::array({{{"name", kModelVolume}, {"mountPath", "/model"}, {"readOnly", true}},
                       {{"name", "tmp"}, {"mountPath", "/tmp"}}})},
         {"terminationMessagePolicy", "FallbackToLogsOnError"},
         {"securityContext", RestrictedContainer(true)}};
  AddPredictionLog(md, settings, &c);
  if (md.spec.resources.is_object()) c["resources"] = md.spec.resources;
  return c;
}

Json PodSpec(const api::ModelDeployment& md, std::int64_t version, const ArtifactRef& model,
             const ModelSettings& settings) {
  Json volumes =
      Json::array({{{"name", kModelVolume}, {"emptyDir", Json::object()}},
                   {{"name", "tmp"}, {"emptyDir", Json::object()}},
                   {{"name", kStoreVolume}, {"configMap", {{"name", StoreName(md.meta.name)}}}}});
  if (!settings.store.url.empty()) volumes.push_back(TokenVolume(settings.token_audience));
  Json spec{{"automountServiceAccountToken", false},
            {"enableServiceLinks", false},
            {"terminationGracePeriodSeconds", kTerminationGrace},
            {"securityContext", RestrictedPod(settings.run_as_user)},
            {"initContainers", Json::array({FetchContainer(md, model, settings)})},
            {"containers", Json::array({ServeContainer(md, version, model, settings)})},
            {"volumes", volumes}};
  if (!md.spec.service_account_name.empty())
    spec["serviceAccountName"] = md.spec.service_account_name;
  if (!md.spec.image_pull_secrets.empty()) spec["imagePullSecrets"] = md.spec.image_pull_secrets;
  if (!md.spec.node_selector.empty()) spec["nodeSelector"] = md.spec.node_selector;
  if (!md.spec.tolerations.empty()) spec["tolerations"] = md.spec.tolerations;
  return spec;
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
  for (const char* field : {"model", "replicas", "rollout"}) shape.erase(field);
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
      std::chrono::ceil<std::chrono::seconds>(md.spec.progress_deadline).count(), 1);
}

Json BuildDeployment(const api::ModelDeployment& md, std::int64_t version, const ArtifactRef& model,
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
          {"spec", PodSpec(md, version, model, settings)}}}}}};
  d["metadata"]["annotations"] = made_of;
  d["metadata"]["annotations"][kAnnotationModelDigest] = Json(model).dump();
  return d;
}

Json BuildService(const api::ModelDeployment& md, std::int64_t version) {
  const Json selector{{kLabelModelDeployment, md.meta.name},
                      {kLabelModelVersion, std::to_string(version)}};
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata",
       {{"name", md.meta.name},
        {"namespace", md.meta.namespace_},
        {"labels", {{kLabelManaged, "true"}, {kLabelModelDeployment, md.meta.name}}},
        {"ownerReferences", Owner(md)}}},
      {"spec",
       {{"selector", selector},
        {"ports",
         Json::array(
             {{{"name", "http"}, {"protocol", "TCP"}, {"port", 80}, {"targetPort", kPort}}})}}}};
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
