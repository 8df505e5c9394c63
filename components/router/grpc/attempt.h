// A call's way to one server. Internal to call*.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <utility>

#include "components/router/grpc/call.h"

namespace penstock::router {

// gRPC's own rules: the hold is kept until no read is begun any more, as the call begins reads and
// writes from elsewhere. Deletes itself.
class Call::Attempt final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Attempt(Call* of, std::shared_ptr<GrpcEndpoint> to) : call(of), endpoint(std::move(to)) {}

  void OnReadInitialMetadataDone(bool ok) override { call->HeadCame(this, ok); }
  void OnReadDone(bool ok) override {
    if (!call->AnswerCame(this, ok)) RemoveHold();  // may end it
  }
  void OnWriteDone(bool ok) override { call->RequestTaken(this, ok); }
  void OnDone(const grpc::Status& status) override {
    call->Done(this, status);
    delete this;
  }

  // With the call's mutex.
  void RequestIsWhole() {
    writes_done = true;
    whole = std::chrono::steady_clock::now();
    whole_at = NowMs();
  }

  void IsAnswered() {
    answered = true;
    if (!writes_done) return;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - whole).count();
  }

  Call* const call;
  const std::shared_ptr<GrpcEndpoint> endpoint;
  grpc::ClientContext context;
  grpc::ByteBuffer answer;
  // Guarded by the call's mutex.
  bool closed = false;  // no write may begin any more
  bool writing = false;
  bool writes_done = false;
  bool took = false;          // a message of the request
  bool head_told = false;     // whether there is a head or not
  bool answer_waits = false;  // for that: gRPC tells of both at once, in any order
  bool answered = false;      // the answer's head has come
  std::chrono::steady_clock::time_point whole{};  // when the request was
  double seconds = -1;                            // from then to the answer's head
  Moment whole_at = 0;

 private:
  ~Attempt() override = default;
};

}  // namespace penstock::router
