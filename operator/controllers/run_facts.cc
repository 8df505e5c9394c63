#include "operator/controllers/run_facts.h"

#include <utility>

#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"
#include "operator/sources/as_seen_in.h"
#include "operator/sources/code_artifact.h"
#include "operator/sources/fingerprint.h"
#include "operator/sources/image_config.h"

namespace penstock::controllers {
namespace {

std::string CodeId(const api::CodeSpec& code) {
  const std::string id =
      code.config_map ? "configMap/" + *code.config_map : "artifact/" + code.artifact;
  return code.requirements ? id + "/" + code.requirements->file : id;
}

}  // namespace

RunFacts::RunFacts(const Context& context, ObjectKey run, std::string run_uid,
                   std::function<void(Milliseconds)> wake)
    : context_(context),
      run_(std::move(run)),
      run_uid_(std::move(run_uid)),
      wake_(std::move(wake)),
      in_store_([&context, ns = run_.ns](std::function<void()> work) {
        context.submit_io(ns, std::move(work));
      }),
      in_sources_([&context, ns = run_.ns](std::function<void()> work) {
        context.submit_sources(ns, std::move(work));
      }) {}

void RunFacts::CopyTo(plan::RunObserved& observed) const {
  const std::lock_guard lock(mutex_);
  observed.pod_gone = pod_gone_;
  observed.run_gone = run_gone_;
  observed.cache = cache_;
  // Waits are measured by the steady clock, and told by the other.
  const SteadyTime now = context_.clock.Steady();
  const auto since = [&](const CountedTime& time) { return context_.clock.Now() - time.At(now); };
  for (const auto& [key, following] : following_) {
    const auto answer = observed.cache.find(key);
    if (answer != observed.cache.end()) answer->second.following_since = since(following.waited);
  }
  observed.receipts = receipts_;
  observed.fingerprints = fingerprints_;
  observed.gathered = gathered_;
  observed.last_good = last_good_;
  for (const auto& [digest, put] : artifacts_)
    observed.artifacts[digest] = {put.artifact, since(put.missing)};
  if (const auto of_all = troubles_.find(kReceipts); of_all != troubles_.end())
    observed.receipts_trouble = of_all->second;
  for (const auto& [id, trouble] : troubles_)
    for (const char* of_store : {kCache, kReceipt, kArtifact, kGather, kLastGood})
      if (id.starts_with(of_store))
        observed.store_trouble[id.substr(std::string_view(of_store).size())] = trouble;
}

void RunFacts::Ask(const plan::FactRequests& requests) {
  CountWaits(requests);
  auto cache_keys = DueFollowings(requests.followed_keys);
  cache_keys.insert(cache_keys.end(), requests.cache_keys.begin(), requests.cache_keys.end());
  for (const auto& key : cache_keys) {
    Fetch(in_store_, kCache + key, [this, key] { return FetchCache(key); });
  }
  for (const auto& pod : requests.receipts) {
    Fetch(in_store_, kReceipt + pod, [this, pod] { return FetchReceipt(pod); });
  }
  for (const auto& uri : requests.fingerprints) {
    Fetch(in_sources_, "uri/" + uri, [this, uri] { return FetchFingerprint(uri); });
  }
  for (const auto& digest : requests.artifacts) {
    Fetch(in_store_, kArtifact + digest, [this, digest] { return FetchArtifact(digest); });
  }
  AskGathers(requests);
  for (const plan::LastGoodRequest& request : requests.last_good)
    Fetch(in_store_, kLastGood + request.step, [this, request] { return FetchLastGood(request); });
}

void RunFacts::AskForPod(const std::string& pod) {
  if (WaitBeforeLook(pod)) return;
  Fetch(context_.submit_api, "pod/" + pod, [this, pod] { return FetchPod(pod); });
}

void RunFacts::AskForRun(const std::string& run) {
  if (WaitBeforeLook(run)) return;
  Fetch(context_.submit_api, "run/" + run, [this, run] { return FetchRun(run); });
}

Result<bool> RunFacts::FetchRun(const std::string& run) {
  auto object = context_.client.Get(kube::kPipelineRuns, run_.ns, run, {.stop = context_.stop});
  const bool not_found = !object && object.error().kind == ErrorKind::kNotFound;
  // Another run of that name is not ours, and ours is gone.
  const bool ours = object && IsOwnedBy(*object, run_uid_);
  if (ours) context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*object)));
  const std::lock_guard lock(mutex_);
  NoteLook(run);
  if (!object && !not_found) return false;
  run_gone_[run] = !ours;
  return true;
}

