#include "components/router/proxy/shadow_copy.h"

#include <array>
#include <utility>

#include "components/router/http1/body.h"
#include "components/router/http1/head.h"
#include "components/router/proxy/worker.h"

namespace penstock::router {

namespace {

using http1::Framing;
using http1::Outcome;

// Takes the chunks off a whole body.
bool Unwrap(std::string* body) {
  http1::BodyDecoder decoder(Framing::kChunked, 0, true);
  const auto piece = decoder.Feed(body->data(), body->size());
  body->resize(piece.kept);
  return !piece.broken && decoder.done();
}

}  // namespace

ShadowCopy::ShadowCopy(Worker* worker, ShadowComparer* comparer, std::unique_ptr<ShadowJob> job)
    : worker_(worker), comparer_(comparer), job_(std::move(job)) {}

void ShadowCopy::Start() {
  job_->answer.erase(0, job_->answer_head);
  const auto deployment = worker_->routes().OfPort(job_->port);
  const VersionView* version = deployment ? deployment->Find(job_->version) : nullptr;
  const auto* endpoint =
      version ? version->Pick(worker_->NextStart(), worker_->now(), nullptr) : nullptr;
  if (endpoint == nullptr || (job_->answer_chunked && !Unwrap(&job_->answer))) return Fail();
  deadline_ = worker_->now() + deployment->timeout.count();
  // Always a new connection: a stale one would make the copy look failed.
  upstream_ = worker_->upstreams()->Acquire(*endpoint, this, true);
  if (upstream_ == nullptr) return Fail();
  upstream_->endpoint->copies.fetch_add(1, std::memory_order_relaxed);
  job_->statistics->Copied();
}

void ShadowCopy::OnUpstream() {
  if (over_) return;
  if (!upstream_->connected) {
    if (upstream_->stream.ConnectError() != 0) return Fail();
    if (!upstream_->stream.writable()) return;
    upstream_->connected = true;
  }
  if (!Send() || !Receive()) return Fail();
  TryToFinish();
}

bool ShadowCopy::Send() {
  while (sent_ < job_->request.size() && upstream_->stream.writable()) {
    const iovec part{job_->request.data() + sent_, job_->request.size() - sent_};
    std::size_t written = 0;
    switch (upstream_->stream.Write(&part, 1, &written)) {
      case Stream::Got::kSome:
        sent_ += written;
        break;
      case Stream::Got::kNothing:
        break;
      default:
        return false;
    }
  }
  return true;
}

bool ShadowCopy::Receive() {
  std::array<char, 16 << 10> piece;
  while (upstream_->stream.readable() && !answer_ended_) {
    std::size_t got = 0;
    switch (upstream_->stream.Read(piece.data(), piece.size(), &got)) {
      case Stream::Got::kSome:
        answer_.append(piece.data(), got);
        if (answer_.size() > kMostShadowBytes) return false;
        break;
      case Stream::Got::kNothing:
        break;
      case Stream::Got::kEnd:
        answer_ended_ = true;
        break;
      case Stream::Got::kBroken:
        return false;
    }
  }
  return true;
}

void ShadowCopy::TryToFinish() {
  http1::AnswerHead* const head = worker_->answer_head();
  while (true) {
    std::size_t searched = 0;
    const Outcome read = http1::ReadAnswerHead(answer_, &searched, false, head);
    if (read.kind == Outcome::Kind::kRefused) return Fail();
    if (read.kind == Outcome::Kind::kPartial) {
      if (answer_ended_) Fail();
      return;
    }
    if (head->status >= 200) break;
    answer_.erase(0, head->size);  // 100 Continue
  }
  if (head->status >= 300) return Fail();
  std::string body = answer_.substr(head->size);
  bool whole = answer_ended_;
  if (head->framing == Framing::kLength) whole = body.size() >= head->length;
  if (head->framing == Framing::kChunked) whole = Unwrap(&body);
  if (!whole) {
    if (answer_ended_) Fail();
    return;
  }
  const bool reusable = head->keep_alive && sent_ == job_->request.size();
  comparer_->Give(
      {std::move(job_->answer), std::move(body), job_->output, job_->threshold, job_->statistics});
  End(reusable);
}

void ShadowCopy::OnSweep() {
  if (worker_->now() >= deadline_) Fail();
}

void ShadowCopy::Drop() {
  job_->statistics->Dropped();
  End(false);
}

void ShadowCopy::Fail() {
  job_->statistics->Failed();
  End(false);
}

void ShadowCopy::End(bool reusable) {
  over_ = true;
  if (upstream_ != nullptr) {
    upstream_->endpoint->copies.fetch_sub(1, std::memory_order_relaxed);
    worker_->upstreams()->Release(upstream_, reusable, worker_->now());
  }
  upstream_ = nullptr;
  worker_->Retire(this);
}

}  // namespace penstock::router
