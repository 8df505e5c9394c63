#include "operator/kube/api_client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/kube/request_path.h"
#include "operator/kube/status_error.h"
#include "operator/kube/watch_decoder.h"
#include "operator/net/http_client.h"

namespace penstock::kube {
using net::HttpClient;
using net::HttpRequest;
using net::HttpResponse;
namespace {

constexpr int kMaxRetries = 10;
constexpr std::chrono::seconds kReadCertificates{60};
constexpr std::chrono::seconds kStreamHead{30};
constexpr std::chrono::hours kQuietLog{24};  // the kernel's keep-alive notices a dead connection

std::string Basic(const std::string& user_and_password) {
  return "Basic " + EncodeBase64(user_and_password);
}

// "get pods team/web".
std::string Naming(const char* verb, const ResourceType& type, const std::string& ns,
                   const std::string& name) {
  std::string out = std::string(verb) + " " + std::string(type.plural);
  if (!ns.empty() || !name.empty()) out += " ";
  if (!ns.empty()) out += ns + (name.empty() ? "" : "/");
  return out + name;
}

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ParseObject(const std::string& what, const std::string& body) {
  Json object = Json::parse(body, nullptr, false);
  if (!object.is_object()) return Internal(what + ": the server's answer is no JSON object");
  return object;
}

}  // namespace

struct ApiClient::Impl {
  Impl(ClusterConfig c, const Clock& k) : config(std::move(c)), clock(k), token(config.token, k) {}

  const ClusterConfig config;
  const Clock& clock;
  TokenSource token;
  std::mutex mutex;
  std::shared_ptr<HttpClient> http;
  net::TlsSettings tls;  // that `http` was made with
  std::chrono::steady_clock::time_point tls_read{};

  Result<net::TlsSettings> ReadTls() const {
    net::TlsSettings out;
    out.server_name = config.tls_server_name;
    out.insecure = config.insecure;
    const std::pair<const PemSource*, std::string*> parts[] = {
        {&config.ca, &out.ca_pem},
        {&config.certificate, &out.certificate_pem},
        {&config.key, &out.key_pem}};
    for (const auto& [source, text] : parts) {
      auto loaded = source->Load();
      if (!loaded) return loaded.error();
      *text = *std::move(loaded);
    }
    if (!config.ca.file.empty() && out.ca_pem.empty()) {
      return Invalid("certificate authority " + config.ca.file + " is empty");
    }
    if (const auto [certificate, key] = token.ClientCertificate(); !certificate.empty()) {
      out.certificate_pem = certificate;
      out.key_pem = key;
    }
    return out;
  }

  // The client to use now. A file that cannot be read in mid-rotation leaves the old one in use.
  Result<std::shared_ptr<HttpClient>> Http() {
    const std::lock_guard lock(mutex);
    const auto now = clock.Steady();
    const bool plugin_changed = http && !token.ClientCertificate().first.empty() &&
                                token.ClientCertificate().first != tls.certificate_pem;
    if (http && !plugin_changed && now - tls_read < kReadCertificates) return http;
    tls_read = now;
    auto read = ReadTls();
    if (read && http && *read == tls) return http;
    auto made = read ? HttpClient::Make(config.server, {.tls = *read})
                     : Result<std::unique_ptr<HttpClient>>(read.error());
    if (made) {
      http = *std::move(made);
      tls = *std::move(read);
    } else if (!http) {
      return made.error();
    }
    return http;
  }

  Result<void> Authorize(HttpRequest& request) {
    std::erase_if(request.headers, [](const auto& h) { return h.first == "Authorization"; });
    auto bearer = token.Token();
    if (!bearer) return bearer.error();
    if (!bearer->empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + *bearer);
    } else if (!config.basic_auth.empty()) {
      request.headers.emplace_back("Authorization", Basic(config.basic_auth));
    }
    return {};
  }

  // Sends, and once more after a 401 with credentials read again.
  Result<HttpResponse> Authorized(HttpRequest& request, const net::Limits& limits) {
    for (int attempt = 0;; ++attempt) {
      if (auto done = Authorize(request); !done) return done.error();
      auto client = Http();
      if (!client) return client.error();
      auto response = (*client)->Send(request, limits);
      if (response && response->status == 401 && attempt == 0 && token.Invalidate()) continue;
      if (response) return response;
      // Of a server that we know both pass: an authority that is not trusted yet is read again, and
      // a list is shorter later.
      Error error = response.error();
      const bool passes = error.kind == ErrorKind::kUntrusted || error.kind == ErrorKind::kTooLarge;
      if (passes) error.kind = ErrorKind::kTransient;
      return error;
    }
  }

  Result<HttpResponse> Send(const std::string& what, HttpRequest request, const Call& call) {
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
    }
  }

  // One object in, one object out.
  Result<Json> Exchange(const char* verb, const char* method, const ResourceType& type,
                        const std::string& ns, const std::string& name,
                        const std::string& subresource, const std::string& query,
                        const char* content_type, const Json* body, bool repeatable,
                        const Call& call) {
    const std::string what = Naming(verb, type, ns, name);
    auto path = ResourcePath(type, ns, name, subresource);
    if (!path) return Wrap(what, path.error());
    HttpRequest request;
    request.method = method;
    request.target = *path + query;
    request.headers = {{"Accept", "application/json"}, {"User-Agent", "penstock"}};
    if (body != nullptr) {
      request.headers.emplace_back("Content-Type", content_type);
      request.body = Dump(*body);
    }
    request.repeatable = repeatable;
    auto response = Send(what, std::move(request), call);
    if (!response) return response.error();
    return ParseObject(what, response->body);
  }

  Result<HttpResponse> Stream(const std::string& target, std::chrono::milliseconds idle,
                              std::function<Result<bool>(std::string_view)> sink,
                              const std::stop_token& stop) {
    HttpRequest request;
    request.target = target;
    request.headers = {{"Accept", "*/*"}, {"User-Agent", "penstock"}};
    request.repeatable = true;
    request.on_body = std::move(sink);
    const auto head = std::chrono::steady_clock::now() + kStreamHead;
    return Authorized(request, {.deadline = head, .idle = idle, .stop = stop});
  }
};

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Result<std::unique_ptr<ApiClient>> ApiClient::Make(ClusterConfig config, const Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(config), clock);
  if (auto http = impl->Http(); !http) return http.error();
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

