#include "operator/cli/run_lookup.h"

#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::cli {

Result<Json> FindClusterRun(const Cluster& cluster, const std::string& name) {
  Result<Json> run = cluster.client->Get(kube::kPipelineRuns, cluster.namespace_, name);
  if (run || run.error().kind != ErrorKind::kNotFound) return run;
  const Result<kube::ListPage> page =
      cluster.client->List(kube::kPipelineRuns, cluster.namespace_, {});
  if (!page) return page.error();
  const Json* newest = nullptr;
  for (const Json& item : page->items) {
    const Json ref = item.value("spec", Json::object()).value("pipelineRef", Json::object());
    if (ref.value("name", "") != name) continue;
    const auto created = [](const Json& o) {
      return o["metadata"].value("creationTimestamp", std::string());
    };
    if (newest == nullptr || created(item) >= created(*newest)) newest = &item;
  }
  if (newest != nullptr) return *newest;
  return NotFound("there is no run or pipeline \"" + name + "\" in namespace " +
                  cluster.namespace_);
}

Result<std::vector<StepPod>> PodsOf(const Json& run, const std::string& step) {
  std::vector<StepPod> pods;
  std::string names;
  for (const Json& entry : run.value("status", Json::object()).value("steps", Json::array())) {
    const std::string name = entry.value("name", ""), pod = entry.value("pod", "");
    names += (names.empty() ? "" : ", ") + name;
    if (!step.empty() && name != step) continue;
    if (!pod.empty()) {
      pods.push_back({name, pod});
      continue;
    }
    if (step.empty()) continue;
    if (entry.value("cached", false)) {
      return NotFound("step " + step + " was taken from the cache: nothing ran");
    }
    return NotFound("step " + step + " has not started: " + entry.value("phase", "") + " " +
                    entry.value("message", ""));
  }
  if (pods.empty() && !step.empty()) {
    return NotFound("run " + run["metadata"].value("name", "") + " has no step " + step +
                    "; it has " + names);
  }
  return pods;
}

bool StepHasEnded(const Json& run, const std::string& step) {
  for (const Json& entry : run.value("status", Json::object()).value("steps", Json::array())) {
    if (entry.value("name", "") != step) continue;
    const std::string phase = entry.value("phase", "");
    return phase != "Running" && phase != "Pending" && phase != "Waiting";
  }
  return true;
}

}  // namespace penstock::cli
