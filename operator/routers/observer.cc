#include "operator/routers/observer.h"

#include <algorithm>
#include <utility>

namespace penstock::routers {
namespace {

// Who makes thousands of pods with the routers' label must not keep the pool's threads.
constexpr std::size_t kMostAsked = 32;

}  // namespace

std::vector<rollout::RouterFact> FactsOf(const std::vector<RouterAnswer>& answers,
                                         const std::string& model_deployment) {
  std::vector<rollout::RouterFact> facts;
  for (const RouterAnswer& answer : answers) {
    if (answer.said == nullptr) continue;
    rollout::RouterFact& fact = facts.emplace_back();
    fact.pod = answer.pod.name;
    fact.run = answer.pod.uid + "/" + answer.said->run;
    fact.ready = answer.pod.ready;
    fact.speaks_grpc = answer.said->speaks_grpc;
    fact.sampled_seconds = answer.said->sampled_seconds;
    const auto found = answer.said->deployments.find(model_deployment);
    if (found == answer.said->deployments.end()) continue;
    const DeploymentObservation& said = found->second;
    fact.acknowledged = said.acknowledged;
    fact.latency_bounds = said.latency_bounds;
    fact.versions = said.versions;
    fact.endpoints = said.endpoints;
    fact.ejected = said.ejected;
    fact.ejected_why = said.ejected_why;
    fact.held = said.held;
    fact.certificate = said.certificate;
    fact.keys = said.keys;
  }
  return facts;
}

Observer::Observer(const RouterPods& pods, const Clock& clock, Submit submit, Ask ask, Wake wake)
    : pods_(pods),
      clock_(clock),
      submit_(std::move(submit)),
      ask_(std::move(ask)),
      wake_(std::move(wake)) {}

// Under the mutex.
bool Observer::IsFresh(const Round& round, const std::vector<RouterPod>& ready,
                       Milliseconds max_age) const {
  if (!round.ended || clock_.Steady() - *round.ended > max_age) return false;
  return std::all_of(ready.begin(), ready.end(),
                     [&](const RouterPod& pod) { return round.answers.contains(pod.uid); });
}

std::optional<std::vector<RouterAnswer>> Observer::Look(const std::string& ns,
                                                        const std::string& key,
                                                        Milliseconds max_age) {
  std::vector<RouterPod> ready = pods_.Ready(ns);
  if (ready.size() > kMostAsked) ready.resize(kMostAsked);
  if (ready.empty()) return std::vector<RouterAnswer>();
  {
    const std::lock_guard lock(mutex_);
    Round& round = rounds_[ns];
    if (round.missing == 0 && IsFresh(round, ready, max_age)) {
      std::vector<RouterAnswer> answers;
      for (const RouterPod& pod : ready) answers.push_back(round.answers.at(pod.uid));
      return answers;
    }
    round.waiting.insert(key);
    if (round.missing > 0) return std::nullopt;
    round.missing = ready.size();
    round.incoming.clear();
  }
  for (const RouterPod& pod : ready) submit_(ns, [this, ns, pod] { AskOne(ns, pod); });
  return std::nullopt;
}

int Observer::NotAsked(const std::string& ns) const {
  const std::size_t ready = pods_.Ready(ns).size();
  return ready > kMostAsked ? static_cast<int>(ready - kMostAsked) : 0;
}

// Counted as an answer also when it throws, which the pool tells.
void Observer::AskOne(const std::string& ns, const RouterPod& pod) {
  struct End {
    Observer& observer;
    const std::string& ns;
    RouterAnswer answer;
    ~End() { observer.Take(ns, std::move(answer)); }
  } end{*this, ns, {pod, nullptr, "it could not be asked"}};
  if (pod.address.empty()) return;
  const auto body = ask_(pod);
  if (!body) {
    end.answer.trouble = body.error().message;
    return;
  }
  auto said = ParseObservations(*body);
  if (!said) {
    end.answer.trouble = said.error().message;
    return;
  }
  end.answer.said = std::make_shared<const Observations>(*std::move(said));
  end.answer.trouble.clear();
}

void Observer::Take(const std::string& ns, RouterAnswer answer) {
  std::set<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    const auto found = rounds_.find(ns);
    if (found == rounds_.end()) return;
    Round& round = found->second;
    round.incoming.insert_or_assign(answer.pod.uid, std::move(answer));
    if (--round.missing > 0) return;
    round.answers = std::exchange(round.incoming, {});
    // Not its beginning: one that took longer than an answer may be old would be no answer ever.
    round.ended = clock_.Steady();
    keys.swap(round.waiting);
  }
  for (const std::string& key : keys) wake_(key);
}

void Observer::Expire(const std::string& ns) {
  const std::lock_guard lock(mutex_);
  if (const auto found = rounds_.find(ns); found != rounds_.end()) found->second.ended.reset();
}

void Observer::Forget(const std::string& ns) {
  const std::lock_guard lock(mutex_);
  const auto found = rounds_.find(ns);
  if (found != rounds_.end() && found->second.missing == 0) rounds_.erase(found);
}

}  // namespace penstock::routers
