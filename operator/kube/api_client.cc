#include "operator/kube/api_client.h"

#include <utility>

#include "operator/base/json.h"
#include "operator/kube/api_connection.h"
#include "operator/kube/request_path.h"
#include "operator/kube/status_error.h"
#include "operator/kube/watch_decoder.h"

namespace penstock::kube {
using net::HttpRequest;
using net::HttpResponse;
namespace {

constexpr std::chrono::seconds kLogIdle{30};
constexpr std::chrono::hours kQuietLog{24};  // the kernel's keep-alive notices a dead connection

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
  auto object = ParseJsonCut(body, "the server's answer");
  if (object && object->is_object()) return object;
  return Internal(what + ": " +
                  (object ? "the server's answer is no JSON object" : object.error().message));
}

}  // namespace

struct ApiClient::Impl {
  Impl(ClusterConfig config, const Clock& clock, NoteDate note_date)
      : connection(std::move(config), clock, std::move(note_date)) {}

  ApiConnection connection;

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
    request.headers = connection.Headers("application/json");
    if (body != nullptr) {
      request.headers.emplace_back("Content-Type", content_type);
      request.body = Dump(*body);
    }
    request.repeatable = repeatable;
    auto response = connection.Send(what, std::move(request), call);
    if (!response) return response.error();
    return ParseObject(what, response->body);
  }
};

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Result<std::unique_ptr<ApiClient>> ApiClient::Make(ClusterConfig config, const Clock& clock,
                                                   NoteDate note_date) {
  auto impl = std::make_unique<Impl>(std::move(config), clock, std::move(note_date));
  if (auto good = impl->connection.Check(); !good) return good.error();
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

Result<Json> ApiClient::Get(const ResourceType& type, const std::string& ns,
                            const std::string& name, const Call& call) {
  if (name.empty() && !type.plural.empty())
    return Invalid("get " + std::string(type.plural) + ": a name is needed");
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
  auto response = impl_->connection.Stream(
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
  const std::chrono::milliseconds idle = options.follow ? kQuietLog : kLogIdle;
  auto response = impl_->connection.Stream(*path + LogQuery(options), idle, sink, stop);
  if (!response) return Wrap(what, response.error());
  if (response->Good()) return {};
  return ErrorFromAnswer(what, response->status, response->body, response->Header("retry-after"));
}

}  // namespace penstock::kube
