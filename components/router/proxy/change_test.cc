// Tables change and servers come and go under load.
#include "components/router/proxy/testing/router_fixture.h"

namespace penstock::router {
namespace {

class Changing : public RouterTest {
 protected:
  // Asks on `clients` connections until `done`; how many answers were not 200.
  [[nodiscard]] int AskUntil(const std::atomic<bool>& done, int clients, std::atomic<int>* asked) {
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&] {
        auto client = Client();
        while (!done) {
          client->Send(Post("/v2/models/m/infer", "{}"));
          const std::string answer = client->Read();
          if (answer.find("HTTP/1.1 200") != 0) ++failed;
          if (answer.find("Connection: close") != std::string::npos || answer.empty())
            client = Client();
          ++*asked;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return failed;
  }
};

TEST_F(Changing, LosesNoRequestWhileWeightsAndEndpointsChange) {
  FakeServer a(Echo("a"));
  FakeServer b(Echo("b"));
  FakeServer c(Echo("c"));
  Serve(a);
  std::atomic<bool> done{false};
  std::atomic<int> asked{0};
  std::thread changes([&] {
    for (int i = 0; i < 50; ++i) {
      const int weight = i * 200;
      const std::vector<Endpoint> few = {a.endpoint()};
      const std::vector<Endpoint> both = {a.endpoint(), c.endpoint()};
      Use({{.version = 1, .weight = kWhole - weight, .endpoints = i % 2 == 0 ? few : both},
           {.version = 2, .weight = weight, .endpoints = {b.endpoint()}}});
      // Each change meets requests that are under way, and some that begin after it.
      const int before = asked;
      EXPECT_TRUE(Eventually([&] { return asked > before + 8; }));
    }
    done = true;
  });
  EXPECT_EQ(AskUntil(done, 8, &asked), 0);
  changes.join();
  EXPECT_GT(asked, 50);
  EXPECT_TRUE(Eventually([&] { return Totals(2).ok > 0; }));
}

TEST_F(Changing, SendsNothingNewToARemovedEndpointAndFinishesWhatItHas) {
  std::atomic<bool> answer_now{false};
  FakeServer slow([&](Connection& connection) {
    while (!connection.Read().empty()) {
      EXPECT_TRUE(Eventually([&] { return answer_now.load(); }));
      connection.Send(Ok("slow"));
    }
  });
  FakeServer other(Echo("other"));
  Serve(slow);
  const auto client = Client();
  client->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] { return slow.connections() == 1; }));
  Serve(other);
  EXPECT_EQ(BodyOf(Ask(Get("/"))), "other GET / ");
  const auto draining = router_->Look().draining;
  ASSERT_EQ(draining.size(), 1U);
  EXPECT_EQ(draining[0].in_flight, 1);
  answer_now = true;
  EXPECT_EQ(BodyOf(client->Read()), "slow");
  EXPECT_TRUE(Eventually([&] { return router_->Look().draining.empty(); }));
  client->Send(Get("/"));
  EXPECT_EQ(BodyOf(client->Read()), "other GET / ");
}

TEST_F(Changing, AsksAnotherEndpointWhereOneCannotBeReached) {
  FakeServer there(Echo("there"));
  Use({{.version = 1,
        .weight = kWhole,
        .endpoints = {{"127.0.0.1", FreePort()}, {"127.0.0.1", FreePort()}, there.endpoint()}}});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(BodyOf(Ask(Post("/", "x"))), "there POST / x");
  // After the first failures they are passed over.
  EXPECT_LE(Totals(1).retries, 6);
}

TEST_F(Changing, SendsAgainOnANewConnectionWhatMetAStaleOneIfThatIsSafe) {
  // Closes after its first answer, without saying so, when the next request comes.
  std::atomic<int> served{0};
  FakeServer server([&](Connection& connection) {
    if (connection.Read().empty()) return;
    connection.Send(Ok("once"));
    ++served;
    (void)connection.Read();
  });
  Serve(server);
  const auto client = Client();
  for (int i = 0; i < 3; ++i) {
    client->Send(Post("/v2/models/m/infer", "{}"));
    EXPECT_EQ(BodyOf(client->Read()), "once");
  }
  EXPECT_TRUE(Eventually([&] { return Totals(1).ok == 3; }));
  EXPECT_EQ(Totals(1).ok, 3);
  // Whatever else POST may do, it is not done twice.
  client->Send(Post("/train", "{}"));
  EXPECT_EQ(client->Read().find("HTTP/1.1 502"), 0U);
  EXPECT_EQ(served, 3);
}

