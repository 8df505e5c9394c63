#include "operator/kube/api_connection.h"

#include <algorithm>
#include <utility>

#include "operator/base/base64.h"
#include "operator/base/pause.h"
#include "operator/kube/status_error.h"

namespace penstock::kube {
using net::HttpClient;
using net::HttpRequest;
using net::HttpResponse;
namespace {

constexpr int kMaxRetries = 10;
constexpr std::chrono::seconds kReadCertificates{60};
constexpr std::chrono::seconds kStreamHead{30};
constexpr std::chrono::seconds kFreshDate{2};

std::string Basic(const std::string& user_and_password) {
  return "Basic " + EncodeBase64(user_and_password);
}

}  // namespace

ApiConnection::ApiConnection(ClusterConfig config, const Clock& clock, NoteDate note_date)
    : config_(std::move(config)),
      clock_(clock),
      note_date_(std::move(note_date)),
      token_(config_.token, clock) {}

Result<void> ApiConnection::Check() {
  auto http = Http();
  if (!http) return http.error();
  return {};
}

Result<net::TlsSettings> ApiConnection::ReadTls() const {
  net::TlsSettings out;
  out.server_name = config_.tls_server_name;
  out.insecure = config_.insecure;
  const std::pair<const PemSource*, std::string*> parts[] = {
      {&config_.ca, &out.ca_pem},
      {&config_.certificate, &out.certificate_pem},
      {&config_.key, &out.key_pem}};
  for (const auto& [source, text] : parts) {
    auto loaded = source->Load();
    if (!loaded) return loaded.error();
    *text = *std::move(loaded);
  }
  if (!config_.ca.file.empty() && out.ca_pem.empty()) {
    return Invalid("certificate authority " + config_.ca.file + " is empty");
  }
  if (const auto [certificate, key] = token_.ClientCertificate(); !certificate.empty()) {
    out.certificate_pem = certificate;
    out.key_pem = key;
  }
  return out;
}

// A file that cannot be read in mid-rotation leaves the old client in use.
Result<std::shared_ptr<HttpClient>> ApiConnection::Http() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.Steady();
  const bool plugin_changed = http_ && !token_.ClientCertificate().first.empty() &&
                              token_.ClientCertificate().first != tls_.certificate_pem;
  if (http_ && !plugin_changed && now - tls_read_ < kReadCertificates) return http_;
  tls_read_ = now;
  auto read = ReadTls();
  if (read && http_ && *read == tls_) return http_;
  net::HttpClientOptions options;
  options.proxy = config_.proxy;
  if (read) options.tls = *read;
  auto made = read ? HttpClient::Make(config_.server, options)
                   : Result<std::unique_ptr<HttpClient>>(read.error());
  if (made) {
    http_ = *std::move(made);
    tls_ = *std::move(read);
  } else if (!http_) {
    return made.error();
  }
  return http_;
}

net::Headers ApiConnection::Headers(const char* accept) const {
  net::Headers out = {{"Accept", accept}, {"User-Agent", "penstock"}};
  out.insert(out.end(), config_.impersonation.begin(), config_.impersonation.end());
  return out;
}

Result<void> ApiConnection::Authorize(HttpRequest& request) {
  std::erase_if(request.headers, [](const auto& h) { return h.first == "Authorization"; });
  auto bearer = token_.Token();
  if (!bearer) return bearer.error();
  if (!bearer->empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + *bearer);
  } else if (!config_.basic_auth.empty()) {
    request.headers.emplace_back("Authorization", Basic(config_.basic_auth));
  }
  return {};
}

Result<HttpResponse> ApiConnection::Authorized(HttpRequest& request, const net::Limits& limits) {
  for (int attempt = 0;; ++attempt) {
    if (auto done = Authorize(request); !done) return done.error();
    auto client = Http();
    if (!client) return client.error();
    const auto begun = std::chrono::steady_clock::now();
    auto response = (*client)->Send(request, limits);
    // A long body was dated when it began.
    if (response && note_date_ && std::chrono::steady_clock::now() - begun < kFreshDate)
      note_date_(response->Header("date"));
    if (response && response->status == 401 && attempt == 0 && token_.Invalidate()) continue;
    if (response) return response;
    // Of a server that we know both pass: an authority that is not trusted yet is read again, and
    // a list is shorter later.
    Error error = response.error();
    const bool passes = error.kind == ErrorKind::kUntrusted || error.kind == ErrorKind::kTooLarge;
    if (passes) error.kind = ErrorKind::kTransient;
    return error;
  }
}

Result<HttpResponse> ApiConnection::Send(const std::string& what, HttpRequest request,
                                         const Call& call) {
  const auto deadline = std::chrono::steady_clock::now() + call.timeout;
  for (int attempt = 0;; ++attempt) {
    auto response = Authorized(request, {.deadline = deadline, .stop = call.stop});
    if (!response) return Wrap(what, response.error());
    if (response->Good()) return response;
    Error error =
        ErrorFromAnswer(what, response->status, response->body, response->Header("retry-after"));
    const bool asked = error.retry_after && (response->status == 429 || response->status >= 500);
    if (!asked || attempt == kMaxRetries) return error;
    if (std::chrono::steady_clock::now() + *error.retry_after >= deadline) return error;
    if (!Pause(*error.retry_after, call.stop)) return Cancelled(what + " was stopped");
    if (call.allowed && !call.allowed())
      return Cancelled(what + " is not sent again: what allowed it has passed meanwhile");
  }
}

Result<HttpResponse> ApiConnection::Stream(const std::string& target,
                                           std::chrono::milliseconds idle,
                                           std::function<Result<bool>(std::string_view)> sink,
                                           const std::stop_token& stop) {
  HttpRequest request;
  request.target = target;
  request.headers = Headers("*/*");
  request.repeatable = true;
  request.on_body = std::move(sink);
  const auto head = std::chrono::steady_clock::now() + kStreamHead;
  return Authorized(request, {.deadline = head, .idle = idle, .stop = stop});
}

}  // namespace penstock::kube
