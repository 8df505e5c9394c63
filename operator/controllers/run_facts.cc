#include "operator/controllers/run_facts.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/sources/code_artifact.h"
#include "operator/sources/fingerprint.h"
#include "operator/sources/git_code.h"

namespace penstock::controllers {
namespace {

std::string CodeId(const api::CodeSpec& code) {
  if (code.git) return "git/" + code.git->url + " " + code.git->revision + " " + code.git->path;
  return code.config_map ? "configMap/" + *code.config_map : "artifact/" + code.artifact;
}

}  // namespace

RunFacts::RunFacts(const Context& context, ObjectKey run, std::string run_uid,
                   std::function<void(Milliseconds)> wake)
    : context_(context),
      run_(std::move(run)),
      run_uid_(std::move(run_uid)),
      wake_(std::move(wake)) {}

void RunFacts::CopyTo(plan::RunObserved& observed) const {
  const std::lock_guard lock(mutex_);
  observed.pod_gone = pod_gone_;
  observed.cache = cache_;
  observed.receipts = receipts_;
  observed.fingerprints = fingerprints_;
  for (const auto& [pod, refusal] : refusals_) observed.create_errors[pod] = refusal.why;
}

void RunFacts::Ask(const plan::FactRequests& requests) {
  auto cache_keys = DueFollowings();
  cache_keys.insert(cache_keys.end(), requests.cache_keys.begin(), requests.cache_keys.end());
  for (const auto& key : cache_keys) {
    Fetch(context_.submit_io, "cache/" + key, [this, key] { return FetchCache(key); });
  }
  for (const auto& pod : requests.receipts) {
    Fetch(context_.submit_io, "receipt/" + pod, [this, pod] { return FetchReceipt(pod); });
  }
  for (const auto& uri : requests.fingerprints) {
    Fetch(context_.submit_io, "uri/" + uri, [this, uri] { return FetchFingerprint(uri); });
  }
  for (const auto& pod : requests.live_pods) AskForPod(pod);
}

void RunFacts::AskForPod(const std::string& pod) {
  Fetch(context_.submit_api, "pod/" + pod, [this, pod] { return FetchPod(pod); });
}

void RunFacts::Fetch(const Submit& pool, const std::string& id, std::function<bool()> fetch) {
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.insert(id).second) return;
  }
  pool([self = shared_from_this(), id, fetch = std::move(fetch)] {
    const bool answered = !self->context_.stop.stop_requested() && fetch();
    {
      const std::lock_guard lock(self->mutex_);
      self->under_way_.erase(id);
    }
    self->wake_(answered ? Milliseconds{0} : self->context_.settings.retry_fact_after);
  });
}

// The maker is asked for first: one that is no maker any more left its entry behind. The other way
// round, a maker that ends in between would be missed, and the step would run twice.
bool RunFacts::FetchCache(const std::string& key) {
  std::string maker = Follow(key);
  auto hit = LookUp(key);
  if (!hit) return false;
  plan::CacheAnswer answer{std::move(*hit), ""};
  if (!answer.hit) answer.following_run = std::move(maker);
  const std::lock_guard lock(mutex_);
  cache_[key] = std::move(answer);
  return true;
}

Result<std::optional<Receipt>> RunFacts::LookUp(const std::string& key) const {
  auto entry = context_.store.GetCacheEntry(run_.ns, key);
  if (!entry) {
    if (PassesByItself(entry.error().kind)) return entry.error();
    return std::optional<Receipt>();  // none, or one that cannot be read: the step runs
  }
  for (const OutputRecord& output : entry->outputs) {
    auto exists = context_.store.Exists(run_.ns, output.artifact);
    if (!exists) return exists.error();
    if (*exists) continue;
    static_cast<void>(context_.store.DropCacheEntry(run_.ns, key));
    return std::optional<Receipt>();
  }
  return std::optional<Receipt>(std::move(*entry));
}

std::string RunFacts::Follow(const std::string& key) {
  const auto maker = context_.snapshots.pods.MakerOf(run_.ns, key, run_uid_, context_.clock.Now());
  const std::lock_guard lock(mutex_);
  if (!maker) {
    following_.erase(key);
    return "";
  }
  const SteadyTime now = context_.clock.Steady();
  Following& following = following_.try_emplace(key, Following{now, now}).first->second;
  if (now - following.since > context_.settings.follow_limit) return "";
  following.look_at = now + context_.settings.follow_interval;
  return *maker;
}

// The other run's pod ends some day: then the cache holds what it made, or there is no maker.
std::optional<Milliseconds> RunFacts::NextLook() const {
  const std::lock_guard lock(mutex_);
  std::optional<Milliseconds> next;
  for (const auto& [key, following] : following_) {
    const auto answer = cache_.find(key);
    if (answer == cache_.end() || answer->second.following_run.empty()) continue;
    const auto left = std::chrono::ceil<Milliseconds>(following.look_at - context_.clock.Steady());
    next = Sooner(next, std::max(Milliseconds{1}, left));
  }
  return next;
}

