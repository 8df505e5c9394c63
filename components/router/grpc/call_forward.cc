// The way of a call's messages, and its end.
#include <string>
#include <utility>

#include "components/router/grpc/attempt.h"
#include "components/router/grpc/call.h"
#include "components/router/grpc/message.h"
#include "components/router/grpc/metadata.h"

namespace penstock::router {
namespace {

using grpc::Status;
using grpc::StatusCode;

// Whoever has no token may ask for the health, and send no more than that takes.
constexpr std::int64_t kMostProbeBytes = 4'096;
constexpr std::chrono::milliseconds kOnTheWay{50};
constexpr Moment kRoundedBy = 50;  // a deadline travels with two digits at least

}  // namespace

void Call::OnReadDone(bool ok) {
  const std::lock_guard lock(mutex_);
  reading_ = false;
  if (state_ == State::kEnding) return;
  progress_ = NowMs();
  if (ok && method_.unary && has_request_)
    return Abort({StatusCode::INVALID_ARGUMENT, "a unary call has one message"});
  if (ok) {
    if (auto refused = TakeRequest()) return Abort(*std::move(refused));
    has_request_ = true;
    if (method_.unary) return BeginReading();
  } else {
    // Told by a read as well: a stream that is broken off is never taken for a whole one.
    if (context_->IsCancelled()) return;
    half_closed_ = true;
  }
  if (state_ != State::kReading) {
    // A stream names its version again and again.
    if (ok && method_.names_version && pinned_ &&
        ModelVersionOf(request_) == std::to_string(*pinned_))
      EraseModelVersion(&request_);
    return PumpRequest();
  }
  if (auto refused = TakeModelVersion()) return Abort(*std::move(refused));
  Route();
}

std::optional<Status> Call::TakeRequest() {
  const bool open = method_.open_probe && deployment_->view->edge.rules;
  const auto inflated = Inflate(
      &request_,
      static_cast<std::uint64_t>(open ? kMostProbeBytes : host_->limits.grpc_message_bytes));
  if (!inflated)
    return Status(inflated.error().kind == ErrorKind::kTooLarge ? StatusCode::RESOURCE_EXHAUSTED
                                                                : StatusCode::INVALID_ARGUMENT,
                  inflated.error().message);
  return TakeBytes(request_, &request_bytes_);
}

// What is next of the request: a message, its end, or to read on.
void Call::PumpRequest() {
  Attempt* const attempt = attempt_;
  if (attempt == nullptr || attempt->closed || attempt->writing || cancelled_ || aborted_) return;
  if (has_request_ && method_.unary) {
    PassUnary();
  } else if (has_request_) {
    attempt->writing = true;
    attempt->StartWrite(&request_);
  } else if (half_closed_) {
    PassHalfClose();
  } else if (!reading_) {
    BeginReading();
  }
}

void Call::PassHalfClose() {
  if (attempt_->writes_done) return;
  attempt_->RequestIsWhole();
  attempt_->StartWritesDone();
}

void Call::PassUnary() {
  attempt_->writing = true;
  attempt_->RequestIsWhole();
  attempt_->StartWriteLast(&request_, {});
}

void Call::RequestTaken(Attempt* attempt, bool ok) {
  const std::lock_guard lock(mutex_);
  attempt->writing = false;
  progress_ = NowMs();
  if (!ok) return;  // kept for another attempt
  attempt->took = true;
  has_request_ = false;
  request_.Clear();
  GiveBytes(&request_bytes_);
  PumpRequest();
}

void Call::HeadCame(Attempt* attempt, bool ok) {
  const std::lock_guard lock(mutex_);
  attempt->head_told = true;
  // Where nothing was sent it is gRPC's own, of a call that came to nothing.
  if (ok && WasSent(attempt->context)) {
    attempt->IsAnswered();
    progress_ = NowMs();
    PassHead(attempt->context, version_, context_);
    if (!method_.unary) StartSendInitialMetadata();
  }
  if (attempt->answer_waits) PassAnswer(attempt);
}

// False: no other read follows.
bool Call::AnswerCame(Attempt* attempt, bool ok) {
  const std::lock_guard lock(mutex_);
  if (!ok) {
    attempt->closed = true;
    return false;
  }
  progress_ = NowMs();
  attempt->answer_waits = !attempt->head_told;
  if (!attempt->answer_waits) PassAnswer(attempt);
  return true;
}

void Call::PassAnswer(Attempt* attempt) {
  attempt->answer_waits = false;
  if (method_.unary && answer_.Valid())
    Abort({StatusCode::INTERNAL, "the server gave two answers to a unary call"});
  if (!aborted_ && !cancelled_) {
    auto refused = TakeBytes(attempt->answer, &answer_bytes_);
    if (!refused && !method_.unary) return StartWrite(&attempt->answer);
    if (refused) {
      Abort(*std::move(refused));
    } else {
      answer_.Swap(&attempt->answer);
    }
  }
  attempt->StartRead(&attempt->answer);  // to its end, which is near
}

void Call::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  progress_ = NowMs();
  GiveBytes(&answer_bytes_);
  attempt_->answer.Clear();
  if (!ok) {
    cancelled_ = true;  // the client has gone, which may be told later
    attempt_->context.TryCancel();
  }
  attempt_->StartRead(&attempt_->answer);
}

