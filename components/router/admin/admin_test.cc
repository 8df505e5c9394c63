// The admin port, and the bound that a router keeps by itself.
#include <atomic>
#include <thread>

#include "components/router/admin/admin_server.h"
#include "components/router/admin/load_sampler.h"
#include "components/router/proxy/testing/router_fixture.h"
#include "operator/base/json.h"

namespace penstock::router {
namespace {

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return {}; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now{};
};

class Admin : public RouterTest {
 protected:
  void StartAdmin() {
    auto admin = AdminServer::Start("127.0.0.1", 0, {"r-0", {}}, router_.get(), &clock_,
                                    [] { return std::string(); });
    ASSERT_TRUE(admin) << admin.error().message;
    admin_ = std::move(*admin);
  }
  [[nodiscard]] std::string AskAdmin(const std::string& target) const {
    const auto client = ConnectTo(admin_->port());
    client->Send(Get(target, "Connection: close\r\n"));
    return client->ReadAll();
  }
  FakeClock clock_;
  std::unique_ptr<AdminServer> admin_;
};

TEST_F(Admin, IsReadyOnceThereIsATable) {
  auto router = Router::Start(options_);
  ASSERT_TRUE(router);
  router_ = std::move(*router);
  StartAdmin();
  EXPECT_NE(AskAdmin("/healthz").find(" 200 "), std::string::npos);
  EXPECT_NE(AskAdmin("/readyz").find(" 503 "), std::string::npos);
  Use({{.version = 1, .weight = kWhole}});
  EXPECT_NE(AskAdmin("/readyz").find(" 200 "), std::string::npos);
  admin_->Unready();
  EXPECT_NE(AskAdmin("/readyz").find(" 503 "), std::string::npos);
  EXPECT_NE(AskAdmin("/other").find(" 404 "), std::string::npos);
}

TEST_F(Admin, SaysWhatWasSeen) {
  FakeServer server([](Connection& connection) {
    while (!connection.Read().empty())
      connection.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  });
  Serve(server);
  StartAdmin();
  (void)Ask(Post("/v2/models/m/infer", "{}"));
  const Json seen = Json::parse(BodyOf(AskAdmin("/observations")));
  EXPECT_EQ(seen.at("router"), "r-0");
  EXPECT_EQ(seen.at("generation").at("m"), "1");
  const Json& version = seen.at("deployments").at("m").at("versions").at("1");
  EXPECT_EQ(version.at("requests"), 1);
  EXPECT_EQ(version.at("clientErrors").at("infer:404"), 1);
  EXPECT_EQ(version.at("latency").at("counts").size(),
            version.at("latency").at("bounds").size() + 1);
  const std::string metrics = AskAdmin("/metrics");
  EXPECT_NE(metrics.find("penstock_router_requests_total{deployment=\"m\",version=\"1\",outcome="
                         "\"client_error\"} 1\n"),
            std::string::npos)
      << metrics;
}

TEST_F(Admin, AnswersAWaitingOperatorWhenARequestIsHeld) {
  Use({{.version = 1, .weight = kWhole}});
  StartAdmin();
  const auto operator_connection = ConnectTo(admin_->port());
  operator_connection->Send(Get("/observations?wait=30", "Connection: close\r\n"));
  EXPECT_FALSE(operator_connection->HasInput(std::chrono::milliseconds(150)));
  const auto client = Client();
  client->Send(Get("/"));
  const Json seen = Json::parse(BodyOf(operator_connection->ReadAll()));
  EXPECT_EQ(seen.at("deployments").at("m").at("held"), 1);
}

TEST_F(Admin, TellsOfRequestsUnderWayOverTime) {
  std::atomic<bool> answering{false};
  FakeServer server([&](Connection& connection) {
    if (connection.Read().empty()) return;
    answering.wait(false);
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Serve(server);
  StartAdmin();
  const auto seen = [&] {
    const Json said = Json::parse(BodyOf(AskAdmin("/observations")));
    return std::pair<double, double>(
        said.at("sampledSeconds"),
        said.at("deployments").at("m").at("versions").at("1").at("inFlightSeconds"));
  };
  EXPECT_TRUE(Eventually([&] { return seen().first > 0.2; }));
  EXPECT_EQ(seen().second, 0);
  const auto one = Client();
  const auto another = Client();
  one->Send(Get("/"));
  another->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] {
    return router_->Look().routes->deployments[0]->versions[0].endpoints[0]->in_flight == 2;
  }));
  const auto before = seen();
  EXPECT_TRUE(Eventually([&] { return seen().first > before.first + 0.4; }));
  const auto after = seen();
  // Of what was looked at, but for a request that was seen by half of a look.
  EXPECT_NEAR((after.second - before.second) / (after.first - before.first), 2, 0.6);
  answering = true;
  answering.notify_all();
  (void)one->Read();
  (void)another->Read();
  const std::string metrics = AskAdmin("/metrics");
  EXPECT_NE(
      metrics.find("penstock_router_in_flight_seconds_total{deployment=\"m\",version=\"1\"} "),
      std::string::npos)
      << metrics;
}

