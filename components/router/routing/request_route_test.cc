#include "components/router/routing/request_route.h"

#include <gtest/gtest.h>

namespace penstock::router {
namespace {

TEST(RequestRoute, NamesTheKindOfRoute) {
  EXPECT_EQ(RouteOf("/v2/models/m/infer").kind, RouteKind::kInfer);
  EXPECT_EQ(RouteOf("/v2/models/m/versions/3/infer?a=/ready").kind, RouteKind::kInfer);
  EXPECT_EQ(RouteOf("/v1/models/m:predict").kind, RouteKind::kPredict);
  EXPECT_EQ(RouteOf("/v1/models/m/versions/3:classify").kind, RouteKind::kPredict);
  EXPECT_EQ(RouteOf("/v2/models/m").kind, RouteKind::kMetadata);
  EXPECT_EQ(RouteOf("/v2/models/m/ready").kind, RouteKind::kHealth);
  EXPECT_EQ(RouteOf("/v2/health/live").kind, RouteKind::kHealth);
  EXPECT_EQ(RouteOf("/metrics").kind, RouteKind::kHealth);
  EXPECT_EQ(RouteOf("/infer").kind, RouteKind::kOther);
  EXPECT_EQ(RouteOf("*").kind, RouteKind::kOther);
}

TEST(RequestRoute, FindsThePinOfAPath) {
  const std::string_view target = "/v2/models/m/versions/12/infer";
  const RequestRoute route = RouteOf(target);
  ASSERT_TRUE(route.version);
  EXPECT_EQ(*route.version, 12);
  EXPECT_EQ(target.substr(route.pin_begin, route.pin_end - route.pin_begin), "/versions/12");
  EXPECT_EQ(RouteOf("/v1/models/m/versions/7:predict").version, 7);
  for (const char* none :
       {"/v2/models/m/versions/", "/v2/models/m/versions/0/infer", "/v2/models/m/versions/-1",
        "/v2/models/m/versions/1x", "/v2/models/versions/3", "/v2/models/m/infer?x=/versions/3",
        "/x/versions/3", "/v2/models/m/versions/99999999999999999999"})
    EXPECT_FALSE(RouteOf(none).version) << none;
}

TEST(RequestRoute, KnowsWhatMaySafelyBeSentTwice) {
  EXPECT_TRUE(IsIdempotent("GET", RouteKind::kOther));
  EXPECT_TRUE(IsIdempotent("POST", RouteKind::kInfer));
  EXPECT_TRUE(IsIdempotent("POST", RouteKind::kPredict));
  EXPECT_FALSE(IsIdempotent("POST", RouteKind::kOther));
  EXPECT_FALSE(IsIdempotent("POST", RouteKind::kMetadata));
  EXPECT_FALSE(IsIdempotent("get", RouteKind::kOther));
}

}  // namespace
}  // namespace penstock::router
