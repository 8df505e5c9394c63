#include "operator/net/http_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "operator/net/wire.h"

namespace penstock::net {
namespace http = boost::beast::http;
namespace {

constexpr int kOverflow = 64;  // connections above the bound that are told 503
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kLingerBytes = 8 << 20;
constexpr std::chrono::milliseconds kLingerTime{2'000};

// The request that is being served.
class ServedExchange : public Exchange {
 public:
  ServedExchange(const HttpServerOptions& options, std::stop_token stop, Stream& stream,
                 Incoming<true>& request)
      : options_(options),
        stop_(std::move(stop)),
        stream_(stream),
        request_(request),
        method_(request.message().method_string()) {
    const std::string target(request.message().target());
    const std::size_t mark = target.find('?');
    path_ = target.substr(0, mark);
    if (mark != std::string::npos) query_ = target.substr(mark + 1);
  }

  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return std::string(request_.message()[name]);
  }
  std::optional<std::uint64_t> ContentLength() const override {
    const auto length = request_.parser().content_length();
    if (!length) return std::nullopt;
    return *length;
  }
  bool ExpectsContinue() const override {
    return boost::beast::iequals(request_.message()[http::field::expect], "100-continue");
  }
  std::stop_token stop() const override { return stop_; }

  Result<std::string_view> ReadBody() override {
    if (!SendContinue()) return Transient("the connection broke");
    auto piece = request_.ReadSome();
    if (piece) return piece;
    broken_ = true;
    return Transient("the body broke off: " + piece.error().message);
  }

  void Respond(int status, const std::string& content_type, const std::string& body,
               const Headers& headers) override {
    std::string text = HeadOf(status, body.size(), headers, content_type);
    if (method_ != "HEAD") text += body;
    Send(text);
  }

  void RespondFile(int status, const std::filesystem::path& file, std::uint64_t offset,
                   std::uint64_t length, const Headers& headers) override {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return RespondError(*this, 404, "the file has gone");
    Send(HeadOf(status, length, headers, ""));
    if (method_ != "HEAD") SendFile(fd, offset, length);
    ::close(fd);
  }

  // The connection is closed after the answer, which says so.
  void EndAfterwards() { last_ = true; }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool GoesOn() const { return answered_ && !broken_ && keep_alive_; }
  [[nodiscard]] bool BodyLeft() const {
    return answered_ && !broken_ && !request_.parser().is_done();
  }

 private:
  std::string HeadOf(int status, std::uint64_t length, const Headers& headers,
                     const std::string& content_type) {
    // A body that nobody read would be taken for the next request.
    keep_alive_ = options_.keep_alive && !last_ && request_.message().keep_alive() &&
                  request_.parser().is_done() && !stop_.stop_requested();
    std::string out = "HTTP/1.1 " + std::to_string(status) + " " +
                      std::string(http::obsolete_reason(static_cast<http::status>(status))) +
                      "\r\n";
    if (!content_type.empty()) out += "Content-Type: " + content_type + "\r\n";
    for (const auto& [name, value] : headers) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
    out += "Content-Length: " + std::to_string(length) + "\r\n";
    if (!keep_alive_) out += "Connection: close\r\n";
    return out + "\r\n";
  }

  void Send(const std::string& text) {
    broken_ = broken_ || !stream_.Write(text);
    answered_ = true;
  }

  void SendFile(int fd, std::uint64_t offset, std::uint64_t length) {
    std::string piece(std::min<std::uint64_t>(length, kPiece), '\0');
    while (length > 0 && !broken_) {
      const ssize_t n = ::pread(fd, piece.data(), std::min<std::uint64_t>(length, kPiece),
                                static_cast<off_t>(offset));
      // Shorter than promised: only a cut connection can say so now.
      if (n <= 0) {
        broken_ = true;
        return;
      }
      offset += static_cast<std::uint64_t>(n);
      length -= static_cast<std::uint64_t>(n);
      broken_ = !stream_.Write(std::string_view(piece).substr(0, static_cast<std::size_t>(n)));
    }
  }

  bool SendContinue() {
    if (!ExpectsContinue() || continued_) return true;
    continued_ = true;
    broken_ = broken_ || !stream_.Write("HTTP/1.1 100 Continue\r\n\r\n");
    return !broken_;
  }

  const HttpServerOptions& options_;
  const std::stop_token stop_;
  Stream& stream_;
  Incoming<true>& request_;
  const std::string method_;
  std::string path_;
  std::string query_;
  bool continued_ = false;
  bool answered_ = false;
  bool broken_ = false;
  bool keep_alive_ = false;
  bool last_ = false;
};

class Server : public HttpServer {
 public:
  Server(HttpServerOptions options, HttpHandler handler, Listener listener)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        listener_(std::move(listener)),
        port_(listener_.port()) {}
  ~Server() override { Stop(); }

