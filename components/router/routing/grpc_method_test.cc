#include "components/router/routing/grpc_method.h"

#include <gtest/gtest.h>

namespace penstock::router {
namespace {

TEST(GrpcMethod, OfTheInferenceProtocolIsKnown) {
  const GrpcMethod infer = GrpcMethodOf("/inference.GRPCInferenceService/ModelInfer");
  EXPECT_EQ(infer.kind, RouteKind::kInfer);
  EXPECT_TRUE(infer.unary && infer.names_version);
  EXPECT_FALSE(infer.open_probe);
  EXPECT_EQ(GrpcMethodOf("/inference.GRPCInferenceService/ModelReady").kind, RouteKind::kHealth);
  EXPECT_TRUE(GrpcMethodOf("/inference.GRPCInferenceService/ModelReady").open_probe);
  EXPECT_EQ(GrpcMethodOf("/tensorflow.serving.PredictionService/Predict").kind,
            RouteKind::kPredict);
}

TEST(GrpcMethod, ThatNobodyKnowsIsOneOfTheOthers) {
  for (const char* name : {"", "/", "/inference.GRPCInferenceService/ModelInfer/",
                           "inference.GRPCInferenceService/ModelInfer", "/own.Service/Method"}) {
    const GrpcMethod method = GrpcMethodOf(name);
    EXPECT_EQ(method.kind, RouteKind::kOther) << name;
    EXPECT_FALSE(method.unary || method.names_version || method.open_probe) << name;
  }
}

TEST(GrpcMethod, WatchingTheHealthNeedsAToken) {
  EXPECT_TRUE(GrpcMethodOf("/grpc.health.v1.Health/Check").open_probe);
  EXPECT_FALSE(GrpcMethodOf("/grpc.health.v1.Health/Watch").open_probe);
}

TEST(GrpcStatus, OfAServerThatCannotServeIsAnErrorAndOfAWrongCallIsTheClients) {
  for (const int code : {1, 2, 8, 13, 14, 15, 17, 99, -1}) EXPECT_GE(HttpStatusOf(code), 500);
  for (const int code : {3, 5, 6, 7, 9, 10, 11, 12, 16}) {
    EXPECT_GE(HttpStatusOf(code), 400);
    EXPECT_LT(HttpStatusOf(code), 500);
  }
  EXPECT_EQ(HttpStatusOf(0), 200);
}

}  // namespace
}  // namespace penstock::router
