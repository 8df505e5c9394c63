// Unary calls through the router: which server they get, and how they end.
#include <gmock/gmock.h>

#include <thread>

#include "components/router/grpc/testing/fixture.h"

namespace penstock::router {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

std::string Field(int number, const std::string& text) {
  return std::string(1, static_cast<char>(number * 8 + 2)) +
         std::string(1, static_cast<char>(text.size())) + text;
}

TEST_F(GrpcRouter, PassesACallOfAnyServiceOnAndItsAnswerBack) {
  GrpcDouble server("a");
  Serve({&server});
  const Answered answered = Call(kEcho, "hello");
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(answered.message, "a hello");
  EXPECT_EQ(Call(kInfer, "").message, "a ");
  EXPECT_EQ(Totals(1).ok, 2);
  EXPECT_EQ(Totals(1).ok_by_route[static_cast<std::size_t>(RouteKind::kInfer)], 1);
  EXPECT_TRUE(Eventually([&] { return front_->requests() == 0; }));
}

TEST_F(GrpcRouter, KeepsWeightsToOneCallInAThousand) {
  GrpcDouble one("a");
  GrpcDouble two("b");
  Route({{.version = 1, .weight = 9'900, .endpoints = {one.endpoint()}},
         {.version = 2, .weight = 100, .endpoints = {two.endpoint()}}});
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(Call(kInfer, "x").status.ok());
  EXPECT_EQ(one.calls, 990);
  EXPECT_EQ(two.calls, 10);
  EXPECT_EQ(Totals(2).ok, 10);
  std::int64_t timed = 0;
  for (const std::int64_t count : Totals(1).latency) timed += count;
  EXPECT_EQ(timed, 990) << "each has a latency";
}

TEST_F(GrpcRouter, MetadataPassesBothWaysAndWhoAnsweredIsSaid) {
  GrpcDouble server("a");
  Serve({&server});
  grpc::ClientContext context;
  const std::string binary("\0\x01\xff", 3);
  const Answered answered =
      Call(kEcho, "x", {.metadata = {{"own", "1"}, {"own", "2"}, {"own-bin", binary}}}, &context);
  ASSERT_TRUE(answered.status.ok());
  const auto seen = server.metadata();
  EXPECT_EQ(seen.count("own"), 2U);
  EXPECT_EQ(seen.find("own-bin")->second, binary);
  const auto& head = context.GetServerInitialMetadata();
  EXPECT_EQ(head.find("head")->second, "a");
  EXPECT_EQ(head.find("penstock-version")->second, "1");
}

TEST_F(GrpcRouter, StatusDetailsAndTrailersAreTheServersOwn) {
  GrpcDouble server("a");
  Serve({&server});
  grpc::ClientContext context;
  const Answered answered = Call("/test.Service/Fail", "x", {}, &context);
  EXPECT_EQ(answered.status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(answered.status.error_message(), "not you, 50 % of it");
  EXPECT_EQ(answered.status.error_details(), "details\xff");
  const auto& trailers = context.GetServerTrailingMetadata();
  EXPECT_EQ(trailers.find("trailer")->second, "kept");
  EXPECT_EQ(trailers.find("trailer-bin")->second, grpc::string_ref(std::string("\0\xff", 2)));
  EXPECT_EQ(trailers.count("grpc-status-details-bin"), 1U);
  EXPECT_EQ(Totals(1).client_errors.at("other:403"), 1);
}

TEST_F(GrpcRouter, AServerThatIsFullIsAnErrorAndAMethodThatNobodyHasIsTheClients) {
  GrpcDouble server("a");
  Serve({&server});
  EXPECT_EQ(Call("/test.Service/Full", "x").status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Call("/test.Service/None", "x").status.error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Totals(1).server_errors, 1);
  EXPECT_EQ(Totals(1).client_errors.at("other:405"), 1);
}

TEST_F(GrpcRouter, PinsByMetadataAndByModelVersionWhichTheServerIsNotTold) {
  GrpcDouble one("a");
  GrpcDouble two("b");
  Route({{.version = 1, .weight = kWhole, .endpoints = {one.endpoint()}},
         {.version = 2, .weight = 0, .endpoints = {two.endpoint()}}});
  EXPECT_EQ(Call(kEcho, "x", {.metadata = {{"penstock-version", "2"}}}).message, "b x");
  EXPECT_EQ(two.metadata().count("penstock-version"), 0U);
  const std::string rest = Field(1, "flights") + Field(3, "id");
  const std::string asked = Field(1, "flights") + Field(2, "2") + Field(3, "id");
  EXPECT_EQ(Call(kInfer, asked).message, "b " + rest);
  EXPECT_EQ(Call(kInfer, rest).message, "a " + rest);
  EXPECT_EQ(Call(kEcho, asked).message, "a " + asked) << "another service's field 2 is its own";
  const std::string word = Field(2, "latest");
  EXPECT_EQ(Call(kInfer, word).message, "a " + word) << "no number: the server's matter";
}

TEST_F(GrpcRouter, APinThatNamesNoServedVersionIsRefused) {
  GrpcDouble server("a");
  Serve({&server});
  EXPECT_EQ(Call(kInfer, Field(2, "7")).status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(Call(kEcho, "x", {.metadata = {{"penstock-version", "7"}}}).status.error_code(),
            StatusCode::NOT_FOUND);
  for (const char* wrong : {"x", "0", "-1", ""})
    EXPECT_EQ(Call(kEcho, "x", {.metadata = {{"penstock-version", wrong}}}).status.error_code(),
              StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Call(kInfer, Field(2, "1"), {.metadata = {{"penstock-version", "1"}}}).message, "a ");
  EXPECT_EQ(server.calls, 1);
  EXPECT_EQ(Live().bad_requests, 6);
}

TEST_F(GrpcRouter, ADeadEndpointCostsNoCall) {
  GrpcDouble good("a");
  VersionRoute version{.version = 1, .weight = kWhole};
  version.endpoints = {{"127.0.0.1", 1, FreePort()}, good.endpoint()};
  Route({version});
  for (int i = 0; i < 200; ++i) {
    const Answered answered = Call(kEcho, std::to_string(i));
    ASSERT_TRUE(answered.status.ok()) << i << " " << answered.status.error_message();
  }
  EXPECT_EQ(good.calls, 200);
  EXPECT_EQ(Totals(1).ok, 200);
  EXPECT_GE(Totals(1).retries, 1);
  EXPECT_LE(Totals(1).retries, 40) << "it is not asked each time";
}

TEST_F(GrpcRouter, AServerWithoutGrpcIsNotWaitedFor) {
  Route({{.version = 1, .weight = kWhole, .endpoints = {{"127.0.0.1", 8080}}}});
  const Answered answered = Call(kEcho, "x");
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(answered.status.error_message(), HasSubstr("answer no gRPC"));
}

TEST_F(GrpcRouter, TheClientsDeadlineIsPassedOnAndKept) {
  GrpcDouble server("a");
  Serve({&server});
  const auto begun = std::chrono::system_clock::now();
  const Answered answered = Call("/test.Service/Hang", "x", {.deadline = std::chrono::seconds(1)});
  EXPECT_EQ(answered.status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_LE(server.deadline(), begun + std::chrono::seconds(3));
  EXPECT_TRUE(Eventually([&] { return server.cancelled == 1; }));
  // On a busy machine it cannot be told from a client that has gone.
  EXPECT_TRUE(Eventually([&] { return Totals(1).timeouts + Totals(1).client_gone == 1; }));
  EXPECT_TRUE(Eventually([&] { return front_->requests() == 0; }));
}

TEST_F(GrpcRouter, AServerThatDoesNotAnswerInTheDeploymentsTimeIsLate) {
  GrpcDouble server("a");
  route_.timeout = std::chrono::milliseconds(200);
  Serve({&server});
  const Answered answered = Call("/test.Service/Hang", "x");
  EXPECT_EQ(answered.status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(answered.status.error_message(), "the server did not answer in time");
  EXPECT_EQ(Totals(1).timeouts, 1);
  EXPECT_TRUE(Eventually([&] { return server.cancelled == 1; }));
}

TEST_F(GrpcRouter, ALargeMessagePassesAndATooLargeOneIsRefused) {
  GrpcDouble server("a");
  options_.limits.grpc_message_bytes = 10 << 20;
  Serve({&server});
  std::string large(8U << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  EXPECT_TRUE(Call(kEcho, large).message == "a " + large);
  EXPECT_TRUE(Call(kInfer, Field(2, "1") + Field(3, "id")).message == "a " + Field(3, "id"));
  const Answered refused = Call(kEcho, std::string(11U << 20, 'x'));
  EXPECT_EQ(refused.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Call(kEcho, "after").status.ok());
}

TEST_F(GrpcRouter, ACompressedMessageIsInflatedWithinItsBound) {
  GrpcDouble server("a");
  options_.limits.grpc_message_bytes = 1 << 20;
  Serve({&server});
  const std::string fits(1U << 20, 'x');
  for (const auto coding : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    Talk talk(Channel(), "/test.Service/Collect");
    talk.context.set_compression_algorithm(coding);
    ASSERT_TRUE(talk.Start() && talk.Write(fits) && talk.WritesDone());
    EXPECT_EQ(talk.Read(), "1");
    EXPECT_TRUE(server.last_message() == fits);
    const Answered bomb = Call(kEcho, std::string(4U << 20, '\0'), {.compression = coding});
    EXPECT_EQ(bomb.status.error_code(), StatusCode::RESOURCE_EXHAUSTED)
        << bomb.status.error_message();
  }
}

TEST_F(GrpcRouter, MoreCallsThanMayBeAreRefused) {
  GrpcDouble server("a");
  options_.limits.grpc_calls = 2;
  Serve({&server});
  Talk one(Channel(), "/test.Service/Hang");
  Talk two(Channel(), "/test.Service/Hang");
  ASSERT_TRUE(one.Start() && two.Start());
  ASSERT_TRUE(Eventually([&] { return server.calls == 2; }));
  EXPECT_EQ(Call(kEcho, "x").status.error_code(), StatusCode::UNAVAILABLE);
  one.context.TryCancel();
  EXPECT_TRUE(Eventually([&] { return Call(kEcho, "x").status.ok(); }));
}

TEST_F(GrpcRouter, CallsUnderWayCountAmongThoseByWhichServersAreScaled) {
  GrpcDouble server("a");
  Serve({&server});
  Talk talk(Channel(), "/test.Service/Hang");
  ASSERT_TRUE(talk.Start());
  const auto in_flight = [&] {
    return router_->Look()
        .routes->deployments.at(0)
        ->versions.at(0)
        .endpoints.at(0)
        ->in_flight.load();
  };
  EXPECT_TRUE(Eventually([&] { return in_flight() == 1; }));
  talk.context.TryCancel();
  EXPECT_TRUE(Eventually([&] { return in_flight() == 0; }));
}

}  // namespace
}  // namespace penstock::router
