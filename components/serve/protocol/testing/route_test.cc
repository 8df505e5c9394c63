#include "components/serve/protocol/route.h"

#include <gtest/gtest.h>

namespace penstock::serve {
namespace {

int StatusOf(const char* method, const char* target) {
  auto route = FindRoute(target);
  if (!route) return route.error().kind == ErrorKind::kNotFound ? 404 : 500;
  return Takes(route->operation, method) ? 200 : 405;
}

TEST(Route, FindsTheProtocolsPaths) {
  EXPECT_EQ(FindRoute("/v2")->operation, Operation::kServerMetadata);
  EXPECT_EQ(FindRoute("/v2/")->operation, Operation::kServerMetadata);
  EXPECT_EQ(FindRoute("/v2/health/live")->operation, Operation::kLive);
  EXPECT_EQ(FindRoute("/v2/health/ready")->operation, Operation::kReady);
  EXPECT_EQ(FindRoute("/metrics?x=1")->operation, Operation::kMetrics);
  EXPECT_EQ(FindRoute("/v2/models/m")->operation, Operation::kModelMetadata);
  EXPECT_EQ(FindRoute("/v2/models/m/versions/3/ready")->operation, Operation::kModelReady);
  auto infer = FindRoute("/v2/models/m/versions/3/infer");
  ASSERT_TRUE(infer);
  EXPECT_EQ(infer->operation, Operation::kInfer);
  EXPECT_EQ(infer->model, "m");
  EXPECT_EQ(infer->version, "3");
}

TEST(Route, FindsTheExtensionsPaths) {
  EXPECT_EQ(FindRoute("/v2/models/stats")->operation, Operation::kStatistics);
  EXPECT_EQ(FindRoute("/v2/models/m/versions/3/stats")->version, "3");
  EXPECT_EQ(FindRoute("/v2/repository/index")->operation, Operation::kRepositoryIndex);
  EXPECT_EQ(StatusOf("GET", "/v2/repository/index"), 405);
  EXPECT_EQ(FindRoute("/v2/repository/models/m/load")->operation, Operation::kRepositoryChange);
}

TEST(Route, FindsTensorFlowServingsPaths) {
  auto predict = FindRoute("/v1/models/m/versions/3:predict");
  ASSERT_TRUE(predict);
  EXPECT_EQ(predict->operation, Operation::kPredict);
  EXPECT_EQ(predict->model, "m");
  EXPECT_EQ(predict->version, "3");
  EXPECT_EQ(FindRoute("/v1/models/m:predict")->model, "m");
  EXPECT_EQ(FindRoute("/v1/models/m")->operation, Operation::kPredictStatus);
  EXPECT_EQ(FindRoute("/v1/models/m/versions/3")->version, "3");
}

TEST(Route, DecodesNames) {
  EXPECT_EQ(FindRoute("/v2/models/%EB%B9%84%2Fa")->model, "비/a");
  EXPECT_EQ(FindRoute("/v2/models/versions")->model, "versions");
}

TEST(Route, IsNotFoundForOtherPaths) {
  for (const char* target :
       {"/", "", "*", "/v1/models/m:classify", "/v1/models/m/infer", "/v2/repository/models/m",
        "/v2/models", "/v2//models/m", "/v2/models/m/x", "/v2/models/m/versions",
        "/v2/models/m/infer/x", "/v2/models/%zz", "/v2/models/%2"}) {
    EXPECT_EQ(StatusOf("GET", target), 404) << target;
  }
}

TEST(Route, NamesTheAllowedMethod) {
  EXPECT_EQ(StatusOf("GET", "/v2/models/m/infer"), 405);
  EXPECT_EQ(StatusOf("PUT", "/v2/models/m/infer"), 405);
  EXPECT_EQ(StatusOf("POST", "/v2/health/ready"), 405);
  EXPECT_EQ(StatusOf("HEAD", "/v2/health/ready"), 200);
  EXPECT_EQ(StatusOf("HEAD", "/v2/models/m/infer"), 405);
  EXPECT_EQ(StatusOf("POST", "/metrics"), 405);
  EXPECT_STREQ(MethodOf(Operation::kInfer), "POST");
  EXPECT_STREQ(MethodOf(Operation::kMetrics), "GET");
}

}  // namespace
}  // namespace penstock::serve
