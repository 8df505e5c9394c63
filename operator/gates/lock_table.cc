#include "operator/gates/lock_table.h"

#include <algorithm>
#include <set>
#include <utility>

namespace penstock::gates {
namespace {

constexpr std::size_t kShownNext = 10;  // who wait for a lock and are told whom for, at a change
// Who came while somebody decided: one of them may have nothing to decide any more.
constexpr std::size_t kWokenNext = 2;

plan::LockUse UseOf(const std::string& run_uid, const std::string& run, const api::RunLock& lock) {
  return {plan::LockUser(run_uid, lock.step, lock.item),
          run,
          lock.step,
          lock.item,
          lock.names,
          lock.turn,
          lock.held};
}

// Whether something that the pod's step has run is still going on.
bool GoesOn(const plan::PodFact& pod) { return !plan::HasEnded(pod) && !pod.exit_code; }

}  // namespace

std::optional<LockTable::Turn> LockTable::Decide(const std::string& ns, const std::string& key,
                                                 const Wake& wake) {
  Turn turn;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = turns_[ns];
    if (slot == nullptr) slot = std::make_shared<TurnQueue>();
    turn.queue_ = slot;
  }
  TurnQueue& queue = *turn.queue_;
  {
    // Before it is tried: who ends in between wakes it.
    const std::lock_guard lock(queue.mutex);
    if (std::find(queue.waiting.begin(), queue.waiting.end(), key) == queue.waiting.end())
      queue.waiting.push_back(key);
  }
  turn.lock_ = std::unique_lock(queue.deciding, std::try_to_lock);
  if (!turn.lock_.owns_lock()) return std::nullopt;
  turn.wake_ = wake;
  const std::lock_guard lock(queue.mutex);
  std::erase(queue.waiting, key);
  return turn;
}

LockTable::Turn& LockTable::Turn::operator=(Turn&& other) noexcept {
  End();
  lock_ = std::move(other.lock_);  // before what it is of
  queue_ = std::move(other.queue_);
  wake_ = std::move(other.wake_);
  return *this;
}

void LockTable::Turn::End() {
  if (!lock_.owns_lock()) return;
  lock_.unlock();
  std::vector<std::string> next;
  {
    const std::lock_guard lock(queue_->mutex);
    while (!queue_->waiting.empty() && next.size() < kWokenNext) {
      next.push_back(std::move(queue_->waiting.front()));
      queue_->waiting.pop_front();
    }
  }
  for (const std::string& key : next) wake_(key);
}

bool LockTable::NotePod(const std::string& ns, const plan::PodFact& pod) {
  if (pod.locks.empty()) return false;
  if (!GoesOn(pod)) return DropPod(ns, pod.uid);
  plan::PodFact kept;
  kept.name = pod.name;
  kept.step = pod.step;
  kept.item = pod.item;
  kept.locks = pod.locks;
  const std::lock_guard lock(mutex_);
  pods_[ns][pod.uid] = std::move(kept);
  return false;
}

bool LockTable::DropPod(const std::string& ns, const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  const auto of_namespace = pods_.find(ns);
  return of_namespace != pods_.end() && of_namespace->second.erase(pod_uid) > 0;
}

void LockTable::PutSizes(const std::string& ns, std::map<std::string, std::string> sizes) {
  const std::lock_guard lock(mutex_);
  if (sizes.empty())
    sizes_.erase(ns);
  else
    sizes_[ns] = std::move(sizes);
}

std::map<std::string, std::string> LockTable::Sizes(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(ns);
  return found == sizes_.end() ? std::map<std::string, std::string>{} : found->second;
}

void LockTable::BeginWrite(const api::PipelineRun& run, const std::vector<api::RunLock>& locks) {
  const std::lock_guard lock(mutex_);
  writes_[run.meta.uid] = {run.meta.namespace_, run.meta.name, locks};
}

