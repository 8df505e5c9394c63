// Copies of requests for a version that answers nobody.
#include "components/router/proxy/testing/router_fixture.h"

namespace penstock::router {
namespace {

constexpr const char* kInfer = "/v2/models/m/infer";

FakeServer::Serve Predicting(const std::string& values) {
  return [values](Connection& connection) {
    while (!connection.Read().empty())
      connection.Send(Ok(R"({"outputs":[{"name":"p","shape":[1,2],"datatype":"FP64","data":[)" +
                         values + "]}]}"));
  };
}

class Shadowing : public RouterTest {
 protected:
  void UseShadow(const FakeServer& stable, const FakeServer& shadow, int share) {
    Use({{.version = 1, .weight = kWhole, .endpoints = {stable.endpoint()}},
         {.version = 2, .weight = 0, .shadow = share, .endpoints = {shadow.endpoint()}}});
  }
  [[nodiscard]] ShadowStatistics::Totals Seen() const {
    return router_->Look().routes->deployments.at(0)->Find(2)->shadow_statistics->Read();
  }
};

TEST_F(Shadowing, CountsFlipsAndShiftOfTheCopiedShare) {
  FakeServer stable(Predicting("0.75,0.25"));
  FakeServer shadow(Predicting("0.25,0.75"));
  UseShadow(stable, shadow, 5'000);
  const auto client = Client();
  for (int i = 0; i < 40; ++i) {
    client->Send(Post(kInfer, "{}"));
    EXPECT_NE(client->Read().find("0.75,0.25"), std::string::npos);
  }
  EXPECT_TRUE(Eventually([&] { return Seen().compared == 20; }));
  const auto seen = Seen();
  EXPECT_EQ(seen.sum.flips, 20);
  EXPECT_DOUBLE_EQ(seen.sum.sum_absolute_difference, 20.0);
  EXPECT_EQ(Totals(2).requests, 0);
}

TEST_F(Shadowing, NeverDelaysTheAnswer) {
  std::atomic<bool> over{false};
  FakeServer stable(Predicting("1,0"));
  FakeServer stuck([&](Connection& connection) {
    (void)connection.Read();
    (void)Eventually([&] { return over.load(); });
  });
  options_.limits.shadows = 2;
  UseShadow(stable, stuck, kWhole);
  const auto client = Client();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    client->Send(Post(kInfer, "{}"));
    EXPECT_EQ(client->Read().find("HTTP/1.1 200"), 0U);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(Eventually([&] { return Seen().dropped == 48; }));  // two are under way
  over = true;
  EXPECT_TRUE(Eventually([&] { return Seen().failed == 2; }));
}

TEST_F(Shadowing, CopiesNoProbeAndNoOtherRoute) {
  FakeServer stable(Predicting("1,0"));
  FakeServer shadow(Predicting("1,0"));
  UseShadow(stable, shadow, kWhole);
  (void)Ask(Get("/v2/health/ready"));
  (void)Ask(Post("/train", "{}"));
  (void)Ask(Post(kInfer, "{}", "penstock-version: 1\r\n"));
  (void)Ask(Post(kInfer, "{}"));
  EXPECT_TRUE(Eventually([&] { return Seen().compared == 1; }));
  EXPECT_EQ(shadow.connections(), 1);
}

TEST_F(Shadowing, ReadsChunkedAnswers) {
  const auto chunked = [](Connection& connection) {
    while (!connection.Read().empty())
      connection.Send(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "10\r\n{\"predictions\":[\r\n4\r\n0.9]\r\n1\r\n}\r\n0\r\n\r\n");
  };
  FakeServer stable(chunked);
  FakeServer shadow(chunked);
  UseShadow(stable, shadow, kWhole);
  (void)Ask(Post("/v1/models/m:predict", "{}"));
  EXPECT_TRUE(Eventually([&] { return Seen().compared == 1; }));
  EXPECT_EQ(Seen().sum.flips, 0);
}

}  // namespace
}  // namespace penstock::router
