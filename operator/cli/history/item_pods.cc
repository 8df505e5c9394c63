#include "operator/cli/history/item_pods.h"

#include <algorithm>
#include <map>
#include <utility>

#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/values/indexes.h"

namespace penstock::cli {
namespace {

using ItemPods = std::map<int, StepPod>;

std::string NameOf(const std::string& step, int item) { return step + "." + std::to_string(item); }

int TotalOf(const KnownRun& run, const std::string& step) {
  const api::StepStatus* status = run.Step(step);
  return status != nullptr && status->items ? status->items->total : 0;
}

// Pods are named by run, step, item and attempt, and each that began has a log.
Result<ItemPods> OnThisMachine(const State& state, const KnownRun& run, const StepPod& loop) {
  ItemPods found;
  const int first = loop.item.value_or(0);
  const int end = loop.item ? first + 1 : TotalOf(run, loop.step);
  const api::ObjectMeta& meta = run.run.meta;
  for (int item = first; item < end; ++item) {
    for (int attempt = 1;; ++attempt) {
      const std::string pod = plan::PodName(meta.name, meta.uid, loop.step, attempt, item);
      const Result<bool> there = IsThere(local::PathsOf(state.root(), kLocalNamespace, pod).log);
      if (!there) return there.error();
      if (!*there) break;
      found[item] = {.step = NameOf(loop.step, item), .pod = pod, .run = "", .item = item};
    }
  }
  return found;
}

Result<ItemPods> OnTheCluster(const Cluster& cluster, const KnownRun& run, const StepPod& loop,
                              const std::stop_token& stop) {
  kube::ListOptions list;
  list.label_selector = std::string(plan::kLabelRunUid) + "=" + run.run.meta.uid + "," +
                        plan::kLabelStep + "=" + loop.step;
  if (loop.item)
    list.label_selector += std::string(",") + plan::kLabelItem + "=" + std::to_string(*loop.item);
  list.limit = 500;
  ItemPods found;
  std::map<int, int> attempts;
  do {
    const auto page = cluster.client->List(kube::kPods, cluster.namespace_, list, {.stop = stop});
    if (!page) return page.error();
    for (const Json& object : page->items) {
      const plan::PodFact pod = plan::DecodePod(object);
      if (!pod.item || pod.attempt <= attempts[*pod.item]) continue;
      attempts[*pod.item] = pod.attempt;
      found[*pod.item] = {
          .step = NameOf(loop.step, *pod.item), .pod = pod.name, .run = "", .item = *pod.item};
    }
    list.continue_token = page->continue_token;
  } while (!list.continue_token.empty());
  return found;
}

void NameGone(const KnownRun& run, const StepPod& loop, ItemPods& found) {
  const api::StepStatus* status = run.Step(loop.step);
  if (status == nullptr || !status->items) return;
  const api::ObjectMeta& meta = run.run.meta;
  for (const std::string* ended :
       {&status->items->succeeded_indexes, &status->items->failed_indexes})
    for (const std::size_t index : plan::ParseIndexes(*ended, status->items->total)) {
      const int item = static_cast<int>(index);
      if (found.contains(item) || (loop.item && *loop.item != item)) continue;
      found[item] = {.step = NameOf(loop.step, item),
                     .pod = plan::PodName(meta.name, meta.uid, loop.step, 1, item),
                     .run = "",
                     .item = item,
                     .gone = true};
    }
}

Result<ItemPods> RunsOf(const RunArchive& archive, const KnownRun& run, const StepPod& loop) {
  const Result<std::vector<KnownRun>> runs = archive.OfItems(run, loop.step);
  if (!runs) return runs.error();
  ItemPods found;
  for (const KnownRun& of_item : *runs) {
    const int item = plan::ItemOf(of_item.run)->second;
    if (loop.item && *loop.item != item) continue;
    found[item] = {NameOf(loop.step, item), "", of_item.run.meta.name};
  }
  return found;
}

Result<ItemPods> ItemsOf(const RunArchive& archive, const KnownRun& run, const RunPlace& place,
                         const Session& session, const StepPod& loop, GoneItems gone) {
  const int total = TotalOf(run, loop.step);
  if (loop.item && *loop.item >= total)
    return NotFound("step " + loop.step + " has " + std::to_string(total) +
                    " items, counted from 0: there is no " + NameOf(loop.step, *loop.item));
  const plan::ResolvedStep* step = run.resolved ? run.resolved->Find(loop.step) : nullptr;
  Result<ItemPods> found = ItemPods();
  // What the run is made of may be deleted: then both are looked for.
  if (step == nullptr || step->nested) found = RunsOf(archive, run, loop);
  if (found && found->empty() && (step == nullptr || !step->nested)) {
    found = place.state != nullptr ? OnThisMachine(*place.state, run, loop)
                                   : OnTheCluster(*place.cluster, run, loop, session.interrupted);
    if (found && place.cluster != nullptr && gone == GoneItems::kNamed) NameGone(run, loop, *found);
  }
  if (found && found->empty() && loop.item)
    return NotFound(NameOf(loop.step, *loop.item) +
                    ": nothing of it is kept; it came from the cache, or has not started");
  return found;
}

}  // namespace

Result<void> FindItems(const RunArchive& archive, const KnownRun& run, const RunPlace& place,
                       const Session& session, std::vector<StepPod>& pods, GoneItems gone) {
  std::vector<StepPod> all;
  for (StepPod& pod : pods) {
    if (!pod.looped) {
      all.push_back(std::move(pod));
      continue;
    }
    auto items = ItemsOf(archive, run, place, session, pod, gone);
    if (!items) return items.error();
    for (auto& [index, item] : *items) all.push_back(std::move(item));
  }
  pods = std::move(all);
  return {};
}

}  // namespace penstock::cli
