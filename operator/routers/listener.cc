#include "operator/routers/listener.h"

#include <utility>

#include "operator/base/pause.h"
#include "operator/routers/observations.h"

namespace penstock::routers {
namespace {

constexpr Milliseconds kAfterTrouble{2'000};

}  // namespace

Listener::Listener(const RouterPods& pods, Await await, Held held, Milliseconds pause)
    : pods_(pods), await_(std::move(await)), held_(std::move(held)), pause_(pause) {}

Listener::~Listener() { Stop(); }

void Listener::Listen(const std::string& ns, const std::string& name, bool listen) {
  std::vector<std::jthread> ended;  // joined without the mutex
  const std::lock_guard lock(mutex_);
  std::set<std::string>& names = names_[ns];
  const bool changed = listen ? names.insert(name).second : names.erase(name) > 0;
  if (names.empty()) names_.erase(ns);
  if (changed) Settle(ns, &ended);
}

void Listener::OnPods(const std::string& ns) {
  std::vector<std::jthread> ended;
  const std::lock_guard lock(mutex_);
  Settle(ns, &ended);
}

void Listener::Stop() {
  std::map<std::string, std::map<std::string, std::jthread>> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    threads.swap(threads_);
  }
  for (auto& [_, of_namespace] : threads)
    for (auto& [_, thread] : of_namespace) thread.request_stop();
}

std::size_t Listener::listening() const {
  const std::lock_guard lock(mutex_);
  std::size_t n = 0;
  for (const auto& [_, of_namespace] : threads_) n += of_namespace.size();
  return n;
}

// Under the mutex: one thread a Ready router where somebody listens, and no other.
void Listener::Settle(const std::string& ns, std::vector<std::jthread>* ended) {
  if (stopped_) return;
  std::map<std::string, RouterPod> wanted;
  if (names_.contains(ns))
    for (const RouterPod& pod : pods_.Ready(ns))
      if (!pod.address.empty()) wanted.emplace(pod.uid, pod);
  auto& running = threads_[ns];
  for (auto it = running.begin(); it != running.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    it->second.request_stop();
    ended->push_back(std::move(it->second));
    it = running.erase(it);
  }
  std::size_t threads = 0;
  for (const auto& [_, of_namespace] : threads_) threads += of_namespace.size();
  for (const auto& [uid, pod] : wanted) {
    if (running.contains(uid) || threads >= kMostListening) continue;
    ++threads;
    running.emplace(uid,
                    [this, ns, pod = pod](const std::stop_token& stop) { Run(stop, ns, pod); });
  }
  if (running.empty()) threads_.erase(ns);
}

std::set<std::string> Listener::NamesOf(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(ns);
  return found == names_.end() ? std::set<std::string>() : found->second;
}

void Listener::Run(const std::stop_token& stop, const std::string& ns, const RouterPod& pod) {
  Milliseconds pause{0};
  while (Pause(pause, stop)) {
    const auto body = await_(pod, stop);
    const auto said = body ? ParseObservations(*body) : Result<Observations>(body.error());
    pause = said ? pause_ : kAfterTrouble;
    if (!said) continue;  // a router that is gone is told by the pods, and asked no more
    for (const std::string& name : NamesOf(ns)) {
      const auto found = said->deployments.find(name);
      if (found != said->deployments.end() && found->second.held > 0) held_(ns, name);
    }
  }
}

}  // namespace penstock::routers
