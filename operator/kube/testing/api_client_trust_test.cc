// Whom the ApiClient trusts, and how it says who it is, against a fake server.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "operator/kube/testing/api_client_fixture.h"

namespace penstock::kube {
namespace {

std::filesystem::path Scratch(const std::string& name, const std::string& content) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("penstock-" + std::to_string(getpid()) + "-" + name);
  std::ofstream(path) << content;
  return path;
}

void AnswerAll(FakeConnection& c) {
  while (!c.ReadRequest().empty()) c.Answer(200, kPod);
}

TEST(ApiClientTls, TrustsTheGivenAuthorityOnly) {
  const FakeIdentity ours = MakeFakeIdentity();
  const FakeIdentity other = MakeFakeIdentity();
  FakeServer server(AnswerAll, &ours);
  ClusterConfig config;
  config.ca.data = ours.certificate_pem;
  EXPECT_TRUE(ClientOf(server, config)->Get(kPods, "ns", "p"));
  config.ca.data = other.certificate_pem;
  const auto refused = ClientOf(server, config)->Get(kPods, "ns", "p");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("certificate"), std::string::npos)
      << refused.error().message;
  config.ca.data.clear();
  EXPECT_FALSE(ClientOf(server, config)->Get(kPods, "ns", "p")) << "not among the system's roots";
  config.insecure = true;
  EXPECT_TRUE(ClientOf(server, config)->Get(kPods, "ns", "p"));
}

TEST(ApiClientTls, RefusesACertificateOfAnotherName) {
  const FakeIdentity ours = MakeFakeIdentity();
  FakeServer server(AnswerAll, &ours);
  ClusterConfig config;
  config.ca.data = ours.certificate_pem;
  config.tls_server_name = "kubernetes.default.svc";
  EXPECT_FALSE(ClientOf(server, config)->Get(kPods, "ns", "p"));
}

TEST(ApiClientTls, ReadsARotatedAuthorityWithoutARestart) {
  const FakeIdentity first = MakeFakeIdentity();
  const FakeIdentity second = MakeFakeIdentity();
  FakeServer server(
      [](FakeConnection& c) {
        c.ReadRequest();
        c.Answer(200, kPod, "Connection: close\r\n");
      },
      &first);
  ClusterConfig config;
  config.ca.file = Scratch("ca.pem", first.certificate_pem);
  auto client = ClientOf(server, config);
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  server.SetIdentity(second);
  EXPECT_FALSE(client->Get(kPods, "ns", "p"));
  Scratch("ca.pem", "");
  TestClock().offset_ms += 61'000;
  EXPECT_FALSE(client->Get(kPods, "ns", "p")) << "an empty file is a rotation under way";
  Scratch("ca.pem", second.certificate_pem);
  TestClock().offset_ms += 61'000;
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
}

TEST(ApiClientCredentials, A401MakesTheTokenFileBeReadAgain) {
  FakeServer server([](FakeConnection& c) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      const bool known = request.find("Authorization: Bearer new\r\n") != std::string::npos;
      c.Answer(known ? 200 : 401, known ? kPod : "{}");
    }
  });
  ClusterConfig config;
  config.token.file = Scratch("token", "old\n");
  auto client = ClientOf(server, config);
  const auto refused = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  Scratch("token", "new\n");
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
}

}  // namespace
}  // namespace penstock::kube
