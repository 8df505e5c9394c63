// TLS and tokens before a gRPC port.
#include <thread>

#include "components/router/grpc/testing/fixture.h"

namespace penstock::router {
namespace {

using grpc::StatusCode;

class GrpcEdge : public GrpcRouter {
 protected:
  // Trusts nothing but the certificate that is in the file now.
  void TrustWhatStandsThere() {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(folder_ / "tls.crt", 1 << 20).value();
    channel_ = NewChannel(grpc::SslCredentials(options));
  }
  [[nodiscard]] static std::string Token(const TestKey& key, std::int64_t seconds) {
    const std::string header = Bearer(key, seconds);
    const auto begin = header.find(": ") + 2;
    return header.substr(begin, header.size() - 2 - begin);
  }
};

TEST_F(GrpcEdge, AnswersUnderTlsAndNobodyWithoutIt) {
  GrpcDouble server("a");
  PutCertificate("localhost");
  AskForTls();
  Serve({&server});
  TrustWhatStandsThere();
  EXPECT_EQ(Call(kEcho, "x").message, "a x");
  channel_ = NewChannel();
  EXPECT_EQ(Call(kEcho, "x").status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(server.calls, 1);
}

TEST_F(GrpcEdge, ARenewedCertificateIsShownWithoutARestart) {
  GrpcDouble server("a");
  PutCertificate("localhost");
  AskForTls();
  Serve({&server});
  TrustWhatStandsThere();
  Talk old(Channel(), "/test.Service/Chat");
  ASSERT_TRUE(old.Start() && old.Write("x"));
  EXPECT_EQ(old.Read(), "a x");
  PutCertificate("localhost");
  TrustWhatStandsThere();
  EXPECT_TRUE(Eventually([&] {
    TrustWhatStandsThere();
    return Call(kEcho, "x", {.deadline = std::chrono::milliseconds(2'000)}).status.ok();
  }));
  ASSERT_TRUE(old.Write("y"));
  EXPECT_EQ(old.Read(), "a y") << "what is under way goes on";
}

TEST_F(GrpcEdge, ARenewalThatCannotBeUsedLeavesTheOneBefore) {
  GrpcDouble server("a");
  PutCertificate("localhost");
  AskForTls();
  Serve({&server});
  TrustWhatStandsThere();
  Put("tls.key", PemOf(NewEcKey()));
  EXPECT_TRUE(Eventually([&] { return !View().certificate_trouble.empty(); }));
  EXPECT_EQ(Call(kEcho, "x").message, "a x");
}

TEST_F(GrpcEdge, AnswersNobodyUntilThereIsACertificate) {
  GrpcDouble server("a");
  AskForTls();
  Serve({&server});
  EXPECT_EQ(Call(kEcho, "x").status.error_code(), StatusCode::UNAVAILABLE);
  PutCertificate("localhost");
  EXPECT_TRUE(Eventually([&] {
    TrustWhatStandsThere();
    return Call(kEcho, "x").status.ok();
  }));
}

TEST_F(GrpcEdge, TlsThatIsAskedForLaterEndsThePlainPort) {
  GrpcDouble server("a");
  Serve({&server});
  ASSERT_TRUE(Call(kEcho, "x").status.ok());
  PutCertificate("localhost");
  AskForTls();
  Serve({&server});
  const int before = server.calls;
  EXPECT_FALSE(Call(kEcho, "x").status.ok()) << "by the connection that it had";
  channel_ = NewChannel();
  EXPECT_FALSE(Call(kEcho, "x").status.ok());
  EXPECT_EQ(server.calls, before);
  TrustWhatStandsThere();
  EXPECT_TRUE(Call(kEcho, "x").status.ok());
}

TEST_F(GrpcEdge, ACallWithoutATokenThatHoldsNeverReachesAServer) {
  GrpcDouble server("a");
  AskForTokens();
  Serve({&server});
  const std::string good = Token(key_, 60);
  using Metadata = std::multimap<std::string, std::string>;
  for (const Metadata& metadata : {Metadata{}, Metadata{{"authorization", Token(key_, -60)}},
                                   Metadata{{"authorization", Token(NewEcKey(), 60)}},
                                   Metadata{{"authorization", good}, {"authorization", good}},
                                   Metadata{{"authorization", "Basic YTpi"}}}) {
    const Answered answered = Call(kInfer, "x", {.metadata = metadata});
    EXPECT_EQ(answered.status.error_code(), StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(answered.status.error_message(), "a bearer token is required that is valid here");
  }
  EXPECT_EQ(server.calls, 0);
  EXPECT_EQ(Live().unauthorized, 5);
  EXPECT_EQ(Call(kEcho, "x", {.metadata = {{"authorization", good}}}).message, "a x");
  EXPECT_EQ(server.metadata().count("authorization"), 0U) << "a token is for the router";
}

TEST_F(GrpcEdge, ProbesNeedNoTokenAndCarryNothingElse) {
  GrpcDouble server("a");
  AskForTokens();
  Serve({&server});
  EXPECT_TRUE(Call("/grpc.health.v1.Health/Check", "").status.ok());
  EXPECT_TRUE(Call("/inference.GRPCInferenceService/ModelReady", "\n\x01m").status.ok());
  EXPECT_EQ(Call("/grpc.health.v1.Health/Check", std::string(5'000, 'x')).status.error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Call("/grpc.health.v1.Health/Watch", "").status.error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call("/inference.GRPCInferenceService/ModelReady", "\x12\x01\x37").status.error_code(),
            StatusCode::UNAVAILABLE)
      << "which versions there are, is nothing for everybody";
  Talk talk(Channel(), "/grpc.health.v1.Health/Check");
  ASSERT_TRUE(talk.Start());
  EXPECT_TRUE(talk.Write(""));
  (void)talk.Write("and more");
  EXPECT_EQ(talk.Finish().error_code(), StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace penstock::router
