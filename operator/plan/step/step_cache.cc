#include "operator/plan/step/step_cache.h"

#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/attempt.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/values/step_inputs.h"
#include "operator/protocol/span_uri.h"

namespace penstock::plan {
namespace {

// A receipt is the words of a pod: what is no name would be refused with the whole status.
bool IsObjectName(const std::string& text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

class CacheLookup {
 public:
  CacheLookup(const RunObserved& o, TimePoint now, FactRequests& requests)
      : o_(o), now_(now), requests_(requests) {}

  bool MustStart(StepState& s, AttemptSpec& spec) {
    s.status.cache_key.clear();
    s.status.cache_miss = WhyNotCacheable(*spec.step);
    spec.remakes_damage = s.skip_cache;
    if (s.skip_cache) s.status.cache_miss = kDamaged;
    if (!s.status.cache_miss.empty()) return true;
    if (!TakeFingerprints(s, spec)) return false;
    CacheKeyInputs key_inputs{o_.run.meta.namespace_, spec.step, spec.parameters, {}, {}};
    key_inputs.values = spec.values;
    key_inputs.item = s.item;
    if (spec.code) key_inputs.own_code = spec.code->digest;
    if (spec.packages) key_inputs.packages = spec.packages->digest;
    for (const TaskInput& i : spec.inputs) {
      if (i.artifact)
        key_inputs.input_identities[i.name] = i.artifact->digest;
      else
        key_inputs.source_identities[i.name] = SourceIdentity(i.uri, i.fingerprint);
    }
    const CacheKey key = ComputeCacheKey(key_inputs);
    spec.cache_base = key.base;
    s.status.cache_miss = key.why_not;
    if (key.key.empty()) {
      if (std::string why = WhySilent(spec.inputs, o_); !why.empty()) s.status.cache_miss = why;
      return true;
    }
    s.status.cache_key = spec.cache_key = key.key;
    const std::string settled = ComputeSettledKey(key_inputs).key;
    if (settled != key.key) spec.settled_key = settled;
    if (spec.anew && !s.reopened) {
      s.status.cache_miss = kRerun;
      return true;
    }
    const bool settled_known = settled == key.key || IsKnown(settled);
    if (!IsKnown(key.key) || !settled_known) {
      Wait(s, Hold::kCacheLookup);
      for (const std::string& asked : {key.key, settled})
        if (!o_.cache.contains(asked) && ShowStoreTrouble(s, "the cache is looked up", o_, asked))
          break;
      return false;
    }
    if (settled != key.key && IsSettled(s, settled)) return false;
    const CacheAnswer& answer = o_.cache.at(key.key);
    if (answer.hit && TakeCached(s, *answer.hit)) return false;
    s.status.cache_miss = "NotFound";
    return answer.following_run.empty() || !Follow(s, answer);
  }

 private:
  // Asks for the cache's answer where it is not known.
  bool IsKnown(const std::string& key) {
    if (o_.cache.contains(key)) return true;
    requests_.cache_keys.push_back(key);
    return false;
  }

  bool TakeCached(StepState& s, const Receipt& receipt) {
    const Judgement hit = JudgeReceipt(receipt, *s.step);
    if (hit.verdict != Verdict::kSucceeded) return false;
    s.status.cached = true;
    s.status.cached_from = IsObjectName(receipt.run) ? receipt.run : "";
    if (!s.status.start_time) s.status.start_time = WholeSeconds(now_);
    Succeed(s, hit.receipt, now_);
    return true;
  }

  // True when the step's last decision is what its Pipeline published last.
  bool IsSettled(StepState& s, const std::string& settled_key) {
    const std::optional<Receipt>& hit = o_.cache.at(settled_key).hit;
    if (!hit) return false;
    for (const ResolvedInput& i : s.step->inputs) {
      if (!i.of_own_pipeline || !i.artifact) continue;
      const bool its_own = std::any_of(
          hit->outputs.begin(), hit->outputs.end(),
          [&](const auto& output) { return output.artifact.digest == i.artifact->digest; });
      if (!its_own) return false;
    }
    if (!TakeCached(s, *hit)) return false;
    s.status.cache_key = settled_key;
    return true;
  }

  bool TakeFingerprints(StepState& s, AttemptSpec& spec) {
    bool all = true;
    for (TaskInput& input : spec.inputs) {
      if (input.uri.empty()) continue;
      const auto answer = o_.fingerprints.find(input.uri);
      if (answer == o_.fingerprints.end()) {
        requests_.fingerprints.push_back(input.uri);
        all = false;
      } else {
        input.fingerprint = answer->second.fingerprint;
      }
    }
    if (!all) Wait(s, Hold::kFingerprint);
    return all;
  }

  // Another run makes what this step would: wait for it, but not for ever.
  bool Follow(StepState& s, const CacheAnswer& answer) {
    const TimePoint end = answer.following_since.value_or(now_) + PendingLimit(*s.step);
    if (now_ >= end) return false;
    s.wake = end;
    requests_.followed_keys.push_back(s.status.cache_key);
    Wait(s, Hold::kFollowing, Shown(answer.following_run) + " makes the same now");
    return true;
  }

  const RunObserved& o_;
  TimePoint now_;
  FactRequests& requests_;
};

}  // namespace

std::string WhySilent(const std::vector<TaskInput>& inputs, const RunObserved& observed) {
  for (const TaskInput& input : inputs) {
    if (input.uri.empty()) continue;
    const auto known = observed.fingerprints.find(input.uri);
    if (known == observed.fingerprints.end()) continue;
    const FingerprintAnswer& answer = known->second;
    if (!answer.fingerprint.empty() || answer.error.empty()) continue;
    return Shown(std::string(answer.refused ? "SourceRefused" : "NoFingerprint") + ": input '" +
                     input.name + "': " + answer.error,
                 512);
  }
  return "";
}

std::string WhySilent(const ResolvedStep& step, const RunObserved& observed) {
  std::vector<TaskInput> inputs;
  for (const ResolvedInput& input : step.inputs)
    for (const ResolvedSource* source : input.Sources())
      if (!source->pending)
        inputs.push_back({input.name, "", std::nullopt,
                          WithWindowEnd(source->uri, api::ScheduledTime(observed.run)), ""});
  return WhySilent(inputs, observed);
}

bool MustStart(StepState& s, AttemptSpec& spec, const RunObserved& observed, TimePoint now,
               FactRequests& requests) {
  return CacheLookup(observed, now, requests).MustStart(s, spec);
}

}  // namespace penstock::plan
