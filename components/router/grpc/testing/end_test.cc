// Calls that wait for a server, tables that change under calls, and the router's own end.
#include <future>
#include <thread>

#include "components/router/grpc/testing/fixture.h"

namespace penstock::router {
namespace {

using grpc::StatusCode;

TEST_F(GrpcRouter, ACallWaitsForAServerOfAModelThatHasNone) {
  GrpcDouble server("a");
  Route({{.version = 1, .weight = kWhole}});
  auto waiting = std::async(std::launch::async, [&] { return Call(kInfer, "x"); });
  ASSERT_TRUE(Eventually([&] { return Live().held == 1; }));
  EXPECT_EQ(Live().held_total, 1) << "by which the operator wakes it";
  EXPECT_EQ(Call("/inference.GRPCInferenceService/ModelReady", "").status.error_code(),
            StatusCode::UNAVAILABLE)
      << "a probe wakes nobody";
  Serve({&server});
  const Answered answered = waiting.get();
  EXPECT_EQ(answered.message, "a x") << answered.status.error_message();
  EXPECT_EQ(Live().held, 0);
  EXPECT_EQ(Live().held_bytes, 0);
}

TEST_F(GrpcRouter, WaitingIsBoundedInTimeNumberAndBytes) {
  route_.hold.time = std::chrono::milliseconds(300);
  route_.hold.requests = 1;
  Route({{.version = 1, .weight = kWhole}});
  (void)Channel();
  auto waiting = std::async(std::launch::async, [&] { return Call(kEcho, "x"); });
  ASSERT_TRUE(Eventually([&] { return Live().held_total == 1; }));
  if (Live().held == 1) {
    const Answered second = Call(kEcho, "x");
    EXPECT_EQ(second.status.error_code(), StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(waiting.get().status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(Live().held, 0);
  route_.hold = {.requests = 10, .bytes = 70'000};
  Route({{.version = 1, .weight = kWhole}});
  EXPECT_EQ(Call(kInfer, std::string(10'000, '\n')).status.error_message(),
            "too many requests wait for a server of this model");
}

TEST_F(GrpcRouter, AClientThatDoesNotWaitAnyLongerLeavesNothingBehind) {
  Route({{.version = 1, .weight = kWhole}});
  EXPECT_EQ(Call(kEcho, "x", {.deadline = std::chrono::milliseconds(300)}).status.error_code(),
            StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Eventually([&] { return Live().held == 0 && front_->requests() == 0; }));
}

TEST_F(GrpcRouter, ACallWhoseServersCannotBeReachedWaitsForThemToComeBack) {
  const std::uint16_t port = FreePort();
  Route({{.version = 1, .weight = kWhole, .endpoints = {{"127.0.0.1", 1, port}}}});
  auto waiting = std::async(std::launch::async, [&] { return Call(kEcho, "x"); });
  ASSERT_TRUE(Eventually([&] { return Live().held == 1; }));
  GrpcDouble server("a", port);
  EXPECT_EQ(waiting.get().message, "a x");
}

TEST_F(GrpcRouter, AVersionThatNobodyReachesByGrpcHasErrorsOfWhichItIsRolledBack) {
  GrpcDouble good("a");
  route_.hold.time = std::chrono::milliseconds(300);
  Route({{.version = 1, .weight = kWhole / 2, .endpoints = {good.endpoint()}},
         {.version = 2, .weight = kWhole / 2, .endpoints = {{"127.0.0.1", 1, FreePort()}}}});
  int failed = 0;
  for (int i = 0; i < 4; ++i) failed += Call(kInfer, "x").status.ok() ? 0 : 1;
  EXPECT_EQ(failed, 2);
  EXPECT_EQ(Totals(2).server_errors, 2);
  EXPECT_EQ(Totals(1).server_errors, 0);
  EXPECT_EQ(Totals(1).ok, 2);
}

TEST_F(GrpcRouter, ACallThatWaitsForAVersionWithoutWeightGoesToOneThatHasSome) {
  GrpcDouble good("a");
  const VersionRoute lost{
      .version = 2, .weight = kWhole, .endpoints = {{"127.0.0.1", 1, FreePort()}}};
  Route({lost});
  auto waiting = std::async(std::launch::async, [&] { return Call(kInfer, "x"); });
  ASSERT_TRUE(Eventually([&] { return Live().held == 1; }));
  VersionRoute left = lost;
  left.weight = 0;
  Route({{.version = 1, .weight = kWhole, .endpoints = {good.endpoint()}}, left});
  EXPECT_EQ(waiting.get().message, "a x");
  EXPECT_EQ(Totals(2).server_errors, 0);
}

TEST_F(GrpcRouter, NoCallIsLostWhileVersionsChangeUnderLoad) {
  GrpcDouble one("a");
  GrpcDouble two("b");
  Serve({&one});
  (void)Channel();
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) ++(Call(kInfer, "x").status.ok() ? good : bad);
    });
  }
  for (int share = 0; share <= kWhole; share += 1'000) {
    Route({{.version = 1, .weight = kWhole - share, .endpoints = {one.endpoint()}},
           {.version = 2, .weight = share, .endpoints = {two.endpoint()}}});
    const int before = good;
    ASSERT_TRUE(Eventually([&] { return good > before + 50; }));
  }
  Route({{.version = 2, .weight = kWhole, .endpoints = {two.endpoint()}}});
  const int left = one.calls;
  const int before = good;
  ASSERT_TRUE(Eventually([&] { return good > before + 100; }));
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(bad, 0);
  EXPECT_LE(one.calls - left, 4) << "but for those that were under way";
}

TEST_F(GrpcRouter, EndsWithoutLosingACallAndCutsNoneOff) {
  GrpcDouble server("a");
  options_.limits.grpc_age = std::chrono::milliseconds(500);
  Serve({&server});
  (void)Channel();
  std::atomic<bool> stop{false};
  std::atomic<int> lost{0};
  std::atomic<int> good{0};
  std::atomic<bool> refusing{false};
  std::thread client([&] {
    while (!stop) {
      const Answered answered = Call(kEcho, "x");
      if (answered.status.ok()) {
        ++good;
        continue;
      }
      // Nobody listens any more: a client of a Service would have come to another router.
      if (answered.status.error_message().find("connect") != std::string::npos)
        refusing = true;
      else
        ++lost;
      if (refusing) return;
    }
  });
  Talk talk(Channel(), "/test.Service/Chat");
  ASSERT_TRUE(talk.Start() && talk.Write("x"));
  EXPECT_EQ(talk.Read(), "a x");
  ASSERT_TRUE(Eventually([&] { return good > 20; }));
  router_->CloseAfterAnswers();
  auto finished =
      std::async(std::launch::async, [&] { return router_->Finish(std::chrono::seconds(20)); });
  ASSERT_TRUE(Eventually([&] { return refusing.load(); }));
  ASSERT_TRUE(talk.Write("y"));
  EXPECT_EQ(talk.Read(), "a y") << "what is under way goes on";
  ASSERT_TRUE(talk.WritesDone());
  EXPECT_TRUE(talk.Finish().ok());
  stop = true;
  client.join();
  EXPECT_TRUE(finished.get());
  EXPECT_EQ(lost, 0);
}

TEST_F(GrpcRouter, CutsOffWhatDoesNotEndInTime) {
  GrpcDouble server("a");
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Hang");
  ASSERT_TRUE(talk.Start());
  ASSERT_TRUE(Eventually([&] { return server.calls == 1; }));
  EXPECT_FALSE(router_->Finish(std::chrono::milliseconds(200)));
  EXPECT_FALSE(talk.Finish().ok());
}

TEST_F(GrpcRouter, APortThatIsTakenIsToldAndTakenLater) {
  auto other = std::make_unique<GrpcDouble>("other");
  GrpcDouble server("a");
  route_.grpc_port = static_cast<std::uint16_t>(other->port);
  front_ = MakeGrpcFront({options_.address, options_.limits, 1});
  options_.front = front_;
  Use({{.version = 1, .weight = kWhole, .endpoints = {server.endpoint()}}});
  EXPECT_EQ(router_->Look().not_listening.count("m"), 1U);
  other = nullptr;
  EXPECT_TRUE(Eventually([&] {
    Use({{.version = 1, .weight = kWhole, .endpoints = {server.endpoint()}}});
    return router_->Look().not_listening.empty();
  }));
  EXPECT_EQ(Call(kEcho, "x").message, "a x");
}

TEST_F(GrpcRouter, APortThatTheTableDoesNotNameAnyMoreIsClosed) {
  GrpcDouble server("a");
  Serve({&server});
  ASSERT_TRUE(Call(kEcho, "x").status.ok());
  const std::uint16_t port = route_.grpc_port;
  route_.grpc_port = 0;
  Serve({&server});
  route_.grpc_port = port;
  channel_ = NewChannel();
  EXPECT_EQ(Call(kEcho, "x").status.error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace penstock::router
