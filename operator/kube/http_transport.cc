#include "operator/kube/http_transport.h"

#include <algorithm>
#include <mutex>

#include "operator/kube/http_connection.h"
#include "operator/kube/name_resolver.h"

namespace penstock::kube {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kBodyLimit = 512UL << 20;
constexpr std::size_t kMaxIdle = 32;
constexpr std::chrono::seconds kMaxIdleAge{50};

Result<HttpUrl> ParseUrl(const std::string& text) {
  HttpUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return Invalid("URL \"" + text + "\" must begin with http:// or https://");
  }
  const auto slash = rest.find('/');
  url.host_header = rest.substr(0, slash);
  if (slash != std::string_view::npos) url.path = rest.substr(slash);
  while (!url.path.empty() && url.path.back() == '/') url.path.pop_back();
  std::string authority = url.host_header;
  url.port = url.tls ? "443" : "80";
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    url.port = authority.substr(colon + 1);
    authority.resize(colon);
  }
  if (authority.size() > 2 && authority.front() == '[' && authority.back() == ']') {
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = authority;
  const bool port_good = !url.port.empty() && url.port.size() <= 5 &&
                         std::all_of(url.port.begin(), url.port.end(), ::isdigit) &&
                         std::stoul(url.port) <= 65535;
  if (url.host.empty() || !port_good || url.host.find('@') != std::string::npos) {
    return Invalid("URL \"" + text + "\" has no usable host and port");
  }
  return url;
}

Result<void> LoadTls(asio::ssl::context& context, const TlsSettings& tls) {
  error_code ec;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(tls.insecure ? asio::ssl::verify_none : asio::ssl::verify_peer, ec);
  if (tls.ca_pem.empty()) {
    context.set_default_verify_paths(ec);
  } else {
    context.add_certificate_authority(asio::buffer(tls.ca_pem), ec);
    if (ec) return Invalid("the certificate authority cannot be read: " + ec.message());
    // Any trusted certificate ends a chain, also one that is not self-signed.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context.native_handle()),
                         X509_V_FLAG_PARTIAL_CHAIN);
  }
  if (tls.certificate_pem.empty() != tls.key_pem.empty()) {
    return Invalid("a client certificate needs its key, and the key its certificate");
  }
  if (!tls.certificate_pem.empty()) {
    context.use_certificate_chain(asio::buffer(tls.certificate_pem), ec);
    if (ec) return Invalid("the client certificate cannot be read: " + ec.message());
    context.use_private_key(asio::buffer(tls.key_pem), asio::ssl::context::pem, ec);
    if (ec) return Invalid("the client certificate's key cannot be read: " + ec.message());
  }
  return {};
}

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string UrlEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

struct HttpClient::Impl {
  using Connection = std::unique_ptr<HttpConnection>;
  struct Idle {
    Connection connection;
    SteadyTime since;
  };

  HttpUrl url;
  std::string verify_name;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::mutex mutex;
  std::vector<Idle> idle;  // the most recently used last

  Connection TakeIdle() {
    const std::lock_guard lock(mutex);
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(idle, [&](const Idle& i) { return now - i.since > kMaxIdleAge; });
    while (!idle.empty()) {
      Connection taken = std::move(idle.back().connection);
      idle.pop_back();
      if (taken->StillOpen()) return taken;
    }
    return nullptr;
  }

  void GiveBack(Connection connection) {
    if (!connection->Reusable()) return;
    const std::lock_guard lock(mutex);
    if (idle.size() >= kMaxIdle) idle.erase(idle.begin());
    idle.push_back({std::move(connection), std::chrono::steady_clock::now()});
  }

  Result<Connection> Connect(const Limits& limits) {
    auto addresses = ResolveHost(url.host, limits.deadline, limits.stop);
    if (!addresses) return addresses.error();
    auto fresh = std::make_unique<HttpConnection>(url, tls, verify_name);
    if (auto connected = fresh->Connect(*addresses, limits); !connected) return connected.error();
    return fresh;
  }

  static Result<HttpResponse> Exchange(HttpConnection& connection, const HttpRequest& request,
                                       const std::string& target, const Limits& limits) {
    auto sent = connection.Write(request, target, limits);
    // A server may refuse, answer and close before it has read the whole request.
    auto head = connection.ReadHead(limits);
    if (!head && !sent) return sent.error();
    return head;
  }

  // A connection on which the answer's head has been read.
  Result<std::pair<Connection, HttpResponse>> Begin(const HttpRequest& request,
                                                    const Limits& limits) {
    const std::string target = url.path + request.target;
    if (limits.stop.stop_requested()) return Cancelled(request.method + " was stopped");
    if (Connection kept = TakeIdle()) {
      auto head = Exchange(*kept, request, target, limits);
      if (head) return std::pair{std::move(kept), *std::move(head)};
      const bool stale = head.error().kind == ErrorKind::kTransient && kept->NothingRead() &&
                         std::chrono::steady_clock::now() < limits.deadline;
      if (!stale || !request.repeatable) return head.error();
    }
    auto fresh = Connect(limits);
    if (!fresh) return fresh.error();
    auto head = Exchange(**fresh, request, target, limits);
    if (!head) return head.error();
    return std::pair{*std::move(fresh), *std::move(head)};
  }
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::Make(const std::string& base_url,
                                                     const TlsSettings& tls) {
  auto url = ParseUrl(base_url);
  if (!url) return url.error();
  auto impl = std::make_unique<Impl>();
  impl->url = *std::move(url);
  impl->verify_name = tls.server_name.empty() ? impl->url.host : tls.server_name;
  if (impl->url.tls) {
    if (auto loaded = LoadTls(impl->tls, tls); !loaded) return loaded.error();
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

Result<HttpResponse> HttpClient::Send(const HttpRequest& request, SteadyTime deadline,
                                      std::stop_token stop) {
  const Limits limits{deadline, std::move(stop)};
  auto begun = impl_->Begin(request, limits);
  if (!begun) return begun.error();
  auto& [connection, response] = *begun;
  while (true) {
    auto piece = connection->ReadSome(limits);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    if (response.body.size() + piece->size() > kBodyLimit) {
      return Transient("the answer of " + impl_->url.host_header + " is above 512 MiB");
    }
    response.body += *piece;
  }
  impl_->GiveBack(std::move(connection));
  return std::move(response);
}

Result<HttpResponse> HttpClient::Stream(const HttpRequest& request, SteadyTime deadline,
                                        std::chrono::milliseconds idle, const BodySink& sink,
                                        std::stop_token stop) {
  auto begun = impl_->Begin(request, {deadline, stop});
  if (!begun) return begun.error();
  auto& [connection, response] = *begun;
  const bool good = response.status >= 200 && response.status < 300;
  while (true) {
    const Limits limits{good ? std::chrono::steady_clock::now() + idle : deadline, stop};
    auto piece = connection->ReadSome(limits);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    if (!good) {
      if (response.body.size() < (1UL << 20)) response.body += *piece;
    } else if (!sink(*piece)) {
      return std::move(response);
    }
  }
  impl_->GiveBack(std::move(connection));
  return std::move(response);
}

}  // namespace penstock::kube
