#include "components/router/proxy/client_connection.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "components/router/http1/rewrite.h"

namespace penstock::router {

namespace {

constexpr std::size_t kMostDiscarded = 1U << 20;

}  // namespace

ClientConnection::ClientConnection(Worker* worker, int fd, std::uint16_t port, SSL_CTX* context)
    : worker_(worker),
      stream_(fd, context),
      port_(port),
      deadline_(worker->now() + worker->limits().idle_time.count()),
      in_(worker->blocks()) {
  stream_.AssumeWritable();
}

void ClientConnection::Start(Worker::Connections::iterator place) {
  place_ = place;
  if (!stream_.is_secure()) return;
  state_ = State::kHandshaking;
  deadline_ = worker_->now() + worker_->limits().head_time.count();
  worker_->MoveToBusy(place_);
}

void ClientConnection::Handshake() {
  switch (stream_.Handshake()) {
    case Stream::Got::kSome:
      return NextRequest();
    case Stream::Got::kNothing:
      return;
    default:
      if (!stream_.met_plain_http()) return Drop();
      stream_.TurnPlain();
      return Answer(400, "this port speaks TLS: ask by https", false);
  }
}

void ClientConnection::OnEvents(std::uint32_t events) {
  if (state_ == State::kClosed) return;
  const bool had_ended = stream_.ended();
  stream_.Note(events);
  switch (state_) {
    case State::kHandshaking:
      Handshake();
      break;
    case State::kIdle:
    case State::kReading:
      break;
    case State::kHeld:
      if (stream_.ended() && !had_ended) ClientGone();
      break;
    case State::kForwarding:
      // One that closed its side before all of its request was read may still read the answer.
      if (stream_.ended() && !had_ended && exchange_->request.body_read()) {
        ClientGone();
      } else {
        Forward();
      }
      break;
    case State::kAnswering:
      SendOwn();
      break;
    case State::kLingering:
      DiscardInput();
      break;
    case State::kClosed:
      return;
  }
  ReadRequests();
}

void ClientConnection::CloseIfUnused() {
  stream_.Note(EPOLLIN);  // an event may be on its way
  ReadRequests();
  if (state_ == State::kIdle) Drop();
}

void ClientConnection::OnUpstream() {
  if (state_ != State::kForwarding) return;
  Forward();
  ReadRequests();
}

void ClientConnection::OnRoutes() {
  if (state_ != State::kHeld) return;
  Route();
  ReadRequests();
}

bool ClientConnection::IsLate() const { return worker_->now() >= deadline_; }

void ClientConnection::OnSweep() {
  const Moment now = worker_->now();
  switch (state_) {
    case State::kReading:
      if (IsLate()) Answer(408, "the request's head did not come in time", false);
      break;
    case State::kHeld:
      Route();  // endpoints that could not be reached are tried again
      break;
    case State::kForwarding: {
      Exchange& x = *exchange_;
      const Limits& limits = worker_->limits();
      if (x.answer_begun) {
        const auto idle = stream_.writable() ? limits.answer_idle : limits.write_idle;
        if (now >= x.answer_progress + idle.count()) AnswerBroke();
      } else if (now >= x.deadline) {
        UpstreamFailed(true);
      } else if (!x.upstream->connected && now >= x.connect_deadline) {
        UpstreamFailed(false);
      } else if (!x.request.body_read() && stream_.writable() && x.upstream->stream.writable() &&
                 now >= x.body_progress + limits.body_idle.count()) {
        Count(false);
        Answer(408, "the request's body did not come in time", false);
      }
      break;
    }
    case State::kHandshaking:
    case State::kAnswering:
    case State::kLingering:
      if (IsLate()) Drop();
      break;
    case State::kIdle:
    case State::kClosed:
      break;
  }
  ReadRequests();
}

// The router's own answer to what is under way, or to no request at all.
void ClientConnection::Answer(int status, std::string_view why, bool keep_alive, int retry_after,
                              std::string_view fields) {
  bool to_head = false;
  if (exchange_) {
    to_head = exchange_->to_head;
    // What of the body was not read cannot be told from a next request.
    keep_alive =
        keep_alive && exchange_->keep_alive && exchange_->request.body_read() && exchange_->http11;
    if (exchange_->deployment) ++exchange_->deployment->live->bad_requests;
    EndExchange();
  }
  keep_alive = keep_alive && !worker_->closing();
  if (state_ == State::kIdle) worker_->MoveToBusy(place_);
  state_ = State::kAnswering;
  deadline_ = worker_->now() + worker_->limits().write_idle.count();
  own_ = http1::OwnAnswer(status, why, keep_alive, to_head, retry_after, fields);
  own_sent_ = 0;
  keep_alive_after_own_ = keep_alive;
  SendOwn();
}

void ClientConnection::SendOwn() {
  while (own_sent_ < own_.size()) {
    if (!stream_.writable()) return;
    const iovec part{own_.data() + own_sent_, own_.size() - own_sent_};
    std::size_t written = 0;
    switch (stream_.Write(&part, 1, &written)) {
      case Stream::Got::kSome:
        own_sent_ += written;
        break;
      case Stream::Got::kNothing:
        return;
      default:
        return Drop();
    }
  }
  own_ = {};
  if (keep_alive_after_own_) return NextRequest();
  Linger();
}

void ClientConnection::EndExchange() {
  if (!exchange_) return;
  LeaveHold();
  ReleaseUpstream(false);
  exchange_.reset();
  worker_->CountRequest(-1);
}

// The state between requests; whoever called goes on with ReadRequests.
void ClientConnection::NextRequest() {
  searched_ = 0;
  in_.ReleaseIfEmpty();
  deadline_ = worker_->now() + worker_->limits().idle_time.count();
  state_ = State::kIdle;
  worker_->MoveToIdle(place_);
}

// Closing with bytes unread would reset the connection, and the answer could be lost with it.
void ClientConnection::Linger() {
  state_ = State::kLingering;
  in_.Release();
  discarded_ = 0;
  deadline_ = worker_->now() + worker_->limits().linger_time.count();
  stream_.ShutdownWrite();
  DiscardInput();
}

void ClientConnection::DiscardInput() {
  std::array<char, 4096> piece;
  while (stream_.readable()) {
    std::size_t got = 0;
    switch (stream_.Read(piece.data(), piece.size(), &got)) {
      case Stream::Got::kSome:
        discarded_ += got;
        if (discarded_ > kMostDiscarded) return Drop();
        break;
      case Stream::Got::kNothing:
        return;
      default:
        return Drop();
    }
  }
}

void ClientConnection::Drop() {
  if (state_ == State::kClosed) return;
  EndExchange();
  const bool idle = state_ == State::kIdle;
  state_ = State::kClosed;
  stream_.Close();
  in_.Release();
  worker_->Retire(place_, idle);
}

}  // namespace penstock::router
