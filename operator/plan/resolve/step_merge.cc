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

api::RetryBudget Merge(const api::RetryBudget& over, const api::RetryBudget& under) {
  return {First(over.limit, under.limit), First(over.backoff, under.backoff),
          First(over.max_backoff, under.max_backoff)};
}

api::RetrySpec Merge(const api::RetrySpec& over, const api::RetrySpec& under) {
  return {Merge(over.user, under.user), Merge(over.out_of_memory, under.out_of_memory),
          Merge(over.infrastructure, under.infrastructure), Merge(over.timeout, under.timeout)};
}

template <typename T>
const T& Full(const T& over, const T& under) {
  return over.empty() ? under : over;
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
  Json resources = defaults.resources;
  if (component != nullptr) {
    r.library = step.component && step.component->library;
    r.code_version = component->code_version;
    r.container = component->container;
    r.outputs = component->outputs;
    r.results = component->results;
    resources = MergeResources(resources, component->resources);
    AddEnv(step, r.container);
  } else if (step.container) {
    r.container = *step.container;
    r.outputs = step.outputs;
    r.results = step.results;
  }
  r.resources = MergeResources(resources, step.resources);
  r.depends_on = step.depends_on;
  r.retry = Merge(step.retry, defaults.retry);
  r.timeouts = {First(step.timeouts.attempt, defaults.timeouts.attempt),
                First(step.timeouts.pending, defaults.timeouts.pending)};
  r.cache = First(step.cache, defaults.cache).value_or(api::CacheSpec{});
  r.scheduling = Merge(step.scheduling, defaults.scheduling);
  r.volumes = step.volumes;
  return r;
}

std::set<std::string> ContainerParameters(const api::ContainerSpec& container) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;
  CollectReferences(Json(container.command), "", found, ignored);
  CollectReferences(Json(container.args), "", found, ignored);
  CollectReferences(Json(container.working_dir), "", found, ignored);
  for (const Json& e : container.env)
    if (e.contains("value")) CollectReferences(e.at("value"), "", found, ignored);
  std::set<std::string> names;
  for (const FoundReference& f : found)
    if (f.reference.Is({"parameters", "*"})) names.insert(f.reference.path[1]);
  return names;
}

}  // namespace penstock::plan
