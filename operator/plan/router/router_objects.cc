#include "operator/plan/router/router_objects.h"

#include "operator/api/codec.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::plan {
namespace {

constexpr const char* kAnnotationMadeOf = "penstock.dev/made-of";
constexpr const char* kStateVolume = "state";
constexpr const char* kEdgeVolume = "edge";
constexpr const char* kStateFolder = "/state";
constexpr const char* kRbac = "rbac.authorization.k8s.io";
// Longer than a router's own --drain-delay (5 s) and --drain-timeout (60 s) together.
constexpr int kTerminationGrace = 75;

Json OurLabels() { return {{kLabelRouter, "true"}}; }

Json Selector() { return {{"matchLabels", OurLabels()}}; }

Json Object(const char* api_version, RouterObject kind, const std::string& ns) {
  return {{"apiVersion", api_version},
          {"kind", KindOf(kind)},
          {"metadata", {{"name", kRouterName}, {"namespace", ns}, {"labels", OurLabels()}}}};
}

Json Role(const std::string& ns) {
  const Json read{"get", "list", "watch"};
  Json role = Object("rbac.authorization.k8s.io/v1", RouterObject::kRole, ns);
  role["rules"] = Json::array({{{"apiGroups", Json::array({"penstock.dev"})},
                                {"resources", Json::array({"modeldeployments"})},
                                {"verbs", read}},
                               {{"apiGroups", Json::array({"discovery.k8s.io"})},
                                {"resources", Json::array({"endpointslices"})},
                                {"verbs", read}}});
  return role;
}

Json RoleBinding(const std::string& ns) {
  Json binding = Object("rbac.authorization.k8s.io/v1", RouterObject::kRoleBinding, ns);
  binding["roleRef"] = {{"apiGroup", kRbac}, {"kind", "Role"}, {"name", kRouterName}};
  binding["subjects"] =
      Json::array({{{"kind", "ServiceAccount"}, {"name", kRouterName}, {"namespace", ns}}});
  return binding;
}

Json DisruptionBudget(const std::string& ns) {
  Json budget = Object("policy/v1", RouterObject::kDisruptionBudget, ns);
  budget["spec"] = {{"maxUnavailable", 1},
                    {"unhealthyPodEvictionPolicy", "AlwaysAllow"},
                    {"selector", Selector()}};
  return budget;
}

Json Probe(const char* path, int period, int failures) {
  return {{"httpGet", {{"path", path}, {"port", "admin"}}},
          {"periodSeconds", period},
          {"timeoutSeconds", 2},
          {"failureThreshold", failures}};
}

Json Container(const std::string& ns, const RouterSettings& settings) {
  return {{"name", "router"},
          {"image", settings.image},
          {"args", Json::array({"--namespace", ns, "--state", kStateFolder, "--admin-port",
                                std::to_string(kRouterAdminPort)})},
          {"ports", Json::array({{{"name", "admin"}, {"containerPort", kRouterAdminPort}}})},
          {"readinessProbe", Probe("/readyz", 1, 2)},
          {"livenessProbe", Probe("/healthz", 10, 3)},
          {"volumeMounts", Json::array({{{"name", kStateVolume}, {"mountPath", kStateFolder}}})},
          {"terminationMessagePolicy", "FallbackToLogsOnError"},
          {"securityContext", RestrictedContainer(true)},
          {"resources",
           settings.resources.is_object() ? settings.resources : DefaultRouterResources()}};
}

// One volume for all of them, so that a Secret that is not there yet, or gone, keeps no router from
// serving the others; kubelet puts in what changes.
Json EdgeVolume(const RoutersObserved& observed) {
  Json sources = Json::array();
  for (const std::string& name : observed.tls_secrets) {
    Json items = Json::array();
    for (const char* file : {"tls.crt", "tls.key"})
      items.push_back({{"key", file}, {"path", "secrets/" + name + "/" + file}});
    sources.push_back({{"secret", {{"name", name}, {"optional", true}, {"items", items}}}});
  }
  for (const auto& [name, key] : observed.key_maps)
    sources.push_back(
        {{"configMap",
          {{"name", name},
           {"optional", true},
           {"items", Json::array({{{"key", key}, {"path", "configmaps/" + name + "/" + key}}})}}}});
  return {{"name", kEdgeVolume}, {"projected", {{"sources", std::move(sources)}}}};
}

bool HasEdge(const RoutersObserved& observed) {
  return !observed.tls_secrets.empty() || !observed.key_maps.empty();
}

Json Spread(const char* topology) {
  return {{"maxSkew", 1},
          {"topologyKey", topology},
          {"whenUnsatisfiable", "ScheduleAnyway"},
          {"labelSelector", Selector()}};
}

Json PodSpec(const RoutersObserved& observed, const RouterSettings& settings) {
  Json spec{
      {"serviceAccountName", kRouterName},
      {"automountServiceAccountToken", true},
      {"enableServiceLinks", false},
      {"terminationGracePeriodSeconds", kTerminationGrace},
      {"securityContext", RestrictedPod(settings.run_as_user)},
      {"containers", Json::array({Container(observed.ns, settings)})},
      {"volumes", Json::array({{{"name", kStateVolume}, {"emptyDir", {{"sizeLimit", "64Mi"}}}}})},
      {"topologySpreadConstraints",
       Json::array({Spread("topology.kubernetes.io/zone"), Spread("kubernetes.io/hostname")})}};
  if (observed.fetches_keys) {
    Json& args = spec["containers"][0]["args"];
    const auto add = [&](const char* flag, const std::vector<std::string>& ranges) {
      for (const std::string& range : ranges) args.insert(args.end(), {flag, range});
    };
    add("--source-deny", settings.source_deny);
    add("--source-allow", settings.source_allow);
  }
  if (HasEdge(observed)) {
    spec["volumes"].push_back(EdgeVolume(observed));
    Json& container = spec["containers"][0];
    container["args"].push_back("--edge");
    container["args"].push_back(kRouterEdgeFolder);
    container["volumeMounts"].push_back(
        {{"name", kEdgeVolume}, {"mountPath", kRouterEdgeFolder}, {"readOnly", true}});
  }
  if (!observed.image_pull_secrets.empty()) spec["imagePullSecrets"] = observed.image_pull_secrets;
  return spec;
}

// A router that takes another's place is Ready before that one goes.
Json Deployment(const RoutersObserved& observed, const RouterSettings& settings) {
  Json deployment = Object("apps/v1", RouterObject::kDeployment, observed.ns);
  deployment["spec"] = {
      {"replicas", settings.replicas},
      {"revisionHistoryLimit", 2},
      {"selector", Selector()},
      {"strategy",
       {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
      {"template",
       {{"metadata", {{"labels", OurLabels()}}}, {"spec", PodSpec(observed, settings)}}}};
  return deployment;
}

Json Plain(RouterObject kind, const RoutersObserved& observed, const RouterSettings& settings) {
  switch (kind) {
    case RouterObject::kServiceAccount:
      return Object("v1", kind, observed.ns);
    case RouterObject::kRole:
      return Role(observed.ns);
    case RouterObject::kRoleBinding:
      return RoleBinding(observed.ns);
    case RouterObject::kDisruptionBudget:
      return DisruptionBudget(observed.ns);
    case RouterObject::kDeployment:
      return Deployment(observed, settings);
  }
  return {};
}

}  // namespace

const char* KindOf(RouterObject kind) {
  switch (kind) {
    case RouterObject::kServiceAccount:
      return "ServiceAccount";
    case RouterObject::kRole:
      return "Role";
    case RouterObject::kRoleBinding:
      return "RoleBinding";
    case RouterObject::kDisruptionBudget:
      return "PodDisruptionBudget";
    case RouterObject::kDeployment:
      return "Deployment";
  }
  return "";
}

Json BuildRouterObject(RouterObject kind, const RoutersObserved& observed,
                       const RouterSettings& settings) {
  return WithWhatItIsMadeOf(Plain(kind, observed, settings));
}

Json WithWhatItIsMadeOf(Json object) {
  const std::string hash = Sha256Hex(CanonicalJson(object)).substr(0, 16);
  object["metadata"]["annotations"][kAnnotationMadeOf] = hash;
  return object;
}

std::string MadeOf(const Json& object) {
  const auto annotations = api::DecodeMeta(object).annotations;
  const auto it = annotations.find(kAnnotationMadeOf);
  return it == annotations.end() ? "" : it->second;
}

RouterObjectFact DecodeRouterObject(const Json& object) {
  const api::ObjectMeta meta = api::DecodeMeta(object);
  RouterObjectFact fact;
  fact.uid = meta.uid;
  fact.deleting = meta.deleted.has_value();
  fact.ours = meta.labels.contains(kLabelRouter);
  fact.made_of = MadeOf(object);
  return fact;
}

Json DefaultRouterResources() {
  return {{"requests", {{"cpu", "100m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "512Mi"}}}};
}

}  // namespace penstock::plan
