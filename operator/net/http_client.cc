#include "operator/net/http_client.h"

#include <algorithm>
#include <mutex>

#include "operator/net/client_connection.h"
#include "operator/net/request_head.h"
#include "operator/net/resolver.h"
#include "operator/net/tunnel.h"
#include "operator/net/url.h"

namespace penstock::net {
namespace {

constexpr std::size_t kMaxIdle = 32;
constexpr std::chrono::seconds kMaxIdleAge{50};
constexpr std::size_t kMaxErrorBody = 1 << 20;

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct HttpClient::Impl {
  using ConnectionPtr = std::unique_ptr<Connection>;
  struct Idle {
    ConnectionPtr connection;
    SteadyTime since;
  };

  Url url;
  std::string path;  // of the base URL: "" or "/prefix"
  HttpClientOptions options;
  std::shared_ptr<TlsContext> tls;        // none: plain
  std::shared_ptr<TlsContext> proxy_tls;  // of an https proxy
  std::mutex mutex;
  std::vector<Idle> idle;    // the most recently used last
  std::string last_address;  // that answered: the first to be tried

  ConnectionPtr TakeIdle() {
    const std::lock_guard lock(mutex);
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(idle, [&](const Idle& i) { return now - i.since > kMaxIdleAge; });
    while (!idle.empty()) {
      ConnectionPtr taken = std::move(idle.back().connection);
      idle.pop_back();
      if (taken->stream().StillOpen()) return taken;
    }
    return nullptr;
  }

  void GiveBack(ConnectionPtr connection) {
    if (!connection->Reusable()) return;
    const std::lock_guard lock(mutex);
    if (idle.size() >= kMaxIdle) idle.erase(idle.begin());
    idle.push_back({std::move(connection), std::chrono::steady_clock::now()});
  }

  // The host's addresses, those that were looked at.
  Result<std::vector<std::string>> Addresses(const Limits& limits) const {
    auto addresses = ResolveHost(url.host, limits.deadline, limits.stop);
    if (!addresses || !options.may_connect) return addresses;
    for (const auto& address : *addresses) {
      if (auto may = options.may_connect(url.host, address); !may) return may.error();
    }
    return addresses;
  }

  // Those of whom we connect to, the one that answered last at their head.
  Result<std::vector<std::string>> Peers(const Limits& limits) {
    const auto& proxy = options.proxy;
    auto addresses =
        proxy ? ResolveHost(proxy->url.host, limits.deadline, limits.stop) : Addresses(limits);
    if (!addresses) return addresses;
    const std::lock_guard lock(mutex);
    std::stable_partition(addresses->begin(), addresses->end(),
                          [this](const auto& a) { return a == last_address; });
    return addresses;
  }

  Result<ConnectionPtr> Connect(Limits limits) {
    limits.idle = std::min(limits.idle, options.connect_timeout);
    Limits lookup = limits;
    lookup.deadline =
        std::min(limits.deadline, std::chrono::steady_clock::now() + options.connect_timeout);
    auto addresses = Peers(lookup);
    if (!addresses) return addresses.error();
    const Url& peer = options.proxy ? options.proxy->url : url;
    auto stream = Stream::Make();
    if (!stream) return Wrap("connecting to " + peer.authority, stream.error());
    auto fresh = std::make_unique<Connection>(url.authority, *std::move(stream));
    fresh->stream().Limit(std::move(limits));
    auto connected = fresh->stream().Connect(*addresses, peer.port);
    if (!connected) return Wrap("connecting to " + peer.authority, connected.error());
    {
      const std::lock_guard lock(mutex);
      last_address = *std::move(connected);
    }
    if (options.proxy) {
      if (auto passed = PassProxy(fresh->stream()); !passed) return passed.error();
    }
    if (!tls) return fresh;
    const std::string& name = options.tls.server_name;
    auto secured = fresh->stream().Secure(tls, name.empty() ? url.host : name);
    if (!secured) return Wrap("TLS handshake with " + url.authority, secured.error());
    return fresh;
  }

  Result<void> PassProxy(Stream& stream) const {
    const Proxy& proxy = *options.proxy;
    if (proxy_tls) {
      auto secured = stream.Secure(proxy_tls, proxy.url.host);
      if (!secured)
        return Wrap("TLS handshake with the proxy " + proxy.url.authority, secured.error());
    }
    return tls ? OpenTunnel(stream, url, proxy) : Result<void>{};
  }

  // A connection on which the answer's head has been read.
  Result<std::pair<ConnectionPtr, HttpResponse>> Begin(const HttpRequest& request,
                                                       const Limits& limits) {
    const bool whole_url = options.proxy && !tls;
    auto text = HeadOf(request, url, path, whole_url ? &*options.proxy : nullptr);
    if (!text) return text.error();
    if (limits.stop.stop_requested()) return Cancelled(request.method + " was stopped");
    if (ConnectionPtr kept = TakeIdle()) {
      auto head = kept->Ask(request, *text, limits);
      if (head) return std::pair{std::move(kept), *std::move(head)};
      const bool stale = head.error().kind == ErrorKind::kTransient && kept->NothingRead() &&
                         std::chrono::steady_clock::now() < limits.deadline;
      if (!stale || !request.repeatable) return head.error();
    }
    auto fresh = Connect(limits);
    if (!fresh) return fresh.error();
    auto head = (*fresh)->Ask(request, *text, limits);
    if (!head) return head.error();
    return std::pair{*std::move(fresh), *std::move(head)};
  }

  // True when the whole body was taken.
  Result<bool> ReadBody(const HttpRequest& request, Connection& connection,
                        HttpResponse& response) const {
    const bool streamed = response.Good() && request.on_body;
    const std::size_t limit = response.Good() ? request.max_body : kMaxErrorBody;
    while (true) {
      auto piece = connection.ReadSome();
      if (!piece) return piece.error();
      if (piece->empty()) return true;
      if (streamed) {
        auto more = request.on_body(*piece);
        if (!more || !*more) return more;
      } else if (response.body.size() + piece->size() <= limit) {
        response.body += *piece;
      } else if (response.Good()) {
        Error error = Invalid("the answer of " + url.authority + " is above " +
                              std::to_string(limit >> 20) + " MiB");
        error.kind = ErrorKind::kTooLarge;
        return error;
      } else {
        response.cut = true;
        return false;
      }
    }
  }
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::Make(const std::string& base_url,
                                                     const HttpClientOptions& options) {
  auto url = ParseUrl(base_url);
  if (!url) return url.error();
  if (options.proxy && options.may_connect)
    return Invalid("the proxy " + options.proxy->url.authority +
                   " would connect to addresses of its own look-up, which no policy has seen; "
                   "an address policy and a proxy do not go together");
  auto impl = std::make_unique<Impl>();
  impl->url = *std::move(url);
  impl->path = impl->url.target;
  while (impl->path.ends_with('/')) impl->path.pop_back();
  impl->options = options;
  if (impl->url.tls) {
    auto tls = MakeTls(options.tls);
    if (!tls) return tls.error();
    impl->tls = *std::move(tls);
  }
  if (options.proxy && options.proxy->url.tls) {
    // As Kubernetes' clients do, by the same authorities; but the proxy is not shown who we are.
    TlsSettings trust;
    trust.ca_pem = options.tls.ca_pem;
    trust.insecure = options.tls.insecure;
    auto tls = MakeTls(trust);
    if (!tls) return tls.error();
    impl->proxy_tls = *std::move(tls);
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

Result<HttpResponse> HttpClient::Send(const HttpRequest& request, const Limits& limits) {
  auto begun = impl_->Begin(request, limits);
  if (!begun) return begun.error();
  auto& [connection, response] = *begun;
  if (response.Good() && request.on_body) {
    Limits streaming = limits;
    streaming.deadline = SteadyTime::max();
    connection->stream().Limit(std::move(streaming));
    if (request.on_head) {
      if (auto taken = request.on_head(response); !taken) return taken.error();
    }
  }
  auto whole = impl_->ReadBody(request, *connection, response);
  if (!whole) return whole.error();
  if (*whole) impl_->GiveBack(std::move(connection));
  return std::move(response);
}

}  // namespace penstock::net
