#include "operator/runtime/event_aggregator.h"

#include <algorithm>

namespace penstock::runtime {
namespace {

constexpr std::size_t kRemembered = 4096;
constexpr std::chrono::minutes kSeries{10};
constexpr std::chrono::minutes kWriteCount{1};
constexpr double kBurst = 25;
constexpr double kSecondsPerToken = 300;

using Kind = EventAggregator::Decision::Kind;

}  // namespace

std::string EventKey::Text() const {
  return object_uid + '\n' + type + '\n' + reason + '\n' + action + '\n' + note;
}

EventAggregator::Decision EventAggregator::See(const EventKey& key, const std::string& name,
                                               SteadyTime now) {
  const std::string text = key.Text();
  if (const auto found = by_key_.find(text); found != by_key_.end()) {
    known_.splice(known_.begin(), known_, found->second);
    Known& known = known_.front();
    if (now - known.last_seen <= kSeries) {
      known.last_seen = now;
      ++known.count;
      if (known.count > 2 && now - known.last_written < kWriteCount) {
        return {Kind::kHold, known.name, known.count};
      }
      known.last_written = now;
      return {Kind::kCount, known.name, known.count};
    }
    Forget(key);
  }
  if (!Spend(key.object_uid, now)) return {};
  known_.push_front({text, name, 1, now, now});
  by_key_[text] = known_.begin();
  if (known_.size() > kRemembered) {
    by_key_.erase(known_.back().key);
    known_.pop_back();
  }
  return {Kind::kCreate, name, 1};
}

void EventAggregator::Forget(const EventKey& key) {
  const auto found = by_key_.find(key.Text());
  if (found == by_key_.end()) return;
  known_.erase(found->second);
  by_key_.erase(found);
}

bool EventAggregator::Spend(const std::string& uid, SteadyTime now) {
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) {
    buckets_.push_front({uid, kBurst, now});
    by_uid_[uid] = buckets_.begin();
    if (buckets_.size() > kRemembered) {
      by_uid_.erase(buckets_.back().uid);
      buckets_.pop_back();
    }
  } else {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  }
  Bucket& bucket = buckets_.front();
  const std::chrono::duration<double> passed = now - bucket.filled;
  bucket.tokens = std::min(kBurst, bucket.tokens + passed.count() / kSecondsPerToken);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace penstock::runtime
