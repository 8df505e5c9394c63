#include "operator/controllers/run_controller.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/run_actions.h"
#include "operator/controllers/run_family.h"
#include "operator/controllers/run_record.h"
#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"
#include "operator/plan/run/run_plan.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/child_plan.h"
#include "operator/plan/values/indexes.h"
#include "operator/runtime/duty_cycle.h"

namespace penstock::controllers {

struct RunController::State {
  State(const Context& context, std::string k)
      : key(std::move(k)), pinning(context), tries(context.clock) {}
  const std::string key;
  RunPinning pinning;
  std::shared_ptr<RunFacts> facts;
  PodTries tries;
  SteadyTime next_status{};     // none that can wait is written before
  Milliseconds status_took{0};  // to write the last one
  SteadyTime rests_until{};
  Run seen;                     // as the last visit found it
  bool attempts_noted = false;  // those that another controller's status tells of
  std::atomic<SteadyTime> pod_ended{SteadyTime{}};  // seen since the last visit; zero = none
};

bool IsFinished(const api::PipelineRun& run) {
  const auto* finished = api::FindCondition(run.status.conditions, "Finished");
  return finished != nullptr && finished->status == api::ConditionStatus::kTrue;
}

RunController::RunController(const Context& context, Wake wake)
    : context_(context), wake_(std::move(wake)) {}

RunController::~RunController() = default;

RunController::StatePtr RunController::StateOf(const api::PipelineRun& run) {
  const std::lock_guard lock(mutex_);
  StatePtr& state = states_[run.meta.uid];
  if (state == nullptr) {
    const ObjectKey key{run.meta.namespace_, run.meta.name};
    state = std::make_shared<State>(context_, key.Text());
    state->facts = std::make_shared<RunFacts>(
        context_, key, run.meta.uid,
        [wake = wake_, text = key.Text()](Milliseconds after) { wake(text, after); });
  }
  return state;
}

void RunController::Forget(const std::string& run_uid) {
  context_.snapshots.pods.ForgetRun(run_uid);
  const std::lock_guard lock(mutex_);
  states_.erase(run_uid);
}

void RunController::NoteEndedPod(const std::string& run_uid, SteadyTime seen) {
  const std::lock_guard lock(mutex_);
  const auto state = states_.find(run_uid);
  if (state != states_.end()) state->second->pod_ended = seen;
}

std::vector<std::string> RunController::Unresolved(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [uid, state] : states_) {
    if (state->pinning.is_pinned()) continue;
    if (ns.empty() || ParseKey(state->key).ns == ns) keys.push_back(state->key);
  }
  return keys;
}

Outcome RunController::Reconcile(const std::string& key) {
  const ObjectKey at = ParseKey(key);
  const Run run = context_.snapshots.runs.Get(at);
  // What became of a write of a run that is gone makes no difference any more.
  if (context_.snapshots.locks.EndWritesBut(at.ns, at.name, run == nullptr ? "" : run->meta.uid))
    WakeLocked(at.ns, key);
  if (run == nullptr || run->meta.deleted) return std::optional<Milliseconds>();
  if (IsFinished(*run)) {
    if (context_.snapshots.locks.EndWrite(run->meta.uid)) WakeLocked(at.ns, key);
    WakeParent(*run);
    const auto failed = EndChildren(*run);
    Forget(run->meta.uid);
    if (failed) return *failed;
    return Expire(*run);
  }
  const StatePtr state = StateOf(*run);
  TellOfNews(*state, run);
  const auto rest = std::chrono::ceil<Milliseconds>(state->rests_until - context_.clock.Steady());
  if (rest.count() > 0) return std::optional(rest);
  // Where the store does not answer the plan says so, or carries out a cancel.
  if (!run->status.revision.empty() && !state->facts->HaveReceipts(run->status) &&
      state->facts->ReceiptsTrouble().empty()) {
    return std::optional<Milliseconds>();
  }
  // What it is made of is what stands when its turn comes.
  if (plan::WaitsForTurn(*run)) return Visit(*state, run);
  auto settled = state->pinning.Ensure(*run, *state->facts);
  if (!settled) return settled.error();
  // Something that it needs is being fetched: whoever looks at it is told, once.
  const bool told = !run->status.conditions.empty() && run->spec.cancel == api::CancelMode::kNone;
  if (!*settled && told) return std::optional<Milliseconds>();
  return Visit(*state, run);
}

