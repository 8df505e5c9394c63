// What a run asks of the artifact store.
#include <algorithm>
#include <tuple>
#include <utility>

#include "operator/controllers/run_facts.h"
#include "operator/plan/step/last_good.h"

namespace penstock::controllers {

// The maker is asked for first: one that is no maker any more left its entry behind. The other way
// round, a maker that ends in between would be missed, and the step would run twice.
Result<bool> RunFacts::FetchCache(const std::string& key) {
  std::string maker = Follow(key);
  auto hit = LookUp(key);
  const std::lock_guard lock(mutex_);
  if (!hit) {
    // An older answer, that another run makes it, may stand no more; the plan asks again.
    cache_.erase(key);
    return hit.error();
  }
  plan::CacheAnswer answer{std::move(*hit), ""};
  if (!answer.hit) answer.following_run = std::move(maker);
  if (answer.following_run.empty()) following_.erase(key);
  cache_[key] = std::move(answer);
  return true;
}

Result<std::optional<Receipt>> RunFacts::LookUp(const std::string& key) const {
  auto entry = context_.store.GetCacheEntry(run_.ns, key);
  if (!entry) {
    if (!IsSure(entry.error().kind)) return Wrap("the cache entry " + key, entry.error());
    return std::optional<Receipt>();  // none, or one that is none: the step runs
  }
  for (const OutputRecord& output : entry->outputs) {
    auto exists = context_.store.Use(run_.ns, output.artifact);
    if (!exists && !IsSure(exists.error().kind))
      return Wrap("the cached output '" + output.name.substr(0, 80) + "'", exists.error());
    if (exists && *exists) continue;
    // Gone, or called a folder and none: the step runs, and its entry is made anew.
    if (auto dropped = context_.store.DropCacheEntry(run_.ns, key); !dropped)
      context_.warn("a cache entry that is wrong stays: " + dropped.error().message);
    return std::optional<Receipt>();
  }
  return std::optional<Receipt>(std::move(*entry));
}

std::string RunFacts::Follow(const std::string& key) {
  const auto maker = context_.snapshots.pods.MakerOf(run_.ns, key, run_uid_, context_.clock.Now());
  const std::lock_guard lock(mutex_);
  const SteadyTime now = context_.clock.Steady();
  auto following = following_.find(key);
  if (following == following_.end() && maker) {
    following = following_.try_emplace(key).first;
    following->second.waited.Count(now);
  }
  // Also where there is no maker any more: what it left behind may be out of reach for a while.
  if (following != following_.end())
    following->second.look_at = now + context_.settings.follow_interval;
  return maker.value_or("");
}

// The other run's pod ends some day: then the cache holds what it made, or there is no maker.
std::optional<Milliseconds> RunFacts::NextLook(
    const std::vector<std::string>& followed_keys) const {
  const std::lock_guard lock(mutex_);
  std::optional<Milliseconds> next;
  for (const std::string& key : followed_keys) {
    const auto following = following_.find(key);
    if (following == following_.end() || under_way_.contains(kCache + key)) continue;
    const auto left =
        std::chrono::ceil<Milliseconds>(following->second.look_at - context_.clock.Steady());
    next = Sooner(next, std::max(Milliseconds{1}, left));
  }
  return next;
}

std::vector<std::string> RunFacts::DueFollowings(
    const std::vector<std::string>& followed_keys) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> due;
  for (const std::string& key : followed_keys) {
    const auto following = following_.find(key);
    if (following != following_.end() && context_.clock.Steady() >= following->second.look_at)
      due.push_back(key);
  }
  return due;
}

// Nobody asks for the others now: that time is not counted.
void RunFacts::CountWaits(const plan::FactRequests& requests) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = context_.clock.Steady();
  const auto in = [](const std::vector<std::string>& wanted, const std::string& fact) {
    return std::find(wanted.begin(), wanted.end(), fact) != wanted.end();
  };
  for (auto& [digest, put] : artifacts_)
    if (!in(requests.artifacts, digest)) put.missing.Rest(now);
  for (auto& [key, following] : following_) {
    if (in(requests.followed_keys, key))
      following.waited.Count(now);
    else
      following.waited.Rest(now);
  }
}

Result<bool> RunFacts::FetchReceipt(const std::string& pod) {
  auto receipt = context_.store.GetReceipt(run_.ns, run_uid_, pod);
  if (!receipt && !IsSure(receipt.error().kind)) return receipt.error();
  plan::ReceiptAnswer answer;
  if (receipt) answer.receipt = std::move(*receipt);
  const std::lock_guard lock(mutex_);
  receipts_[pod] = std::move(answer);
  return true;
}

