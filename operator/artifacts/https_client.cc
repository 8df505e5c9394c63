#include "operator/artifacts/https_client.h"

#include <limits>
#include <optional>

#include "operator/artifacts/resolver.h"
#include "operator/net/beast.h"

namespace penstock::artifacts {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
namespace {

constexpr std::uint64_t kExpectAbove = 64 * 1024;
constexpr std::size_t kMaxReplyBody = 1 << 20;
constexpr std::size_t kPiece = 256 * 1024;
constexpr std::chrono::milliseconds kConnectTimeout{10'000};
constexpr std::chrono::milliseconds kLateAnswer{2'000};

struct Address {
  std::string host;
  std::string port = "443";
};

Result<Address> ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  if (url.rfind(kScheme, 0) != 0) return Invalid("the store's URL '" + url + "' is not https://");
  std::string rest = url.substr(kScheme.size());
  while (!rest.empty() && rest.back() == '/') rest.pop_back();
  Address a;
  const bool v6 = !rest.empty() && rest[0] == '[';
  const std::size_t host_end = v6 ? rest.find(']') : rest.find(':');
  a.host = v6 ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  const std::size_t colon = v6 && host_end != std::string::npos ? host_end + 1 : host_end;
  if (colon < rest.size()) a.port = rest.substr(colon + 1);
  const bool port_good = !a.port.empty() && a.port.size() <= 5 &&
                         a.port.find_first_not_of("0123456789") == std::string::npos &&
                         std::stoi(a.port) > 0 && std::stoi(a.port) < 65536;
  if (a.host.empty() || a.host.find('/') != std::string::npos || !port_good)
    return Invalid("the store's URL '" + url + "' is not https://host:port");
  return a;
}

using Stream = ssl::stream<tcp::socket>;
using Buffer = boost::beast::flat_buffer;
using Parser = http::response_parser<http::buffer_body>;

class Client : public HttpsClient {
 public:
  Client(HttpsOptions options, Address address)
      : options_(std::move(options)), address_(std::move(address)) {}

  Result<void> TrustCa() {
    tls_.set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    if (options_.vouched_channel) {
      tls_.set_verify_mode(ssl::verify_none);
      return {};
    }
    error_code ec;
    tls_.add_certificate_authority(asio::buffer(options_.ca_pem), ec);
    if (ec) return Invalid("the store's CA is no PEM certificate: " + ec.message());
    return {};
  }

  Result<HttpReply> Exchange(const HttpRequest& request) override {
    std::stop_callback close_on_stop(options_.stop,
                                     [this] { asio::post(io_, [this] { Close(); }); });
    auto reply = Run(request);
    if (!reply || !keep_alive_) Drop();
    if (!reply && options_.stop.stop_requested() && reply.error().kind == ErrorKind::kTransient)
      return Cancelled("stopped while talking to the artifact store");
    return reply;
  }

 private:
  // Runs one asynchronous operation to its end; past the time-out the socket is closed under it.
  template <typename Start>
  error_code Await(std::chrono::milliseconds timeout, Start start) {
    std::optional<error_code> result;
    start([&result](error_code ec, auto&&...) { result = ec; });
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    bool timed_out = false;
    io_.restart();
    while (!result) {
      if (options_.stop.stop_requested()) Close();
      if (timed_out)
        io_.run_one();
      else if (io_.run_one_until(deadline) == 0 && !result) {
        timed_out = true;
        Close();
        io_.restart();
      }
    }
    return timed_out ? make_error_code(boost::system::errc::timed_out) : *result;
  }

  void Close() {
    if (!stream_) return;
    error_code ignored;  // the socket is thrown away
    stream_->next_layer().close(ignored);
  }
  void Drop() {
    Close();
    stream_.reset();
    buffer_.clear();
  }

  Error Broken(const std::string& what, error_code ec) const {
    return Transient(what + " " + options_.url + ": " + ec.message());
  }

  Result<void> Connect() {
    auto hosts = ResolveHost(address_.host);
    if (!hosts) return hosts.error();
    error_code ec;
    const auto port = static_cast<std::uint16_t>(std::stoi(address_.port));
    for (const auto& ip : *hosts) {
      stream_.emplace(io_, tls_);
      const tcp::endpoint endpoint(asio::ip::make_address(ip), port);
      ec = Await(kConnectTimeout, [&](auto handler) {
        stream_->next_layer().async_connect(endpoint, std::move(handler));
      });
      if (!ec) break;
    }
    if (ec) return Broken("connecting to", ec);
    stream_->next_layer().set_option(tcp::no_delay(true), ec);
    SSL_set_tlsext_host_name(stream_->native_handle(), address_.host.c_str());
    if (!options_.vouched_channel) {
      stream_->set_verify_callback(ssl::host_name_verification(address_.host));
    }
    ec = Await(kConnectTimeout, [&](auto handler) {
      stream_->async_handshake(ssl::stream_base::client, std::move(handler));
    });
    if (!ec) return {};
    if (const long verify = SSL_get_verify_result(stream_->native_handle()); verify != X509_V_OK) {
      Error e;
      e.kind = ErrorKind::kForbidden;
      e.reason = "CertificateNotTrusted";
      e.message = "the certificate of " + options_.url +
                  " is not trusted: " + X509_verify_cert_error_string(verify);
      return e;
    }
    return Broken("TLS handshake with", ec);
  }

  template <typename Op>
  error_code Io(Op op) {
    return Await(options_.idle_timeout, op);
  }

  Result<HttpReply> Run(const HttpRequest& r) {
    keep_alive_ = false;
    if (options_.stop.stop_requested()) return Cancelled("stopped");
    if (!stream_)
      if (auto connected = Connect(); !connected) {
        Drop();
        return connected.error();
      }
    const bool has_body = static_cast<bool>(r.body);
    const bool expect = has_body && r.content_length > kExpectAbove;
    http::request<http::buffer_body> message;
    message.method_string(r.method);
    message.target(r.target);
    message.version(11);
    message.set(http::field::host, address_.host);
    for (const auto& [name, value] : r.headers) message.set(name, value);
    if (has_body) message.content_length(r.content_length);
    if (expect) message.set(http::field::expect, "100-continue");
    message.body().data = nullptr;
    message.body().more = has_body;
    http::request_serializer<http::buffer_body> serializer{message};
    error_code ec =
        Io([&](auto h) { http::async_write_header(*stream_, serializer, std::move(h)); });
    if (ec) return Broken("writing to", ec);
    if (expect) {
      Parser early;
      early.body_limit(
          std::numeric_limits<std::uint64_t>::max());  // none: Boost 1.74 then refuses all
      ec = Io([&](auto h) { http::async_read_header(*stream_, buffer_, early, std::move(h)); });
      if (ec) return Broken("waiting for", ec);
      if (early.get().result_int() != 100) return ReadBody(r, early);
    }
    if (has_body) {
      auto sent = SendBody(r, message, serializer);
      if (!sent) return sent.error();
      // A server that refuses says why before it closes: then the answer tells more than EPIPE.
      if (*sent) return ReadReply(r, kLateAnswer, *sent);
    }
    return ReadReply(r, options_.idle_timeout, {});
  }

  // An error_code that is set: the connection broke while writing.
  template <typename Message, typename Serializer>
  Result<error_code> SendBody(const HttpRequest& r, Message& message, Serializer& serializer) {
    for (;;) {
      auto piece = r.body();
      if (!piece) return piece.error();
      message.body().data = const_cast<char*>(piece->data());
      message.body().size = piece->size();
      message.body().more = !piece->empty();
      if (piece->empty()) message.body().data = nullptr;
      const error_code ec =
          Io([&](auto h) { http::async_write(*stream_, serializer, std::move(h)); });
      if (ec && ec != http::error::need_buffer) return ec;
      if (piece->empty()) return error_code{};
    }
  }

  Result<HttpReply> ReadReply(const HttpRequest& r, std::chrono::milliseconds timeout,
                              error_code write_error) {
    Parser parser;
    parser.body_limit(
        std::numeric_limits<std::uint64_t>::max());  // none: Boost 1.74 then refuses all
    const error_code ec = Await(
        timeout, [&](auto h) { http::async_read_header(*stream_, buffer_, parser, std::move(h)); });
    if (ec) return write_error ? Broken("writing to", write_error) : Broken("reading from", ec);
    auto reply = ReadBody(r, parser);
    if (write_error) keep_alive_ = false;
    return reply;
  }

  Result<HttpReply> ReadBody(const HttpRequest& r, Parser& parser) {
    HttpReply reply;
    reply.status = static_cast<int>(parser.get().result_int());
    reply.retry_after = std::string(parser.get()[http::field::retry_after]);
    const bool streamed = r.on_body && (reply.status == 200 || reply.status == 206);
    if (streamed && r.on_header) {
      const std::string range(parser.get()[http::field::content_range]);
      if (auto ok = r.on_header(reply.status, range); !ok) return ok.error();
    }
    std::string piece(kPiece, '\0');
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      const error_code ec =
          Io([&](auto h) { http::async_read(*stream_, buffer_, parser, std::move(h)); });
      if (ec && ec != http::error::need_buffer) return Broken("reading from", ec);
      const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
      if (streamed) {
        if (auto taken = r.on_body(got); !taken) return taken.error();
      } else if (reply.body.size() + got.size() <= kMaxReplyBody) {
        reply.body += got;
      } else {
        return Internal(options_.url + " answered with more than 1 MiB where none was due");
      }
    }
    keep_alive_ = parser.get().keep_alive();
    return reply;
  }

  HttpsOptions options_;
  Address address_;
  asio::io_context io_{1};
  ssl::context tls_{ssl::context::tls_client};
  std::optional<Stream> stream_;
  Buffer buffer_;
  bool keep_alive_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpsClient>> MakeHttpsClient(const HttpsOptions& options) {
  auto address = ParseUrl(options.url);
  if (!address) return address.error();
  auto client = std::make_unique<Client>(options, std::move(*address));
  if (auto trusted = client->TrustCa(); !trusted) return trusted.error();
  return std::unique_ptr<HttpsClient>(std::move(client));
}

}  // namespace penstock::artifacts
