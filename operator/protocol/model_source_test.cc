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
  for (const std::string uri :
       {"s3://b/m.onnx", "gs://b/a/m/", "az://c/m.tgz", "webhdfs://n:9870/m/", "swebhdfs:///m/"}) {
    const auto bucket = ParseModelSource(uri + "@" + kDigest);
    ASSERT_TRUE(bucket) << bucket.error().message;
    EXPECT_EQ(bucket->kind, ModelSource::Kind::kBucket) << uri;
    EXPECT_EQ(bucket->location, uri);
    EXPECT_EQ(bucket->digest, kDigest);
  }
}

TEST(ModelSource, OfABucketIsOneObjectOrFolderAndNoSpanOfTime) {
  for (const char* wrong : {"s3://b/{YYYY}/?window=7d@", "s3://b/m?versionId=1@", "gs://b/m#1@"}) {
    const auto parsed = ParseModelSource(wrong + kDigest);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_THAT(parsed.error().message, HasSubstr("must name one object, or a folder")) << wrong;
  }
}

TEST(ModelSource, ThatIsAnImageIsNoUriAndGivesTheImageBack) {
  const std::string image = "r.example:5000/team/app:1@" + kDigest;
  const std::string source = SourceOfImage(image);
  EXPECT_FALSE(IsModelUri(source));
  EXPECT_FALSE(ParseModelSource(source));
  EXPECT_EQ(ImageOfSource(source), image);
  EXPECT_EQ(ImageOfSource("https://h/m@" + kDigest), "");
  EXPECT_EQ(DigestOfImage(image), kDigest);
  for (const std::string none : {"", "app", "app:1", "app@sha256:12"})
    EXPECT_EQ(DigestOfImage(none), "") << none;
  EXPECT_EQ(DigestOfImage("@" + kDigest), "");
}

TEST(ModelSource, SaysOfAUriWithoutADigestHowToGetOneAndNothingOfItsQuery) {
  const auto none = ParseModelSource("https://h/m.onnx?signature=s3cret");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(none.error().message, HasSubstr("penstock model digest"));
  EXPECT_THAT(none.error().message, Not(HasSubstr("s3cret")));
}

TEST(ModelSource, RefusesUsersOtherSchemesAndPathsOutOfTheClaim) {
  for (const char* wrong : {"abfss://c/m@", "hf://b/m@", "https://u:p@h/m@", "pvc://c@",
                            "pvc:///p@", "pvc://c//p@", "pvc://c/../p@", "pvc://c/a/..@"}) {
    const auto parsed = ParseModelSource(wrong + kDigest);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid) << wrong;
  }
}

}  // namespace
}  // namespace penstock