bool RunFacts::HaveReceipts(const api::PipelineRunStatus& status) {
  {
    const std::lock_guard lock(mutex_);
    if (have_receipts_) return true;
  }
  std::set<std::string> known;
  for (const api::StepStatus& step : status.steps) known.insert(step.pod);
  Fetch(in_store_, kReceipts, [this, known = std::move(known)] { return FetchReceipts(known); });
  return false;
}

std::string RunFacts::ReceiptsTrouble() const {
  const std::lock_guard lock(mutex_);
  const auto trouble = troubles_.find(kReceipts);
  return trouble == troubles_.end() ? "" : trouble->second;
}

// A pod may have ended and vanished after the last status was written: its receipt is then all that
// tells of the attempt.
Result<bool> RunFacts::FetchReceipts(const std::set<std::string>& known_pods) {
  const auto pods = context_.store.Receipts(run_.ns, run_uid_);
  if (!pods) return pods.error();
  for (const std::string& pod : *pods) {
    if (known_pods.contains(pod)) continue;
    auto receipt = context_.store.GetReceipt(run_.ns, run_uid_, pod);
    // No receipt of ours, or one that is being written under another name; the plan asks again for
    // those that it needs.
    if (!receipt && !IsSure(receipt.error().kind)) return receipt.error();
    if (!receipt || receipt->pod != pod) continue;
    context_.snapshots.pods.NoteAttempt(run_uid_, receipt->step,
                                        {receipt->attempt, pod, "", "", {}, receipt->item_index});
  }
  const std::lock_guard lock(mutex_);
  have_receipts_ = true;
  return true;
}

Result<bool> RunFacts::AreThere(const plan::LastGood& last) const {
  for (const api::StepOutput& o : last.outputs) {
    auto exists = context_.store.Use(run_.ns, ArtifactRef{o.digest, o.folder, o.bytes});
    if (!exists && !IsSure(exists.error().kind))
      return Wrap("the output '" + o.name + "' of run " + last.run, exists.error());
    if (!exists || !*exists) return false;
  }
  return true;
}

// Of what a step gave in earlier runs of its Pipeline the newest that is still there.
Result<bool> RunFacts::FetchLastGood(const plan::LastGoodRequest& request) {
  const auto run = context_.snapshots.runs.Get(run_);
  if (run == nullptr || run->meta.uid != run_uid_) return true;  // deleted while this waited
  const plan::ResolvedStep& step = *request.resolved->Find(request.step);
  plan::LastGoodAnswer answer;
  answer.why_none = plan::WhyNoEarlierRun(*run);
  std::vector<std::pair<TimePoint, plan::LastGood>> all;  // by the time that its run is for
  const auto note = [&](const api::PipelineRun& other) {
    if (auto last = plan::GivenIn(other, *run, step))
      all.emplace_back(api::ScheduledTime(other), *std::move(last));
  };
  if (answer.why_none.empty()) {
    for (const auto& other : context_.snapshots.runs.List(run_.ns)) note(*other);
    if (context_.settings.earlier_runs) {
      auto earlier = context_.settings.earlier_runs(run_.ns, run->spec.pipeline_ref);
      if (!earlier) return earlier.error();
      for (const api::PipelineRun& other : *earlier) note(other);
    }
    answer.why_none = "no run of the Pipeline that is kept has succeeded in this step";
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.time) > std::tie(b.first, b.second.time);
  });
  for (auto& [of_run, last] : all) {
    auto there = AreThere(last);
    if (!there) return there.error();
    answer.why_none = "of what it gave in earlier runs nothing is in the store any more";
    if (!*there) continue;
    answer.found = std::move(last);
    break;
  }
  const std::lock_guard lock(mutex_);
  last_good_[request.step] = std::make_shared<const plan::LastGoodAnswer>(std::move(answer));
  return true;
}

// One that is not there is told at once, and looked for again after a pause.
Result<bool> RunFacts::FetchArtifact(const std::string& digest) {
  auto found = context_.store.FindToUse(run_.ns, digest);
  const bool is_missing = !found && found.error().kind == ErrorKind::kNotFound;
  const std::lock_guard lock(mutex_);
  const SteadyTime now = context_.clock.Steady();
  if (!found && !is_missing) {
    if (const auto put = artifacts_.find(digest); put != artifacts_.end())
      put->second.missing.Rest(now);
    return found.error();
  }
  PutArtifact& put = artifacts_[digest];
  if (found) put.artifact = std::move(*found);
  if (is_missing) put.missing.Count(now);
  return put.artifact.has_value();
}

void RunFacts::DropCache(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    cache_.erase(key);
  }
  in_store_([self = shared_from_this(), key] {
    auto dropped = self->context_.store.DropCacheEntry(self->run_.ns, key);
    if (!dropped)
      self->context_.warn("a cache entry that is wrong stays: " + dropped.error().message);
  });
}

}  // namespace penstock::controllers
