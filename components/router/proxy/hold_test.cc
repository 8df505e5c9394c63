// Requests that wait for a server.
#include "components/router/proxy/testing/router_fixture.h"

namespace penstock::router {
namespace {

class Holding : public RouterTest {
 protected:
  void Empty() { Use({{.version = 1, .weight = kWhole}}); }
};

TEST_F(Holding, AnswersWhatWaitedOnceAServerIsReady) {
  Empty();
  const auto first = Client();
  const auto second = Client();
  first->Send(Post("/v2/models/m/infer", "1"));
  second->Send(Post("/v2/models/m/infer", "2"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 2; }));
  FakeServer server(Echo("a"));
  Serve(server);
  EXPECT_EQ(BodyOf(first->Read()), "a POST /v2/models/m/infer 1");
  EXPECT_EQ(BodyOf(second->Read()), "a POST /v2/models/m/infer 2");
  EXPECT_EQ(Live().held, 0);
  EXPECT_EQ(Live().held_bytes, 0);
}

TEST_F(Holding, RefusesBeyondItsBoundAndAfterItsTime) {
  route_.hold = {.requests = 2, .bytes = 1 << 20, .time = std::chrono::milliseconds(300)};
  Empty();
  const auto first = Client();
  const auto second = Client();
  first->Send(Get("/a"));
  second->Send(Get("/b"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 2; }));
  const std::string third = Ask(Get("/c"));
  EXPECT_EQ(third.find("HTTP/1.1 503"), 0U) << third;
  EXPECT_NE(third.find("Retry-After: 1\r\n"), std::string::npos) << third;
  EXPECT_EQ(Live().hold_refused, 1);
  EXPECT_EQ(first->Read().find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(second->Read().find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(Live().hold_expired, 2);
  EXPECT_EQ(Live().held, 0);
}

TEST_F(Holding, RefusesBeyondItsBytes) {
  route_.hold = {.requests = 100, .bytes = 40'000, .time = std::chrono::seconds(5)};
  Empty();
  std::vector<std::unique_ptr<Connection>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Client());
    clients.back()->Send(Post("/", std::string(60'000, 'x')));
  }
  EXPECT_TRUE(Eventually([&] { return Live().hold_refused == 1; }));
  EXPECT_EQ(Live().held, 2);  // a block of 16 KiB each, whatever they still send
}

TEST_F(Holding, LetsNoProbeWait) {
  Empty();
  EXPECT_EQ(Ask(Get("/v2/health/ready")).find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(Ask(Get("/metrics")).find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(Live().held_total, 0);
}

TEST_F(Holding, ForgetsAClientThatGoes) {
  Empty();
  auto client = Client();
  client->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
  client = nullptr;
  EXPECT_TRUE(Eventually([&] { return Live().held == 0; }));
}

TEST_F(Holding, WaitsForAServerThatIsListedAndDoesNotListenYet) {
  const std::uint16_t port = FreePort();
  Use({{.version = 1, .weight = kWhole, .endpoints = {{"127.0.0.1", port}}}});
  const auto client = Client();
  client->Send(Post("/train", "x"));  // nothing was sent, so that even this may be tried again
  EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
  FakeServer server(Echo("late"), port);
  EXPECT_EQ(BodyOf(client->Read()), "late POST /train x");
}

// A candidate that nobody could reach was never rolled back: nothing was counted against it.
TEST_F(Holding, CountsWhatWaitedInVainForServersThatCannotBeReachedAgainstTheirVersion) {
  const std::vector<VersionRoute> unreachable{
      {.version = 1, .weight = kWhole, .endpoints = {{"127.0.0.1", FreePort()}}}};
  route_.hold = {.requests = 0, .bytes = 1 << 20, .time = std::chrono::milliseconds(200)};
  Use(unreachable);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "{}")).find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(Totals(1).server_errors, 1) << "there was no room to wait";
  route_.hold.requests = 10;
  Use(unreachable);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "{}")).find("HTTP/1.1 503"), 0U);
  EXPECT_EQ(Totals(1).server_errors, 2) << "it waited in vain";
  EXPECT_EQ(Totals(1).requests, 2);
  route_.hold.time = std::chrono::seconds(60);
  Use(unreachable);
  auto impatient = Client();
  impatient->Send(Post("/v2/models/m/infer", "{}"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
  impatient = nullptr;
  EXPECT_TRUE(Eventually([&] { return Totals(1).timeouts == 1; }));
  EXPECT_EQ(Totals(1).client_gone, 0);
}

TEST_F(Holding, PrefersAnotherVersionThatHasServers) {
  FakeServer server(Echo("a"));
  Use({{.version = 1, .weight = 5'000, .endpoints = {server.endpoint()}},
       {.version = 2, .weight = 5'000}});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(BodyOf(Ask(Get("/"))), "a GET / ");
  const auto pinned = Client();
  pinned->Send(Get("/", "penstock-version: 2\r\n"));
  EXPECT_TRUE(Eventually([&] { return Live().held == 1; }));
}

}  // namespace
}  // namespace penstock::router
