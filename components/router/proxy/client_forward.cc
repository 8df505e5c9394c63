// The request goes, the answer comes.
#include <string_view>

#include "components/router/http1/rewrite.h"
#include "components/router/proxy/client_connection.h"

namespace penstock::router {

namespace {

using http1::Framing;
using Kind = http1::Outcome::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr int kUnavailable = 503;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a server says that cannot serve at all, rather than of this request.
bool IsOutage(int status) { return status == 502 || status == 503 || status == 504; }

}  // namespace

void ClientConnection::Connect(const std::shared_ptr<LiveEndpoint>& endpoint, bool fresh) {
  Exchange& x = *exchange_;
  state_ = State::kForwarding;
  ++x.tries;
  x.request.Replay();
  x.upstream = worker_->upstreams()->Acquire(endpoint, this, fresh);
  if (x.upstream == nullptr) {
    endpoint->Failed(true, worker_->now());
    x.failed = endpoint.get();
    (void)Retry(true);
    return;
  }
  x.connect_deadline = worker_->now() + worker_->limits().connect_time.count();
  if (x.upstream->connected) Forward();
}

void ClientConnection::Forward() {
  Exchange& x = *exchange_;
  UpstreamConnection& upstream = *x.upstream;
  if (!upstream.connected) {
    if (!upstream.stream.writable() && !upstream.stream.ended()) return;
    if (upstream.stream.ended() || upstream.stream.ConnectError() != 0)
      return UpstreamFailed(false);
    upstream.connected = true;
  }
  if (ForwardRequest()) ForwardAnswer();
}

bool ClientConnection::ForwardRequest() {
  Exchange& x = *exchange_;
  if (x.request.finished() || x.request_lost) return true;
  const bool body_was_read = x.request.body_read();
  switch (x.request.Run(&stream_, &in_, &x.upstream->stream)) {
    case Relay::Outcome::kDone:
      x.sent = SteadyClock::now();
      if (!body_was_read) x.deadline = worker_->now() + x.deployment->timeout.count();
      if (!x.idempotent || !x.request.Replayable()) x.request.ForgetHead();
      return true;
    case Relay::Outcome::kWantsInput:
    case Relay::Outcome::kWantsOutput:
      x.body_progress = worker_->now();
      return true;
    case Relay::Outcome::kInputEnded:
      ClientGone();
      return false;
    case Relay::Outcome::kInputBroken:
      Answer(400, "the body's chunks are none", false);
      return false;
    case Relay::Outcome::kOutputLost:
      x.request_lost = true;  // the answer may have come before
      return true;
  }
  return true;
}

void ClientConnection::ForwardAnswer() {
  Exchange& x = *exchange_;
  if (!x.answer_begun && !ReadAnswerHead()) return;
  x.answer_progress = worker_->now();
  switch (x.answer.Run(&x.upstream->stream, &x.answer_in, &stream_)) {
    case Relay::Outcome::kWantsInput:
    case Relay::Outcome::kWantsOutput:
      return;
    case Relay::Outcome::kDone:
      return FinishAnswer();
    case Relay::Outcome::kInputEnded:
    case Relay::Outcome::kInputBroken:
      return AnswerBroke();
    case Relay::Outcome::kOutputLost:
      return ClientGone();
  }
}

// True once the answer's head has been read and written anew.
bool ClientConnection::ReadAnswerHead() {
  Exchange& x = *exchange_;
  Stream& from = x.upstream->stream;
  while (state_ == State::kForwarding) {
    if (!x.answer_in.empty()) {
      http1::AnswerHead* const head = worker_->answer_head();
      const auto read = http1::ReadAnswerHead({x.answer_in.data(), x.answer_in.size()},
                                              &x.answer_searched, x.to_head, head);
      if (read.kind == Kind::kWhole && head->size <= kMostHead) {
        if (TakeAnswerHead(*head)) return true;
        continue;
      }
      if (read.kind != Kind::kPartial || x.answer_in.size() >= kMostHead) {
        Count(false);
        Answer(502, "the server's answer is none of HTTP/1.1", true);
        return false;
      }
    }
    if (!from.readable()) return false;
    x.answer_in.MakeRoom();
    std::size_t got = 0;
    switch (from.Read(x.answer_in.tail(), x.answer_in.room(), &got)) {
      case Stream::Got::kSome:
        x.answer_in.Added(got);
        break;
      case Stream::Got::kNothing:
        x.answer_in.ReleaseIfEmpty();
        return false;
      default:
        UpstreamFailed(false);
        return false;
    }
  }
  return false;
}

bool ClientConnection::TakeAnswerHead(const http1::AnswerHead& head) {
  Exchange& x = *exchange_;
  if (head.status >= 200) {
    BeginAnswer(head);
    return true;
  }
  if (head.status == 101) {
    Count(false);
    Answer(502, "the server changes to another protocol, which was not asked for", false);
    return false;
  }
  x.answer_in.Consume(head.size);
  x.answer_searched = 0;
  if (head.status != 100 || !x.http11) return false;
  const iovec part{const_cast<char*>(kContinue.data()), kContinue.size()};
  std::size_t written = 0;
  // Nothing else is under way to this client; where even this does not fit it has long gone.
  if (stream_.Write(&part, 1, &written) != Stream::Got::kSome || written < kContinue.size())
    ClientGone();
  return false;
}

void ClientConnection::BeginAnswer(const http1::AnswerHead& head) {
  Exchange& x = *exchange_;
  x.answer_begun = true;
  x.status = head.status;
  if (x.request.finished())
    x.seconds = std::chrono::duration<double>(SteadyClock::now() - x.sent).count();
  x.upstream_reusable = head.keep_alive;
  if (IsOutage(head.status)) {
    x.upstream->endpoint->Failed(false, worker_->now());
  } else {
    x.upstream->endpoint->Answered();
  }
  const bool chunked = head.framing == Framing::kChunked;
  const bool unwrap = chunked && !x.http11;
  x.keep_alive = x.keep_alive && !worker_->closing() && x.request.finished() && !unwrap &&
                 head.framing != Framing::kUntilClose;
  Buffer* const to = x.answer.head();
  to->MakeRoom();
  to->Added(http1::WriteAnswer(head,
                               {.http11 = x.http11,
                                .keep_alive = x.keep_alive,
                                .chunked = chunked && !unwrap,
                                .version = x.version},
                               to->tail()));
  x.answer_in.Consume(head.size);
  if (x.shadow && x.status < 300 && x.shadow->version != x.version && !x.request.overflown()) {
    x.shadow->answer_chunked = chunked && !unwrap;
    x.shadow->answer_head = to->size();
    x.answer.Capture(&x.shadow->answer, kMostShadowBytes);
  } else {
    x.shadow = nullptr;
  }
  x.request.ForgetHead();
  // Broken chunks are found again, and told, by the first Run.
  (void)x.answer.Begin(http1::BodyDecoder(head.framing, head.length, unwrap), &x.answer_in);
}

void ClientConnection::FinishAnswer() {
  Exchange& x = *exchange_;
  Count(false);
  ReleaseUpstream(x.upstream_reusable && x.request.finished() && x.answer_in.empty());
  auto shadow = std::move(x.shadow);
  if (shadow && x.answer.overflown()) shadow = nullptr;
  const bool keep_alive = x.keep_alive;
  EndExchange();
  if (shadow) worker_->StartShadow(std::move(shadow));
  if (keep_alive) return NextRequest();
  Linger();
}

// No answer comes from this server: another is asked where that cannot do harm.
void ClientConnection::UpstreamFailed(bool timed_out) {
  Exchange& x = *exchange_;
  const bool connected = x.upstream->connected;
  const bool nothing_sent = x.request.untouched();
  // Closed while it was idle: it may have been read, but what is idempotent may be sent again.
  const bool stale = connected && x.upstream->reused && x.answer_in.empty();
  const bool again = nothing_sent || (stale && x.idempotent && x.request.Replayable());
  if (!stale || timed_out) x.upstream->endpoint->Failed(!connected, worker_->now());
  x.failed = x.upstream->endpoint.get();
  if (!timed_out && again && Retry(nothing_sent)) return;
  Count(timed_out);
  if (timed_out) return Answer(504, "the server did not answer in time", true);
  Answer(502, "the server closed the connection without an answer", true);
}

bool ClientConnection::Retry(bool nothing_sent) {
  Exchange& x = *exchange_;
  const bool was_connected = x.upstream != nullptr && x.upstream->connected;
  ReleaseUpstream(false);
  x.answer_in.Release();
  x.answer_searched = 0;
  x.request_lost = false;
  if (x.statistics) x.statistics->Retry(worker_->index());
  if (!was_connected) x.unreached = x.statistics;
  const auto* const endpoint = x.tries < worker_->limits().tries ? Choose() : nullptr;
  // One that cannot be reached is not asked twice on end; a stale connection says nothing of it.
  if (endpoint != nullptr && (endpoint->get() != x.failed || was_connected)) {
    Connect(*endpoint, true);
    return true;
  }
  if (!nothing_sent) return false;
  Hold();
  return true;
}

void ClientConnection::AnswerBroke() {
  Exchange& x = *exchange_;
  x.status = 0;
  x.upstream->endpoint->Failed(false, worker_->now());
  Count(false);
  Drop();  // the client sees that the answer is not whole
}

void ClientConnection::ClientGone() {
  Exchange& x = *exchange_;
  if (state_ == State::kHeld && x.unreached) {
    CountUnreached(true);
  } else if (x.statistics) {
    x.statistics->ClientGone(worker_->index());
  }
  Drop();
}

// It waited in vain for servers that are there: an error of their version, as one that was sent.
void ClientConnection::CountUnreached(bool timed_out) {
  Exchange& x = *exchange_;
  if (x.unreached) x.unreached->Finish(worker_->index(), {x.route, kUnavailable, timed_out, -1});
  x.unreached = nullptr;
}

void ClientConnection::Count(bool timed_out) {
  Exchange& x = *exchange_;
  if (x.statistics)
    x.statistics->Finish(worker_->index(), {x.route, x.status, timed_out, x.seconds});
}

void ClientConnection::ReleaseUpstream(bool reusable) {
  if (exchange_->upstream == nullptr) return;
  worker_->upstreams()->Release(exchange_->upstream, reusable, worker_->now());
  exchange_->upstream = nullptr;
}

}  // namespace penstock::router
