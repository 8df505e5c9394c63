#include "components/serve/http_server.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "components/serve/http_connection.h"
#include "components/serve/infer_encode.h"

namespace penstock::serve {

using net::ip::tcp;

struct HttpServer::Impl {
  Impl(const Options& o, HttpHandler* handler, Metrics* m)
      : options(o),
        metrics(m),
        context(o.threads),
        acceptor(context),
        retry(context),
        work(net::make_work_guard(context)) {
    host->handler = handler;
    host->limits = o.limits;
  }

  Result<void> Bind();
  void Accept();
  void OnAccept(beast::error_code ec, Connection::Socket socket);
  void Admit(Connection::Socket socket);
  void Forget(Connection* connection);
  static void TurnAway(Connection::Socket socket);

  const Options options;
  Metrics* const metrics;
  std::shared_ptr<ConnectionHost> host = std::make_shared<ConnectionHost>();
  // Before the context: it destroys the last connections, and they remove themselves from `open`.
  std::mutex mutex;
  std::condition_variable idle;
  std::set<Connection*> open;  // guarded by mutex; each removes itself before it goes

  net::io_context context;
  tcp::acceptor acceptor;
  net::steady_timer retry;
  net::executor_work_guard<net::io_context::executor_type> work;
  std::vector<std::thread> threads;
};

Result<void> HttpServer::Impl::Bind() {
  const std::string where = options.address + ":" + std::to_string(options.port);
  beast::error_code ec;
  const auto address = net::ip::make_address(options.address, ec);
  if (ec) return Invalid("'" + options.address + "' is no IP address");
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(net::socket_base::max_listen_connections, ec);
  if (ec) return Transient("cannot listen on " + where + ": " + ec.message());
  return {};
}

void HttpServer::Impl::Accept() {
  acceptor.async_accept(
      net::make_strand(context.get_executor()),
      [this](beast::error_code ec, Connection::Socket socket) { OnAccept(ec, std::move(socket)); });
}

void HttpServer::Impl::OnAccept(beast::error_code ec, Connection::Socket socket) {
  if (!acceptor.is_open() || ec == net::error::operation_aborted) return;
  if (ec) {
    // Out of file descriptors, most likely: trying again at once would only burn the processor.
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](beast::error_code cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  Admit(std::move(socket));
  Accept();
}

void HttpServer::Impl::Admit(Connection::Socket socket) {
  beast::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::unique_lock lock(mutex);
  if (open.size() >= options.limits.connections) {
    lock.unlock();
    host->handler->CountRefused(503);
    return TurnAway(std::move(socket));
  }
  // The last handler of the connection lets go of it; then it is forgotten.
  std::shared_ptr<Connection> connection(new Connection(std::move(socket), host),
                                         [this](Connection* done) { Forget(done); });
  open.insert(connection.get());
  if (metrics != nullptr) metrics->SetConnections(static_cast<std::int64_t>(open.size()));
  lock.unlock();
  connection->Start();
}

void HttpServer::Impl::Forget(Connection* connection) {
  {
    std::lock_guard lock(mutex);
    open.erase(connection);
    if (metrics != nullptr) metrics->SetConnections(static_cast<std::int64_t>(open.size()));
    if (open.empty()) idle.notify_all();
  }
  delete connection;
}

void HttpServer::Impl::TurnAway(Connection::Socket socket) {
  const std::string body = EncodeError("the server has too many connections");
  const std::string text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(net::buffer(text), ignored);  // fits the empty send buffer
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options, HttpHandler* handler,
                                                      Metrics* metrics) {
  auto impl = std::make_unique<Impl>(options, handler, metrics);
  if (auto bound = impl->Bind(); !bound) return bound.error();
  impl->Accept();
  for (int i = 0; i < std::max(1, options.threads); ++i) {
    impl->threads.emplace_back([&context = impl->context] { context.run(); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->context.stop();
  for (std::thread& thread : impl_->threads) thread.join();
}

std::uint16_t HttpServer::port() const {
  beast::error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

void HttpServer::CloseAfterResponses() { impl_->host->closing = true; }

void HttpServer::StopAccepting() {
  CloseAfterResponses();
  net::post(impl_->context, [impl = impl_.get()] {
    beast::error_code ignored;
    impl->acceptor.close(ignored);
    impl->retry.cancel();
    std::vector<std::shared_ptr<Connection>> open;
    {
      std::lock_guard lock(impl->mutex);
      for (Connection* connection : impl->open) {
        if (auto alive = connection->weak_from_this().lock()) open.push_back(std::move(alive));
      }
    }
    for (const auto& connection : open) connection->CloseIfIdle();
  });
}

bool HttpServer::WaitUntilIdle(std::chrono::milliseconds limit) {
  std::unique_lock lock(impl_->mutex);
  return impl_->idle.wait_for(lock, limit, [this] { return impl_->open.empty(); });
}

}  // namespace penstock::serve
