// Bearer tokens before a ModelDeployment's servers, over real sockets.
#include <mutex>

#include "components/router/proxy/testing/edge_fixture.h"
#include "operator/net/http_server.h"

namespace penstock::router {
namespace {

TEST_F(EdgeTokens, ARequestWithAnExpiredTokenNeverReachesAServer) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  for (const std::string& headers :
       {std::string(), Bearer(key_, -60), Bearer(NewEcKey(), 60), Bearer(key_, 60, "another"),
        Bearer(key_, 60) + Bearer(key_, 60), std::string("Authorization: Basic YTpi\r\n")}) {
    const std::string answer = Ask(Post("/v2/models/m/infer", "{}", headers));
    EXPECT_EQ(answer.find("HTTP/1.1 401 Unauthorized\r\n"), 0U) << answer;
    EXPECT_NE(answer.find("WWW-Authenticate: Bearer"), std::string::npos);
    EXPECT_EQ(BodyOf(answer), "{\"error\":\"a bearer token is required that is valid here\"}\n")
        << "the same, whatever is wrong";
  }
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(Live().unauthorized, 6);
}

TEST_F(EdgeTokens, ATokenThatHoldsPassesAndIsKeptFromTheServer) {
  std::string seen;
  FakeServer server([&](Connection& connection) {
    seen = connection.Read();
    connection.Send(Ok("fine"));
  });
  AskForTokens();
  Serve(server);
  EXPECT_EQ(BodyOf(Ask(Post("/v2/models/m/infer", "{}", Bearer(key_, 60) + "X-Other: 1\r\n"))),
            "fine");
  EXPECT_EQ(seen.find("uthorization"), std::string::npos) << seen;
  EXPECT_NE(seen.find("X-Other: 1\r\n"), std::string::npos) << seen;
  EXPECT_EQ(BodyOf(seen), "{}");
}

TEST_F(EdgeTokens, ProbesOfHealthNeedNoTokenAndNothingElsePassesAsOne) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  for (const char* open : {"/v2/health/live", "/v2/health/ready", "/v2/models/m/ready",
                           "/v2/models/m/versions/1/ready", "/healthz", "/readyz"})
    EXPECT_EQ(Ask(Get(open)).find("HTTP/1.1 200"), 0U) << open;
  for (const char* shut :
       {"/metrics", "/v2/models/m", "/v2/models/m/infer", "/v2/models/../admin/ready",
        "/v2/models/m%2f..%2fx/ready", "/v2/models/m/infer?a=/ready", "/v2/models/m/x/ready",
        "/v2/models/m/versions/x/ready", "/v2/ready", "/v2/models//ready", "//healthz",
        "/healthz/../v2/models/m/infer"})
    EXPECT_EQ(Ask(Get(shut)).find("HTTP/1.1 401"), 0U) << shut;
  EXPECT_EQ(Ask(Post("/v2/health/ready", "x")).find("HTTP/1.1 401"), 0U);
  EXPECT_EQ(
      Ask("GET /healthz HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n\r\nx").find("HTTP/1.1 401"),
      0U);
}

TEST_F(EdgeTokens, AProbeMaySayThatItHasNoBody) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  const auto client = Client();
  for (int i = 0; i < 2; ++i) {
    client->Send("GET /healthz HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client->Read().find("HTTP/1.1 200"), 0U);
  }
  client->Send("POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client->Read().find("HTTP/1.1 401"), 0U);
  client->Send(Get("/healthz"));
  EXPECT_EQ(client->Read().find("HTTP/1.1 200"), 0U) << "the connection goes on";
}

TEST_F(EdgeTokens, AProbeTellsNoStrangerWhichVersionsThereAre) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Use({{.version = 1, .weight = kWhole, .endpoints = {server.endpoint()}}, {.version = 2}});
  EXPECT_EQ(Ask(Get("/v2/models/m/versions/1/ready")).find("HTTP/1.1 200"), 0U);
  const std::string none = Ask(Get("/v2/models/m/versions/2/ready"));
  EXPECT_EQ(none.find("HTTP/1.1 503"), 0U) << none;
  EXPECT_EQ(Ask(Get("/v2/models/m/versions/9/ready")), none);
  EXPECT_EQ(Ask(Get("/healthz", "penstock-version: 2\r\n")), none);
  EXPECT_EQ(Ask(Get("/healthz", "penstock-version: 9\r\n")), none);
  const std::string both = Ask(Get("/v2/models/m/versions/1/ready", "penstock-version: 9\r\n"));
  EXPECT_EQ(both.find("HTTP/1.1 400"), 0U) << both;
  EXPECT_EQ(Ask(Get("/v2/models/m/versions/8/ready", "penstock-version: 9\r\n")), both);
  EXPECT_EQ(
      Ask(Get("/v2/models/m", "penstock-version: 9\r\n" + Bearer(key_, 60))).find("HTTP/1.1 404"),
      0U)
      << "who is known may know";
}

