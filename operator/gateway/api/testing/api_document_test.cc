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
    AddLogin();
    client_.rights.insert("ada team");
    client_.rights.insert("eve rival");
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
    if (route.id == "approveModel") return {{"approved", true}};
    return route.method == "POST" ? Json::object() : Json();
  }

  // `cookie`: in place of a token.
  net::HttpResponse Call(const Route& route, const std::string& token,
                         const std::string& cookie = "") const {
    net::Headers headers;
    if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
    if (route.method == "POST") headers.emplace_back("X-Penstock-Request", "1");
    if (route.id != "events")
      return Ask(route.method, Target(route), token, BodyFor(route), headers);
    // A stream has no end of its own: the head and its first bytes are enough.
    net::HttpRequest request;
    request.target = kApiRoot + Target(route);
    request.headers = headers;
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

  static bool IsOpen(const Route& route) {
    return route.operation.contains("security") && route.operation["security"].empty();
  }

  Json document_;
};

TEST_F(ApiDocument, EveryRouteAnswersAsTheDocumentSays) {
  const SchemaCheck check(document_);
  const std::map<std::string, int> refused{{"cancelRun", 409},
                                           {"approveStep", 409},
                                           {"approveModel", 409},
                                           {"finishLogin", 403},
                                           {"logout", 400}};
  ASSERT_GE(Routes().size(), 27U);
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    const auto reply = Call(route, "alice-token");
    const std::string status = std::to_string(reply.status);
    ASSERT_TRUE(route.operation["responses"].contains(status)) << status << ": " << reply.body;
    const auto other = refused.find(route.id);
    EXPECT_EQ(reply.status, other != refused.end()  ? other->second
                            : route.id == "login"   ? 303
                            : route.method == "GET" ? 200
                                                    : (route.id == "startRun" ? 201 : 202))
        << reply.body;
    if (route.id == "login") continue;  // leads elsewhere
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
    if (IsOpen(route)) continue;
    for (const char* token : {"", "made-up"}) {
      const auto reply = Call(route, token);
      EXPECT_EQ(reply.status, 401) << reply.body;
      EXPECT_EQ(reply.Header("www-authenticate"), "Bearer");
      EXPECT_EQ(check.Wrong({{"$ref", "#/components/schemas/Error"}}, BodyOf(reply)), "");
    }
  }
}

TEST_F(ApiDocument, OnlyTheWayInIsOpenToAnybody) {
  for (const Route& route : Routes())
    EXPECT_EQ(IsOpen(route), route.id == "login" || route.id == "finishLogin") << route.id;
}

TEST_F(ApiDocument, NoRouteAnswersACallerOfAnotherNamespace) {
  const std::string eve = SessionOf("eve");
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (IsOpen(route) || route.id == "logout") continue;
    for (const auto& reply : {Call(route, "mallory-token"), Call(route, "", eve)}) {
      if (!route.operation.contains("x-penstock-right")) {
        EXPECT_EQ(route.id, "me") << "a route without a right";
        EXPECT_EQ(BodyOf(reply)["namespaces"], Json::array());
        continue;
      }
      EXPECT_EQ(reply.status, 403) << reply.body;
      EXPECT_EQ(BodyOf(reply)["error"]["code"], "Forbidden");
    }
  }
}

TEST_F(ApiDocument, EveryRouteAnswersASessionAsItDoesAToken) {
  const std::string ada = SessionOf("ada");
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (route.id == "logout") continue;
    const auto reply = Call(route, "", ada);
    const std::string status = std::to_string(reply.status);
    EXPECT_TRUE(route.operation["responses"].contains(status)) << status << ": " << reply.body;
    if (!IsOpen(route) && route.method == "GET") {
      EXPECT_EQ(reply.status, 200) << reply.body;
    }
    EXPECT_NE(reply.status, 401);
  }
}

TEST_F(ApiDocument, NoRouteAnswersASessionThatIsForgedOverOrEnded) {
  const std::string name = std::string(login::kSessionCookie) + "=";
  const auto other = login::Sessions::Open(*login::Seal::Make(std::string(32, 'x')),
                                           {std::chrono::hours(1), dir_ / "other"}, clock_);
  const auto before = login::Sessions::Open(*login::Seal::Make(std::string(32, 'k')),
                                            {std::chrono::seconds(-1), dir_ / "before"}, clock_);
  const std::string ended = SessionOf("ada");
  ASSERT_TRUE(sessions_->End(*sessions_->Find(ended)));
  std::string altered = SessionOf("ada");
  altered[altered.size() - 5] = altered[altered.size() - 5] == 'A' ? 'B' : 'A';
  const std::vector<std::string> wrong{
      name + "made-up",
      name + R"({"user":"ada","groups":[],"until":9999999999})",
      Sent(*(*other)->Begin({"ada", {}})),
      Sent(*(*before)->Begin({"ada", {}})),
      ended,
      altered,
      name +
          login::CookieIn(Sent(*sessions_->Remember({"s", "n", "v", "/"})), login::kAttemptCookie)};
  for (const Route& route : Routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (IsOpen(route)) continue;
    for (const std::string& cookie : wrong) {
      const auto reply = Call(route, "", cookie);
      EXPECT_EQ(reply.status, 401) << cookie << reply.body;
      EXPECT_EQ(reply.Header("x-penstock-login"), "/api/v1/auth/login");
    }
    EXPECT_EQ(Call(route, "made-up", SessionOf("ada")).status, 401) << "a token is not left out";
  }
  EXPECT_EQ(client_.access_reviews, 0);
}

TEST_F(ApiDocument, AnUnknownAddressIsToldInTheSameForm) {
  const auto reply = Ask("GET", "/api/v1/nothing");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(BodyOf(reply)["error"]["code"], "NotFound");
}

}  // namespace
}  // namespace penstock::gateway