bool LockTable::EndWrite(const std::string& run_uid) {
  const std::lock_guard lock(mutex_);
  return writes_.erase(run_uid) > 0;
}

bool LockTable::EndWritesBut(const std::string& ns, const std::string& run,
                             const std::string& uid) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(writes_, [&](const auto& write) {
           return write.second.ns == ns && write.second.run == run && write.first != uid;
         }) > 0;
}

bool LockTable::HasWrite(const std::string& run_uid) const {
  const std::lock_guard lock(mutex_);
  return writes_.contains(run_uid);
}

std::vector<plan::LockUse> LockTable::Uses(const std::string& ns, const Runs& runs,
                                           const std::string& but_for) const {
  std::vector<plan::LockUse> uses;
  std::set<std::string> held;  // by whom
  const auto add = [&](plan::LockUse use) {
    if (use.held && !held.insert(use.by).second) return;
    uses.push_back(std::move(use));
  };
  for (const auto& run : runs)
    for (const api::RunLock& lock : run->status.locks) {
      plan::LockUse use = UseOf(run->meta.uid, run->meta.name, lock);
      // One that is going away asks for nothing.
      if (!use.held && run->meta.deleted) continue;
      if (run->meta.uid == but_for) {
        if (use.held) held.insert(use.by);
      } else {
        add(std::move(use));
      }
    }
  const std::lock_guard lock(mutex_);
  for (const auto& [uid, write] : writes_) {
    if (write.ns != ns || uid == but_for) continue;
    for (const api::RunLock& one : write.locks)
      if (one.held) add(UseOf(uid, write.run, one));
  }
  const auto pods = pods_.find(ns);
  if (pods == pods_.end()) return uses;
  std::map<std::string, plan::LockUse> by_pods;
  for (const auto& [uid, pod] : pods->second)
    for (const plan::HeldLock& lock_of_pod : pod.locks) {
      // What its run says itself.
      if (held.contains(lock_of_pod.by)) continue;
      plan::LockUse& use = by_pods[lock_of_pod.by];
      use.by = lock_of_pod.by;
      use.run = "of the pod " + pod.name + ", which is ending";
      use.held = true;
      if (std::find(use.names.begin(), use.names.end(), lock_of_pod.name) == use.names.end())
        use.names.push_back(lock_of_pod.name);
    }
  for (auto& [by, use] : by_pods) uses.push_back(std::move(use));
  return uses;
}

std::vector<std::string> LockTable::ToWake(const std::string& ns, const Runs& runs) const {
  const std::vector<plan::LockUse> uses = Uses(ns, runs, "");
  const auto sizes = Sizes(ns);
  std::set<std::string> names;
  for (const plan::LockUse* use : plan::LockOrder(sizes).Serve(uses)) names.insert(use->run);
  std::map<std::string, std::vector<const plan::LockUse*>> waiting;  // by lock
  for (const plan::LockUse& use : uses)
    if (!use.held)
      for (const std::string& name : use.names) waiting[name].push_back(&use);
  for (auto& [name, line] : waiting) {
    const std::size_t next = std::min(line.size(), kShownNext);
    std::partial_sort(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(next), line.end(),
                      [](const auto* a, const auto* b) { return a->turn < b->turn; });
    for (std::size_t i = 0; i < next; ++i) names.insert(line[i]->run);
  }
  return {names.begin(), names.end()};
}

std::vector<LockCount> LockTable::Count(const std::string& ns,
                                        const std::vector<plan::LockUse>& uses) {
  std::map<std::string, LockCount> counts;
  for (const plan::LockUse& use : uses)
    for (const std::string& name : use.names) {
      LockCount& count = counts[name];
      count.ns = ns;
      count.name = name;
      (use.held ? count.holders : count.waiters) += 1;
    }
  std::vector<LockCount> list;
  for (auto& [name, count] : counts) list.push_back(std::move(count));
  return list;
}

}  // namespace penstock::gates
