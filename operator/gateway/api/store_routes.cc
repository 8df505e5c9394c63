// The life of artifacts, of all namespaces: what they take, a collection, a verification. Each is a
// job that goes on when its caller has gone; the newest is told of to whoever asks.
#include "operator/base/try.h"
#include "operator/gateway/api/api_routes.h"

namespace penstock::gateway {
namespace {

using retention::StoreJob;

Result<retention::JobOptions> OptionsOf(ApiRequest& r, StoreJob job) {
  for (const auto& [name, value] : r.body.items()) {
    r.Blame(name);
    if (job != StoreJob::kCollect || (name != "dryRun" && name != "takeOver"))
      return Invalid("the body has no such field");
    if (!value.is_boolean()) return Invalid(name + ": must be true or false");
  }
  r.Blame("");
  return retention::JobOptions{r.body.value("dryRun", false), r.body.value("takeOver", false)};
}

}  // namespace

// The kind `stores` stands for no object: it is there to be named in a ClusterRole.
void AddStoreRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  const auto add = [&](const char* method, const char* path, const char* id, const char* summary,
                       const char* verb, const char* body, int status,
                       std::function<Result<Reply>(ApiRequest&)> handle) {
    ApiRoute route;
    route.method = method;
    route.path = path;
    route.id = id;
    route.summary = summary;
    route.right = Right{.verb = verb, .resource = "stores", .subresource = ""};
    route.answer = "StoreJob";
    route.body = body;
    route.status = status;
    route.handle = std::move(handle);
    route.of_all_namespaces = true;
    routes.push_back(std::move(route));
  };
  const auto begin = [&parts](StoreJob job) {
    return [&parts, job](ApiRequest& r) -> Result<Reply> {
      PENSTOCK_ASSIGN(const auto options, OptionsOf(r, job));
      PENSTOCK_ASSIGN(Json begun, parts.keeper->Start(job, options));
      return Reply{202, std::move(begun), {}};
    };
  };
  add("GET", "/store/job", "storeJob", "The newest job of the store", "get", "", 200,
      [&parts](ApiRequest&) -> Result<Reply> {
        PENSTOCK_ASSIGN(Json job, parts.keeper->Job());
        return Reply{200, std::move(job), {}};
      });
  add("POST", "/store/usage", "measureStore", "What artifacts take, by namespace and use", "get",
      "Nothing", 202, begin(StoreJob::kUsage));
  add("POST", "/store/collect", "collectStore", "Remove what nothing refers to", "delete",
      "CollectStore", 202, begin(StoreJob::kCollect));
  add("POST", "/store/verify", "verifyStore",
      "Read every artifact again, and set aside what is altered", "delete", "Nothing", 202,
      begin(StoreJob::kVerify));
}

}  // namespace penstock::gateway