std::vector<std::string> RunFacts::DueFollowings() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> due;
  for (const auto& [key, answer] : cache_) {
    const auto following = following_.find(key);
    if (!answer.following_run.empty() && following != following_.end() &&
        context_.clock.Steady() >= following->second.look_at) {
      due.push_back(key);
    }
  }
  return due;
}

bool RunFacts::FetchReceipt(const std::string& pod) {
  auto receipt = context_.store.GetReceipt(run_.ns, run_uid_, pod);
  plan::ReceiptAnswer answer;
  if (receipt) {
    answer.receipt = std::move(*receipt);
  } else if (PassesByItself(receipt.error().kind)) {
    return false;
  }
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
  Fetch(context_.submit_io, "receipts",
        [this, known = std::move(known)] { return FetchReceipts(known); });
  return false;
}

// A pod may have ended and vanished after the last status was written: its receipt is then all that
// tells of the attempt.
bool RunFacts::FetchReceipts(const std::set<std::string>& known_pods) {
  const auto folder = context_.store.root() / run_.ns / "receipts" / run_uid_;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string pod = it->path().filename();
    if (known_pods.contains(pod)) continue;
    auto receipt = context_.store.GetReceipt(run_.ns, run_uid_, pod);
    if (!receipt) continue;  // no receipt of ours; the plan asks again for those that it needs
    context_.snapshots.pods.NoteAttempt(run_uid_, receipt->step, {receipt->attempt, pod, ""});
  }
  const std::lock_guard lock(mutex_);
  have_receipts_ = true;
  return true;
}

bool RunFacts::FetchPod(const std::string& pod) {
  auto object = context_.client.Get(kube::kPods, run_.ns, pod, {.stop = context_.stop});
  if (object) {
    if (auto entry = ReadPod(*object); entry && entry->run_uid == run_uid_) {
      static_cast<void>(context_.snapshots.pods.Put(std::move(*entry), PodTable::Source::kInformer,
                                                    context_.clock));
    }
    const std::lock_guard lock(mutex_);
    pod_gone_[pod] = false;
    return true;
  }
  if (object.error().kind != ErrorKind::kNotFound) return false;
  context_.snapshots.pods.Drop(run_uid_, pod, "");
  const std::lock_guard lock(mutex_);
  pod_gone_[pod] = true;
  return true;
}

bool RunFacts::FetchFingerprint(const std::string& uri) {
  auto answer =
      TakeFingerprint(uri, {.local_files = context_.settings.local_files, .stop = context_.stop});
  const std::lock_guard lock(mutex_);
  fingerprints_[uri] = std::move(answer);
  return true;
}

std::optional<CodeAnswer> RunFacts::Code(const api::CodeSpec& code) {
  const std::string id = CodeId(code);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = code_.find(id); known != code_.end()) return known->second;
  }
  Fetch(context_.submit_io, id, [this, id, code] { return FetchCode(id, code); });
  return std::nullopt;
}

bool RunFacts::FetchCode(const std::string& id, const api::CodeSpec& code) {
  Result<ArtifactRef> ref = Internal("not asked");
  if (code.config_map) {
    auto object =
        context_.client.Get(kube::kConfigMaps, run_.ns, *code.config_map, {.stop = context_.stop});
    ref = object ? StoreConfigMap(context_.store, *object) : Result<ArtifactRef>(object.error());
  } else if (code.git) {
    GitOptions options;
    options.local_files = context_.settings.local_files;
    options.stop = context_.stop;
    ref = StoreGitFolder(context_.store, run_.ns, *code.git, options);
  } else {
    ref = FindCode(context_.store, run_.ns, code.artifact);
  }
  CodeAnswer answer;
  if (ref) {
    answer.code = *ref;
  } else if (PassesByItself(ref.error().kind) && !code.git) {
    return false;
  } else {
    answer.error = ref.error().message;
  }
  const std::lock_guard lock(mutex_);
  code_[id] = std::move(answer);
  return true;
}

void RunFacts::ForgetCodeErrors() {
  const std::lock_guard lock(mutex_);
  std::erase_if(code_, [](const auto& entry) { return !entry.second.code; });
}

void RunFacts::RefuseCreate(const std::string& pod, const Error& why) {
  const std::lock_guard lock(mutex_);
  Refusal& refusal = refusals_[pod];
  const auto wait = std::min(Milliseconds{30'000}, Milliseconds{1'000} * (1 << refusal.times));
  refusal.why = why;
  refusal.times = std::min(refusal.times + 1, 5);
  refusal.next_try = context_.clock.Steady() + wait;
}

void RunFacts::NoteCreated(const std::string& pod) {
  const std::lock_guard lock(mutex_);
  refusals_.erase(pod);
}

Milliseconds RunFacts::WaitBeforeCreate(const std::string& pod) const {
  const std::lock_guard lock(mutex_);
  const auto refusal = refusals_.find(pod);
  if (refusal == refusals_.end()) return Milliseconds{0};
  const auto left = refusal->second.next_try - context_.clock.Steady();
  return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(left));
}

void RunFacts::DropCache(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    cache_.erase(key);
  }
  context_.submit_io([self = shared_from_this(), key] {
    static_cast<void>(self->context_.store.DropCacheEntry(self->run_.ns, key));
  });
}

}  // namespace penstock::controllers