Result<Json> ApiClient::Get(const ResourceType& type, const std::string& ns,
                            const std::string& name, const Call& call) {
  if (name.empty()) return Invalid("get " + std::string(type.plural) + ": a name is needed");
  return impl_->Exchange("get", "GET", type, ns, name, "", "", "", nullptr, true, call);
}

Result<ListPage> ApiClient::List(const ResourceType& type, const std::string& ns,
                                 const ListOptions& options, const Call& call) {
  auto list =
      impl_->Exchange("list", "GET", type, ns, "", "", ListQuery(options), "", nullptr, true, call);
  if (!list) return list.error();
  ListPage page;
  const auto metadata = list->find("metadata");
  if (metadata == list->end() || !metadata->is_object()) {
    return Internal("list " + std::string(type.plural) + ": the answer has no metadata");
  }
  page.resource_version = metadata->value("resourceVersion", "");
  page.continue_token = metadata->value("continue", "");
  const auto items = list->find("items");
  if (items == list->end() || !items->is_array()) return page;
  const std::string api_version = list->value("apiVersion", "");
  for (auto& item : *items) {
    if (item.is_object()) {
      item["apiVersion"] = api_version;
      item["kind"] = type.kind;
    }
    page.items.push_back(std::move(item));
  }
  return page;
}

Result<Json> ApiClient::Create(const ResourceType& type, const std::string& ns, const Json& object,
                               const Call& call) {
  return impl_->Exchange("create", "POST", type, ns, "", "", FieldManagerQuery("penstock"),
                         "application/json", &object, false, call);
}

Result<Json> ApiClient::Update(const ResourceType& type, const std::string& ns,
                               const std::string& name, const Json& object,
                               const std::string& subresource, const Call& call) {
  return impl_->Exchange("update", "PUT", type, ns, name, subresource,
                         FieldManagerQuery("penstock"), "application/json", &object, false, call);
}

Result<Json> ApiClient::Apply(const ResourceType& type, const std::string& ns,
                              const std::string& name, const Json& object,
                              const PatchOptions& options, const Call& call) {
  return impl_->Exchange("apply", "PATCH", type, ns, name, options.subresource, ApplyQuery(options),
                         "application/apply-patch+yaml", &object, true, call);
}

Result<Json> ApiClient::MergePatch(const ResourceType& type, const std::string& ns,
                                   const std::string& name, const Json& patch,
                                   const PatchOptions& options, const Call& call) {
  return impl_->Exchange("patch", "PATCH", type, ns, name, options.subresource,
                         FieldManagerQuery(options.field_manager), "application/merge-patch+json",
                         &patch, false, call);
}

Result<void> ApiClient::Delete(const ResourceType& type, const std::string& ns,
                               const std::string& name, const DeleteOptions& options,
                               const Call& call) {
  if (name.empty()) return Invalid("delete " + std::string(type.plural) + ": a name is needed");
  Json body = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", options.propagation}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  auto done = impl_->Exchange("delete", "DELETE", type, ns, name, "", "", "application/json", &body,
                              false, call);
  if (!done) return done.error();
  return {};
}

Result<void> ApiClient::Watch(const ResourceType& type, const std::string& ns,
                              const WatchOptions& options, const WatchSink& sink,
                              std::stop_token stop) {
  const std::string what = Naming("watch", type, ns, "");
  auto path = ResourcePath(type, ns, "", "");
  if (!path) return Wrap(what, path.error());
  WatchDecoder decoder(what);
  std::optional<Error> failure;
  bool ended = false;
  auto response = impl_->Stream(
      *path + WatchQuery(options), options.idle_timeout,
      [&](std::string_view bytes) {
        auto more = decoder.Feed(bytes, sink);
        if (!more) failure = more.error();
        ended = more && !*more;
        return more;
      },
      stop);
  if (failure) return *std::move(failure);
  if (!response) return Wrap(what, response.error());
  if (!response->Good()) {
    return ErrorFromAnswer(what, response->status, response->body, response->Header("retry-after"));
  }
  return ended ? Result<void>{} : decoder.Finish();
}

Result<void> ApiClient::Logs(const std::string& ns, const std::string& pod,
                             const LogOptions& options, const LogSink& sink, std::stop_token stop) {
  static constexpr ResourceType kPodType{"", "v1", "pods", "Pod"};
  const std::string what = Naming("logs of", kPodType, ns, pod);
  auto path = ResourcePath(kPodType, ns, pod, "log");
  if (!path) return Wrap(what, path.error());
  const std::chrono::milliseconds idle = options.follow ? kQuietLog : kStreamHead;
  auto response = impl_->Stream(*path + LogQuery(options), idle, sink, stop);
  if (!response) return Wrap(what, response.error());
  if (response->Good()) return {};
  return ErrorFromAnswer(what, response->status, response->body, response->Header("retry-after"));
}

}  // namespace penstock::kube
