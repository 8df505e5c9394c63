#include "operator/cli/history/run_lookup.h"

#include <charconv>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/change_run.h"

namespace penstock::cli {

void SortAsAskedFor(std::vector<Json>& runs, const std::string& newest_hash) {
  std::vector<api::PipelineRun> decoded;
  decoded.reserve(runs.size());
  std::vector<const api::PipelineRun*> order;
  for (const Json& run : runs)
    order.push_back(&decoded.emplace_back(api::DecodePipelineRun(run).value));
  plan::SortAsAskedFor(order, newest_hash);
  std::vector<Json> sorted;
  sorted.reserve(runs.size());
  for (const api::PipelineRun* run : order)
    sorted.push_back(std::move(runs[static_cast<std::size_t>(run - decoded.data())]));
  runs = std::move(sorted);
}

Result<Json> FindClusterRun(kube::Client& client, const std::string& ns, const std::string& name) {
  Result<Json> run = client.Get(kube::kPipelineRuns, ns, name);
  if (run || run.error().kind != ErrorKind::kNotFound) return run;
  Result<kube::ListPage> page = client.List(kube::kPipelineRuns, ns, {});
  if (!page) return page.error();
  std::erase_if(page->items, [&](const Json& item) {
    const Json ref = item.value("spec", Json::object()).value("pipelineRef", Json::object());
    return ref.value("name", "") != name || !ParentRun(item).empty();
  });
  if (!page->items.empty()) {
    // Who may not read Pipelines, or has deleted this one, gets the order that names give.
    const Result<Json> pipeline = client.Get(kube::kPipelines, ns, name);
    SortAsAskedFor(
        page->items,
        pipeline ? pipeline->value("status", Json::object()).value("observedRunHash", "") : "");
    return std::move(page->items.back());
  }
  return NotFound("there is no run or pipeline \"" + name + "\" in namespace " + ns);
}

namespace {

// "each.3": the item; a step's name has no dot.
struct NamedStep {
  std::string step;
  std::optional<int> item;
};

NamedStep ReadName(const std::string& text) {
  const auto dot = text.rfind('.');
  if (dot == std::string::npos) return {text, std::nullopt};
  int item = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + dot + 1, end, item);
  if (read.ec != std::errc() || read.ptr != end || item < 0) return {text, std::nullopt};
  return {text.substr(0, dot), item};
}

}  // namespace

Result<std::vector<StepPod>> PodsOf(const Json& run, const std::string& asked) {
  const auto [step, item] = ReadName(asked);
  std::vector<StepPod> pods;
  std::string names;
  for (const Json& entry : run.value("status", Json::object()).value("steps", Json::array())) {
    const std::string name = entry.value("name", ""), pod = entry.value("pod", "");
    names += (names.empty() ? "" : ", ") + name;
    if (!step.empty() && name != step) continue;
    if (entry.contains("items")) {
      pods.push_back({name, "", "", true, item});
      continue;
    }
    if (item) return NotFound("step " + step + " is no loop: it has no item " + asked);
    if (!entry.value("run", "").empty()) {
      pods.push_back({name, "", entry.value("run", "")});
      continue;
    }
    if (!pod.empty() || entry.value("cached", false)) {
      pods.push_back({name, entry.value("cached", false) ? "" : pod, ""});
      continue;
    }
    if (step.empty()) continue;
    const std::string message = entry.value("message", "");
    const bool begun = entry.contains("startTime");  // as an approval, or a wait
    return NotFound("step " + step + (begun ? " has no pod" : " has not started") + ": it is " +
                    entry.value("phase", "") + (message.empty() ? "" : " (" + message + ")"));
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
