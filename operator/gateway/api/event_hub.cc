#include "operator/gateway/api/event_hub.h"

namespace penstock::gateway {
namespace {

constexpr int kMostAtOnce = 500;

}  // namespace

EventHub::EventHub(const metadata::Query& history, Options options)
    : history_(history), options_(options) {
  looker_ = std::jthread([this](const std::stop_token& stop) { Look(stop); });
}

EventHub::~EventHub() {
  looker_.request_stop();
  looker_.join();
}

EventHub::Seat::~Seat() {
  const std::lock_guard lock(hub_->mutex_);
  --hub_->seats_;
}

std::unique_ptr<EventHub::Seat> EventHub::Sit() {
  const std::lock_guard lock(mutex_);
  if (seats_ >= options_.streams) return nullptr;
  ++seats_;
  changed_.notify_all();
  return std::make_unique<Seat>(*this);
}

void EventHub::Look(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, stop, [&] { return seats_ > 0; });
    if (stop.stop_requested()) return;
    const std::optional<long long> since = newest_;
    lock.unlock();
    std::vector<metadata::RunChange> changes;
    std::optional<long long> newest = since;
    if (!since) {
      // A database that is not there yet has no change: it is asked again.
      if (const auto now = history_.NewestChange()) newest = *now;
    } else if (auto more = history_.Changes(*since, kMostAtOnce)) {
      changes = *std::move(more);
      if (!changes.empty()) newest = changes.back().at;
    }
    lock.lock();
    if (!newest_ && newest) forgotten_ = *newest;
    const bool news = newest_ != newest;
    newest_ = newest;
    for (auto& change : changes) ring_.push_back(std::move(change));
    for (; ring_.size() > options_.ring; ring_.pop_front()) forgotten_ = ring_.front().at;
    if (news) changed_.notify_all();
    if (changes.size() == kMostAtOnce) continue;
    changed_.wait_for(lock, stop, options_.look, [] { return false; });
    if (seats_ > 0) continue;
    newest_.reset();  // nobody listens: what happens meanwhile is not read
    ring_.clear();
  }
}

EventHub::Batch EventHub::Wait(std::optional<long long> since, Milliseconds most,
                               const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  Batch batch;
  batch.at = since;
  const auto there = [&] { return newest_ && (!since || *newest_ != *since); };
  if (!changed_.wait_for(lock, stop, most, there)) return batch;
  batch.at = newest_;
  if (!since) return batch;
  batch.missed = *since < forgotten_ || *since > *newest_;
  for (const auto& change : ring_)
    if (change.at > *since) batch.changes.push_back(change);
  return batch;
}

}  // namespace penstock::gateway
