#include "operator/sources/http_head.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "operator/artifacts/resolver.h"
#include "operator/net/beast.h"

namespace penstock::sources {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Deadline = std::chrono::steady_clock::time_point;

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;
};

Result<Url> ParseUrl(const std::string& text) {
  // What would end the request's line; redirects come this way too.
  const auto odd = [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), odd)) {
    return Invalid("a URL with a space or control character is not asked");
  }
  Url url;
  std::string rest;
  if (text.rfind("https://", 0) == 0) {
    url.tls = true;
    rest = text.substr(8);
  } else if (text.rfind("http://", 0) == 0) {
    rest = text.substr(7);
  } else {
    return Invalid("'" + text + "' is no http or https URL");
  }
  const auto slash = rest.find_first_of("/?#");
  std::string authority = rest.substr(0, slash);
  url.target = slash == std::string::npos ? "/" : rest.substr(slash, rest.find('#') - slash);
  if (url.target.empty() || url.target[0] != '/') url.target = "/" + url.target;
  if (authority.find('@') != std::string::npos) {
    return Invalid("a URL with a user or password is refused; use a Secret");
  }
  url.port = url.tls ? "443" : "80";
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    url.port = authority.substr(colon + 1);
    authority.resize(colon);
  }
  if (authority.size() > 2 && authority.front() == '[' && authority.back() == ']') {
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = authority;
  const bool digits = !url.port.empty() && url.port.size() <= 5 &&
                      std::all_of(url.port.begin(), url.port.end(),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  if (url.host.empty() || !digits || std::stoi(url.port) > 65535) {
    return Invalid("'" + text + "' has no host or a bad port");
  }
  return url;
}

bool IsLocal(const asio::ip::address& address) {
  if (address.is_loopback() || address.is_unspecified()) return true;
  if (address.is_v4()) return (address.to_v4().to_uint() >> 16) == 0xA9FE;  // 169.254.0.0/16
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return IsLocal(asio::ip::make_address_v4(asio::ip::v4_mapped, v6));
  return v6.is_link_local();
}

Result<asio::ip::tcp::endpoint> Locate(const Url& url, const HeadOptions& options) {
  auto addresses = artifacts::ResolveHost(url.host);
  if (!addresses) return addresses.error();
  for (const std::string& text : *addresses) {
    beast::error_code error;
    const auto address = asio::ip::make_address(text, error);
    if (error) continue;
    if (!options.allow_local && IsLocal(address)) {
      return Invalid("the host " + url.host + " is the local address " + text +
                     ", which the operator does not ask");
    }
    return asio::ip::tcp::endpoint(address, static_cast<std::uint16_t>(std::stoi(url.port)));
  }
  return Transient("the host " + url.host + " has no address");
}

// One exchange on one connection; every operation runs on `io` until `deadline`.
class Exchange {
 public:
  Exchange(const Url& url, const HeadOptions& options, Deadline deadline)
      : url_(url),
        deadline_(deadline),
        tls_(asio::ssl::context::tls_client),
        stream_(asio::make_strand(io_), tls_),
        stop_(options.stop,
              [this] { asio::post(stream_.get_executor(), [this] { Lowest().close(); }); }) {
    tls_.set_default_verify_paths();
  }

  Result<HeadReply> Run(const asio::ip::tcp::endpoint& endpoint) {
    if (auto error = Await([&](auto done) { Lowest().async_connect(endpoint, done); })) {
      return Failed("connecting", error);
    }
    if (!url_.tls) return Ask(Lowest());
    stream_.set_verify_mode(asio::ssl::verify_peer);
    stream_.set_verify_callback(asio::ssl::host_name_verification(url_.host));
    if (SSL_set_tlsext_host_name(stream_.native_handle(), url_.host.c_str()) != 1) {
      return Internal("setting the TLS server name " + url_.host);
    }
    if (auto error = Await(
            [&](auto done) { stream_.async_handshake(asio::ssl::stream_base::client, done); })) {
      return Failed("the TLS handshake", error);
    }
    return Ask(stream_);
  }

 private:
  beast::tcp_stream& Lowest() { return stream_.next_layer(); }

  template <typename Start>
  beast::error_code Await(Start start) {
    beast::error_code result = asio::error::operation_aborted;
    Lowest().expires_at(deadline_);
    io_.restart();
    start([&result](beast::error_code error, auto&&... /*sizes*/) { result = error; });
    io_.run();
    return result;
  }

  template <typename Stream>
  Result<HeadReply> Ask(Stream& stream) {
    http::request<http::empty_body> request(http::verb::head, url_.target, 11);
    request.set(http::field::host, url_.host);
    request.set(http::field::user_agent, "penstock");
    request.set(http::field::accept_encoding, "identity");
    if (auto error = Await([&](auto done) { http::async_write(stream, request, done); })) {
      return Failed("sending", error);
    }
    beast::flat_buffer buffer(64 * 1024);
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    if (auto error = Await([&](auto done) { http::async_read(stream, buffer, parser, done); })) {
      return Failed("reading the answer", error);
    }
    HeadReply reply{static_cast<int>(parser.get().result_int()), {}};
    for (const auto& field : parser.get()) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      reply.headers.emplace(std::move(name), std::string(field.value()));
    }
    return reply;
  }

  [[nodiscard]] Error Failed(const std::string& doing, const beast::error_code& error) const {
    return Transient("HEAD of " + url_.host + ": " + doing + ": " + error.message());
  }

  const Url& url_;
  const Deadline deadline_;
  asio::io_context io_;
  asio::ssl::context tls_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  std::stop_callback<std::function<void()>> stop_;
};

// Where a redirect leads; relative ones stay on the host.
std::string Follow(const Url& from, const std::string& location) {
  if (location.rfind("http://", 0) == 0 || location.rfind("https://", 0) == 0) return location;
  const std::string host =
      from.host.find(':') == std::string::npos ? from.host : "[" + from.host + "]";
  const std::string base = (from.tls ? "https://" : "http://") + host + ":" + from.port;
  if (!location.empty() && location[0] == '/') return base + location;
  return base + from.target.substr(0, from.target.rfind('/') + 1) + location;
}

}  // namespace

Result<HeadReply> HttpHead(const std::string& url, const HeadOptions& options) {
  const Deadline deadline = std::chrono::steady_clock::now() + options.timeout;
  std::string next = url;
  for (int hop = 0; hop <= 5; ++hop) {
    if (options.stop.stop_requested()) return Cancelled("stopped while asking " + url);
    auto parsed = ParseUrl(next);
    if (!parsed) return parsed.error();
    auto endpoint = Locate(*parsed, options);
    if (!endpoint) return endpoint.error();
    Exchange exchange(*parsed, options, deadline);
    auto reply = exchange.Run(*endpoint);
    if (!reply) return reply.error();
    const auto location = reply->headers.find("location");
    if (reply->status / 100 != 3 || location == reply->headers.end()) return reply;
    if (parsed->tls && location->second.rfind("http://", 0) == 0) {
      return Invalid(url + " leads from https to http, which is not followed");
    }
    next = Follow(*parsed, location->second);
  }
  return Transient(url + " redirects more than five times");
}

}  // namespace penstock::sources
