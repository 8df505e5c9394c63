#include "components/serve/http/http_server.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "components/serve/host/thread_class.h"
#include "components/serve/http/busy_poll.h"
#include "components/serve/http/http_connection.h"

namespace penstock::serve {

using net::ip::tcp;

namespace {

class ContextLoop : public EventLoop {
 public:
  ContextLoop(std::size_t index, net::io_context* context) : EventLoop(index), context_(context) {}
  void Post(std::function<void()> work) override { net::post(*context_, std::move(work)); }

 private:
  net::io_context* const context_;
};

}  // namespace

struct HttpServer::Impl {
  Impl(const Options& o, HttpHandler* handler, Metrics* m)
      : options(o),
        metrics(m),
        contexts(MakeContexts(o.threads)),
        asides(MakeContexts(o.threads)),
        acceptor(*contexts.front()),
        retry(*contexts.front()),
        sweep(*contexts.front()) {
    host->handler = handler;
    host->limits = o.limits;
    host->bodies = o.bodies ? o.bodies : std::make_shared<ByteBudget>(o.limits.held_body_bytes);
    for (const auto& context : contexts) {
      work.push_back(net::make_work_guard(*context));
      loops.emplace_back(loops.size(), context.get());
    }
    for (const auto& context : asides) {
      work.push_back(net::make_work_guard(*context));
      host->aside.push_back(context.get());
    }
  }

  // One a thread: what happens on a connection needs no lock then.
  static std::vector<std::unique_ptr<net::io_context>> MakeContexts(int threads) {
    std::vector<std::unique_ptr<net::io_context>> contexts;
    for (int i = 0; i < std::max(1, threads); ++i) {
      contexts.push_back(std::make_unique<net::io_context>(1));
      // Makes the context's epoll now, not under load, when descriptors may be short.
      const HttpConnection::Socket unused(*contexts.back());
    }
    return contexts;
  }

  Result<void> Bind();
  void Accept();
  void OnAccept(beast::error_code ec, HttpConnection::Socket socket, std::size_t home);
  void Admit(HttpConnection::Socket socket, std::size_t home);
  void Forget(HttpConnection* connection);
  void Sweep();
  [[nodiscard]] std::vector<std::shared_ptr<HttpConnection>> Open();

  const Options options;
  Metrics* const metrics;
  std::shared_ptr<ConnectionHost> host = std::make_shared<ConnectionHost>();
  // Before the contexts: they destroy the last connections, and those remove themselves from
  // `open`.
  std::mutex mutex;
  std::condition_variable idle;
  std::set<HttpConnection*> open;  // guarded by mutex; each removes itself before it goes
  std::deque<ContextLoop> loops;   // one a context

  const std::vector<std::unique_ptr<net::io_context>> contexts;
  // Destroyed first: what waits there may be of a connection at home, never the other way round.
  const std::vector<std::unique_ptr<net::io_context>> asides;
  std::size_t next_context = 0;  // of the acceptor's thread
  tcp::acceptor acceptor;
  net::steady_timer retry;
  net::steady_timer sweep;
  std::vector<net::executor_work_guard<net::io_context::executor_type>> work;
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
  const std::size_t next = next_context++ % contexts.size();
  acceptor.async_accept(contexts[next]->get_executor(),
                        [this, next](beast::error_code ec, HttpConnection::Socket socket) {
                          OnAccept(ec, std::move(socket), next);
                        });
}

void HttpServer::Impl::OnAccept(beast::error_code ec, HttpConnection::Socket socket,
                                std::size_t home) {
  if (!acceptor.is_open() || ec == net::error::operation_aborted) return;
  if (ec) {
    // Out of file descriptors, most likely: trying again at once would only burn the processor.
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](beast::error_code cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  Admit(std::move(socket), home);
  Accept();
}

void HttpServer::Impl::Admit(HttpConnection::Socket socket, std::size_t home) {
  beast::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::unique_lock lock(mutex);
  if (open.size() >= options.limits.connections) {
    lock.unlock();
    host->handler->CountRefused(503);
    return TurnAway(std::move(socket));
  }
  // The last handler of the connection lets go of it; then it is forgotten.
  EventLoop* const loop = options.computes ? &loops[home] : nullptr;
  std::shared_ptr<HttpConnection> connection(
      new HttpConnection(std::move(socket), contexts[home].get(), host, loop),
      [this](HttpConnection* done) { Forget(done); });
  open.insert(connection.get());
  if (metrics != nullptr) metrics->SetConnections(static_cast<std::int64_t>(open.size()));
  lock.unlock();
  connection->Start();
}

void HttpServer::Impl::Forget(HttpConnection* connection) {
  {
    std::lock_guard lock(mutex);
    open.erase(connection);
    if (metrics != nullptr) metrics->SetConnections(static_cast<std::int64_t>(open.size()));
    if (open.empty()) idle.notify_all();
  }
  delete connection;
}

std::vector<std::shared_ptr<HttpConnection>> HttpServer::Impl::Open() {
  std::vector<std::shared_ptr<HttpConnection>> alive;
  std::lock_guard lock(mutex);
  for (HttpConnection* connection : open) {
    if (auto one = connection->weak_from_this().lock()) alive.push_back(std::move(one));
  }
  return alive;
}

// Ends what takes too long, a little late: a timer for each request would cost more than that is
// worth.
void HttpServer::Impl::Sweep() {
  const HttpLimits& limits = options.limits;
  const auto shortest = std::min({limits.header_time, limits.body_idle, limits.request_time,
                                  limits.keep_alive_idle, limits.write_time});
  sweep.expires_after(
      std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(500)));
  sweep.async_wait([this](beast::error_code cancelled) {
    if (cancelled) return;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& connection : Open()) {
      if (connection->IsLate(now)) connection->CheckDeadline();
    }
    Sweep();
  });
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options, HttpHandler* handler,
                                                      Metrics* metrics) {
  auto impl = std::make_unique<Impl>(options, handler, metrics);
  if (auto bound = impl->Bind(); !bound) return bound.error();
  impl->Accept();
  impl->Sweep();
  for (const auto& context : impl->contexts)
    impl->threads.emplace_back([&context = *context, moment = options.busy_poll] {
      AskForShortSlices();
      RunBusyPolling(context, moment);
    });
  for (const auto& context : impl->asides)
    impl->threads.emplace_back([&context = *context] {
      GiveWayToOthers();
      context.run();
    });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  for (const auto& context : impl_->contexts) context->stop();
  for (const auto& context : impl_->asides) context->stop();
  for (std::thread& thread : impl_->threads) thread.join();
}

std::uint16_t HttpServer::port() const {
  beast::error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

std::chrono::microseconds HttpServer::busy_poll() const {
  return BusyPollingIsBuilt() ? impl_->options.busy_poll : std::chrono::microseconds(0);
}

void HttpServer::CloseAfterResponses() { impl_->host->closing = true; }

void HttpServer::StopAccepting() {
  CloseAfterResponses();
  net::post(*impl_->contexts.front(), [impl = impl_.get()] {
    beast::error_code ignored;
    impl->acceptor.close(ignored);
    impl->retry.cancel();
    for (const auto& connection : impl->Open()) connection->CloseIfIdle();
  });
}

bool HttpServer::WaitUntilIdle(std::chrono::milliseconds limit) {
  std::unique_lock lock(impl_->mutex);
  return impl_->idle.wait_for(lock, limit, [this] { return impl_->open.empty(); });
}

}  // namespace penstock::serve