std::optional<Milliseconds> RunFacts::WaitBeforeLook(const std::string& pod) const {
  const std::lock_guard lock(mutex_);
  const auto look = looks_.find(pod);
  if (look == looks_.end()) return std::nullopt;
  const auto left = std::chrono::ceil<Milliseconds>(look->second.next - context_.clock.Steady());
  return left.count() > 0 ? std::optional(left) : std::nullopt;
}

void RunFacts::Fetch(const Submit& pool, const std::string& id,
                     std::function<Result<bool>()> fetch) {
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.insert(id).second) return;
  }
  pool([self = shared_from_this(), id, fetch = std::move(fetch)] {
    // Also when it throws, which the pool tells: otherwise nobody would ever ask again.
    struct End {
      RunFacts& facts;
      const std::string& id;
      bool answered = false;
      ~End() {
        {
          const std::lock_guard lock(facts.mutex_);
          facts.under_way_.erase(id);
        }
        facts.wake_(answered ? Milliseconds{0} : facts.context_.settings.retry_fact_after);
      }
    } end{*self, id};
    if (self->context_.stop.stop_requested()) return;
    const Result<bool> answered = fetch();
    self->NoteTrouble(id, answered ? std::nullopt : std::optional(answered.error()));
    end.answered = answered && *answered;
  });
}

// What is in the way stands until the fact's next answer, and is logged once until then.
void RunFacts::NoteTrouble(const std::string& id, const std::optional<Error>& trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (!trouble) {
      troubles_.erase(id);
      return;
    }
    if (trouble->kind == ErrorKind::kCancelled) return;
    if (!troubles_.insert_or_assign(id, trouble->message).second) return;
  }
  context_.warn("run " + run_.Text() + " goes on when this does: " + trouble->message);
}

Result<bool> RunFacts::FetchPod(const std::string& pod) {
  auto& pods = context_.snapshots.pods;
  const std::string before = pods.UidOf(run_uid_, pod);
  auto object = context_.client.Get(kube::kPods, run_.ns, pod, {.stop = context_.stop});
  if (!object && object.error().kind != ErrorKind::kNotFound) {
    const std::lock_guard lock(mutex_);
    NoteLook(pod);
    return false;
  }
  // Another pod of that name is not ours, and ours is gone.
  auto entry = object ? pods.ReadLooked(*object, run_, run_uid_) : std::nullopt;
  const bool gone = !entry;
  if (gone) {
    pods.DropGone(run_uid_, pod, before);
  } else {
    static_cast<void>(pods.Put(*std::move(entry), PodTable::Source::kLook, context_.clock));
  }
  const std::lock_guard lock(mutex_);
  pod_gone_[pod] = gone;
  NoteLook(pod);
  return true;
}

void RunFacts::NoteLook(const std::string& pod) {
  Look& look = looks_[pod];
  const Milliseconds least = context_.settings.look_again;
  look.next = context_.clock.Steady() + std::min(least * 15, least * (1 << look.times));
  look.times = std::min(look.times + 1, 4);
}

Result<bool> RunFacts::FetchFingerprint(const std::string& uri) {
  const auto run = context_.snapshots.runs.Get(run_);
  if (run == nullptr || run->meta.uid != run_uid_) return true;  // deleted while this waited
  auto taken = context_.fingerprints.Take(
      run_.ns, context_.settings.local_files ? uri : sources::AsSeenIn(run_.ns, uri));
  const std::lock_guard lock(mutex_);
  fingerprints_[uri] = {std::move(taken.value), std::move(taken.why_none), taken.refused};
  return true;
}