// Of a finished run: one that was made while the run ended was not seen then, and nobody waits for
// it any more.
std::optional<Error> RunController::EndChildren(const api::PipelineRun& run) {
  plan::RunPlan plan;
  for (const plan::ChildFact& child : ChildrenOf(context_, run))
    plan::CancelUnended(child, api::CancelMode::kNow, plan);
  if (plan.actions.empty()) return std::nullopt;
  const StatePtr state = StateOf(run);
  const ActionReport report = Act(context_, run, plan.actions, *state->facts, state->tries);
  for (const std::string& child : report.runs_changed)
    wake_(ObjectKey{run.meta.namespace_, child}.Text(), Milliseconds{0});
  if (report.runs_gone) WakeLocked(run.meta.namespace_, state->key);
  return report.error;
}

Outcome RunController::Expire(const api::PipelineRun& run) const {
  // A run within another goes with that.
  if (plan::ParentOf(run.meta) != nullptr) return std::optional<Milliseconds>();
  if (!run.spec.ttl_after_finished || !run.status.finish_time) return std::optional<Milliseconds>();
  const auto left = std::chrono::duration_cast<Milliseconds>(
      *run.status.finish_time + *run.spec.ttl_after_finished - context_.clock.Now());
  if (left.count() > 0) return std::optional(left);
  kube::DeleteOptions options;
  options.uid = run.meta.uid;
  auto deleted = context_.client.Delete(kube::kPipelineRuns, run.meta.namespace_, run.meta.name,
                                        options, {.stop = context_.stop});
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted.error();
  return std::optional<Milliseconds>();
}

namespace {

// The status as it would be written now: with the attempts of which it does not know yet.
void CatchUp(api::PipelineRunStatus& status, const std::map<std::string, AttemptMade>& made) {
  std::unordered_map<std::string, std::size_t> known;
  for (const auto& entry : status.steps) known.emplace(entry.name, known.size());
  for (const auto& [name, newest] : made) {
    const auto [at, added] = known.emplace(name, status.steps.size());
    if (added) status.steps.emplace_back().name = name;
    api::StepStatus& step = status.steps[at->second];
    if (step.attempts >= newest.attempt || api::IsFinal(step.phase)) continue;
    step.attempts = newest.attempt;
    step.pod = newest.pod;
    step.cache_key = newest.cache_key;
    step.phase = api::StepPhase::kPending;
    step.retry_at.reset();
  }
}

}  // namespace

namespace {

EndedItems EndedOf(const api::PipelineRunStatus& status) {
  EndedItems ended;
  for (const api::StepStatus& step : status.steps) {
    if (!step.items) continue;
    const auto total = static_cast<std::size_t>(std::max(step.items->total, 0));
    std::vector<bool>& of_step = ended[step.name];
    of_step.resize(total, api::IsFinal(step.phase));
    for (const auto* ranges : {&step.items->succeeded_indexes, &step.items->failed_indexes,
                               &step.items->skipped_indexes})
      for (const std::size_t i : plan::ParseIndexes(*ranges, total)) of_step[i] = true;
  }
  return ended;
}

}  // namespace

