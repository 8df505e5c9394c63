#include "operator/artifacts/gc/verification.h"

#include <gtest/gtest.h>

#include "operator/artifacts/gc/testing/aging_store.h"
#include "operator/base/json.h"

namespace penstock::artifacts {
namespace {

class VerificationTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    aging_ = std::make_unique<AgingStore>(GetParam(), dir_);
  }
  void TearDown() override {
    aging_.reset();
    ASSERT_TRUE(RemoveTree(dir_));
  }
  static std::string Digest(const std::string& text) { return "sha256:" + Sha256Hex(text); }

  const std::filesystem::path dir_ = AgingDir();
  std::unique_ptr<AgingStore> aging_;
};

TEST_P(VerificationTest, OfAWholeStoreItHasNothingToSay) {
  const ArtifactRef folder = aging_->PutFolder({"a", "bc"});
  aging_->PutEntry("key", {folder});
  aging_->PutReceipt("pod-1", {folder});
  const Verified verified = VerifyStore(*aging_->store, {}, {});
  EXPECT_TRUE(verified.Good()) << Report(verified).dump(1);
  EXPECT_EQ(verified.files, 3U);
  EXPECT_TRUE(verified.dropped.empty());
  EXPECT_TRUE(aging_->HasEntry("key"));
}

TEST_P(VerificationTest, AnAlteredFileIsNamedAndItsCacheEntryDropped) {
  const ArtifactRef damaged = aging_->PutFolder({"good", "1,2\n"}),
                    other = aging_->PutFolder({"x"});
  aging_->PutEntry("damaged", {damaged});
  aging_->PutEntry("other", {other});
  aging_->Overwrite("ns", Digest("1,2\n"), "1,3\n");
  const Verified verified = VerifyStore(*aging_->store, {}, {});
  EXPECT_FALSE(verified.Good());
  ASSERT_EQ(verified.findings.size(), 1U) << Report(verified).dump(1);
  EXPECT_EQ(verified.findings[0].what, "altered");
  EXPECT_EQ(verified.findings[0].digest, Digest("1,2\n"));
  ASSERT_EQ(verified.dropped.size(), 1U);
  EXPECT_EQ(verified.dropped[0].key, Sha256Hex("damaged"));
  EXPECT_EQ(verified.dropped[0].step, "train");
  EXPECT_FALSE(aging_->HasEntry("damaged"));
  EXPECT_TRUE(aging_->HasEntry("other"));
  // Its maker, run again, repairs it.
  const ArtifactRef again = aging_->PutFolder({"good", "1,2\n"});
  EXPECT_EQ(again, damaged);
  EXPECT_TRUE(VerifyStore(*aging_->store, {}, {}).Good());
}

TEST_P(VerificationTest, WhatIsMissingIsNamedWithWhatNamesIt) {
  const ArtifactRef folder = aging_->PutFolder({"there", "not there"});
  const std::string file = aging_->PutFile("an output");
  aging_->PutReceipt("pod-1", {{file, false, 9}});
  aging_->PutEntry("key", {folder});
  for (const char* text : {"not there", "an output"})
    ASSERT_TRUE(aging_->objects->Remove(BlobKey("ns", Digest(text))));
  const Verified verified = VerifyStore(*aging_->store, {}, {});
  ASSERT_EQ(verified.findings.size(), 2U) << Report(verified).dump(1);
  EXPECT_EQ(verified.findings[0].what, "missing");
  EXPECT_EQ(verified.findings[0].digest, Digest("not there"));
  EXPECT_NE(verified.findings[0].where.find(folder.digest), std::string::npos);
  EXPECT_EQ(verified.findings[1].digest, Digest("an output"));
  EXPECT_NE(verified.findings[1].where.find("pod-1"), std::string::npos);
  EXPECT_EQ(verified.dropped.size(), 1U);
}

TEST_P(VerificationTest, AnEntryThatIsNoneIsDropped) {
  const std::string hex = Sha256Hex("key");
  ASSERT_TRUE(aging_->objects->Put("ns/cache/" + hex.substr(0, 2) + "/" + hex, "{\"half"));
  const Verified verified = VerifyStore(*aging_->store, {}, {});
  EXPECT_EQ(verified.dropped.size(), 1U);
  EXPECT_FALSE(aging_->HasEntry("key"));
}

INSTANTIATE_TEST_SUITE_P(Stores, VerificationTest, testing::Values("Volume", "S3"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::artifacts