TEST_F(Changing, DoesNotSendAgainWhatANewConnectionLost) {
  FakeServer server([](Connection& connection) { (void)connection.Read(); });
  Serve(server);
  EXPECT_EQ(Ask(Post("/v2/models/m/infer", "{}")).find("HTTP/1.1 502"), 0U);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_TRUE(Eventually([&] { return Totals(1).server_errors == 1; }));
  EXPECT_EQ(Totals(1).server_errors, 1);
}

TEST_F(Changing, EjectsAnEndpointThatFailsFiveTimesOnEnd) {
  FakeServer bad([](Connection& connection) {
    while (!connection.Read().empty())
      connection.Send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  });
  FakeServer good(Echo("good"));
  FakeServer better(Echo("good"));
  Use({{.version = 1,
        .weight = kWhole,
        .endpoints = {bad.endpoint(), good.endpoint(), better.endpoint()}}});
  for (int i = 0; i < 60; ++i) (void)Ask(Get("/"));
  EXPECT_TRUE(Eventually([&] { return Totals(1).server_errors == 5; }));
  EXPECT_EQ(Totals(1).server_errors, 5);
}

TEST_F(Changing, TakesTheWeightOfAnEjectedVersionUntilTheTableGivesAnother) {
  FakeServer a(Echo("a"));
  FakeServer b(Echo("b"));
  const auto versions = [&](int weight) {
    return std::vector<VersionRoute>{
        {.version = 1, .weight = kWhole - weight, .endpoints = {a.endpoint()}},
        {.version = 2, .weight = weight, .endpoints = {b.endpoint()}}};
  };
  Use(versions(5'000));
  router_->Eject("m", 2, "errors");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(BodyOf(Ask(Get("/"))), "a GET / ");
  EXPECT_EQ(BodyOf(Ask(Get("/", "penstock-version: 2\r\n"))), "b GET / ");
  Use(versions(5'000));
  EXPECT_EQ(router_->Look().ejected.at("m").why, "errors");
  Use(versions(6'000));
  EXPECT_TRUE(router_->Look().ejected.empty());
  for (int i = 0; i < 10; ++i) (void)Ask(Get("/"));
  EXPECT_TRUE(Eventually([&] { return Totals(2).ok >= 6; }));
}

TEST_F(Changing, SaysThatAPortIsTakenAndTriesAgain) {
  auto taken = std::make_unique<FakeServer>(Echo("taken"));
  FakeServer server(Echo("a"));
  port_ = taken->port();
  Serve(server);
  EXPECT_EQ(router_->Look().not_listening.count("m"), 1U);
  taken = nullptr;
  Serve(server);
  EXPECT_TRUE(router_->Look().not_listening.empty());
  EXPECT_EQ(BodyOf(Ask(Get("/"))), "a GET / ");
}

TEST_F(Changing, FinishesOpenRequestsAndTakesNoNewOnes) {
  std::atomic<bool> answer_now{false};
  FakeServer slow([&](Connection& connection) {
    while (!connection.Read().empty()) {
      EXPECT_TRUE(Eventually([&] { return answer_now.load(); }));
      connection.Send(Ok("slow"));
    }
  });
  Serve(slow);
  const auto busy = Client();
  const auto idle = Client();
  busy->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] { return slow.connections() == 1; }));
  router_->CloseAfterAnswers();
  std::thread finish([&] { EXPECT_TRUE(router_->Finish(std::chrono::seconds(5))); });
  EXPECT_TRUE(idle->IsClosed());
  answer_now = true;
  const std::string answer = busy->Read();
  finish.join();
  EXPECT_EQ(BodyOf(answer), "slow");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(Client(), nullptr);
}

}  // namespace
}  // namespace penstock::router
