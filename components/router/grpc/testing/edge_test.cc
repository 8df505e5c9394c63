// TLS and tokens before a gRPC port.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "components/router/grpc/metadata.h"
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

TEST_F(GrpcEdge, WithoutKeysATokenIsNotCalledWrongAndTheIssuerIsTold) {
  GrpcDouble server("a");
  AskForTokens();
  std::filesystem::remove(folder_ / "jwks.json");
  Serve({&server});
  const Answered answered = Call(kInfer, "x", {.metadata = {{"authorization", Token(key_, 60)}}});
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(answered.status.error_message(),
            "the keys of the issuer https://issuer are not known yet: no token can be judged");
  EXPECT_EQ(Call(kInfer, "x").status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.calls, 0);
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

// A frame of HTTP/2.
std::string Frame(char type, char flags, char stream, const std::string& payload) {
  std::string frame = {0, static_cast<char>(payload.size() >> 8U),
                       static_cast<char>(payload.size() & 0xFFU), type, flags};
  return frame + std::string("\0\0\0", 3) + stream + payload;
}

// A call of one empty message, with a header that no client of gRPC's own would send.
std::string RawCall(const std::string& key, const std::string& value) {
  std::string head;
  for (const auto& [name, text] :
       std::vector<std::pair<std::string, std::string>>{{":method", "POST"},
                                                        {":scheme", "http"},
                                                        {":path", "/grpc.health.v1.Health/Check"},
                                                        {":authority", "m"},
                                                        {"te", "trailers"},
                                                        {"content-type", "application/grpc"},
                                                        {key, value}})
    head += std::string(1, '\0') + static_cast<char>(name.size()) + name +
            static_cast<char>(text.size()) + text;
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, "") + Frame(1, 4, 1, head) +
         Frame(0, 1, 1, std::string(5, '\0'));
}

TEST_F(GrpcRouter, AClientsMetadataThatGrpcDoesNotSendEndsItsCallAndNotTheRouter) {
  GrpcDouble server("a");
  Serve({&server});
  std::vector<std::unique_ptr<Connection>> clients;
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"user", "J\xC3\xBCrgen"}, {"user", "a\x01"}, {"User", "x"}, {"us er", "x"}}) {
    clients.push_back(ConnectTo(route_.grpc_port));
    ASSERT_TRUE(clients.back() && clients.back()->Send(RawCall(key, value)));
  }
  EXPECT_TRUE(Eventually([&] { return Live().bad_requests == 4; })) << Live().bad_requests;
  EXPECT_EQ(Call(kEcho, "x").message, "a x");
  EXPECT_EQ(server.calls, 1);
}

TEST(Metadata, WhatGrpcDoesNotSendIsFoundAndNotPassedOn) {
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;
  EXPECT_FALSE(Unsendable(Metadata{{"user", "x y~"}, {"user-bin", "\xff\x01"}, {"user", ""}}));
  EXPECT_EQ(Unsendable(Metadata{{"a", "x"}, {"user", "\x7f"}}), "user");
  EXPECT_EQ(Unsendable(Metadata{{"User-bin", "x"}}), "User-bin");
}

}  // namespace
}  // namespace penstock::router
