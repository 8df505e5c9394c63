#include "operator/runtime/fair_pool.h"

#include <exception>
#include <utility>

namespace penstock::runtime {

FairPool::FairPool(int threads, int most_a_group, std::function<void(const std::string&)> on_throw)
    : most_a_group_(most_a_group), on_throw_(std::move(on_throw)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

FairPool::~FairPool() { Stop(); }

void FairPool::Submit(const std::string& group, std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  Group& its = groups_[group];
  its.waiting.push_back(std::move(work));
  GiveTurn(group, its);
}

void FairPool::Stop() {
  std::map<std::string, Group> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(groups_);
    turns_.clear();
  }
  changed_.notify_all();
  threads_.clear();
}

// The last of those that have one, unless there is nothing to begin.
void FairPool::GiveTurn(const std::string& name, Group& group) {
  if (group.has_turn || group.waiting.empty() || group.running >= most_a_group_) return;
  group.has_turn = true;
  turns_.push_back(name);
  changed_.notify_one();
}

void FairPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || !turns_.empty(); });
    if (stopped_) return;
    const std::string name = std::move(turns_.front());
    turns_.pop_front();
    Group& group = groups_[name];
    group.has_turn = false;
    std::function<void()> work = std::move(group.waiting.front());
    group.waiting.pop_front();
    ++group.running;
    GiveTurn(name, group);
    lock.unlock();
    try {
      work();
    } catch (const std::exception& e) {
      on_throw_(e.what());
    }
    work = nullptr;  // what it holds goes before the lock is taken
    lock.lock();
    if (stopped_) return;
    Group& after = groups_[name];
    --after.running;
    GiveTurn(name, after);
    if (after.running == 0 && after.waiting.empty()) groups_.erase(name);
  }
}

}  // namespace penstock::runtime