void Call::OnCancel() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kEnding) return;
  cancelled_ = true;
  if (attempt_ != nullptr) return attempt_->context.TryCancel();
  if (state_ == State::kHeld && ClientIsLate()) CountUnreached(true);
  End(Status::CANCELLED);
}

void Call::LookAtForwarding(Moment now) {
  if (aborted_ || cancelled_ || timed_out_) return;
  const bool late = attempt_->writes_done && !attempt_->answered &&
                    now - attempt_->whole_at > deployment_->view->timeout.count();
  if (late) {
    timed_out_ = true;
    return attempt_->context.TryCancel();
  }
  if (now - progress_ > host_->limits.answer_idle.count())
    Abort({StatusCode::DEADLINE_EXCEEDED, "no message has passed for too long"});
}

void Call::Done(Attempt* attempt, const Status& status) {
  const std::lock_guard lock(mutex_);
  attempt_ = nullptr;
  GrpcEndpoint& endpoint = *attempt->endpoint;
  endpoint.live->in_flight.fetch_sub(1);
  const bool unavailable = status.error_code() == StatusCode::UNAVAILABLE;
  const bool own_end = cancelled_ || aborted_ || timed_out_;
  if (unavailable && !own_end && !attempt->took && !WasSent(attempt->context)) {
    endpoint.Failed(true, NowMs());
    failed_ = attempt->endpoint;
    unreached_ = statistics_;
    return TryAnother();
  }
  const bool without_head = !attempt->answered && !own_end;  // an error that is all of the answer
  if (without_head && !unavailable) attempt->IsAnswered();
  Count(*attempt, status);
  if (unavailable || timed_out_) {
    endpoint.Failed(false, NowMs());
  } else if (!own_end) {
    endpoint.Answered();
  }
  if (aborted_) return End(*aborted_);
  if (timed_out_) return End({StatusCode::DEADLINE_EXCEEDED, "the server did not answer in time"});
  if (without_head) context_->AddInitialMetadata(kVersionKey, std::to_string(version_));
  PassTrailers(attempt->context, context_);
  if (!answer_.Valid()) return End(status);
  state_ = State::kEnding;
  StartWriteAndFinish(&answer_, {}, status);
}

// A client whose own deadline has passed would have had an answer of a quicker server. It goes a
// moment before it is late here, by the time that its call took to come.
bool Call::ClientIsLate() const {
  const auto now = std::chrono::system_clock::now();
  return context_->deadline() - now <=
         kOnTheWay + std::chrono::milliseconds((NowMs() - begun_) / kRoundedBy);
}

void Call::Count(const Attempt& attempt, const Status& status) {
  const std::lock_guard lock(host_->statistics_mutex);
  const bool is_late = status.error_code() == StatusCode::DEADLINE_EXCEEDED || timed_out_ ||
                       (cancelled_ && ClientIsLate());
  if (aborted_ || (cancelled_ && !is_late)) {
    if (cancelled_) statistics_->ClientGone(host_->shard);
    return;
  }
  statistics_->Finish(host_->shard, {method_.kind, HttpStatusOf(status.error_code()), is_late,
                                     is_late ? -1 : attempt.seconds});
}

// It waited in vain for servers that are there: an error of their version, as one that was sent.
void Call::CountUnreached(bool is_late) {
  if (!unreached_) return;
  const std::lock_guard lock(host_->statistics_mutex);
  unreached_->Finish(host_->shard, {method_.kind, HttpStatusOf(kGrpcUnavailable), is_late, -1});
  unreached_ = nullptr;
}

std::optional<Status> Call::TakeBytes(const grpc::ByteBuffer& message, std::int64_t* held) {
  *held = message.Valid() ? static_cast<std::int64_t>(message.Length()) : 0;
  if (host_->bytes.fetch_add(*held) + *held <= host_->limits.grpc_bytes) return std::nullopt;
  GiveBytes(held);
  return Status(StatusCode::UNAVAILABLE, "too many bytes are on their way through this router");
}

void Call::GiveBytes(std::int64_t* held) {
  host_->bytes.fetch_sub(*held);
  *held = 0;
}

}  // namespace penstock::router
