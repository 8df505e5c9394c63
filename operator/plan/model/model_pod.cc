#include "operator/plan/model/model_pod.h"

#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/model/model_containers.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

constexpr const char* kModelVolume = "model";
constexpr const char* kClaimVolume = "claim";
constexpr const char* kClaimFolder = "/claim";
constexpr const char* kSourceFolder = "/source";  // a claim's model that is copied
constexpr const char* kRegistryVolume = "registry";
constexpr const char* kRegistryFolder = "/penstock/registry";
constexpr int kTerminationGrace = 45;

std::string Hex(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

class ModelPod {
 public:
  ModelPod(const api::ModelDeployment& md, std::int64_t version, const ModelRef& model,
           const ModelSettings& settings)
      : md_(md), spec_(md.spec), version_(version), model_(model), settings_(settings) {
    image_ = ImageOfSource(model.source);
    if (model.source.empty() || !image_.empty()) return;
    if (auto parsed = ParseModelSource(model.source)) source_ = *std::move(parsed);
  }

  Json Build() const {
    const ServedModel served{md_, version_, model_, settings_, ModelPath(), ModelMount(), image_};
    Json containers = Json::array({ServerContainer(served)});
    if (spec_.transformer) containers.push_back(TransformerContainer(served));
    Json spec{{"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"terminationGracePeriodSeconds", kTerminationGrace},
              {"securityContext", RestrictedPod(settings_.run_as_user)},
              {"containers", containers},
              {"volumes", Volumes()}};
    if (Fetches()) spec["initContainers"] = Json::array({Fetch()});
    AddScheduling(spec);
    return spec;
  }

 private:
  [[nodiscard]] bool InPlace() const {
    return source_ && source_->kind == ModelSource::Kind::kClaim;
  }
  [[nodiscard]] bool Fetches() const { return image_.empty(); }
  [[nodiscard]] bool Cached() const {
    return Fetches() && !InPlace() && !spec_.cache_claim.empty();
  }
  // It must be signed: then the pod serves a copy of its own, which others cannot alter after it
  // was verified, as they could what stands in a claim.
  [[nodiscard]] bool MustBeSigned() const { return spec_.verify && spec_.verify->key; }
  [[nodiscard]] bool MountsClaim() const { return (InPlace() || Cached()) && !MustBeSigned(); }
  [[nodiscard]] bool AsksStore() const { return Fetches() && !source_; }
  [[nodiscard]] bool AsksRegistry() const {
    return source_ && source_->kind == ModelSource::Kind::kOci && !spec_.image_pull_secrets.empty();
  }
  [[nodiscard]] std::string ModelPath() const {
    if (!Fetches()) return "";
    return spec_.server.container && !spec_.server.container->model_path.empty()
               ? spec_.server.container->model_path
               : kModelFolder;
  }
  [[nodiscard]] const Json& ServerResources() const {
    return spec_.server.container ? spec_.server.container->container.resources : spec_.resources;
  }
  // Where the server finds the model, read-only.
  [[nodiscard]] Json ModelMount() const {
    if (!Fetches()) return {};
    Json mount{{"name", kModelVolume}, {"mountPath", ModelPath()}, {"readOnly", true}};
    if (MountsClaim() && InPlace()) {
      mount["name"] = kClaimVolume;
      mount["subPath"] = source_->path;
    } else if (MountsClaim()) {
      mount["name"] = kClaimVolume;
      mount["subPath"] = "penstock-models/" + Hex(model_.digest) + "/content";
    } else if (ModelPath() == kModelFolder) {
      mount["mountPath"] = "/model";  // the folder's own: nothing is looked up again in it
    } else {
      mount["subPath"] = "content";
    }
    return mount;
  }

  [[nodiscard]] Json FetchCommand() const {
    Json command{settings_.launcher_path, "fetch"};
    const auto add = [&](const std::string& word) { command.push_back(word); };
    if (AsksStore()) {
      for (const std::string& word : {std::string("--task-store"), StoreFile(),
                                      std::string("--namespace"), md_.meta.namespace_})
        add(word);
    } else if (InPlace() && MustBeSigned()) {
      add("--from");
      add(kSourceFolder);
    } else if (InPlace()) {
      add("--verify");
    } else {
      add("--source");
      add(source_->kind == ModelSource::Kind::kOci ? "oci://" + source_->location
                                                   : source_->location);
    }
    for (const std::string& word :
         {std::string("--digest"), model_.digest, std::string("--to"), std::string(kModelFolder)})
      add(word);
    if (AsksStore() && model_.folder) add("--folder");
    if (Cached()) {
      add("--claim");
      add(kClaimFolder);
    }
    if (AsksRegistry()) {
      add("--registry-auth");
      add(kRegistryFolder);
    }
    if (MustBeSigned())
      for (const char* word : {"--signed", "--termination-log", kTerminationLog}) add(word);
    return command;
  }

  [[nodiscard]] Json Fetch() const {
    Json c{{"name", kFetchContainer},
           {"image", settings_.launcher_image},
           {"command", FetchCommand()},
           {"volumeMounts", FetchMounts()},
           {"terminationMessagePolicy", "FallbackToLogsOnError"},
           {"securityContext", RestrictedContainer(true)}};
    if (AsksStore()) MountStore(settings_, &c);
    if (AsksRegistry())
      c["volumeMounts"].push_back(
          {{"name", kRegistryVolume}, {"mountPath", kRegistryFolder}, {"readOnly", true}});
    for (const Json& mount : spec_.fetch.volume_mounts) c["volumeMounts"].push_back(mount);
    if (Json env = Environment(); !env.empty()) c["env"] = std::move(env);
    const Json& own = spec_.fetch.resources;
    const Json& resources = own.is_object() ? own : ServerResources();
    if (resources.is_object()) {
      c["resources"] = resources;
      c["resources"].erase("claims");  // devices are the server's
    }
    return c;
  }

  // Each name once: the API server's lists are keyed by it.
  [[nodiscard]] Json Environment() const {
    Json env = Json::array();
    for (const Json& variable : spec_.fetch.env)
      if (!MustBeSigned() || TextAt(variable, "name") != kModelKeyVariable) env.push_back(variable);
    if (MustBeSigned()) env.push_back(KeyVariable());
    return env;
  }

  [[nodiscard]] Json KeyVariable() const {
    const api::SigningKey& key = *spec_.verify->key;
    if (!key.config_map && !key.secret) return {{"name", kModelKeyVariable}, {"value", key.pem}};
    const api::DataKey& from = key.config_map ? *key.config_map : *key.secret;
    return {{"name", kModelKeyVariable},
            {"valueFrom",
             {{key.config_map ? "configMapKeyRef" : "secretKeyRef",
               {{"name", from.name}, {"key", from.key}}}}}};
  }

  [[nodiscard]] Json FetchMounts() const {
    Json mounts = Json::array();
    if (InPlace())
      mounts.push_back({{"name", kClaimVolume},
                        {"mountPath", MustBeSigned() ? kSourceFolder : kModelFolder},
                        {"readOnly", true},
                        {"subPath", source_->path}});
    if (Cached()) mounts.push_back({{"name", kClaimVolume}, {"mountPath", kClaimFolder}});
    if (!MountsClaim()) mounts.push_back({{"name", kModelVolume}, {"mountPath", "/model"}});
    return mounts;
  }

  [[nodiscard]] Json Volumes() const {
    Json volumes = Json::array();
    if (Fetches() && !MountsClaim())
      volumes.push_back({{"name", kModelVolume}, {"emptyDir", Json::object()}});
    if (!spec_.server.container) volumes.push_back({{"name", "tmp"}, {"emptyDir", Json::object()}});
    if (InPlace() || Cached())
      volumes.push_back({{"name", kClaimVolume},
                         {"persistentVolumeClaim",
                          {{"claimName", InPlace() ? source_->claim : spec_.cache_claim}}}});
    if (AsksStore() || !spec_.log.columns.empty()) {
      volumes.push_back(
          {{"name", kStoreVolume}, {"configMap", {{"name", StoreName(md_.meta.name)}}}});
      if (!settings_.store.url.empty()) volumes.push_back(TokenVolume(settings_.token_audience));
    }
    if (AsksRegistry()) volumes.push_back(RegistryVolume());
    for (const Json& volume : spec_.volumes) volumes.push_back(volume);
    return volumes;
  }

  // The logins of all imagePullSecrets, a file each. One that is missing keeps no pod from
  // starting, as with images.
  [[nodiscard]] Json RegistryVolume() const {
    Json sources = Json::array();
    for (const Json& secret : spec_.image_pull_secrets) {
      const std::string name = secret.value("name", "");
      sources.push_back(
          {{"secret",
            {{"name", name},
             {"optional", true},
             {"items", Json::array({{{"key", ".dockerconfigjson"}, {"path", name + ".json"}}})}}}});
    }
    return {{"name", kRegistryVolume}, {"projected", {{"sources", sources}}}};
  }

  void AddScheduling(Json& spec) const {
    const auto set = [&](const char* key, const std::string& value) {
      if (!value.empty()) spec[key] = value;
    };
    const auto set_list = [&](const char* key, const auto& value) {
      if (!value.empty()) spec[key] = value;
    };
    set("serviceAccountName", spec_.service_account_name);
    set_list("imagePullSecrets", spec_.image_pull_secrets);
    set_list("nodeSelector", spec_.node_selector);
    set_list("tolerations", spec_.tolerations);
    if (spec_.affinity.is_object()) spec["affinity"] = spec_.affinity;
    set_list("resourceClaims", spec_.resource_claims);
    set("priorityClassName", spec_.priority_class_name);
    set("runtimeClassName", spec_.runtime_class_name);
    set("schedulerName", spec_.scheduler_name);
    for (Json constraint : Spread()) {
      if (!constraint.contains("labelSelector"))
        constraint["labelSelector"]["matchLabels"] = {
            {kLabelModelDeployment, md_.meta.name}, {kLabelModelVersion, std::to_string(version_)}};
      spec["topologySpreadConstraints"].push_back(std::move(constraint));
    }
  }

  // One that cannot be kept keeps no pod from starting.
  [[nodiscard]] std::vector<Json> Spread() const {
    if (!spec_.topology_spread.empty()) return spec_.topology_spread;
    std::vector<Json> spread;
    for (const char* topology : {"topology.kubernetes.io/zone", "kubernetes.io/hostname"})
      spread.push_back(
          {{"topologyKey", topology}, {"maxSkew", 1}, {"whenUnsatisfiable", "ScheduleAnyway"}});
    return spread;
  }

  const api::ModelDeployment& md_;
  const api::ModelDeploymentSpec& spec_;
  const std::int64_t version_;
  const ModelRef& model_;
  const ModelSettings& settings_;
  std::optional<ModelSource> source_;  // none: an artifact of the store, or an image
  std::string image_;                  // of a version that is the server's image
};

}  // namespace

Json BuildModelPod(const api::ModelDeployment& md, std::int64_t version, const ModelRef& model,
                   const ModelSettings& settings) {
  return ModelPod(md, version, model, settings).Build();
}

}  // namespace penstock::plan