// Else a shadow would be asked for servers as if somebody waited for it.
TEST_F(Admin, CountsNoCopiesForAShadowAsLoad) {
  std::atomic<bool> over{false};
  FakeServer stable([](Connection& connection) {
    while (!connection.Read().empty()) connection.Send(Ok(R"({"predictions": [1]})"));
  });
  FakeServer stuck([&](Connection& connection) {
    (void)connection.Read();
    (void)Eventually([&] { return over.load(); });
  });
  Use({{.version = 1, .weight = kWhole, .endpoints = {stable.endpoint()}},
       {.version = 2, .weight = 0, .shadow = kWhole, .endpoints = {stuck.endpoint()}}});
  StartAdmin();
  for (int i = 0; i < 3; ++i) (void)Ask(Post("/v2/models/m/infer", "{}"));
  const auto& shadow = *router_->Look().routes->deployments.at(0)->Find(2);
  EXPECT_TRUE(Eventually([&] { return shadow.endpoints[0]->copies == 3; }));
  EXPECT_EQ(shadow.endpoints[0]->in_flight, 3);
  SampleLoad(router_->Look(), 1);
  EXPECT_LT(shadow.statistics->in_flight_seconds(), 0.3);  // of three seconds
  over = true;
  EXPECT_TRUE(Eventually([&] { return shadow.endpoints[0]->in_flight == 0; }));
  EXPECT_EQ(shadow.endpoints[0]->copies, 0);
}

class Guarding : public Admin {
 protected:
  // A candidate that fails always, with 10 % of the requests and a bound of 1 %.
  void Ask200(Guard* guard) {
    for (int i = 0; i < 200; ++i) (void)Ask(Get("/"));
    guard->Look();
  }
};

TEST_F(Guarding, TakesTheWeightOfAFailingCandidateOnlyWhileTheOperatorIsSilent) {
  FakeServer good(Echo("a"));
  FakeServer bad([](Connection& connection) {
    while (!connection.Read().empty())
      connection.Send("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  });
  Use({{.version = 1, .weight = 9'000, .endpoints = {good.endpoint()}},
       {.version = 2, .weight = 1'000, .max_error_rate = 0.01, .endpoints = {bad.endpoint()}}});
  Guard guard(router_.get(), &clock_);
  Ask200(&guard);
  EXPECT_TRUE(router_->Look().ejected.empty());  // the operator was there a moment ago
  clock_.now += std::chrono::seconds(29);
  guard.Asked();
  clock_.now += std::chrono::seconds(31);
  guard.Look();
  EXPECT_TRUE(router_->Look().ejected.empty());  // what the operator saw is its own matter
  Ask200(&guard);
  ASSERT_EQ(router_->Look().ejected.count("m"), 1U);
  EXPECT_EQ(router_->Look().ejected.at("m").version, 2);
  const auto before = Totals(2).requests;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(BodyOf(Ask(Get("/"))), "a GET / ");
  EXPECT_EQ(Totals(2).requests, before);
}

}  // namespace
}  // namespace penstock::router