plan::RunObserved RunController::Gather(const State& state, const api::PipelineRun& run) const {
  plan::RunObserved observed;
  // First: of receipts that are known by then, the attempts are noted that they tell of.
  state.facts->CopyTo(observed);
  observed.run = run;
  CatchUp(observed.run.status, context_.snapshots.pods.NewestAttempts(run.meta.uid));
  observed.resolved = state.pinning.resolved();
  observed.former = state.pinning.former();
  observed.spec_errors = state.pinning.errors();
  observed.unresolvable = state.pinning.unresolvable();
  observed.pin_refused = state.pinning.refused();
  observed.revision = state.pinning.revision();
  const EndedItems ended = EndedOf(run.status);
  observed.pods = context_.snapshots.pods.OfRun(run.meta.uid, ended);
  observed.item_attempts = context_.snapshots.pods.UnseenItems(run.meta.uid, ended);
  observed.children = ChildrenOf(context_, run, ended, observed.resolved.get());
  const bool nests = observed.resolved != nullptr &&
                     std::any_of(observed.resolved->steps.begin(), observed.resolved->steps.end(),
                                 [](const auto& step) { return step.nested.has_value(); });
  if (nests || plan::ParentOf(run.meta) != nullptr)
    observed.family = FamilyOf(context_, run, nests);
  if (observed.resolved != nullptr && observed.resolved->TakesLocks())
    observed.locks = LockFactsOf(context_, run);
  observed.locks.above = LocksAbove(context_, run);
  if (observed.resolved != nullptr && observed.resolved->TakesApprovals())
    observed.approvals = ApprovalFactsOf(
        context_, run, [this](const std::string& key) { wake_(key, Milliseconds{0}); });
  if (const int most = context_.settings.max_pods; most > 0) {
    const std::string& ns = run.meta.namespace_;
    observed.pods_left = std::max(
        0, most - context_.snapshots.pods.Standing(ns) - context_.snapshots.pod_room.Making(ns));
  }
  state.tries.CopyTo(observed);
  return observed;
}

// Once: pods that no informer shows are known by their names.
void RunController::NoteAttempts(State& state, const api::PipelineRun& run) const {
  if (std::exchange(state.attempts_noted, true)) return;
  for (const api::StepStatus& step : run.status.steps)
    if (step.attempts > 0 && step.run.empty())
      context_.snapshots.pods.NoteAttempt(run.meta.uid, step.name,
                                          {step.attempts, step.pod, step.cache_key});
}

// Asks for those that the plan asks for, and for those that nobody tells of; gives when to look
// again.
std::optional<Milliseconds> RunController::LookAtPods(State& state, const std::string& run_uid,
                                                      std::vector<std::string> pods) const {
  const SteadyTime before = context_.clock.Steady() - context_.settings.confirm_after;
  const auto unconfirmed = context_.snapshots.pods.Unconfirmed(run_uid, before);
  pods.insert(pods.end(), unconfirmed.begin(), unconfirmed.end());
  std::optional<Milliseconds> again;
  for (const std::string& pod : pods) {
    state.facts->AskForPod(pod);
    again = Sooner(again, state.facts->WaitBeforeLook(pod));
  }
  return again;
}

namespace {

// Pods and child runs that the plan makes, and those that it would make if they had not just been
// refused.
std::set<std::string> WantedPods(const plan::RunPlan& plan) {
  std::set<std::string> wanted(plan.held_pods.begin(), plan.held_pods.end());
  for (const auto& action : plan.actions)
    if (const auto* pod = std::get_if<plan::CreatePod>(&action)) wanted.insert(pod->name);
  for (const auto& action : plan.actions)
    if (const auto* child = std::get_if<plan::CreateChild>(&action)) wanted.insert(child->name);
  return wanted;
}

// Whether something has to be looked up before the run can go on. An artifact that the store does
// not have is somebody's to put there, and is looked for all the time.
bool WaitsForFacts(const plan::FactRequests& requests, const plan::RunObserved& observed) {
  const bool asks_for_artifact =
      std::any_of(requests.artifacts.begin(), requests.artifacts.end(),
                  [&](const auto& digest) { return !observed.artifacts.contains(digest); });
  return asks_for_artifact || !requests.cache_keys.empty() || !requests.receipts.empty() ||
         !requests.fingerprints.empty() || !requests.live_pods.empty() ||
         !requests.live_runs.empty() || !requests.gathers.empty() || !requests.last_good.empty();
}

}  // namespace

