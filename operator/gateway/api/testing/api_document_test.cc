// Every route of the OpenAPI document: called, its answer held against its schema, and called with
// every wrong identity.
#include "operator/artifacts/logs/log_store.h"
#include "operator/gateway/api/testing/api_fixture.h"
#include "operator/gateway/api/testing/json_schema.h"
#include "operator/net/url.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::gateway {
namespace {

struct Route {
  std::string path, method, id;
  Json operation;
};

class ApiDocument : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    const std::string pod = plan::PodName("flights-1", "uid-flights-1", "train", 1);
    ASSERT_TRUE(artifacts::LogStore(store_->root()).Put("team", "uid-flights-1", pod, "hello\n"));
    Start();
    document_ = BodyOf(Ask("GET", "/openapi.json", ""));
  }

  std::vector<Route> Routes() const {
    std::vector<Route> routes;
    for (const auto& [path, methods] : document_["paths"].items())
      for (const auto& [method, operation] : methods.items()) {
        std::string upper = method;
        std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
        routes.push_back({path, upper, operation["operationId"], operation});
      }
    return routes;
  }

  // The route's address with what stands in team.
  std::string Target(const Route& route) const {
    std::string path = route.path;
    const auto put = [&](const std::string& name, const std::string& value) {
      const std::string hole = "{" + name + "}";
      if (const auto at = path.find(hole); at != std::string::npos)
        path.replace(at, hole.size(), value);
    };
    put("ns", "team");
    put("name", path.find("/pipelines/") != std::string::npos ? "flights"
                : path.find("/models/") != std::string::npos  ? "delays"
                                                              : "flights-1");
    put("step", "train");
    put("digest", net::UrlEncode(dataset_));
    put("path", "part/a%20b.csv");
    const std::map<std::string, std::string> queries{
        {"compareRuns", "?runs=flights-0&runs=flights-1"},
        {"grid", "?pipeline=flights"},
        {"lineage", "?direction=both&artifact=" + net::UrlEncode(model_)},
        {"events", "?namespace=team&run=flights-1"}};
    const auto query = queries.find(route.id);
    return path + (query == queries.end() ? "" : query->second);
  }

  static Json BodyFor(const Route& route) {
    if (route.id == "startRun") return {{"pipeline", "flights"}, {"parameters", {{"epochs", 7}}}};
    if (route.id == "approveStep") return {{"step", "train"}, {"approved", true}};
    return route.method == "POST" ? Json::object() : Json();
  }

  net::HttpResponse Call(const Route& route, const std::string& token) const {
    net::Headers headers;
    if (route.method == "POST") headers.emplace_back("X-Penstock-Request", "1");
    if (route.id != "events")
      return Ask(route.method, Target(route), token, BodyFor(route), headers);
    // A stream has no end of its own: the head and its first bytes are enough.
    net::HttpRequest request;
    request.target = kApiRoot + Target(route);
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    net::HttpResponse seen;
    request.on_head = [&](const net::HttpResponse& head) -> Result<void> {
      seen = head;
      return {};
    };
    request.on_body = [&](std::string_view piece) -> Result<bool> {
      seen.body += piece;
      return seen.body.find("event: step") == std::string::npos;
    };
    auto client = net::HttpClient::Make("http://127.0.0.1:" + std::to_string(server_->port()), {});
    auto reply = (*client)->Send(request, {.idle = std::chrono::seconds(10)});
    return seen.status == 0 && reply ? *reply : seen;
  }

  Json document_;
};

TEST_F(ApiDocument, EveryRouteAnswersAsTheDocumentSays) {
  const SchemaCheck check(document_);
  const std::map<std::string, int> refused{{"cancelRun", 409}, {"approveStep", 409}};
  ASSERT_GE(Routes().size(), 23U);
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    const auto reply = Call(route, "alice-token");
    const std::string status = std::to_string(reply.status);
    ASSERT_TRUE(route.operation["responses"].contains(status)) << status << ": " << reply.body;
    const auto other = refused.find(route.id);
    EXPECT_EQ(reply.status, other != refused.end()  ? other->second
                            : route.method == "GET" ? 200
                                                    : (route.id == "startRun" ? 201 : 202))
        << reply.body;
    const Json content = route.operation["responses"][status]["content"];
    const std::string media = content.begin().key();
    // Of content the file's own.
    const std::string type = route.id == "getContent" ? "text/plain" : media;
    EXPECT_EQ(reply.Header("content-type").substr(0, type.size()), type);
    if (media != "application/json") continue;
    EXPECT_EQ(check.Wrong(content[media]["schema"], BodyOf(reply)), "");
  }
}

TEST_F(ApiDocument, NoRouteAnswersACallerWithoutATokenOrWithAMadeUpOne) {
  const SchemaCheck check(document_);
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    for (const char* token : {"", "made-up"}) {
      const auto reply = Call(route, token);
      EXPECT_EQ(reply.status, 401) << reply.body;
      EXPECT_EQ(reply.Header("www-authenticate"), "Bearer");
      EXPECT_EQ(check.Wrong({{"$ref", "#/components/schemas/Error"}}, BodyOf(reply)), "");
    }
  }
}

TEST_F(ApiDocument, NoRouteAnswersACallerOfAnotherNamespace) {
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    const auto reply = Call(route, "mallory-token");
    if (!route.operation.contains("x-penstock-right")) {
      EXPECT_EQ(route.id, "me") << "a route without a right";
      EXPECT_EQ(BodyOf(reply)["namespaces"], Json::array());
      continue;
    }
    EXPECT_EQ(reply.status, 403) << reply.body;
    EXPECT_EQ(BodyOf(reply)["error"]["code"], "Forbidden");
  }
}

TEST_F(ApiDocument, AnUnknownAddressIsToldInTheSameForm) {
  const auto reply = Ask("GET", "/api/v1/nothing");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(BodyOf(reply)["error"]["code"], "NotFound");
}

}  // namespace
}  // namespace penstock::gateway
