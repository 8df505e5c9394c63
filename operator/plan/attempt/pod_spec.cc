#include "operator/plan/attempt/pod_spec.h"

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/task_split.h"

namespace penstock::plan {
namespace {

constexpr const char* kBinVolume = "penstock-bin";
constexpr const char* kWorkVolume = "penstock-work";
constexpr const char* kTmpVolume = "penstock-tmp";
constexpr const char* kTaskVolume = "penstock-task";
constexpr const char* kConfigVolume = "penstock-config";
constexpr const char* kInstalledLauncher = "/penstock/bin/penstock-launcher";
constexpr int kGraceSeconds = 30;
constexpr std::chrono::hours kTransferRoom{
    24};  // inputs that are fetched, outputs that are uploaded
constexpr Milliseconds kDefaultPending{600'000};

std::string Cut(std::string text, std::size_t limit) {
  for (char& c : text)
    if (c == '.') c = '-';
  if (text.size() > limit) text.resize(limit);
  while (!text.empty() && text.back() == '-') text.pop_back();
  return text;
}

Json OwnedByRun(const api::PipelineRun& run) {
  return Json::array({{{"apiVersion", api::kApiVersion},
                       {"kind", "PipelineRun"},
                       {"name", run.meta.name},
                       {"uid", run.meta.uid},
                       {"controller", true},
                       {"blockOwnerDeletion", false}}});
}

TaskDocument MakeTask(const api::PipelineRun& run, const AttemptSpec& spec,
                      const PodSettings& settings, const std::string& pod) {
  const ResolvedStep& step = *spec.step;
  TaskDocument t;
  t.namespace_ = run.meta.namespace_;
  t.run = run.meta.name;
  t.run_uid = run.meta.uid;
  t.step = step.name;
  t.attempt = spec.attempt;
  t.pod = pod;
  t.command = step.container.command;
  t.args = step.container.args;
  t.working_dir = step.container.working_dir;
  for (const Json& e : step.container.env)
    if (!e.contains("valueFrom")) t.env.push_back({e.value("name", ""), e.value("value", "")});
  for (const auto& [name, value] : spec.parameters)
    if (!value.is_null()) t.parameters[name] = value;
  t.inputs = spec.inputs;
  for (const auto& o : step.outputs) t.outputs.push_back({o.name, o.type, o.optional});
  for (const auto& r : step.results) t.results.push_back({r.name, api::Name(r.type)});
  t.code = spec.code;
  if (step.timeouts.attempt) t.timeout_ms = step.timeouts.attempt->count();
  t.store = settings.store;
  if (!t.store.url.empty()) t.store.token_file = kTokenFile;
  return t;
}

Json Mount(const char* name, const std::string& path, bool read_only) {
  Json m{{"name", name}, {"mountPath", path}};
  if (read_only) m["readOnly"] = true;
  return m;
}

// What of the resources an init container needs, so that it neither fails a quota nor adds to the
// pod's own request.
Json InitResources(const Json& resources) {
  Json out = Json::object();
  if (!resources.is_object()) return out;
  for (const char* section : {"requests", "limits"})
    for (const char* name : {"cpu", "memory", "ephemeral-storage"})
      if (resources.contains(section) && resources.at(section).contains(name))
        out[section][name] = resources.at(section).at(name);
  return out;
}

class PodBuilder {
 public:
  PodBuilder(const ResolvedStep& step, const PodSettings& settings, bool has_config,
             const std::string& config_map)
      : step_(step), settings_(settings), config_map_(has_config ? config_map : "") {}

  Json Spec() {
    AddVolumes();
    Json spec{{"restartPolicy", "Never"},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"terminationGracePeriodSeconds", kGraceSeconds},
              {"securityContext", RestrictedPod(settings_.run_as_user)}};
    if (!InImage()) spec["initContainers"] = Json::array({Installer()});
    spec["containers"] = Json::array({Step()});
    spec["volumes"] = volumes_;
    AddScheduling(spec);
    if (step_.timeouts.attempt) {
      // The launcher ends the child in time; this ends a launcher that cannot. It counts from the
      // pod's start, so it leaves room for what timeouts.attempt does not count.
      const auto most = *step_.timeouts.attempt + PendingLimit(step_) + kTransferRoom;
      spec["activeDeadlineSeconds"] = std::chrono::ceil<std::chrono::seconds>(most).count();
    }
    return spec;
  }

 private:
  [[nodiscard]] bool InImage() const { return step_.container.launcher == "InImage"; }
  // Ours bring all they write in mounted folders; a user's image may write where it likes.
  [[nodiscard]] bool ReadOnlyRoot() const { return InImage() && step_.library; }

  void AddVolumes() {
    Json work = Json::object();
    const Json& r = step_.resources;
    if (r.is_object() && r.contains("limits") && r.at("limits").contains("ephemeral-storage"))
      work["sizeLimit"] = r.at("limits").at("ephemeral-storage");
    Add({{"name", kWorkVolume}, {"emptyDir", work}}, "/penstock/work", false);
    Add({{"name", kTaskVolume},
         {"downwardAPI",
          {{"items", Json::array({{{"path", "document"},
                                   {"fieldRef",
                                    {{"fieldPath", std::string("metadata.annotations['") +
                                                       kAnnotationTask + "']"}}}}})}}}},
        "/penstock/task", true);
    if (!config_map_.empty())
      Add({{"name", kConfigVolume}, {"configMap", {{"name", config_map_}}}}, "/penstock/config",
          true);
    if (!settings_.store.url.empty())
      Add(TokenVolume(settings_.token_audience), kTokenFolder, true);
    if (!InImage())
      Add({{"name", kBinVolume}, {"emptyDir", Json::object()}}, "/penstock/bin", true);
    if (ReadOnlyRoot()) Add({{"name", kTmpVolume}, {"emptyDir", Json::object()}}, "/tmp", false);
    for (const Json& v : step_.volumes) volumes_.push_back(v);
    for (const Json& m : step_.container.volume_mounts) mounts_.push_back(m);
  }

  void Add(const Json& volume, const std::string& path, bool read_only) {
    volumes_.push_back(volume);
    mounts_.push_back(
        Mount(volume.at("name").get_ref<const std::string&>().c_str(), path, read_only));
  }

  Json Installer() const {
    return {{"name", kInstallContainer},
            {"image", settings_.launcher_image},
            {"command", {settings_.launcher_path, "install", kInstalledLauncher}},
            {"volumeMounts", Json::array({Mount(kBinVolume, "/penstock/bin", false)})},
            {"resources", InitResources(step_.resources)},
            {"terminationMessagePolicy", "File"},
            {"securityContext", RestrictedContainer(true)}};
  }

  Json Step() const {
    Json command{InImage() ? settings_.launcher_path : kInstalledLauncher, "run", "--task",
                 "/penstock/task/document"};
    if (!config_map_.empty()) {
      command.push_back("--task-config");
      command.push_back("/penstock/config/config.json");
    }
    for (const char* word :
         {"--dir", "/penstock/work", "--termination-log", "/dev/termination-log"})
      command.push_back(word);
    Json c{{"name", kStepContainer},
           {"image", step_.container.image},
           {"command", command},
           {"volumeMounts", mounts_},
           {"terminationMessagePath", "/dev/termination-log"},
           {"terminationMessagePolicy", "File"},
           {"securityContext", RestrictedContainer(ReadOnlyRoot())}};
    if (!step_.container.image_pull_policy.empty())
      c["imagePullPolicy"] = step_.container.image_pull_policy;
    if (step_.resources.is_object()) c["resources"] = step_.resources;
    for (const Json& e : step_.container.env)
      if (e.contains("valueFrom")) c["env"].push_back(e);
    if (!step_.container.env_from.empty()) c["envFrom"] = step_.container.env_from;
    return c;
  }

  void AddScheduling(Json& spec) const {
    const api::SchedulingSpec& s = step_.scheduling;
    const auto set = [&](const char* key, const std::string& value) {
      if (!value.empty()) spec[key] = value;
    };
    set("serviceAccountName", s.service_account_name.empty() ? settings_.default_service_account
                                                             : s.service_account_name);
    set("priorityClassName", s.priority_class_name);
    set("runtimeClassName", s.runtime_class_name);
    set("schedulerName", s.scheduler_name);
    if (!s.image_pull_secrets.empty()) spec["imagePullSecrets"] = s.image_pull_secrets;
    if (!s.node_selector.empty()) spec["nodeSelector"] = s.node_selector;
    if (!s.tolerations.empty()) spec["tolerations"] = s.tolerations;
    if (!s.affinity.is_null()) spec["affinity"] = s.affinity;
  }

  const ResolvedStep& step_;
  const PodSettings& settings_;
  std::string config_map_;
  Json volumes_ = Json::array();
  Json mounts_ = Json::array();
};

Json Annotations(const api::PipelineRun& run, const AttemptSpec& spec,
                 const std::string& document) {
  Json out{{kAnnotationTask, document},
           {kAnnotationSpent, EncodeSpent(spec.spent)},
           {kAnnotationRun, run.meta.name}};
  if (!spec.cache_key.empty()) out[kAnnotationCacheKey] = spec.cache_key;
  if (!spec.settled_key.empty()) out[kAnnotationSettledKey] = spec.settled_key;
  if (spec.remakes_damage) out[kAnnotationCacheMiss] = kDamaged;
  if (!spec.cache_base.empty()) {
    Json uris = Json::object();
    for (const TaskInput& i : spec.inputs)
      if (!i.uri.empty()) uris[i.name] = SourceName(i.uri);
    out[kAnnotationCacheSources] = Json{{"base", spec.cache_base}, {"uris", uris}}.dump();
  }
  return out;
}

}  // namespace

std::string PodName(const std::string& run, const std::string& run_uid, const std::string& step,
                    int attempt) {
  const std::string n = std::to_string(attempt);
  const std::string hash = Sha256Hex(run_uid + "\n" + step + "\n\n" + n).substr(0, 8);
  return Cut(run, 30) + "-" + Cut(step, 20) + "-" + n + "-" + hash;
}

Milliseconds PendingLimit(const ResolvedStep& step) {
  return step.timeouts.pending.value_or(kDefaultPending);
}

Json RestrictedContainer(bool read_only_root) {
  Json c{{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", Json::array({"ALL"})}}}};
  if (read_only_root) c["readOnlyRootFilesystem"] = true;
  return c;
}

Json RestrictedPod(std::int64_t user) {
  return {{"runAsNonRoot", true},
          {"runAsUser", user},
          {"runAsGroup", user},
          {"fsGroup", user},
          {"fsGroupChangePolicy", "OnRootMismatch"},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

Json TokenVolume(const std::string& audience) {
  return {
      {"name", kTokenVolume},
      {"projected",
       {{"sources",
         Json::array(
             {{{"serviceAccountToken",
                {{"audience", audience}, {"expirationSeconds", 3600}, {"path", "token"}}}}})}}}};
}

Result<BuiltAttempt> BuildAttempt(const api::PipelineRun& run, const AttemptSpec& spec,
                                  const PodSettings& settings) {
  BuiltAttempt built;
  built.pod_name = PodName(run.meta.name, run.meta.uid, spec.step->name, spec.attempt);
  auto split = Split(MakeTask(run, spec, settings, built.pod_name));
  if (!split) return split.error();
  const Json labels{
      {kLabelManaged, "true"}, {kLabelRunUid, run.meta.uid}, {kLabelStep, spec.step->name}};
  if (!split->config.empty()) {
    built.config_map_name = Cut(run.meta.name, 30) + "-" + Cut(spec.step->name, 20) + "-" +
                            Sha256Hex(run.meta.uid + split->config).substr(0, 8);
    built.config_map = {{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata",
                         {{"name", built.config_map_name},
                          {"namespace", run.meta.namespace_},
                          {"labels", labels},
                          {"ownerReferences", OwnedByRun(run)}}},
                        {"immutable", true},
                        {"data", {{"config.json", split->config}}}};
  }
  Json pod_labels = labels;
  pod_labels[kLabelAttempt] = std::to_string(spec.attempt);
  PodBuilder builder(*spec.step, settings, !split->config.empty(), built.config_map_name);
  built.pod = {{"apiVersion", "v1"},
               {"kind", "Pod"},
               {"metadata",
                {{"name", built.pod_name},
                 {"namespace", run.meta.namespace_},
                 {"labels", pod_labels},
                 {"annotations", Annotations(run, spec, split->document)},
                 {"ownerReferences", OwnedByRun(run)}}},
               {"spec", builder.Spec()}};
  return built;
}

}  // namespace penstock::plan