std::optional<CodeAnswer> RunFacts::Code(const api::CodeSpec& code) {
  const std::string id = CodeId(code);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = code_.find(id); known != code_.end()) return known->second;
  }
  Fetch(in_store_, id, [this, id, code] { return FetchCode(id, code); });
  return std::nullopt;
}

Result<bool> RunFacts::FetchCode(const std::string& id, const api::CodeSpec& code) {
  CodeAnswer answer;
  Result<ArtifactRef> ref = Internal("not asked");
  if (code.config_map) {
    auto object =
        context_.client.Get(kube::kConfigMaps, run_.ns, *code.config_map, {.stop = context_.stop});
    // What the API server forbids is the user's to hear; what the disk forbids is our trouble.
    if (!object && object.error().kind == ErrorKind::kForbidden)
      answer.error = object.error().message;
    ref = object ? sources::StoreConfigMap(context_.store, *object)
                 : Result<ArtifactRef>(object.error());
  } else {
    ref = sources::FindCode(context_.store, run_.ns, code.artifact);
  }
  Result<ArtifactRef> pinned = ref;
  if (ref && code.requirements && !code.requirements->file.empty())
    pinned = sources::FindLock(context_.store, run_.ns, *ref, code.requirements->file);
  if (pinned) {
    answer.code = *ref;
    if (*pinned != *ref) answer.lock = *pinned;
  } else if (IsSure(pinned.error().kind) || pinned.error().kind == ErrorKind::kTooLarge) {
    answer.error = pinned.error().message;
  } else if (answer.error.empty()) {
    return pinned.error();
  }
  const std::lock_guard lock(mutex_);
  code_[id] = std::move(answer);
  return true;
}

std::optional<ImageAnswer> RunFacts::Image(const std::string& image) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = images_.find(image); known != images_.end()) return known->second;
  }
  Fetch(in_sources_, "image/" + image, [this, image] { return FetchImage(image); });
  return std::nullopt;
}

// A registry that does not answer is the run's to hear too: it waits, and says so.
Result<bool> RunFacts::FetchImage(const std::string& image) {
  sources::ImageOptions options;
  options.may_ask = context_.settings.may_ask;
  options.stop = context_.stop;
  auto asked = sources::AskImage(image, options);
  if (!asked && asked.error().kind == ErrorKind::kCancelled) return asked.error();
  ImageAnswer answer;
  if (asked)
    answer.program = plan::ImageProgram{asked->entrypoint, asked->command, asked->digest};
  else
    answer.error = asked.error().message + "; say the command in the manifest";
  const std::lock_guard lock(mutex_);
  images_[image] = std::move(answer);
  return true;
}

std::optional<Result<Json>> RunFacts::Config(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = configs_.find(name); known != configs_.end()) return known->second;
  }
  Fetch(in_store_, "config/" + name, [this, name] { return FetchConfig(name); });
  return std::nullopt;
}

// That it is not there, or that the API server forbids it, is the user's to hear.
Result<bool> RunFacts::FetchConfig(const std::string& name) {
  auto object = context_.client.Get(kube::kConfigMaps, run_.ns, name, {.stop = context_.stop});
  if (!object && object.error().kind != ErrorKind::kNotFound &&
      object.error().kind != ErrorKind::kForbidden)
    return object.error();
  Result<Json> answer = NotFound("there is no such ConfigMap; create it");
  if (object)
    answer = object->value("data", Json::object());
  else if (object.error().kind == ErrorKind::kForbidden)
    answer = object.error();
  const std::lock_guard lock(mutex_);
  configs_.insert_or_assign(name, std::move(answer));
  return true;
}

void RunFacts::ForgetErrors() {
  const std::lock_guard lock(mutex_);
  configs_.clear();
  std::erase_if(images_, [](const auto& entry) { return !entry.second.program; });
  std::erase_if(code_, [](const auto& entry) { return !entry.second.code; });
  std::erase_if(formers_, [](const auto& entry) {
    return !entry.second.error.empty() && !entry.second.for_good;
  });
}

}  // namespace penstock::controllers
