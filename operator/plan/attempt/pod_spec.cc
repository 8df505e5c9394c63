#include "operator/plan/attempt/pod_spec.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/pod_programs.h"
#include "operator/plan/attempt/task_split.h"

namespace penstock::plan {
namespace {

constexpr const char* kBinVolume = "penstock-bin";
constexpr const char* kWorkVolume = "penstock-work";
constexpr const char* kTmpVolume = "penstock-tmp";
constexpr const char* kTaskVolume = "penstock-task";
constexpr const char* kApiVolume = "penstock-api";
constexpr const char* kInstalledLauncher = "/penstock/bin/penstock-launcher";
constexpr int kGraceSeconds = 30;
constexpr std::size_t kInjected = 2;
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

std::vector<TaskEnv> WrittenEnv(const api::ContainerSpec& program) {
  std::vector<TaskEnv> env;
  for (const Json& e : program.env)
    if (!e.contains("valueFrom")) env.push_back({e.value("name", ""), e.value("value", "")});
  return env;
}

// Where a step has more than one container, each has its share of what a pod may say, as many as
// there are: with the launcher's, and some that others may inject.
std::size_t MessageLimit(const ResolvedStep& step) {
  if (step.containers.empty() && step.sidecars.empty()) return kMaxTerminationMessage;
  const std::size_t containers =
      std::max<std::size_t>(1, step.containers.size()) + step.sidecars.size() + 1 + kInjected;
  return std::min(kMaxTerminationMessage, kMaxTerminationMessages / containers);
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
  if (spec.item) t.item_index = spec.item->index;
  t.pod = pod;
  t.command = step.container.command;
  t.args = step.container.args;
  t.working_dir = step.container.working_dir;
  t.env = WrittenEnv(step.container);
  for (const api::StepContainer& c : step.containers)
    t.turns.push_back({c.name, c.program.command, c.program.args, c.program.working_dir,
                       WrittenEnv(c.program), c.on_error == api::ErrorPolicy::kContinue});
  for (const auto& [name, value] : spec.parameters)
    if (!value.is_null()) t.parameters[name] = value;
  t.max_message = MessageLimit(step);
  t.inputs = spec.inputs;
  for (const auto& o : step.outputs) t.outputs.push_back({o.name, o.type, o.optional});
  for (const auto& r : step.results) t.results.push_back({r.name, api::Name(r.type)});
  t.code = spec.code;
  t.packages = spec.packages;
  t.values = spec.values;
  if (step.timeouts.attempt) t.timeout_ms = step.timeouts.attempt->count();
  t.store = settings.store;
  if (!t.store.url.empty()) t.store.token_file = kTokenFile;
  return t;
}

// What the kubelet mounts where it is asked for a service account's token: the token, who signs the
// API server's certificate, and the namespace.
Json ApiAccessVolume() {
  const Json token{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}};
  const Json ca{{"configMap",
                 {{"name", "kube-root-ca.crt"},
                  {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}};
  const Json ns{
      {"downwardAPI",
       {{"items", Json::array({{{"path", "namespace"},
                                {"fieldRef", {{"fieldPath", "metadata.namespace"}}}}})}}}};
  return {{"name", kApiVolume}, {"projected", {{"sources", Json::array({token, ca, ns})}}}};
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
  PodBuilder(const api::PipelineRun& run, const ResolvedStep& step, const PodSettings& settings,
             bool has_config, const std::string& config_map)
      : run_(run), step_(step), settings_(settings), config_map_(has_config ? config_map : "") {}

  Json Spec() {
    AddVolumes();
    Json spec{{"restartPolicy", "Never"},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"terminationGracePeriodSeconds", kGraceSeconds},
              {"securityContext", RestrictedPod(settings_.run_as_user)}};
    if (!InImage()) spec["initContainers"] = Json::array({Installer()});
    for (const api::SidecarSpec& s : step_.sidecars) spec["initContainers"].push_back(Sidecar(s));
    spec["containers"] = Programs();
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
    // A local run has no service accounts.
    if (step_.service_account_token && !settings_.store.url.empty())
      Add(ApiAccessVolume(), "/var/run/secrets/kubernetes.io/serviceaccount", true);
    if (!InImage())
      Add({{"name", kBinVolume}, {"emptyDir", Json::object()}}, "/penstock/bin", true);
    if (ReadOnlyRoot()) Add({{"name", kTmpVolume}, {"emptyDir", Json::object()}}, "/tmp", false);
    for (const Json& v : step_.volumes) volumes_.push_back(v);
    for (const std::string& name : step_.run_volumes)
      volumes_.push_back({{"name", name},
                          {"persistentVolumeClaim",
                           {{"claimName", ClaimName(run_.meta.name, run_.meta.uid, name)}}}});
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

  Json Programs() const {
    if (step_.containers.empty())
      return Json::array({Program(kStepContainer, step_.container, step_.resources, -1)});
    Json all = Json::array();
    const std::vector<Json> resources = InTurnResources(step_);
    for (std::size_t i = 0; i < step_.containers.size(); ++i)
      all.push_back(Program(kTurnPrefix + step_.containers[i].name, step_.containers[i].program,
                            resources[i], static_cast<int>(i)));
    return all;
  }

  // `turn` below 0: alone.
  Json Program(const std::string& name, const api::ContainerSpec& program, const Json& resources,
               int turn) const {
    Json command{InImage() ? settings_.launcher_path : kInstalledLauncher, "run", "--task",
                 "/penstock/task/document"};
    if (!config_map_.empty()) {
      command.push_back("--task-config");
      command.push_back("/penstock/config/config.json");
    }
    for (const char* word :
         {"--dir", "/penstock/work", "--termination-log", "/dev/termination-log"})
      command.push_back(word);
    if (turn >= 0) {
      command.push_back("--turn");
      command.push_back(std::to_string(turn));
    }
    Json mounts = mounts_;
    for (const Json& m : program.volume_mounts) mounts.push_back(m);
    Json c{{"name", name},
           {"image", program.image},
           {"command", command},
           {"volumeMounts", mounts},
           {"terminationMessagePath", "/dev/termination-log"},
           {"terminationMessagePolicy", "File"},
           {"securityContext", RestrictedContainer(ReadOnlyRoot())}};
    if (!program.image_pull_policy.empty()) c["imagePullPolicy"] = program.image_pull_policy;
    if (resources.is_object()) c["resources"] = resources;
    for (const Json& e : program.env)
      if (e.contains("valueFrom")) c["env"].push_back(e);
    if (!program.env_from.empty()) c["envFrom"] = program.env_from;
    if (step_.daemon) c["readinessProbe"] = ReadinessProbe(*step_.daemon);
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

  const api::PipelineRun& run_;
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
  if (!spec.step->containers.empty()) {
    Json names = Json::array();
    for (const api::StepContainer& c : spec.step->containers) names.push_back(c.name);
    out[kAnnotationContainers] = names.dump();
  }
  if (!spec.cache_key.empty()) out[kAnnotationCacheKey] = spec.cache_key;
  if (!spec.settled_key.empty()) out[kAnnotationSettledKey] = spec.settled_key;
  if (!spec.locks.empty()) out[kAnnotationLocks] = EncodeHeldLocks(spec.locks);
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
                    int attempt, std::optional<int> item) {
  const std::string n = std::to_string(attempt);
  const std::string i = item ? std::to_string(*item) : "";
  const std::string hash = Sha256Hex(run_uid + "\n" + step + "\n" + i + "\n" + n).substr(0, 8);
  return Cut(run, 30) + "-" + Cut(step, 20) + "-" + (item ? i + "-" : "") + n + "-" + hash;
}

Json OwnedByRun(const api::PipelineRun& run) {
  return Json::array({{{"apiVersion", api::kApiVersion},
                       {"kind", "PipelineRun"},
                       {"name", run.meta.name},
                       {"uid", run.meta.uid},
                       {"controller", true},
                       {"blockOwnerDeletion", false}}});
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
  const auto item = spec.item ? std::optional(spec.item->index) : std::nullopt;
  built.pod_name = PodName(run.meta.name, run.meta.uid, spec.step->name, spec.attempt, item);
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
  if (item) pod_labels[kLabelItem] = std::to_string(*item);
  if (spec.step->daemon) pod_labels[kLabelDaemon] = "true";
  const ResolvedStep shaped = ForAttempt(*spec.step, spec.spent);
  PodBuilder builder(run, shaped, settings, !split->config.empty(), built.config_map_name);
  built.pod = {{"apiVersion", "v1"},
               {"kind", "Pod"},
               {"metadata",
                {{"name", built.pod_name},
                 {"namespace", run.meta.namespace_},
                 {"labels", pod_labels},
                 {"annotations", Annotations(run, spec, split->document)},
                 {"ownerReferences", OwnedByRun(run)}}},
               {"spec", builder.Spec()}};
  ApplyPod(shaped.pod, built.pod["metadata"], built.pod["spec"]);
  return built;
}

}  // namespace penstock::plan
