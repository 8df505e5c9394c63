#include "operator/protocol/model_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::HasSubstr;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(ModelSource, IsTakenApartByItsScheme) {
  const auto web = ParseModelSource("https://h:8443/a/m.onnx?v=1@" + kDigest);
  ASSERT_TRUE(web) << web.error().message;
  EXPECT_EQ(web->kind, ModelSource::Kind::kHttp);
  EXPECT_EQ(web->location, "https://h:8443/a/m.onnx?v=1");
  EXPECT_EQ(web->digest, kDigest);
  const auto claim = ParseModelSource("pvc://models/flights/7@" + kDigest);
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_EQ(claim->kind, ModelSource::Kind::kClaim);
  EXPECT_EQ(claim->claim, "models");
  EXPECT_EQ(claim->path, "flights/7");
  const auto image = ParseModelSource("oci://r.example:5000/team/m:1@" + kDigest);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->kind, ModelSource::Kind::kOci);
  EXPECT_EQ(image->location, "r.example:5000/team/m:1");
}

TEST(ModelSource, SaysOfAUriWithoutADigestHowToGetOneAndNothingOfItsQuery) {
  const auto none = ParseModelSource("https://h/m.onnx?signature=s3cret");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(none.error().message, HasSubstr("penstock model digest"));
  EXPECT_THAT(none.error().message, Not(HasSubstr("s3cret")));
}

TEST(ModelSource, RefusesUsersOtherSchemesAndPathsOutOfTheClaim) {
  for (const char* wrong : {"s3://b/m@", "https://u:p@h/m@", "pvc://c@", "pvc:///p@", "pvc://c//p@",
                            "pvc://c/../p@", "pvc://c/a/..@"}) {
    const auto parsed = ParseModelSource(wrong + kDigest);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid) << wrong;
  }
}

}  // namespace
}  // namespace penstock