TEST_F(EdgeTokens, ARequestThatWaitedUnderOtherRulesReachesNoServer) {
  FakeServer server(Echo("a"));
  Use({{.version = 1, .weight = kWhole}});
  const auto held = [&](const std::string& headers) {
    auto client = Client();
    client->Send(Post("/v2/models/m/infer", "1", headers));
    EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
    return client;
  };
  const auto without = held("");
  AskForTokens();
  Serve(server);
  const std::string answer = without->Read();
  EXPECT_EQ(answer.find("HTTP/1.1 503"), 0U) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  Use({{.version = 1, .weight = kWhole}});
  const auto another = held(Bearer(key_, 60));
  route_.tokens->issuer = "https://another";
  Serve(server);
  EXPECT_EQ(another->Read().find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(server.connections(), 0);
  route_.tokens->issuer = "https://issuer";
  Use({{.version = 1, .weight = kWhole}});
  const auto same = held(Bearer(key_, 60));
  Serve(server);
  EXPECT_EQ(BodyOf(same->Read()), "a POST /v2/models/m/infer 1");
}

TEST_F(EdgeTokens, KeysThatAreRotatedAreTakenUpAndThoseThatAreGoneCountNoMore) {
  FakeServer server(Echo("a"));
  AskForTokens();
  Serve(server);
  const TestKey next = NewEcKey();
  const auto passes = [&](const TestKey& key, const std::string& id) {
    return Ask(Post("/v2/models/m/infer", "", Bearer(key, 60, id))).find("HTTP/1.1 200") == 0;
  };
  EXPECT_TRUE(passes(key_, "k"));
  EXPECT_FALSE(passes(next, "n"));
  Put("jwks.json", Json{{"keys", {JwkOf(key_, "k"), JwkOf(next, "n")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return passes(next, "n"); }));
  EXPECT_TRUE(passes(key_, "k"));
  Put("jwks.json", Json{{"keys", {JwkOf(next, "n")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return !passes(key_, "k"); }));
  EXPECT_TRUE(passes(next, "n"));
  Put("jwks.json", "{");
  EXPECT_TRUE(Eventually([&] { return !View().keys_trouble.empty(); }));
  EXPECT_NE(View().keys_trouble.find("ConfigMap issuer, key jwks.json: "), std::string::npos);
  EXPECT_TRUE(passes(next, "n")) << "the keys before it are used still";
}

TEST_F(EdgeTokens, WithoutKeysNoTokenPassesAndTheIssuerIsToldByName) {
  FakeServer server(Echo("a"));
  AskForTokens();
  std::filesystem::remove(folder_ / "jwks.json");
  Serve(server);
  const std::string answer = Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60)));
  EXPECT_EQ(answer.find("HTTP/1.1 503"), 0U) << answer;
  EXPECT_NE(answer.find("Retry-After: "), std::string::npos) << answer;
  EXPECT_EQ(BodyOf(answer),
            "{\"error\":\"the keys of the issuer https://issuer are not known yet: no token can be "
            "judged\"}\n");
  EXPECT_EQ(Live().unauthorized, 0);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "")).find("HTTP/1.1 401"), 0U) << "who brings none";
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(View().keys_trouble,
            "ConfigMap issuer, key jwks.json: it is not there; no token is taken");
  // In the spec itself they are there at once, and those of the file are forgotten.
  route_.tokens->keys = Json{{"keys", {JwkOf(key_, "k")}}}.dump();
  route_.tokens->keys_file.clear();
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60))).find("HTTP/1.1 200"), 0U);
  route_.tokens->issuer = "https://another";
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "", Bearer(key_, 60))).find("HTTP/1.1 401"), 0U);
}

TEST_F(EdgeTokens, KeysAtAnIssuersUrlAreFetchedAndTakenUpWhenTheyAreRotated) {
  const TestKey next = NewEcKey();
  std::mutex mutex;
  std::string set = "down";
  net::HttpServerOptions at_loopback;
  at_loopback.address = "127.0.0.1";
  const auto issuer = *net::HttpServer::Start(at_loopback, [&](net::Exchange& x) {
    const std::lock_guard lock(mutex);
    x.Respond(set == "down" ? 503 : 200, "application/json", set);
  });
  const auto say = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    set = text;
  };
  options_.keys.first_pause = options_.keys.longest_pause = std::chrono::milliseconds(10);
  options_.keys.least_between = std::chrono::milliseconds(10);
  FakeServer server(Echo("a"));
  const std::string uri = "http://127.0.0.1:" + std::to_string(issuer->port()) + "/keys";
  route_.tokens = {"https://issuer", {"flights"}, "", "", "expose.jwt.jwks.uri " + uri, uri};
  Serve(server);
  const auto ask = [&](const TestKey& key, const std::string& id) {
    return Ask(Post("/v2/models/m/infer", "", Bearer(key, 60, id)));
  };
  const std::string none = ask(key_, "k");
  EXPECT_EQ(none.find("HTTP/1.1 503"), 0U) << none;
  EXPECT_NE(none.find("the keys of the issuer https://issuer are not known yet"),
            std::string::npos);
  EXPECT_TRUE(Eventually([&] {
    return View().keys_trouble ==
           "expose.jwt.jwks.uri " + uri + ": the issuer's server answers 503; no token is taken";
  })) << View().keys_trouble;
  EXPECT_EQ(server.connections(), 0);
  say(Json{{"keys", {JwkOf(key_, "k")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return ask(key_, "k").find("HTTP/1.1 200") == 0; }));
  EXPECT_EQ(View().keys_trouble, "");
  EXPECT_EQ(ask(next, "n").find("HTTP/1.1 401"), 0U);
  // The next renewal is five minutes away: the key that nobody knows has it fetched.
  say(Json{{"keys", {JwkOf(key_, "k"), JwkOf(next, "n")}}}.dump());
  EXPECT_TRUE(Eventually([&] { return ask(next, "n").find("HTTP/1.1 200") == 0; }));
  issuer->Stop();
  EXPECT_EQ(ask(key_, "k").find("HTTP/1.1 200"), 0U) << "with the issuer away";
  router_ = nullptr;
}

}  // namespace
}  // namespace penstock::router
