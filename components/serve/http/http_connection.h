// One client connection. Internal to the server: includes Beast, so only http_connection.cc and
// http_server.cc include this. A connection belongs to one io_context that one thread runs: its
// home, and while a large body comes and is answered another one, whose thread gives way to others.
// Everything but Start, CloseIfIdle, IsLate and CheckDeadline happens there.
//
//   Reading --(request whole)--> Busy --(answered)--> Writing --> Reading, or Closed
//      |  \--(large)--> Moving --> Reading, elsewhere until it is answered
//      \--(no request, too large, too late)--> Writing --> Lingering --> Closed
#pragma once

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/serve/http/http_server.h"
#include "components/serve/protocol/growing_body.h"
#include "components/serve/protocol/http.h"
#include "operator/base/byte_budget.h"
#include "operator/net/beast.h"

namespace penstock::serve {

namespace net = boost::asio;
namespace beast = boost::beast;

// What the connections of a server share.
struct ConnectionHost {
  HttpHandler* handler = nullptr;
  HttpLimits limits;
  std::atomic<bool> closing{false};
  std::shared_ptr<ByteBudget> bodies;
  // Where large and compressed bodies are read, on threads that give way; they outlive the
  // connections.
  std::vector<net::io_context*> aside;
  std::atomic<std::size_t> next_aside{0};

  [[nodiscard]] net::io_context* Aside() {
    return aside[next_aside.fetch_add(1, std::memory_order_relaxed) % aside.size()];
  }
};

// Beast's name for how a body is read.
struct GrowingBodyReader {
  using value_type = GrowingBody;
  class reader {
   public:
    template <bool kIsRequest, class Fields>
    reader(beast::http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>& length, beast::error_code& ec) {
      if (length) body_.Announce(*length);
      ec = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, beast::error_code& ec) {
      for (auto it = net::buffer_sequence_begin(buffers); it != net::buffer_sequence_end(buffers);
           ++it) {
        const net::const_buffer piece(*it);
        body_.Append({static_cast<const char*>(piece.data()), piece.size()});
      }
      ec = {};
      return beast::buffer_bytes(buffers);
    }
    void finish(beast::error_code& ec) { ec = {}; }

   private:
    value_type& body_;
  };
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Executor = net::io_context::executor_type;
  using Socket = net::basic_stream_socket<net::ip::tcp, Executor>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Of a socket of `home`. `loop` may be null and must outlive the connection.
  HttpConnection(Socket socket, net::io_context* home, std::shared_ptr<ConnectionHost> host,
                 EventLoop* loop)
      : socket_(std::move(socket)),
        home_(home),
        context_(home),
        host_(std::move(host)),
        loop_(loop),
        held_(host_->bodies.get()) {}

  void Start();
  // Closes when no request is in hand; a busy one closes after its response.
  void CloseIfIdle();
  // Thread-safe: whether something should have happened by now. Then CheckDeadline is due.
  [[nodiscard]] bool IsLate(SteadyTime now) const {
    return deadline_.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
  }
  // Ends what takes too long.
  void CheckDeadline();

 private:
  using Parser = beast::http::request_parser<GrowingBodyReader>;
  enum class State { kReading, kMoving, kBusy, kWriting, kLingering, kClosed };

  // Thread-safe: runs `work` on the connection's thread, wherever that is by then, unless the
  // connection is gone. Does not keep it.
  void Tell(void (HttpConnection::*work)());
  void CloseNow();  // if no request is in hand
  void EndIfLate();
  void MoveTo(net::io_context* context);
  void FinishMove();
  [[nodiscard]] bool IsAtHome() const { return context_ == home_; }
  void NextRequest();
  void BeginRequest();
  void Read();
  void Discard();
  void OnDiscardable(beast::error_code ec);
  void OnRead(beast::error_code ec, std::size_t bytes);
  void Parse();
  void Continue();  // 100 Continue
  void Dispatch();
  void HandleAside(HttpRequest request, GrowingBody body);
  void Handle(HttpRequest request, GrowingBody body);
  void WatchForDeparture();
  void OnReadable(beast::error_code ec);
  void LookForDeparture();
  void Refuse(beast::error_code ec);
  void RefuseWith(int status, const std::string& message);
  void Write(HttpResponse response);
  void OnWritten();
  void Close();
  void SetDeadline(std::chrono::milliseconds from_now);
  void NoDeadline() { deadline_ = std::numeric_limits<std::int64_t>::max(); }

  Socket socket_;  // of *context_
  net::io_context* const home_;
  std::atomic<net::io_context*> context_;
  net::io_context* destination_ = nullptr;  // of a move
  const std::shared_ptr<ConnectionHost> host_;
  EventLoop* const loop_;
  const std::shared_ptr<std::atomic<bool>> departed_ = std::make_shared<std::atomic<bool>>(false);
  // Of the steady clock; looked at by the server's sweep, so that no request needs a timer.
  std::atomic<std::int64_t> deadline_{std::numeric_limits<std::int64_t>::max()};
  State state_ = State::kReading;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<SteadyTime> request_begin_;  // when the first byte of the request came
  std::string head_;
  std::string body_;
  ByteBudget::Share held_;  // of the request's body, then of a large answer
  std::size_t discarded_ = 0;
  bool reading_ = false;   // a read is under way
  bool watching_ = false;  // a wait for readability is under way
  bool keep_alive_ = true;
  bool head_only_ = false;    // the request is a HEAD: its answer has no body
  bool refused_ = false;      // the rest of the request was not read
  bool continued_ = false;    // 100 Continue was sent
  bool was_served_ = false;   // once at least
  bool is_stranger_ = false;  // was answered, and never served
};

// Says 503 to a client for whom there is no room, and closes.
void TurnAway(HttpConnection::Socket socket);

}  // namespace penstock::serve
