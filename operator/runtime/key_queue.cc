#include "operator/runtime/key_queue.h"

#include <algorithm>

namespace penstock::runtime {

void KeyQueue::Add(const std::string& key, Milliseconds after) {
  {
    const std::lock_guard lock(mutex_);
    const auto delayed = delayed_.find(key);
    if (after.count() <= 0) {
      if (delayed != delayed_.end()) {
        by_time_.erase({delayed->second, key});
        delayed_.erase(delayed);
      }
      Ready(key);
    } else {
      const Instant at = clock_.Steady() + after;
      if (delayed != delayed_.end()) {
        if (delayed->second <= at) return;
        by_time_.erase({delayed->second, key});
      }
      delayed_[key] = at;
      by_time_.insert({at, key});
    }
  }
  changed_.notify_one();
}

void KeyQueue::Ready(const std::string& key) {
  if (!waiting_.insert(key).second) return;
  if (!working_.contains(key)) ready_.push_back(key);
}

void KeyQueue::AddAfterFailure(const std::string& key) {
  Milliseconds wait{5};
  {
    const std::lock_guard lock(mutex_);
    int& failures = failures_[key];
    wait = std::min(Milliseconds{60'000}, Milliseconds{wait.count() << std::min(failures, 20)});
    ++failures;
  }
  Add(key, wait);
}

void KeyQueue::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

KeyQueue::Instant KeyQueue::Promote() {
  const Instant now = clock_.Steady();
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    const std::string key = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    delayed_.erase(key);
    Ready(key);
  }
  return by_time_.empty() ? now + std::chrono::hours(1) : by_time_.begin()->first;
}

std::optional<std::string> KeyQueue::Take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Instant next = Promote();
    if (!ready_.empty()) {
      std::string key = std::move(ready_.front());
      ready_.pop_front();
      waiting_.erase(key);
      working_.insert(key);
      // Others may sleep until a time that has just been passed on to them, or to this thread.
      if (!ready_.empty() || !by_time_.empty()) changed_.notify_one();
      return key;
    }
    // A key that is due sooner than what this thread waits for ends the wait.
    changed_.wait_for(lock, stop, next - clock_.Steady(), [this, next] {
      return !ready_.empty() || (!by_time_.empty() && by_time_.begin()->first < next);
    });
  }
  return std::nullopt;
}

void KeyQueue::Done(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    working_.erase(key);
    if (!waiting_.contains(key)) return;
    ready_.push_back(key);
  }
  changed_.notify_one();
}

std::size_t KeyQueue::size() const {
  const std::lock_guard lock(mutex_);
  return ready_.size() + delayed_.size();
}

}  // namespace penstock::runtime
