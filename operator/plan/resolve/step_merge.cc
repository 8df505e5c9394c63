#include "operator/plan/resolve/step_merge.h"

#include <algorithm>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {
namespace {

template <typename T>
std::optional<T> First(const std::optional<T>& a, const std::optional<T>& b) {
  return a ? a : b;
}

template <typename T>
const T& Full(const T& over, const T& under) {
  return over.empty() ? under : over;
}

api::RetryBudget Merge(const api::RetryBudget& over, const api::RetryBudget& under) {
  return {First(over.limit, under.limit), First(over.backoff, under.backoff),
          First(over.max_backoff, under.max_backoff),
          First(over.backoff_factor, under.backoff_factor)};
}

api::RetrySpec Merge(const api::RetrySpec& over, const api::RetrySpec& under) {
  api::RetrySpec out;
  static_cast<api::RetryBudget&>(out.user) = Merge(over.user, under.user);
  out.user.on_exit_codes = Full(over.user.on_exit_codes, under.user.on_exit_codes);
  static_cast<api::RetryBudget&>(out.out_of_memory) =
      Merge(over.out_of_memory, under.out_of_memory);
  out.out_of_memory.memory_factor =
      First(over.out_of_memory.memory_factor, under.out_of_memory.memory_factor);
  out.infrastructure = Merge(over.infrastructure, under.infrastructure);
  out.timeout = Merge(over.timeout, under.timeout);
  out.last_attempt = First(over.last_attempt, under.last_attempt);
  out.max_duration = First(over.max_duration, under.max_duration);
  return out;
}

api::SchedulingSpec Merge(const api::SchedulingSpec& over, const api::SchedulingSpec& under) {
  api::SchedulingSpec out;
  out.service_account_name = Full(over.service_account_name, under.service_account_name);
  out.image_pull_secrets = Full(over.image_pull_secrets, under.image_pull_secrets);
  out.node_selector = Full(over.node_selector, under.node_selector);
  out.tolerations = Full(over.tolerations, under.tolerations);
  out.affinity = over.affinity.is_null() ? under.affinity : over.affinity;
  out.priority_class_name = Full(over.priority_class_name, under.priority_class_name);
  out.runtime_class_name = Full(over.runtime_class_name, under.runtime_class_name);
  out.scheduler_name = Full(over.scheduler_name, under.scheduler_name);
  return out;
}

api::TimeoutSpec Merge(const api::TimeoutSpec& over, const api::TimeoutSpec& under) {
  api::TimeoutSpec out = over;
  if (!over.attempt && over.attempt_text.empty()) {
    out.attempt = under.attempt;
    out.attempt_text = under.attempt_text;
  }
  if (!over.pending && over.pending_text.empty()) {
    out.pending = under.pending;
    out.pending_text = under.pending_text;
  }
  return out;
}

// Labels, annotations and the security context join key by key; of all else the step's wins.
Json MergePod(const Json& under, const Json& over) {
  Json merged = under;
  if (!over.is_object()) return merged;
  if (!merged.is_object()) return over;
  for (const auto& [key, value] : over.items())
    if (value.is_object() && merged.contains(key) && merged[key].is_object())
      merged[key].update(value);
    else
      merged[key] = value;
  return merged;
}

// A variable of the step replaces the Component's of the same name.
void AddEnv(const api::StepSpec& step, api::ContainerSpec& container) {
  for (const Json& e : step.env) {
    const std::string name = e.value("name", "");
    std::erase_if(container.env, [&](const Json& old) { return old.value("name", "") == name; });
    container.env.push_back(e);
  }
  container.env_from.insert(container.env_from.end(), step.env_from.begin(), step.env_from.end());
  container.volume_mounts.insert(container.volume_mounts.end(), step.volume_mounts.begin(),
                                 step.volume_mounts.end());
}

}  // namespace

ResolvedStep MergeStep(const api::StepSpec& step, const api::ComponentSpec* component,
                       const api::StepDefaults& defaults) {
  ResolvedStep r;
  r.name = step.name;
  r.when = step.when;
  r.allow_failure = step.allow_failure;
  r.on_failure = step.on_failure;
  r.locks = step.locks;
  Json resources = step.pipeline ? Json() : defaults.resources;
  if (component != nullptr) {
    r.library = step.component && step.component->library;
    r.code_version = component->code_version;
    r.service_account_token = r.library && component->service_account_token;
    r.container = component->container;
    r.outputs = component->outputs;
    r.results = component->results;
    resources = MergeResources(resources, component->resources);
    AddEnv(step, r.container);
  } else {
    if (step.container) r.container = *step.container;
    r.containers = step.containers;
    r.outputs = step.outputs;
    r.results = step.results;
  }
  r.resources = MergeResources(resources, step.resources);
  r.depends_on = step.depends_on;
  r.retry = Merge(step.retry, defaults.retry);
  r.timeouts = Merge(step.timeouts, defaults.timeouts);
  r.cache = First(step.cache, defaults.cache).value_or(api::CacheSpec{});
  if (component != nullptr && component->acts) r.cache.enabled = false;
  r.scheduling = Merge(step.scheduling, defaults.scheduling);
  r.sidecars = step.sidecars;
  r.daemon = step.daemon;
  if (r.daemon) r.cache.enabled = false;
  r.pod = MergePod(defaults.pod, step.pod);
  r.volumes = step.volumes;
  return r;
}

std::vector<std::string> MountedOf(const std::vector<api::RunVolume>& volumes,
                                   const ResolvedStep& step) {
  std::vector<const api::ContainerSpec*> programs = step.Programs();
  for (const api::SidecarSpec& s : step.sidecars) programs.push_back(&s.program);
  std::vector<std::string> mounted;
  for (const api::RunVolume& v : volumes)
    if (std::any_of(programs.begin(), programs.end(), [&](const api::ContainerSpec* p) {
          return std::any_of(p->volume_mounts.begin(), p->volume_mounts.end(),
                             [&](const Json& m) { return TextAt(m, "name") == v.name; });
        }))
      mounted.push_back(v.name);
  return mounted;
}

Json ContainerTemplates(const api::ContainerSpec& container) {
  Json all = Json::array({container.command, container.args, container.working_dir});
  for (const Json& e : container.env)
    if (e.contains("value")) all.push_back(e.at("value"));
  return all;
}

Json StepTemplates(const ResolvedStep& step) {
  Json all = Json::array();
  for (const api::ContainerSpec* program : step.Programs())
    all.push_back(ContainerTemplates(*program));
  return all;
}

std::set<std::string> ContainerParameters(const api::ContainerSpec& container) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;
  CollectReferences(ContainerTemplates(container), "", found, ignored);
  std::set<std::string> names;
  for (const FoundReference& f : found)
    if (f.reference.Is({"parameters", "*"})) names.insert(f.reference.path[1]);
  return names;
}

}  // namespace penstock::plan