namespace {

std::chrono::nanoseconds CpuOfThread() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// To plan a run of thousands of steps takes tens of milliseconds. It rests four times as long
// then: one run takes a fifth of a core at most, and its next visit takes in more that has ended.
// What others make it wait for does not count.
Milliseconds RestAfter(std::chrono::nanoseconds worked) {
  constexpr Milliseconds kShort{5}, kLongest{1'000};
  if (worked < kShort) return Milliseconds{0};
  return std::min(std::chrono::ceil<Milliseconds>(4 * worked), kLongest);
}

}  // namespace

Outcome RunController::Visit(State& state, Run run) {
  const auto resolved = state.pinning.resolved();
  std::optional<gates::LockTable::Turn> turn;
  if (resolved != nullptr && resolved->TakesLocks()) {
    turn = context_.snapshots.locks.Decide(
        run->meta.namespace_, state.key,
        [this](const std::string& next) { wake_(next, Milliseconds{0}); });
    if (!turn) return std::optional(gates::LockTable::kTurnAgain);
  }
  const SteadyTime ended = state.pod_ended.exchange(SteadyTime{});
  NoteAttempts(state, *run);
  const auto begin = CpuOfThread();
  const plan::RunObserved observed = Gather(state, *run);
  const auto plan = plan::PlanRun(observed, context_.settings.pods, context_.clock.Now());
  state.rests_until = context_.clock.Steady() + RestAfter(CpuOfThread() - begin);
  std::optional<Milliseconds> again = plan.requeue_after;
  // Pods may stand only where the status says by what they were made: a controller that comes
  // after a crash reads the name there, and never resolves a changed Pipeline anew. And only under
  // locks that the status says are held.
  if (plan.waits_for_room) context_.snapshots.pod_room.Wait(run->meta.namespace_, state.key);
  const bool pins = run->status.revision.empty() && !state.pinning.revision().empty();
  const bool first = pins || plan.takes_locks;
  if (first) {
    if (auto written = WriteStatus(state, run, plan); !written) return written.error();
  }
  turn.reset();
  state.tries.RestAllBut(WantedPods(plan));
  const ActionReport report = Act(context_, *run, plan.actions, *state.facts, state.tries);
  const SteadyTime now = context_.clock.Steady();
  if (report.pods_created > 0) {
    if (ended != SteadyTime{}) {
      context_.observe_handoff(std::chrono::duration_cast<Milliseconds>(now - ended));
    }
    again = Sooner(again, context_.settings.confirm_after);
  }
  const auto& requests = plan.requests;
  // The hand-off is not over: the next step waits for what has to be looked up first.
  if (report.pods_created == 0 && WaitsForFacts(requests, observed) && ended != SteadyTime{})
    state.pod_ended = ended;
  state.facts->Ask(requests);
  again = Sooner(again, LookAtPods(state, run->meta.uid, requests.live_pods));
  for (const std::string& child : requests.live_runs) {
    state.facts->AskForRun(child);
    again = Sooner(again, state.facts->WaitBeforeLook(child));
  }
  for (const std::string& child : report.runs_changed)
    wake_(ObjectKey{run->meta.namespace_, child}.Text(), Milliseconds{0});
  if (report.runs_gone) WakeLocked(run->meta.namespace_, "");
  again = Sooner(again, state.facts->NextLook(requests.followed_keys));
  // While all wait for their turn, the plan would be the same.
  if (report.retry_after && report.pods_created == 0 && again == Milliseconds{0}) again.reset();
  again = Sooner(again, report.retry_after);
  if (report.refused) again = Milliseconds{0};
  again = Sooner(again, state.pinning.look_again());
  if (!first) {
    auto written = WriteStatus(state, run, plan);
    if (!written) return written.error();
    again = Sooner(again, *written);
  }
  if (report.error) return *report.error;
  return again;
}

// However it became known: by an answer that was lost and asked for again, by a conflict, by a
// label that was written. The informer finds all that known already.
void RunController::TellOfNews(State& state, const Run& run) const {
  const Run before = std::exchange(state.seen, run);
  if (plan::ShowsParentMore(before.get(), *run)) WakeParent(*run);
  if (before == nullptr) return;
  if (before->spec.suspend != run->spec.suspend) WakeWithin(run->meta.uid);
  if (before->status.locks != run->status.locks) WakeLocked(run->meta.namespace_, state.key);
}

void RunController::WakeWithin(const std::string& run_uid) const {
  for (const std::string& within : RunsWithin(context_, run_uid)) wake_(within, Milliseconds{0});
}

void RunController::WakeLocked(const std::string& ns, const std::string& but_for) const {
  for (const std::string& key : RunsToWake(context_.snapshots, ns))
    if (key != but_for) wake_(key, Milliseconds{0});
}

void RunController::WakeParent(const api::PipelineRun& run) const {
  if (const auto* parent = plan::ParentOf(run.meta))
    wake_(ObjectKey{run.meta.namespace_, parent->name}.Text(), Milliseconds{0});
}

// The least between two writes, of which the last one took so long. A run that holds thousands of
// steps costs the API server seconds for each, as every rule of the CRD is looked at again for
// every step: such a run gives a tenth of its time to them, and is seen a minute late at most.
Milliseconds StatusPause(Milliseconds interval, Milliseconds took) {
  constexpr Milliseconds kLongest{60'000};
  return took <= interval ? interval : std::max(interval, runtime::RestAfter(took, kLongest));
}

// Nothing, or when to come again for a status that waits for its turn.
Outcome RunController::WriteStatus(State& state, Run& run, const plan::RunPlan& plan) {
  const SteadyTime now = context_.clock.Steady();
  Json status = api::Encode(plan.status);
  // Where it is not known what became of an earlier write the next one says: it meets what is
  // there.
  const bool unsure = context_.snapshots.locks.HasWrite(run->meta.uid);
  if (!unsure && status == api::Encode(run->status)) return std::optional<Milliseconds>();
  // What it is pinned to never waits: it must be known before anything is made of it.
  const bool pins = run->status.revision.empty() && !plan.status.revision.empty();
  if (!plan.urgent_status && !pins && !unsure && now < state.next_status) {
    return std::optional(std::chrono::duration_cast<Milliseconds>(state.next_status - now) +
                         Milliseconds{1});
  }
  const auto newest = [this](const Json& live) {
    context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(live)));
  };
  if (plan.takes_locks) context_.snapshots.locks.BeginWrite(*run, plan.status.locks);
  auto written = UpdateStatus(context_, kube::kPipelineRuns, run->meta, api::Encode(run->spec),
                              std::move(status), newest);
  // Of any other failure nobody knows whether the API server has it: what it says is held.
  const bool known = !written && (written.error().kind == ErrorKind::kConflict ||
                                  written.error().kind == ErrorKind::kNotFound);
  if (!written) {
    bool frees = known && context_.snapshots.locks.EndWrite(run->meta.uid);
    // An informer that never told of it tells of its end neither.
    if (written.error().kind == ErrorKind::kNotFound) {
      context_.snapshots.runs.Drop({run->meta.namespace_, run->meta.name}, run->meta.uid);
      WakeParent(*run);
      frees = true;
    }
    if (frees) WakeLocked(run->meta.namespace_, state.key);
    return written.error();
  }
  const SteadyTime ended = context_.clock.Steady();
  const auto took = std::chrono::duration_cast<Milliseconds>(ended - now);
  // One alone that was slow may be the API server's own trouble.
  const Milliseconds both = std::min(took, std::exchange(state.status_took, took));
  state.next_status = ended + StatusPause(context_.settings.status_interval, both);
  const Run before = run;
  run = context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*written)));
  if (plan::ShowsParentMore(before.get(), *run)) WakeParent(*run);
  // The informer finds that known already.
  if (before->spec.suspend != run->spec.suspend) WakeWithin(run->meta.uid);
  const bool wrote = context_.snapshots.locks.EndWrite(run->meta.uid);
  if (wrote || before->status.locks != run->status.locks)
    WakeLocked(run->meta.namespace_, state.key);
  SendEvents(context_, kube::kPipelineRuns, run->meta, plan.events);
  context_.recorder.RecordRun(MakeRecord(*run, state.pinning.resolved().get()));
  return std::optional<Milliseconds>();
}

}  // namespace penstock::controllers
