#include "components/serve/telemetry/tracer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock::serve {

Tracer::Tracer(Options options, Send send)
    : options_(std::move(options)), send_(std::move(send)), thread_([this] { Work(); }) {}

Tracer::~Tracer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<TraceContext> Tracer::Begin(std::string_view traceparent) const {
  if (auto context = ParseTraceparent(traceparent)) {
    if (!context->sampled) return std::nullopt;
    return context;
  }
  if (!Draw(options_.ratio)) return std::nullopt;
  return NewTrace(true);
}

void Tracer::End(const TraceContext& context, const TracedRequest& request) {
  std::vector<Span> spans = SpansOf(context, request);
  bool full = false;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() + spans.size() > options_.queue_limit) {
      dropped_ += spans.size();
      return;
    }
    std::move(spans.begin(), spans.end(), std::back_inserter(waiting_));
    full = waiting_.size() >= options_.batch;
  }
  if (full) wake_.notify_one();
}

void Tracer::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, options_.interval,
                   [this] { return stopping_ || waiting_.size() >= options_.batch; });
    if (waiting_.empty() && stopping_) return;
    if (waiting_.empty()) continue;
    const std::size_t count = std::min(waiting_.size(), options_.batch);
    const auto cut = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    const std::vector<Span> batch(std::make_move_iterator(waiting_.begin()),
                                  std::make_move_iterator(cut));
    waiting_.erase(waiting_.begin(), cut);
    const bool last = stopping_;
    lock.unlock();
    const auto result = send_(EncodeSpans(options_.service, options_.version, batch));
    (result ? sent_ : failed_) += batch.size();
    lock.lock();
    // A collector that is gone must not hold up the end of the server.
    if (last && !result) {
      failed_ += waiting_.size();
      return;
    }
  }
}

}  // namespace penstock::serve
