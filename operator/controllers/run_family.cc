#include "operator/controllers/run_family.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "operator/plan/attempt/labels.h"
#include "operator/plan/model/model_approval.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/child_plan.h"

namespace penstock::controllers {
namespace {

// Far above what a plan lets come about; somebody may write a circle of owners by hand.
constexpr std::size_t kMostAbove = 100;

// What a run is of, for people.
std::string PipelineOf(const api::PipelineRun& run) {
  if (!run.spec.pipeline_ref.empty()) return run.spec.pipeline_ref;
  const auto step = run.meta.labels.find(plan::kLabelStep);
  return step == run.meta.labels.end() ? run.meta.name : step->second;
}

using Run = ObjectTable<Known<api::PipelineRun>>::Snapshot;

// An attempt of an item that the status calls ended, over itself: a visit looks at what goes on.
bool IsPast(const api::PipelineRun& child, const EndedItems& ended) {
  if (ended.empty() || plan::OutcomeOf(child) == plan::RunOutcome::kActive) return false;
  const auto item = plan::ItemOf(child);
  return item && HasEndedItem(ended, item->first, item->second);
}

// The looped steps that are Pipelines.
std::vector<std::string> LoopsOfRuns(const plan::ResolvedRun* resolved) {
  std::vector<std::string> names;
  if (resolved != nullptr)
    for (const plan::ResolvedStep& step : resolved->steps)
      if (step.loop && step.nested) names.push_back(step.name);
  return names;
}

std::vector<Run> Within(const Context& context, const std::string& uid) {
  std::vector<Run> found = context.snapshots.runs.OwnedBy(uid);
  for (std::size_t i = 0; i < found.size() && found.size() < plan::kMaxRunsWithin; ++i)
    for (Run& child : context.snapshots.runs.OwnedBy(found[i]->meta.uid))
      found.push_back(std::move(child));
  return found;
}

}  // namespace

plan::Family FamilyOf(const Context& context, const api::PipelineRun& run, bool counted) {
  plan::Family family;
  const api::OwnerReference* parent = plan::ParentOf(run.meta);
  Run above;  // keeps `parent` alive
  while (parent != nullptr && family.above.size() < kMostAbove) {
    Run next = context.snapshots.runs.Get({run.meta.namespace_, parent->name});
    if (next == nullptr || next->meta.uid != parent->uid) {
      family.is_orphan = true;
      break;
    }
    above = std::move(next);
    family.above.push_back(PipelineOf(*above));
    family.root_uid = above->meta.uid;
    if (above->spec.suspend && family.suspended_by.empty()) family.suspended_by = above->meta.name;
    parent = plan::ParentOf(above->meta);
  }
  std::reverse(family.above.begin(), family.above.end());
  if (counted)
    family.runs = context.snapshots.runs.CountBelow(
        family.root_uid.empty() ? run.meta.uid : family.root_uid, plan::kMaxRunsWithin);
  return family;
}

std::vector<plan::ChildFact> ChildrenOf(const Context& context, const api::PipelineRun& run,
                                        const EndedItems& ended,
                                        const plan::ResolvedRun* resolved) {
  std::vector<plan::ChildFact> children;
  for (const auto& child : context.snapshots.runs.OwnedBy(run.meta.uid))
    if (!IsPast(*child, ended)) children.push_back(plan::ReadChild(*child));
  if (children.empty()) return children;
  const std::vector<std::string> loops = LoopsOfRuns(resolved);
  if (!loops.empty())
    for (plan::ChildFact& child : children) plan::TakeItemFromName(run, loops, child);
  // Of one that the status knows, nobody's edit of a label says otherwise.
  std::unordered_map<std::string, const api::StepStatus*> known;
  for (const api::StepStatus& step : run.status.steps)
    if (!step.run.empty()) known.emplace(step.run, &step);
  for (plan::ChildFact& child : children) {
    const auto step = known.find(child.name);
    if (step == known.end()) continue;
    child.step = step->second->name;
    child.attempt = step->second->attempts;
  }
  return children;
}

std::vector<std::string> RunsWithin(const Context& context, const std::string& uid) {
  std::vector<std::string> keys;
  for (const Run& run : Within(context, uid))
    keys.push_back(ObjectKey{run->meta.namespace_, run->meta.name}.Text());
  return keys;
}

namespace {

gates::LockTable::Runs RunsWithLocks(const Snapshots& snapshots, const std::string& ns) {
  const auto found = snapshots.runs.List(ns, [](const auto& r) { return !r.status.locks.empty(); });
  return {found.begin(), found.end()};
}

struct Place {
  std::string step;
  std::optional<int> item;
};

// Where in `parent` the run within it is.
Place PlaceOf(const api::PipelineRun& run, const api::PipelineRun& parent) {
  Place place;
  const auto label = [&](const char* name) {
    const auto found = run.meta.labels.find(name);
    return found == run.meta.labels.end() ? std::string() : found->second;
  };
  place.step = label(plan::kLabelStep);
  for (const api::StepStatus& step : parent.status.steps)
    if (step.run == run.meta.name) place.step = step.name;
  const std::string item = label(plan::kLabelItem);
  int index = 0;
  const auto read = std::from_chars(item.data(), item.data() + item.size(), index);
  if (!item.empty() && read.ec == std::errc()) place.item = index;
  return place;
}

}  // namespace

std::vector<plan::HeldLock> LocksAbove(const Context& context, const api::PipelineRun& run) {
  std::vector<plan::HeldLock> held;
  Run above;
  const api::PipelineRun* at = &run;
  for (std::size_t depth = 0; depth < kMostAbove; ++depth) {
    const api::OwnerReference* parent = plan::ParentOf(at->meta);
    if (parent == nullptr) break;
    const auto next = context.snapshots.runs.Get({run.meta.namespace_, parent->name});
    if (next == nullptr || next->meta.uid != parent->uid) break;
    const Place place = PlaceOf(*at, *next);
    for (const api::RunLock& lock : next->status.locks) {
      const bool around =
          lock.step.empty() || (lock.step == place.step && (!lock.item || lock.item == place.item));
      if (!lock.held || !around) continue;
      for (const std::string& name : lock.names)
        held.push_back({name, plan::LockUser(next->meta.uid, lock.step, lock.item)});
    }
    above = next;  // keeps `at` alive
    at = above.get();
  }
  return held;
}

plan::LockFacts LockFactsOf(const Context& context, const api::PipelineRun& run) {
  const gates::LockTable& table = context.snapshots.locks;
  const std::string& ns = run.meta.namespace_;
  plan::LockFacts facts;
  facts.sizes = table.Sizes(ns);
  facts.others = table.Uses(ns, RunsWithLocks(context.snapshots, ns), run.meta.uid);
  return facts;
}

namespace {

// When the oldest run above this one was made; nullopt: there is none.
std::optional<TimePoint> AboveCreated(const Context& context, const api::PipelineRun& run) {
  std::optional<TimePoint> oldest;
  Run above;  // keeps `parent` alive
  const api::OwnerReference* parent = plan::ParentOf(run.meta);
  for (std::size_t depth = 0; parent != nullptr && depth < kMostAbove; ++depth) {
    Run next = context.snapshots.runs.Get({run.meta.namespace_, parent->name});
    if (next == nullptr || next->meta.uid != parent->uid) return TimePoint{};  // nobody knows
    above = std::move(next);
    const TimePoint created = above->meta.created.value_or(TimePoint{});
    oldest = std::min(oldest.value_or(created), created);
    parent = plan::ParentOf(above->meta);
  }
  return oldest;
}

}  // namespace

plan::ApprovalFacts ApprovalFactsOf(const Context& context, const api::PipelineRun& run,
                                    const std::function<void(const std::string& key)>& wake) {
  plan::ApprovalFacts facts;
  const auto of_run = [&](const api::Approval& a) { return a.spec.run_uid == run.meta.uid; };
  for (const auto& known : context.snapshots.approvals.List(run.meta.namespace_, of_run))
    facts.made.push_back(
        {*known, known->errors.empty() ? "" : "it is not valid: " + api::Describe(known->errors)});
  if (context.settings.approvals_by_hand)
    facts.policy = {.by_hand = true, .why_not = ""};
  else
    facts.policy = context.snapshots.approval_policy.Ask(
        AskerOf(context), ObjectKey{run.meta.namespace_, run.meta.name}.Text(), wake);
  facts.above_created = AboveCreated(context, run);
  return facts;
}

void ObserveApprovals(const Context& context, plan::ModelObserved& observed,
                      const std::function<void(const std::string& key)>& wake) {
  const api::ObjectMeta& meta = observed.md.meta;
  if (!plan::TakesApprovals(observed.md)) return;
  const auto of_this = [&](const api::Approval& a) {
    return a.spec.model_deployment_uid == meta.uid;
  };
  const auto made = context.snapshots.approvals.List(meta.namespace_, of_this);
  for (const auto& known : made)
    observed.approvals.made.push_back(
        {*known, known->errors.empty() ? "" : "it is not valid: " + api::Describe(known->errors)});
  if (context.settings.approvals_by_hand)
    observed.approvals.policy = {.by_hand = true, .why_not = ""};
  else
    observed.approvals.policy = context.snapshots.approval_policy.Ask(
        AskerOf(context), "modeldeployment " + ObjectKey{meta.namespace_, meta.name}.Text(),
        [wake, key = ObjectKey{meta.namespace_, meta.name}.Text()](const std::string&) {
          wake(key);
        });
  if (observed.target_run.empty() || !observed.target) return;
  const Run run = context.snapshots.runs.Get({meta.namespace_, observed.target_run});
  if (run == nullptr || !plan::HasMade(run->status, observed.target->digest)) return;
  observed.target_maker = run->meta;
  observed.approvals.above_created = AboveCreated(context, *run);
}

gates::ApprovalPolicyCheck::Asker AskerOf(const Context& context) {
  return {context.client, context.clock, context.settings.approval_policy, context.submit_api,
          context.stop};
}

std::vector<std::string> RunsToWake(const Snapshots& snapshots, const std::string& ns) {
  std::vector<std::string> keys;
  for (const std::string& name : snapshots.locks.ToWake(ns, RunsWithLocks(snapshots, ns)))
    keys.push_back(ObjectKey{ns, name}.Text());
  return keys;
}

std::vector<gates::LockCount> CountLocks(const Snapshots& snapshots) {
  std::map<std::string, gates::LockTable::Runs> runs;
  for (auto& run : RunsWithLocks(snapshots, "")) runs[run->meta.namespace_].push_back(run);
  std::vector<gates::LockCount> all;
  for (const auto& [ns, of_namespace] : runs)
    for (gates::LockCount& count :
         gates::LockTable::Count(ns, snapshots.locks.Uses(ns, of_namespace, "")))
      all.push_back(std::move(count));
  return all;
}

}  // namespace penstock::controllers
