// One call on its way through: what the client sends to an attempt's server, what that answers back
// to the client. Internal to the gRPC front: includes gRPC.
//
//   kReading     a request that is to be known first: a unary one, which is one message, and one of
//                V2, of which the message says which version it is for
//   kHeld        no server is there, or none that can be reached
//   kForwarding  an attempt is under way
//   kEnding      its status is sent
//
// One message each way is in hand at a time: the next is read when this one has been taken. Of a
// unary call request and answer go whole, each in one write. An attempt is followed by another only
// where nothing of it was sent.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "components/router/grpc/call_host.h"
#include "components/router/grpc/endpoint.h"
#include "components/router/routing/grpc_method.h"

namespace penstock::router {

class Call final : public grpc::ServerGenericBidiReactor {
 public:
  // Begins at once. gRPC owns it: it deletes itself.
  Call(CallHost* host, grpc::GenericCallbackServerContext* context, std::uint16_t port,
       bool secure);

  // Time has passed, or other routes are in use.
  void Look(Moment now);

 private:
  class Attempt;
  enum class State : std::uint8_t { kReading, kHeld, kForwarding, kEnding };

  ~Call() override = default;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // All of these with mutex_ held.
  [[nodiscard]] std::optional<grpc::Status> Refusal();
  [[nodiscard]] std::optional<grpc::Status> TokenRefusal() const;
  [[nodiscard]] std::optional<grpc::Status> TakePin();
  [[nodiscard]] std::optional<grpc::Status> TakeModelVersion();
  [[nodiscard]] std::optional<grpc::Status> PinRefusal() const;
  [[nodiscard]] std::optional<grpc::Status> TakeRequest();
  [[nodiscard]] std::optional<grpc::Status> RefusalOfHeld(const GrpcDeployment& now) const;
  void BeginReading();
  void Route();
  void TryAnother();
  [[nodiscard]] std::optional<std::size_t> ChooseVersion();
  void Start(std::shared_ptr<GrpcEndpoint> endpoint);
  void Hold();
  void LeaveHold();
  void PumpRequest();
  void PassAnswer(Attempt* attempt);
  void PassHalfClose();
  void PassUnary();
  void Abort(grpc::Status status);
  void End(grpc::Status status);
  [[nodiscard]] bool ClientIsLate() const;
  void Count(const Attempt& attempt, const grpc::Status& status);
  void CountUnreached(bool is_late);
  void LookAtHeld(Moment now);
  void LookAtForwarding(Moment now);
  // Counts a message among those on their way; UNAVAILABLE where there are too many.
  [[nodiscard]] std::optional<grpc::Status> TakeBytes(const grpc::ByteBuffer& message,
                                                      std::int64_t* held);
  void GiveBytes(std::int64_t* held);

  // What an attempt tells; without mutex_.
  void HeadCame(Attempt* attempt, bool ok);
  [[nodiscard]] bool AnswerCame(Attempt* attempt, bool ok);
  void RequestTaken(Attempt* attempt, bool ok);
  void Done(Attempt* attempt, const grpc::Status& status);

  CallHost* const host_;
  grpc::GenericCallbackServerContext* const context_;
  const std::uint16_t port_;
  const bool secure_;
  const GrpcMethod method_;
  const Moment begun_;

  std::mutex mutex_;
  State state_ = State::kReading;
  std::shared_ptr<const GrpcDeployment> deployment_;
  std::optional<std::int64_t> pinned_;
  std::int64_t version_ = 0;  // chosen; 0: not yet
  std::shared_ptr<VersionStatistics> statistics_;

  grpc::ByteBuffer request_;
  grpc::ByteBuffer more_;           // than the one message of a unary call: there is none
  std::int64_t request_bytes_ = 0;  // counted among the host's
  bool has_request_ = false;        // and no attempt has taken it yet
  bool reading_ = false;
  bool half_closed_ = false;  // the client sends no more

  Attempt* attempt_ = nullptr;
  std::shared_ptr<GrpcEndpoint> failed_;  // the last that could not be reached
  // Of the version whose servers could not be reached; null: they could, or were not asked.
  std::shared_ptr<VersionStatistics> unreached_;
  int tries_ = 0;
  grpc::ByteBuffer answer_;  // of a unary call, until its status is known
  std::int64_t answer_bytes_ = 0;

  bool cancelled_ = false;
  std::optional<grpc::Status> aborted_;  // by the router, while an attempt was under way
  bool timed_out_ = false;
  Moment progress_;
  Moment hold_until_ = 0;
  std::shared_ptr<LiveDeployment> held_with_;
  std::int64_t held_bytes_ = 0;
};

}  // namespace penstock::router
