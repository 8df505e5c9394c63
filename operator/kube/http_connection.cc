#include "operator/kube/http_connection.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace penstock::kube {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kChunk = 32 * 1024;
constexpr std::uint32_t kHeaderLimit = 64 * 1024;

// A peer that vanished is noticed by the kernel after about 35 s, also under a silent stream.
void SetSocketOptions(asio::ip::tcp::socket& socket) {
  const int fd = socket.native_handle();
  auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 35'000);
}

bool IsIpAddress(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

}  // namespace

HttpConnection::HttpConnection(const HttpUrl& url, asio::ssl::context& tls, std::string verify_name)
    : url_(url), verify_name_(std::move(verify_name)), io_(1), stream_(io_, tls), chunk_(kChunk) {}

template <typename Start>
Result<void> HttpConnection::Run(const char* what, const Limits& limits, Start&& start) {
  std::optional<error_code> outcome;
  io_.restart();
  start([&outcome](error_code ec, auto&&...) { outcome = ec; });
  {
    const std::stop_callback on_stop(limits.stop, [this] { asio::post(io_, [this] { Close(); }); });
    while (!outcome && std::chrono::steady_clock::now() < limits.deadline) {
      if (io_.run_one_until(limits.deadline) == 0) break;
    }
  }
  const bool late = !outcome;
  if (late) Close();
  while (!outcome && io_.run_one() > 0) {
  }
  last_ = outcome.value_or(asio::error::operation_aborted);
  const std::string where = " " + url_.host_header;
  if (limits.stop.stop_requested()) {
    Close();
    return Cancelled(what + where + " was stopped");
  }
  if (late) return Transient(what + where + ": no answer in time");
  if (!last_ || last_ == http::error::need_buffer) return {};
  Close();
  return Transient(what + where + ": " + last_.message());
}

void HttpConnection::Close() {
  broken_ = true;
  error_code ignored;
  Socket().close(ignored);
}

Result<void> HttpConnection::Connect(const std::vector<std::string>& addresses, Limits limits) {
  Error last = Transient("connecting to " + url_.host_header + ": no address");
  for (const auto& address : addresses) {
    error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec) continue;
    const asio::ip::tcp::endpoint endpoint(
        ip, static_cast<unsigned short>(std::strtoul(url_.port.c_str(), nullptr, 10)));
    Socket().close(ec);
    broken_ = false;
    auto connected = Run("connecting to", limits,
                         [&](auto handler) { Socket().async_connect(endpoint, handler); });
    if (connected) {
      SetSocketOptions(Socket());
      return url_.tls ? Handshake(limits) : Result<void>{};
    }
    last = connected.error();
    if (last.kind == ErrorKind::kCancelled) return last;
  }
  return last;
}

Result<void> HttpConnection::Handshake(const Limits& limits) {
  if (!IsIpAddress(verify_name_)) {
    SSL_set_tlsext_host_name(stream_.native_handle(), verify_name_.c_str());
  }
  if (SSL_get_verify_mode(stream_.native_handle()) != SSL_VERIFY_NONE) {
    stream_.set_verify_callback(asio::ssl::host_name_verification(verify_name_));
  }
  auto done = Run("TLS handshake with", limits, [&](auto handler) {
    stream_.async_handshake(asio::ssl::stream_base::client, handler);
  });
  if (done) return {};
  Error error = done.error();
  const long verdict = SSL_get_verify_result(stream_.native_handle());
  if (verdict != X509_V_OK) {
    error.message += std::string(" (certificate of ") + verify_name_ +
                     " not accepted: " + X509_verify_cert_error_string(verdict) + ")";
  }
  return error;
}

Result<void> HttpConnection::Write(const HttpRequest& request, const std::string& target,
                                   Limits limits) {
  nothing_read_ = true;
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(target);
  message.set(http::field::host, url_.host_header);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    message.prepare_payload();
  }
  parser_ = std::make_unique<Parser>();
  // boost::none, "no limit", refuses every Content-Length in Boost 1.74.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  parser_->header_limit(kHeaderLimit);
  if (request.method == "HEAD") parser_->skip(true);
  return Run("sending to", limits, [&](auto handler) {
    if (url_.tls) {
      http::async_write(stream_, message, handler);
    } else {
      http::async_write(Socket(), message, handler);
    }
  });
}

Result<HttpResponse> HttpConnection::ReadHead(Limits limits) {
  auto read = Run("reading from", limits, [&](auto handler) {
    if (url_.tls) {
      http::async_read_header(stream_, buffer_, *parser_, handler);
    } else {
      http::async_read_header(Socket(), buffer_, *parser_, handler);
    }
  });
  nothing_read_ = !parser_->got_some();
  if (!read) return read.error();
  HttpResponse response;
  response.status = parser_->get().result_int();
  for (const auto& field : parser_->get()) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    response.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  return response;
}

Result<std::string_view> HttpConnection::ReadSome(Limits limits) {
  while (!parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = chunk_.data();
    body.size = chunk_.size();
    auto read = Run("reading from", limits, [&](auto handler) {
      if (url_.tls) {
        http::async_read_some(stream_, buffer_, *parser_, handler);
      } else {
        http::async_read_some(Socket(), buffer_, *parser_, handler);
      }
    });
    if (!read) return read.error();
    const std::size_t got = chunk_.size() - body.size;
    if (got > 0) return std::string_view(chunk_.data(), got);
  }
  return std::string_view{};
}

bool HttpConnection::Reusable() const {
  return !broken_ && parser_ && parser_->is_done() && parser_->get().keep_alive() &&
         buffer_.size() == 0;
}

bool HttpConnection::StillOpen() {
  char byte = 0;
  const auto got = recv(Socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace penstock::kube
