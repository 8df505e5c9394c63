#include "operator/runtime/event_recorder.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/resources.h"

namespace penstock::runtime {
namespace {

constexpr auto kSeriesEnds = std::chrono::minutes(10);
constexpr auto kCountWritten = std::chrono::minutes(1);
constexpr double kBurst = 20;
constexpr double kRefillSeconds = 300;
constexpr std::size_t kRemembered = 4096;
constexpr std::size_t kWaiting = 1000;
constexpr std::size_t kMessageBytes = 1024;

std::string KeyOf(const Note& note) {
  return note.uid + "/" + note.type + "/" + note.reason + "/" + note.message;
}

// Cut where a character begins, so that it stays UTF-8.
std::string Cut(const std::string& text) {
  if (text.size() <= kMessageBytes) return text;
  std::size_t end = kMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

EventAggregator::Decision EventAggregator::Decide(const Note& note,
                                                  std::chrono::steady_clock::time_point now) {
  const std::string key = KeyOf(note);
  const auto old = series_.find(key);
  if (old != series_.end() && now - old->second.last < kSeriesEnds) {
    Series& series = old->second;
    series.last = now;
    ++series.count;
    const bool hold = series.count > 2 && now - series.written < kCountWritten;
    if (!hold) series.written = now;
    return {hold ? Verdict::kHold : Verdict::kRaise, series.event, series.count};
  }
  // Forgetting all at once gives everybody new tokens, which is seldom and does no harm.
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
  // A name of its own for each series: the event of an earlier one may still stand.
  const auto ticks = std::to_string(now.time_since_epoch().count());
  const std::string event = note.name.substr(0, 200) + "." + Sha256Hex(key + ticks).substr(0, 16);
  series_[key] = {event, 1, now, now};
  return {Verdict::kCreate, event, 1};
}

void EventAggregator::Forget(const Note& note) { series_.erase(KeyOf(note)); }

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
  if (decision.verdict == EventAggregator::Verdict::kHold) return;
  if (decision.verdict == EventAggregator::Verdict::kDrop) return dropped_();
  if (Write(note, decision, stop)) return;
  aggregator_.Forget(note);
  dropped_();
}

Result<void> EventRecorder::Write(const Note& note, const EventAggregator::Decision& decision,
                                  const std::stop_token& stop) {
  const kube::Call call{.stop = stop, .timeout = std::chrono::seconds(10)};
  const std::string now = FormatMicroTime(clock_.Now());
  // An event about a cluster-scoped object stands in the namespace "default".
  const std::string ns = note.namespace_.empty() ? "default" : note.namespace_;
  if (decision.verdict == EventAggregator::Verdict::kRaise) {
    const Json patch{{"series", {{"count", decision.count}, {"lastObservedTime", now}}}};
    auto raised = client_.MergePatch(kube::kEvents, ns, decision.event, patch, {}, call);
    if (!raised) return raised.error();
    return {};
  }
  const Json event{{"apiVersion", "events.k8s.io/v1"},
                   {"kind", "Event"},
                   {"metadata", {{"name", decision.event}, {"namespace", ns}}},
                   {"eventTime", now},
                   {"type", note.type},
                   {"reason", note.reason},
                   {"action", note.reason},
                   {"note", Cut(note.message)},
                   {"reportingController", "penstock.dev/operator"},
                   {"reportingInstance", instance_.substr(0, 128)},
                   {"regarding",
                    {{"apiVersion", note.api_version},
                     {"kind", note.kind},
                     {"namespace", note.namespace_},
                     {"name", note.name},
                     {"uid", note.uid},
                     {"resourceVersion", note.resource_version}}}};
  auto created = client_.Create(kube::kEvents, ns, event, call);
  if (!created) return created.error();
  return {};
}

}  // namespace penstock::runtime
