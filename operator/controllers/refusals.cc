#include "operator/controllers/refusals.h"

#include <algorithm>

#include "operator/plan/attempt/refusal_reason.h"

namespace penstock::controllers {
namespace {

constexpr Milliseconds kLongestPause{60'000};
constexpr Milliseconds kLongestPodPause{30'000};

void TryAgainIn(Milliseconds pause, RefusalReport& report) {
  report.next = std::min(report.next.value_or(pause), pause);
}

}  // namespace

Milliseconds PauseAfter(int tries, Milliseconds longest) {
  return std::min(longest, Milliseconds(1'000) * (1 << std::clamp(tries - 1, 0, 6)));
}

void RefusedTry::Note(const Error& why, Instant now, Milliseconds longest) {
  if (!first_) first_ = now;
  if (plan::IsApiServersTrouble(why.kind)) {
    Rest(now);
  } else {
    counted_.Count(now);
  }
  why_ = why;
  tries_ = std::min(tries_ + 1, 1'000);
  next_ = now + std::max(PauseAfter(tries_, longest), why.retry_after.value_or(Milliseconds{0}));
}

Milliseconds RefusedTry::Age(Instant now) const {
  return std::chrono::duration_cast<Milliseconds>(now - first_.value_or(now));
}

bool Refusals::Waits(const std::string& key, const std::string& object, std::int64_t generation,
                     RefusalReport& report) const {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  const auto of_key = refused_.find(key);
  if (of_key == refused_.end()) return false;
  const auto it = of_key->second.find(object);
  if (it == of_key->second.end() || it->second.generation != generation) return false;
  const RefusedTry& tried = it->second.tried;
  if (now >= tried.next()) return false;
  report.refusals.push_back({object, tried.why(), tried.Age(now)});
  TryAgainIn(std::chrono::ceil<Milliseconds>(tried.next() - now), report);
  return true;
}

void Refusals::Note(const std::string& key, const std::string& object, std::int64_t generation,
                    const Error& why, RefusalReport& report) {
  if (!plan::IsRefusal(why.kind)) {
    Forget(key, object);
    if (!report.news) report.news = why;
    return;
  }
  const auto now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  const auto [it, first] = refused_[key].try_emplace(object);
  auto& [tried, of_generation] = it->second;
  if ((first || tried.why().message != why.message) && !report.news)
    report.news = Wrap(object, why);
  if (of_generation != generation) tried.ForgetTries();
  of_generation = generation;
  tried.Note(why, now, kLongestPause);
  report.refusals.push_back({object, why, tried.Age(now)});
  TryAgainIn(std::chrono::ceil<Milliseconds>(tried.next() - now), report);
}

void Refusals::Forget(const std::string& key, const std::string& object) {
  const std::lock_guard lock(mutex_);
  if (const auto of_key = refused_.find(key); of_key != refused_.end())
    of_key->second.erase(object);
}

void Refusals::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  refused_.erase(key);
}

void PodTries::RefuseCreate(const std::string& pod, const Error& why) {
  const std::lock_guard lock(mutex_);
  refusals_[pod].Note(why, clock_.Steady(), kLongestPodPause);
}

void PodTries::NoteCreated(const std::string& pod) {
  const std::lock_guard lock(mutex_);
  refusals_.erase(pod);
}

void PodTries::NoteLeftOut(const std::string& step, std::vector<std::string> fields) {
  const std::lock_guard lock(mutex_);
  left_out_[step] = std::move(fields);
}

void PodTries::RestAllBut(const std::set<std::string>& wanted_pods) {
  const std::lock_guard lock(mutex_);
  for (auto& [pod, refusal] : refusals_)
    if (!wanted_pods.contains(pod)) refusal.Rest(clock_.Steady());
}

void PodTries::NoteDelete(const plan::DeletePod& sent, const std::optional<Error>& refused) {
  const std::lock_guard lock(mutex_);
  Deletion& deletion = deletions_[sent.uid];
  // Another grace is another question.
  if (deletion.times > 0 && deletion.grace_seconds != sent.grace_seconds) deletion.times = 0;
  deletion.times = std::min(deletion.times + 1, 1'000);
  deletion.refused = refused;
  deletion.grace_seconds = sent.grace_seconds;
  const Milliseconds least = refused ? refused->retry_after.value_or(Milliseconds{0})
                                     : std::chrono::seconds(sent.grace_seconds);
  deletion.next = clock_.Steady() + std::max(PauseAfter(deletion.times, kLongestPodPause), least);
}

// Waits are measured by the steady clock, and told by the other.
void PodTries::CopyTo(plan::RunObserved& observed) const {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.Steady();
  const auto then = [&](RefusedTry::Instant when) {
    return clock_.Now() - std::chrono::duration_cast<Milliseconds>(now - when);
  };
  for (const auto& [pod, refusal] : refusals_)
    observed.create_errors[pod] = {refusal.why(), then(now - refusal.Refused(now)),
                                   then(refusal.next())};
  observed.left_out = left_out_;
  for (const auto& [uid, deletion] : deletions_)
    observed.deletes[uid] = {deletion.refused, then(deletion.next), deletion.grace_seconds};
}

}  // namespace penstock::controllers
