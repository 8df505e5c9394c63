#include "operator/runtime/event_recorder.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/resources.h"

namespace penstock::runtime {
namespace {

constexpr auto kSeriesEnds = std::chrono::minutes(10);
constexpr double kBurst = 25;
constexpr double kRefillSeconds = 300;
constexpr std::size_t kRemembered = 4096;
constexpr std::size_t kWaiting = 1000;
constexpr std::size_t kMessageBytes = 1024;

}  // namespace

EventAggregator::Decision EventAggregator::Decide(const Note& note,
                                                  std::chrono::steady_clock::time_point now) {
  const std::string key = note.uid + "/" + note.type + "/" + note.reason + "/" + note.message;
  const auto old = series_.find(key);
  if (old != series_.end() && now - old->second.last < kSeriesEnds) {
    old->second.last = now;
    return {Verdict::kRaise, old->second.event, ++old->second.count};
  }
  if (buckets_.size() > kRemembered) buckets_.clear();
  auto [bucket, fresh] = buckets_.try_emplace(note.uid, Bucket{kBurst, now});
  if (!fresh) {
    const double passed = std::chrono::duration<double>(now - bucket->second.at).count();
    bucket->second.tokens = std::min(kBurst, bucket->second.tokens + passed / kRefillSeconds);
    bucket->second.at = now;
  }
  if (bucket->second.tokens < 1) return {Verdict::kDrop, "", 0};
  bucket->second.tokens -= 1;
  if (series_.size() > kRemembered) series_.clear();
  const auto ticks = std::to_string(now.time_since_epoch().count());
  const std::string event = note.name.substr(0, 200) + "." + Sha256Hex(key + ticks).substr(0, 16);
  series_[key] = {event, 1, now};
  return {Verdict::kCreate, event, 1};
}

EventRecorder::EventRecorder(kube::Client& client, const Clock& clock, std::string instance,
                             std::function<void()> dropped)
    : client_(client), clock_(clock), instance_(std::move(instance)), dropped_(std::move(dropped)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { Work(stop); });
}

EventRecorder::~EventRecorder() {
  thread_.request_stop();
  changed_.notify_all();
}

void EventRecorder::Record(Note note) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kWaiting) return dropped_();
    waiting_.push_back(std::move(note));
  }
  changed_.notify_one();
}

void EventRecorder::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
    const Note note = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Send(note, stop);
  }
}

void EventRecorder::Send(const Note& note, const std::stop_token& stop) {
  const auto decision = aggregator_.Decide(note, clock_.Steady());
  if (decision.verdict == EventAggregator::Verdict::kDrop) return dropped_();
  const kube::Call call{stop, std::chrono::seconds(10)};
  const std::string now = FormatMicroTime(clock_.Now());
  if (decision.verdict == EventAggregator::Verdict::kRaise) {
    const Json patch{{"series", {{"count", decision.count}, {"lastObservedTime", now}}}};
    auto raised =
        client_.MergePatch(kube::kEvents, note.namespace_, decision.event, patch, {}, call);
    if (!raised) dropped_();
    return;
  }
  const Json event{{"apiVersion", "events.k8s.io/v1"},
                   {"kind", "Event"},
                   {"metadata", {{"name", decision.event}, {"namespace", note.namespace_}}},
                   {"eventTime", now},
                   {"type", note.type},
                   {"reason", note.reason},
                   {"action", note.reason},
                   {"note", note.message.substr(0, kMessageBytes)},
                   {"reportingController", "penstock.dev/operator"},
                   {"reportingInstance", instance_.substr(0, 128)},
                   {"regarding",
                    {{"apiVersion", note.api_version},
                     {"kind", note.kind},
                     {"namespace", note.namespace_},
                     {"name", note.name},
                     {"uid", note.uid},
                     {"resourceVersion", note.resource_version}}}};
  auto created = client_.Create(kube::kEvents, note.namespace_, event, call);
  if (!created) dropped_();
}

}  // namespace penstock::runtime
