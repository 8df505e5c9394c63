// The real launcher as the init container of a model's server: from a bucket.
#include <fstream>

#include "components/launcher/testing/model_fetch_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::launcher {
namespace {

namespace fs = std::filesystem;

// Of a bucket, with the variables that spec.fetch gives.
class BucketModelTest : public ModelFetchTest {
 protected:
  void SetUp() override {
    ModelFetchTest::SetUp();
    env_.push_back("AWS_ENDPOINT_URL=" + bucket_.settings().endpoint);
    env_.push_back("AWS_ACCESS_KEY_ID=" + s3::FakeS3::keys().access_key);
    env_.push_back("AWS_SECRET_ACCESS_KEY=" + s3::FakeS3::keys().secret_key);
  }
  int FetchFrom(const std::string& uri, const std::string& digest) {
    (void)artifacts::RemoveTree(dir_ / "model");
    return Fetch({"--source", uri, "--digest", digest});
  }
  s3::FakeS3 bucket_;
};

TEST_F(BucketModelTest, AnObjectKeepsItsNameAndAnArchiveIsUnpacked) {
  bucket_.SetBytes("a/m.onnx", "onnx");
  ASSERT_EQ(FetchFrom("s3://models/a/m.onnx", DigestOf("onnx")), 0) << said_;
  EXPECT_EQ(Model("m.onnx"), "onnx");
  const std::string bytes = Archive();
  bucket_.SetBytes("a/m.tgz", bytes);
  ASSERT_EQ(FetchFrom("s3://models/a/m.tgz", DigestOf(bytes)), 0) << said_;
  EXPECT_EQ(Model("model.yaml"), "name: m");
}

TEST_F(BucketModelTest, AFolderHasTheDigestOfItsArtifact) {
  bucket_.SetBytes("flights/7/model.yaml", "name: m");
  bucket_.SetBytes("flights/7/deep/weights", "w");
  bucket_.SetBytes("flights/70/other", "x");
  fs::create_directories(dir_ / "same/deep");
  std::ofstream(dir_ / "same/model.yaml") << "name: m";
  std::ofstream(dir_ / "same/deep/weights") << "w";
  const auto artifact = store_.Put("team", dir_ / "same");
  ASSERT_TRUE(artifact);
  ASSERT_EQ(FetchFrom("s3://models/flights/7/", artifact->digest), 0) << said_;
  EXPECT_EQ(Model("deep/weights"), "w");
  EXPECT_FALSE(fs::exists(dir_ / "model/content/other"));
  bucket_.SetBytes("flights/7/more", "x");
  EXPECT_NE(FetchFrom("s3://models/flights/7/", artifact->digest), 0);
  EXPECT_TRUE(Has(said_, "s3://models/flights/7/: its bytes have the digest sha256:")) << said_;
  EXPECT_TRUE(fs::is_empty(dir_ / "model"));
}

TEST_F(BucketModelTest, WhatIsAFolderIsSaidToBeOne) {
  bucket_.SetBytes("flights/7/model.yaml", "name: m");
  EXPECT_NE(FetchFrom("s3://models/flights/7", DigestOf("x")), 0);
  EXPECT_TRUE(Has(said_, "flights/7/ is all of them as a folder")) << said_;
}

TEST_F(BucketModelTest, OtherBytesThanTheDigestsLeaveNothing) {
  bucket_.SetBytes("m.onnx", "changed");
  EXPECT_NE(FetchFrom("s3://models/m.onnx", DigestOf("onnx")), 0);
  EXPECT_TRUE(Has(said_, "its bytes have the digest " + DigestOf("changed"))) << said_;
  EXPECT_TRUE(fs::is_empty(dir_ / "model"));
}

TEST_F(BucketModelTest, WithoutKeysItIsSaidWhereTheyBelong) {
  bucket_.SetBytes("m.onnx", "onnx");
  env_.resize(env_.size() - 2);
  EXPECT_NE(FetchFrom("s3://models/m.onnx", DigestOf("onnx")), 0);
  EXPECT_TRUE(Has(said_, "asked without keys") && Has(said_, "the env of spec.fetch")) << said_;
}

}  // namespace
}  // namespace penstock::launcher
