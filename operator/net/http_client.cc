#include "operator/net/http_client.h"

#include <algorithm>
#include <mutex>

#include "operator/net/resolver.h"
#include "operator/net/url.h"
#include "operator/net/wire.h"

namespace penstock::net {
namespace {

constexpr std::size_t kMaxIdle = 32;
constexpr std::chrono::seconds kMaxIdleAge{50};
constexpr std::uint32_t kMaxHead = 64 * 1024;
constexpr std::size_t kMaxErrorBody = 1 << 20;
constexpr std::uint64_t kExpectAbove = 64 * 1024;
constexpr std::chrono::milliseconds kLateAnswer{2'000};
constexpr int kMostInterim = 16;

bool Expects(const HttpRequest& request) {
  return request.source && request.content_length > kExpectAbove;
}

// The request's line and headers. Invalid where a part of it would end a line.
Result<std::string> HeadOf(const HttpRequest& request, const Url& url, const std::string& path) {
  const auto odd = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  std::string out = request.method + " " + path + request.target + " HTTP/1.1\r\n";
  bool good = !HasControl(request.method) && !HasControl(request.target);
  const auto add = [&](const std::string& name, const std::string& value) {
    good = good && !HasControl(name) && std::none_of(value.begin(), value.end(), odd);
    out += name + ": " + value + "\r\n";
  };
  add("Host", url.authority);
  for (const auto& [name, value] : request.headers) add(name, value);
  const bool bodiless = request.method == "GET" || request.method == "HEAD";
  const std::uint64_t length = request.source ? request.content_length : request.body.size();
  if (request.source || length > 0 || !bodiless) add("Content-Length", std::to_string(length));
  if (Expects(request)) add("Expect", "100-continue");
  if (!good) return Invalid("a request with a control character in its head is not sent");
  return out + "\r\n";
}

// One connection, used by one call at a time.
class Connection {
 public:
  Connection(std::string where, Stream stream)
      : where_(std::move(where)), stream_(std::move(stream)) {}

  [[nodiscard]] Stream& stream() { return stream_; }

  // Sends the request and reads the answer's head.
  Result<HttpResponse> Ask(const HttpRequest& request, std::string head, const Limits& limits) {
    stream_.Limit(limits);
    head += request.body;
    auto sent = stream_.Write(head);
    if (sent && Expects(request)) {
      auto early = ReadAnswer(request, 100);
      if (early && early->status != 100) refused_ = true;
      if (!early || early->status != 100) return early;
    }
    if (sent && request.source) {
      auto whole = SendBody(request, sent);
      if (!whole) return whole.error();
    }
    if (sent) return ReadAnswer(request);
    if (sent.error().kind == ErrorKind::kCancelled) return Failed("sending to ", sent.error());
    // A server that refuses says why before it closes: then the answer tells more than EPIPE.
    Limits late = limits;
    late.idle = std::min(late.idle, kLateAnswer);
    stream_.Limit(std::move(late));
    auto answer = ReadAnswer(request);
    if (!answer) return Failed("sending to ", sent.error());
    refused_ = true;
    return answer;
  }

  // The next bytes of the body; empty when it is over.
  Result<std::string_view> ReadSome() {
    auto piece = answer_->ReadSome();
    if (!piece) return Failed("reading from ", piece.error());
    return piece;
  }

  [[nodiscard]] bool Reusable() {
    return !refused_ && answer_ && answer_->parser().is_done() && answer_->message().keep_alive() &&
           buffer_.size() == 0;
  }
  // True until the first byte of the current answer.
  [[nodiscard]] bool NothingRead() { return !answer_ || !answer_->parser().got_some(); }

 private:
  // `sent` becomes the error of a connection that broke; the source's own error ends the call.
  Result<void> SendBody(const HttpRequest& request, Result<void>& sent) {
    while (sent) {
      auto piece = request.source();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      sent = stream_.Write(*piece);
    }
    return {};
  }

  // Past the heads that only come before an answer (102, 103, an unasked 100), but for `awaited`.
  Result<HttpResponse> ReadAnswer(const HttpRequest& request, int awaited = 0) {
    auto head = ReadHead(request);
    for (int i = 0; i < kMostInterim && head && head->status < 200 && head->status != awaited; ++i)
      head = ReadHead(request);
    if (head && head->status < 200 && head->status != awaited)
      return Transient("reading from " + where_ + ": no answer after interim ones");
    return head;
  }

  Result<HttpResponse> ReadHead(const HttpRequest& request) {
    answer_.emplace(stream_, buffer_, kMaxHead);
    if (request.method == "HEAD") answer_->parser().skip(true);
    if (const auto ec = answer_->ReadHead()) return Failed("reading from ", answer_->ErrorOf(ec));
    HttpResponse response;
    response.status = static_cast<int>(answer_->message().result_int());
    for (const auto& field : answer_->message()) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      response.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    return response;
  }

  [[nodiscard]] Error Failed(const char* doing, const Error& error) const {
    return Wrap(doing + where_, error);
  }

  const std::string where_;
  Stream stream_;
  Incoming<false>::Buffer buffer_;
  std::optional<Incoming<false>> answer_;
  bool refused_ = false;  // it answered before the request was whole
};

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
  std::shared_ptr<TlsContext> tls;  // none: plain
  std::mutex mutex;
  std::vector<Idle> idle;  // the most recently used last

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
    if (!addresses || options.allow_local) return addresses;
    for (const auto& address : *addresses) {
      if (!IsLocalAddress(address)) continue;
      return Invalid("the host " + url.host + " is the local address " + address +
                     ", which the operator does not ask");
    }
    return addresses;
  }

  Result<ConnectionPtr> Connect(Limits limits) const {
    limits.idle = std::min(limits.idle, options.connect_timeout);
    Limits lookup = limits;
    lookup.deadline =
        std::min(limits.deadline, std::chrono::steady_clock::now() + options.connect_timeout);
    auto addresses = Addresses(lookup);
    if (!addresses) return addresses.error();
    auto stream = Stream::Make();
    if (!stream) return Wrap("connecting to " + url.authority, stream.error());
    auto fresh = std::make_unique<Connection>(url.authority, *std::move(stream));
    fresh->stream().Limit(std::move(limits));
    auto connected = fresh->stream().Connect(*addresses, url.port);
    if (!connected) return Wrap("connecting to " + url.authority, connected.error());
    if (!tls) return fresh;
    const std::string& name = options.tls.server_name;
    auto secured = fresh->stream().Secure(tls, name.empty() ? url.host : name);
    if (!secured) return Wrap("TLS handshake with " + url.authority, secured.error());
    return fresh;
  }

  // A connection on which the answer's head has been read.
  Result<std::pair<ConnectionPtr, HttpResponse>> Begin(const HttpRequest& request,
                                                       const Limits& limits) {
    auto text = HeadOf(request, url, path);
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
