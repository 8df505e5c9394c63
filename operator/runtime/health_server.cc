#include "operator/runtime/health_server.h"

#include <thread>

#include "operator/net/beast.h"

namespace penstock::runtime {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::chrono::seconds kTimeout{5};
constexpr int kMaxConnections = 64;

struct Answer {
  http::status status = http::status::ok;
  std::string body;
};

Answer Probe(const std::function<Result<void>()>& check) {
  const auto well = check();
  if (well) return {http::status::ok, "ok\n"};
  return {http::status::service_unavailable, well.error().message + "\n"};
}

Answer Handle(const HealthChecks& checks, const http::request<http::empty_body>& request) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return {http::status::method_not_allowed, "only GET\n"};
  }
  std::string path(request.target());
  path.resize(std::min(path.find('?'), path.size()));
  try {
    if (path == "/livez" || path == "/healthz") return Probe(checks.live);
    if (path == "/readyz") return Probe(checks.ready);
    if (path == "/metrics") return {http::status::ok, checks.metrics()};
  } catch (const std::exception& e) {
    return {http::status::internal_server_error, std::string(e.what()) + "\n"};
  }
  return {http::status::not_found, "there are /livez, /readyz and /metrics\n"};
}

// One connection, one request. Keeps itself alive until it is over.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, const HealthChecks& checks, int& count)
      : stream_(std::move(socket)), checks_(checks), count_(count) {
    ++count_;
  }
  ~Session() { --count_; }

  void Run() {
    stream_.expires_after(kTimeout);
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code ec, std::size_t) {
                       if (!ec) self->Reply();
                     });
  }

 private:
  void Reply() {
    Answer answer = Handle(checks_, request_);
    response_.result(answer.status);
    response_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response_.keep_alive(false);
    response_.content_length(answer.body.size());
    if (request_.method() != http::verb::head) response_.body() = std::move(answer.body);
    stream_.expires_after(kTimeout);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code, std::size_t) {
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{8 * 1024};
  http::request<http::empty_body> request_;
  http::response<http::string_body> response_;
  const HealthChecks& checks_;
  int& count_;
};

}  // namespace

struct HealthServer::Impl {
  HealthChecks checks;
  int connections = 0;  // touched by the thread only
  asio::io_context io{1};
  Tcp::acceptor acceptor{io};
  std::jthread thread;

  void Accept() {
    acceptor.async_accept([this](beast::error_code ec, Tcp::socket socket) {
      if (ec == asio::error::operation_aborted) return;
      if (!ec && connections < kMaxConnections) {
        std::make_shared<Session>(std::move(socket), checks, connections)->Run();
      }
      Accept();
    });
  }
};

HealthServer::HealthServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HealthServer>> HealthServer::Start(const std::string& address,
                                                          std::uint16_t port, HealthChecks checks) {
  auto impl = std::make_unique<Impl>();
  impl->checks = std::move(checks);
  beast::error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return Invalid("health address \"" + address + "\" is not an IP address");
  const Tcp::endpoint endpoint(ip, port);
  impl->acceptor.open(endpoint.protocol(), ec);
  if (!ec) impl->acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) impl->acceptor.bind(endpoint, ec);
  if (!ec) impl->acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return Transient("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                     ec.message());
  }
  impl->Accept();
  impl->thread = std::jthread([state = impl.get()] { state->io.run(); });
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(impl)));
}

HealthServer::~HealthServer() {
  impl_->io.stop();
  impl_->thread.join();
}

std::uint16_t HealthServer::port() const {
  beast::error_code ec;
  return impl_->acceptor.local_endpoint(ec).port();
}

}  // namespace penstock::runtime