  Result<void> Begin() {
    if (auto tls = Tls(); !tls) return tls.error();
    thread_ = std::thread([this] { AcceptLoop(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }
  int connections() const override { return active_; }

  void Stop() override {
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return active_ == 0; });
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
    if (active_ >= options_.max_connections + kOverflow) return;  // closed by its destructor
    auto tls = Tls();
    if (!tls) return Report(tls.error().message);
    const bool overloaded = active_ >= options_.max_connections;
    ++active_;
    try {
      std::thread([this, stream = std::move(stream), tls = *tls, overloaded]() mutable {
        Serve(std::move(stream), tls, overloaded);
        Leave();
      }).detach();
    } catch (const std::system_error& e) {
      Leave();
      Report(std::string("starting a connection's thread: ") + e.what());
    }
  }

  // Requests until the peer, a time-out, an error or the stop ends them. With `overloaded` the
  // first is answered with 503.
  void Serve(Stream stream, const std::shared_ptr<TlsContext>& tls, bool overloaded) {
    stream.Limit({SteadyTime::max(), options_.handshake_timeout, stop_.get_token()});
    if (tls && !stream.Secure(tls)) return;
    Incoming<true>::Buffer buffer;
    while (ServeOne(stream, buffer, overloaded)) {
    }
  }

  bool ServeOne(Stream& stream, Incoming<true>::Buffer& buffer, bool overloaded) {
    const auto stop = stop_.get_token();
    stream.Limit(
        {std::chrono::steady_clock::now() + options_.idle_timeout, options_.idle_timeout, stop});
    Incoming<true> request(stream, buffer, static_cast<std::uint32_t>(options_.max_header_bytes));
    const auto ec = request.ReadHead();
    stream.Limit({SteadyTime::max(), options_.idle_timeout, stop});
    ServedExchange exchange(options_, stop, stream, request);
    if (ec == http::error::header_limit) {
      RespondError(exchange, 431, "the request's headers are too large");
      return false;
    }
    if (ec.category() == make_error_code(http::error::bad_method).category() &&
        ec != http::error::end_of_stream && ec != http::error::partial_message)
      RespondError(exchange, 400, "the request is not HTTP: " + ec.message());
    if (ec) return false;
    if (overloaded) exchange.EndAfterwards();
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
    std::string piece(kPiece, '\0');
    const auto until = std::chrono::steady_clock::now() + kLingerTime;
    stream.Limit({until, kLingerTime, stop_.get_token()});
    for (std::size_t taken = 0; taken < kLingerBytes;) {
      const auto got = stream.Read(piece.data(), piece.size());
      if (!got || *got == 0) return;
      taken += *got;
    }
  }

  void Leave() {
    const std::lock_guard lock(mutex_);
    --active_;
    idle_.notify_all();
  }

  // None for a plain server.
  Result<std::shared_ptr<TlsContext>> Tls() {
    if (!options_.tls) return std::shared_ptr<TlsContext>();
    auto identity = options_.tls();
    if (!identity) return Wrap("the server's certificate", identity.error());
    if (*identity == shown_) return context_;
    auto context = MakeTls(**identity);
    if (!context) return context;
    shown_ = *identity;
    context_ = *context;
    return context_;
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
  // Of the accepting thread.
  std::shared_ptr<const TlsIdentity> shown_;
  std::shared_ptr<TlsContext> context_;
  std::atomic<int> active_{0};
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
