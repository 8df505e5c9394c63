#include "operator/net/http_server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "operator/net/peer_counts.h"
#include "operator/net/served_exchange.h"

namespace penstock::net {
namespace http = boost::beast::http;
namespace {

constexpr int kOverflow = 64;     // connections above the bound that are told 503
constexpr int kReserveAPeer = 8;  // an address that has so many is given none of the reserve
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::chrono::milliseconds kLingerTime{2'000};

// What is shown under TLS; none for a plain server.
struct Shown {
  std::shared_ptr<const TlsIdentity> identity;
  std::shared_ptr<TlsContext> context;
};

class Server : public HttpServer {
 public:
  Server(HttpServerOptions options, HttpHandler handler, Listener listener)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        listener_(std::move(listener)),
        port_(listener_.port()),
        peers_(std::max(1, options_.max_connections_a_peer)) {}
  ~Server() override { Stop(); }

  Result<void> Begin() {
    if (auto tls = Tls(); !tls) return tls.error();
    thread_ = std::thread([this] { AcceptLoop(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }
  int connections() const override { return active_ + refused_; }

  void Stop() override {
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return active_ + refused_ == 0; });
  }

 private:
  void AcceptLoop() {
    while (!stop_.stop_requested()) {
      auto accepted = listener_.Accept(stop_.get_token());
      if (stop_.stop_requested()) return;
      if (accepted) {
        Take(*std::move(accepted));
      } else {
        Report(accepted.error().message);
        // Out of descriptors or the like: what ends meanwhile gives some back.
        std::this_thread::sleep_for(kAcceptPause);
      }
    }
  }

  void Take(Stream stream) {
    const std::string peer = stream.Peer();
    const bool overloaded = active_ >= MostFor(peer);
    if (overloaded && refused_ >= kOverflow) return;  // closed by its destructor
    auto tls = Tls();
    if (!tls) return Report(tls.error().message);
    const auto entered = peers_.Enter(peer);
    if (entered == PeerCounts::Answer::kRefusedFirst)
      Report(peer + " has " + std::to_string(options_.max_connections_a_peer) +
             " connections; more of it are closed");
    if (entered != PeerCounts::Answer::kEntered) return;
    std::atomic<int>& counted = overloaded ? refused_ : active_;
    ++counted;
    try {
      std::thread([this, stream = std::move(stream), tls = *std::move(tls), overloaded, peer,
                   &counted]() mutable {
        Serve(std::move(stream), tls, overloaded, peer);
        Leave(peer, counted);
      }).detach();
    } catch (const std::system_error& e) {
      Leave(peer, counted);
      Report(std::string("starting a connection's thread: ") + e.what());
    }
  }

  // How many connections there may be before one more of this peer is told 503.
  [[nodiscard]] int MostFor(const std::string& peer) const {
    const bool may_use_reserve =
        peers_.Has(peer) < kReserveAPeer && known_.Knows(peer, std::chrono::steady_clock::now());
    return options_.max_connections - (may_use_reserve ? 0 : options_.reserve);
  }

  // Requests until the peer, a time-out, an error or the stop ends them. With `overloaded` the
  // first is answered with 503.
  void Serve(Stream stream, const Shown& tls, bool overloaded, const std::string& peer) {
    stream.Limit({SteadyTime::max(), options_.handshake_timeout, stop_.get_token()});
    if (tls.context && !stream.Secure(tls.context)) return;
    Connection connection{stream, tls, peer, !stream.PeerCertificate().empty()};
    while (ServeOne(connection, overloaded)) {
    }
  }

  struct Connection {
    Stream& stream;
    const Shown& tls;
    const std::string& peer;
    const bool has_certificate;  // of the client's
    Incoming<true>::Buffer buffer = {};
    bool caller_is_known = false;
  };

  // Whether those who sign certificates of clients are others by now. Where the server's own is not
  // to be had, nobody can say that they are the same.
  bool HasOtherAuthorities(const Connection& connection, const Result<Shown>& now) const {
    return !now || now->identity->client_ca_pem != connection.tls.identity->client_ca_pem;
  }

  bool IsTrusted(const Connection& connection) {
    const auto now = Tls();
    return !HasOtherAuthorities(connection, now) ||
           (now && connection.stream.PeerIsTrustedBy(*now->context));
  }

  bool ServeOne(Connection& connection, bool overloaded) {
    Stream& stream = connection.stream;
    bool& caller_is_known = connection.caller_is_known;
    const auto stop = stop_.get_token();
    const auto head_timeout = caller_is_known
                                  ? options_.idle_timeout
                                  : std::min(options_.stranger_timeout, options_.idle_timeout);
    stream.Limit({std::chrono::steady_clock::now() + head_timeout, head_timeout, stop});
    Incoming<true> request(stream, connection.buffer,
                           static_cast<std::uint32_t>(options_.max_header_bytes));
    const auto ec = request.ReadHead();
    stream.Limit({SteadyTime::max(), options_.idle_timeout, stop});
    const auto note = [&] {
      caller_is_known = true;
      if (options_.reserve > 0) known_.Note(connection.peer, std::chrono::steady_clock::now());
    };
    ServedExchange exchange(options_, stop, stream, request,
                            {note, [&] { return IsTrusted(connection); }});
    if (ec == http::error::header_limit) {
      RespondError(exchange, 431, "the request's headers are too large");
      return false;
    }
    if (ec.category() == make_error_code(http::error::bad_method).category() &&
        ec != http::error::end_of_stream && ec != http::error::partial_message)
      RespondError(exchange, 400, "the request is not HTTP: " + ec.message());
    if (ec) return false;
    // The next one is asked for a certificate of those who are trusted then.
    if (overloaded || (connection.has_certificate && HasOtherAuthorities(connection, Tls())))
      exchange.EndAfterwards();
    try {
      if (overloaded)
        RespondError(exchange, 503, "too many connections; try again", {{"Retry-After", "1"}});
      else
        handler_(exchange);
    } catch (const std::exception& e) {
      if (!exchange.answered())
        RespondError(exchange, 500, std::string("the server failed: ") + e.what());
    }
    if (exchange.BodyLeft()) Linger(stream);
    return exchange.GoesOn();
  }

  // Takes what the peer is still sending, so that it reads our answer and no reset.
  void Linger(Stream& stream) {
    std::string piece(kSentPiece, '\0');
    const auto until = std::chrono::steady_clock::now() + kLingerTime;
    stream.Limit({until, kLingerTime, stop_.get_token()});
    for (std::size_t taken = 0; taken < kLingerBytes;) {
      const auto got = stream.Read(piece.data(), piece.size());
      if (!got || *got == 0) return;
      taken += *got;
    }
  }

  void Leave(const std::string& peer, std::atomic<int>& counted) {
    peers_.Leave(peer);
    const std::lock_guard lock(mutex_);
    --counted;
    idle_.notify_all();
  }

  Result<Shown> Tls() {
    if (!options_.tls) return Shown{};
    auto identity = options_.tls();
    if (!identity) return Wrap("the server's certificate", identity.error());
    const std::lock_guard lock(tls_mutex_);
    if (*identity == shown_.identity) return shown_;
    auto context = MakeTls(**identity);
    if (!context) return context.error();
    shown_ = {*identity, *context};
    return shown_;
  }

  void Report(const std::string& text) const {
    if (options_.on_error) options_.on_error(text);
  }

  const HttpServerOptions options_;
  const HttpHandler handler_;
  Listener listener_;
  const std::uint16_t port_;
  std::stop_source stop_;
  std::thread thread_;
  std::mutex tls_mutex_;
  Shown shown_;
  PeerCounts peers_;
  KnownPeers known_;
  std::atomic<int> active_{0};   // that are served
  std::atomic<int> refused_{0};  // that are told 503
  std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                      HttpHandler handler) {
  auto listener = Listener::Open(options.address, options.port);
  if (!listener) return listener.error();
  auto server =
      std::make_unique<Server>(std::move(options), std::move(handler), *std::move(listener));
  if (auto begun = server->Begin(); !begun) return begun.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace penstock::net
