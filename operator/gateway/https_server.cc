#include "operator/gateway/https_server.h"

#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "operator/gateway/connection.h"

namespace penstock::gateway {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
namespace {

constexpr int kOverflow = 64;  // connections above the bound that are told 503
constexpr std::chrono::milliseconds kAcceptPause{100};

Result<std::shared_ptr<ssl::context>> MakeContext(const TlsIdentity& identity) {
  auto tls = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  error_code ec;
  tls->use_certificate_chain(asio::buffer(identity.chain_pem), ec);
  if (!ec) tls->use_private_key(asio::buffer(identity.key_pem), ssl::context::pem, ec);
  if (ec) return Invalid("the server's certificate cannot be used: " + ec.message());
  return tls;
}

class Server : public HttpsServer {
 public:
  Server(HttpsServerOptions options, const Router& router)
      : options_(std::move(options)), router_(router) {}
  ~Server() override { Stop(); }

  Result<void> Listen() {
    if (auto tls = Tls(); !tls) return tls.error();
    error_code ec;
    const auto address = asio::ip::make_address(options_.address, ec);
    if (ec) return Invalid("'" + options_.address + "' is no address to listen at");
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
      return Transient("listening at " + options_.address + ":" + std::to_string(options_.port) +
                       ": " + ec.message());
    port_ = acceptor_.local_endpoint().port();
    thread_ = std::thread([this] { AcceptLoop(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }
  int connections() const override { return active_; }

  void Stop() override {
    stop_.request_stop();
    asio::post(io_, [this] {
      error_code ignored;  // it is thrown away
      acceptor_.close(ignored);
    });
    if (thread_.joinable()) thread_.join();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return active_ == 0; });
  }

 private:
  void AcceptLoop() {
    while (!stop_.stop_requested()) {
      auto connection = std::make_shared<Connection>(options_, router_, stop_.get_token());
      std::optional<error_code> accepted;
      acceptor_.async_accept(connection->socket(), [&](error_code ec) { accepted = ec; });
      io_.restart();
      while (!accepted) io_.run_one();
      if (stop_.stop_requested()) return;
      if (*accepted)
        Pause(*accepted);
      else
        Take(std::move(connection));
    }
  }

  // Out of descriptors or the like: what ends meanwhile gives some back.
  void Pause(error_code ec) {
    Report("accepting a connection: " + ec.message());
    asio::steady_timer timer(io_, kAcceptPause);
    timer.async_wait([](error_code) {});
    io_.restart();
    io_.run_one();
  }

  void Take(std::shared_ptr<Connection> connection) {
    if (active_ >= options_.max_connections + kOverflow) return;  // closed by its destructor
    auto tls = Tls();
    if (!tls) return Report(tls.error().message);
    const bool overloaded = active_ >= options_.max_connections;
    ++active_;
    try {
      std::thread([this, connection = std::move(connection), tls = *tls, overloaded]() mutable {
        connection->Serve(tls, overloaded);
        connection.reset();
        Leave();
      }).detach();
    } catch (const std::system_error& e) {
      Leave();
      Report(std::string("starting a connection's thread: ") + e.what());
    }
  }

  void Leave() {
    const std::lock_guard lock(mutex_);
    --active_;
    idle_.notify_all();
  }

  Result<std::shared_ptr<ssl::context>> Tls() {
    auto identity = options_.tls();
    if (!identity) return Wrap("the server's certificate", identity.error());
    if (*identity == shown_) return context_;
    auto context = MakeContext(**identity);
    if (!context) return context;
    shown_ = *identity;
    context_ = *context;
    return context_;
  }

  void Report(const std::string& text) const {
    if (options_.on_error) options_.on_error(text);
  }

  HttpsServerOptions options_;
  const Router& router_;
  std::stop_source stop_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  std::uint16_t port_ = 0;
  std::thread thread_;
  // Of the accepting thread.
  std::shared_ptr<const TlsIdentity> shown_;
  std::shared_ptr<ssl::context> context_;
  std::atomic<int> active_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace

Result<std::unique_ptr<HttpsServer>> HttpsServer::Start(HttpsServerOptions options,
                                                        const Router& router) {
  auto server = std::make_unique<Server>(std::move(options), router);
  if (auto listening = server->Listen(); !listening) return listening.error();
  return std::unique_ptr<HttpsServer>(std::move(server));
}

}  // namespace penstock::gateway
