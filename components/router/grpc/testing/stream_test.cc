// Streams through the router, of each kind, and their cancellation.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "components/router/grpc/testing/fixture.h"

namespace penstock::router {
namespace {

using grpc::StatusCode;

TEST_F(GrpcRouter, AServersStreamPassesWhole) {
  GrpcDouble server("a");
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Count");
  ASSERT_TRUE(talk.Start() && talk.Write("1000") && talk.WritesDone());
  for (int left = 1'000; left > 0; --left) ASSERT_EQ(talk.Read(), std::to_string(left));
  EXPECT_FALSE(talk.Read());
  EXPECT_TRUE(talk.Finish().ok());
}

TEST_F(GrpcRouter, AClientsStreamPassesWhole) {
  GrpcDouble server("a");
  Serve({&server});
  for (const int messages : {0, 1, 2, 500}) {
    Talk talk(Channel(), "/test.Service/Collect");
    ASSERT_TRUE(talk.Start());
    for (int i = 0; i < messages; ++i) ASSERT_TRUE(talk.Write(std::to_string(i)));
    ASSERT_TRUE(talk.WritesDone());
    EXPECT_EQ(talk.Read(), std::to_string(messages));
    EXPECT_TRUE(talk.Finish().ok());
  }
  EXPECT_TRUE(server.WaitCompleted(4)) << server.completed();
}

TEST_F(GrpcRouter, BothTalkInTurn) {
  GrpcDouble server("a");
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Chat");
  ASSERT_TRUE(talk.Start());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(talk.Write(std::to_string(i)));
    ASSERT_EQ(talk.Read(), "a " + std::to_string(i));
  }
  ASSERT_TRUE(talk.WritesDone());
  EXPECT_TRUE(talk.Finish().ok());
  EXPECT_EQ(Totals(1).ok, 1);
}

TEST_F(GrpcRouter, TheServerMaySpeakFirst) {
  GrpcDouble server("a");
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Greet");
  ASSERT_TRUE(talk.Start() && talk.ReadHead());
  EXPECT_EQ(talk.Read(), "a");
  ASSERT_TRUE(talk.Write("x"));
  EXPECT_EQ(talk.Read(), "a x");
  ASSERT_TRUE(talk.WritesDone());
  EXPECT_TRUE(talk.Finish().ok());
}

TEST_F(GrpcRouter, AStreamOfLargeMessagesToAClientThatReadsSlowlyIsHeldBack) {
  GrpcDouble server("a");
  options_.limits.grpc_bytes = 8 << 20;
  options_.limits.grpc_message_bytes = 4 << 20;
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Chat");
  ASSERT_TRUE(talk.Start());
  const std::string large(3U << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(talk.Write(large));
    ASSERT_TRUE(talk.Read() == "a " + large);
  }
  ASSERT_TRUE(talk.WritesDone());
  EXPECT_TRUE(talk.Finish().ok());
}

TEST_F(GrpcRouter, AClientThatGoesIsToldToTheServerAndIsNoErrorOfIt) {
  GrpcDouble server("a");
  Serve({&server});
  {
    Talk talk(Channel(), "/test.Service/Hang");
    ASSERT_TRUE(talk.Start() && talk.Write("x"));
    ASSERT_TRUE(Eventually([&] { return server.last_message() == "x"; }));
    talk.context.TryCancel();
    EXPECT_EQ(talk.Finish().error_code(), StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([&] { return server.cancelled == 1; }));
  EXPECT_TRUE(Eventually([&] { return Totals(1).client_gone == 1; }));
  EXPECT_EQ(Totals(1).requests, 0);
}

TEST_F(GrpcRouter, AStreamThatItsClientBreaksOffIsNeverTakenForAWholeOne) {
  GrpcDouble server("a");
  Serve({&server});
  constexpr int kStreams = 60;
  for (int i = 0; i < kStreams; ++i) {
    Talk talk(Channel(), "/test.Service/Collect");
    ASSERT_TRUE(talk.Start());
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(talk.Write("part"));
    talk.context.TryCancel();
    EXPECT_EQ(talk.Finish().error_code(), StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([&] { return front_->requests() == 0; }));
  EXPECT_TRUE(Eventually([&] { return server.cancelled == server.calls; }));
  EXPECT_EQ(server.completed(), 0);
}

TEST_F(GrpcRouter, AStreamOnWhichNothingPassesIsEnded) {
  GrpcDouble server("a");
  options_.limits.answer_idle = std::chrono::milliseconds(300);
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Chat");
  ASSERT_TRUE(talk.Start() && talk.Write("x"));
  EXPECT_EQ(talk.Read(), "a x");
  EXPECT_EQ(talk.Finish().error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Eventually([&] { return server.cancelled == 1; }));
}

TEST_F(GrpcRouter, AServerThatDiesEndsItsCallsAndOnlyThose) {
  auto dying = std::make_unique<GrpcDouble>("a");
  GrpcDouble other("b");
  Serve({dying.get(), &other});
  std::vector<std::unique_ptr<Talk>> talks;
  for (int i = 0; i < 6; ++i) {
    talks.push_back(std::make_unique<Talk>(Channel(), "/test.Service/Chat"));
    ASSERT_TRUE(talks.back()->Start() && talks.back()->Write("x"));
    ASSERT_TRUE(talks.back()->Read());
  }
  EXPECT_EQ(dying->calls, 3) << "the server with the fewest gets the next";
  dying = nullptr;
  int good = 0;
  for (auto& talk : talks) {
    const bool wrote = talk->Write("y");
    good += wrote && talk->Read() == "b y" && talk->WritesDone() && talk->Finish().ok() ? 1 : 0;
  }
  EXPECT_EQ(good, 3);
}

// gRPC tells the answer's head and its first message on two threads.
TEST_F(GrpcRouter, AFirstMessageThatIsToldBeforeItsHeadDoesNotEndTheRouter) {
  GrpcDouble server("a");
  Serve({&server});
  (void)Channel();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 500; ++n) good += Call(kEcho, "x").message == "a x" ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 2'000);
}

TEST_F(GrpcRouter, AClientThatGoesWhileItIsAnsweredIsNoErrorOfTheServer) {
  GrpcDouble server("a");
  Serve({&server});
  constexpr int kStreams = 60;
  for (int i = 0; i < kStreams; ++i) {
    Talk talk(Channel(), "/test.Service/Count");
    ASSERT_TRUE(talk.Start() && talk.Write("1000000"));
    ASSERT_TRUE(talk.Read());
  }
  EXPECT_TRUE(Eventually([&] { return front_->requests() == 0; }));
  EXPECT_EQ(Totals(1).server_errors, 0);
  EXPECT_EQ(Totals(1).client_gone, kStreams);
}

}  // namespace
}  // namespace penstock::router
