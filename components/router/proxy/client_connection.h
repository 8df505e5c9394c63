// One client's connection and the request that it has under way. Belongs to one worker and its
// thread, and to one of the worker's two lists.
//
//   Handshaking (TLS) --> Idle
//   Idle --(bytes)--> Reading --(head whole)--> Forwarding --(answer whole)--> Idle, or Closed
//                        |  \--(no endpoint)--> Held --(one came)--^
//                        \--(refused)--> Answering --> Idle, or Lingering --> Closed
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "components/router/http1/head.h"
#include "components/router/http1/rewrite.h"
#include "components/router/proxy/buffer.h"
#include "components/router/proxy/exchange.h"
#include "components/router/proxy/stream.h"
#include "components/router/proxy/worker.h"

namespace penstock::router {

// A head that is written anew fits a block then.
inline constexpr std::size_t kMostHead = BlockPool::kBlock - http1::kMostAdded;

class ClientConnection final : public Pollable, public UpstreamUser {
 public:
  // Under TLS where there is a `context`.
  ClientConnection(Worker* worker, int fd, std::uint16_t port, SSL_CTX* context);
  ~ClientConnection() override = default;

  void Start(Worker::Connections::iterator place);
  void OnEvents(std::uint32_t events) override;
  void OnUpstream() override;
  void OnRoutes();  // the table has changed
  void OnSweep();
  [[nodiscard]] bool IsLate() const;
  void Drop();           // ends it without a word
  void CloseIfUnused();  // unless a request has just come

 private:
  enum class State : std::uint8_t {
    kHandshaking,
    kIdle,
    kReading,
    kHeld,
    kForwarding,
    kAnswering,
    kLingering,
    kClosed
  };

  // client_request.cc: heads are read, routes chosen
  void ReadRequests();
  [[nodiscard]] bool ReadHead();   // false: more bytes are needed
  [[nodiscard]] bool ReadBytes();  // the same
  void Begin(http1::RequestHead* head);
  // The same: in plain where the port speaks TLS.
  [[nodiscard]] bool IsAskedAsItShould(const EdgeView& edge);
  // The same, of one that was held and comes under another table.
  [[nodiscard]] bool MayStillPass(const EdgeView& edge);
  // The same: who asks has to be known, and is not.
  [[nodiscard]] bool MayPass(http1::RequestHead* head);
  // False: an answer of our own is on its way.
  [[nodiscard]] bool ReadPin(const http1::RequestHead& head, RequestRoute* route);
  [[nodiscard]] bool Compose(const http1::RequestHead& head, const RequestRoute& route);
  void PlanShadow();
  void Route();
  [[nodiscard]] const std::shared_ptr<LiveEndpoint>* Choose();
  [[nodiscard]] const VersionView* ChooseVersion();
  void Hold();
  void LeaveHold();

  // client_forward.cc: the request goes, the answer comes
  void Connect(const std::shared_ptr<LiveEndpoint>& endpoint, bool fresh);
  void Forward();
  [[nodiscard]] bool ForwardRequest();  // false: something else has begun
  void ForwardAnswer();
  [[nodiscard]] bool ReadAnswerHead();
  [[nodiscard]] bool TakeAnswerHead(const http1::AnswerHead& head);
  void BeginAnswer(const http1::AnswerHead& head);
  void FinishAnswer();
  void UpstreamFailed(bool timed_out);
  [[nodiscard]] bool Retry(bool nothing_sent);
  void AnswerBroke();
  void ClientGone();
  void CountUnreached(bool timed_out);
  void Count(bool timed_out);
  void ReleaseUpstream(bool reusable);

  // client_connection.cc: states, own answers, the end
  void Handshake();
  void Answer(int status, std::string_view why, bool keep_alive, int retry_after = 0,
              std::string_view fields = {});
  void SendOwn();
  void EndExchange();
  void NextRequest();
  void Linger();
  void DiscardInput();

  Worker* const worker_;
  Stream stream_;
  Worker::Connections::iterator place_;
  const std::uint16_t port_;
  State state_ = State::kIdle;
  Moment deadline_;
  Buffer in_;
  std::size_t searched_ = 0;
  std::unique_ptr<Exchange> exchange_;
  // Of an answer of the router's own.
  std::string own_;
  std::size_t own_sent_ = 0;
  bool keep_alive_after_own_ = false;
  std::size_t discarded_ = 0;
};

}  // namespace penstock::router
