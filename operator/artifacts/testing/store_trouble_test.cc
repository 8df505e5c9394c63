// A store whose disk or process fails it: what cannot be read is not absent.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/os/testing/exhaustion.h"

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

class StoreTrouble : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    fs::create_directories(dir_ / "in");
    std::ofstream(dir_ / "in" / "a.csv") << "1,2\n";
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_)); }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("trouble_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  Store store_{dir_ / "store"};
};

// A name that cannot be looked at, as on a failing disk: it leads in a circle.
void MakeUnreadable(const fs::path& path) {
  fs::remove(path);
  fs::create_symlink(path.filename(), path);
}

TEST_F(StoreTrouble, ADiskThatDoesNotAnswerIsNotTakenForAnAbsentBlob) {
  const auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref);
  const std::string file = "sha256:" + Sha256Hex("1,2\n");
  MakeUnreadable(store_.BlobPath("ns", file).value());
  const auto path = store_.BlobPath("ns", file);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().kind, ErrorKind::kInternal) << path.error().message;
  EXPECT_NE(store_.Find("ns", file).error().kind, ErrorKind::kNotFound);
  const auto whole = store_.Exists("ns", *ref);
  ASSERT_FALSE(whole) << "its folder was taken for one that is not whole";
  EXPECT_EQ(whole.error().kind, ErrorKind::kInternal);
}

TEST_F(StoreTrouble, WithoutADescriptorLeftAFolderIsNotTakenForAFile) {
  const auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref);
  {
    const Exhaustion exhaustion(0);
    const auto found = store_.Find("ns", ref->digest);
    ASSERT_FALSE(found) << (found->folder ? "" : "it is called a file");
    EXPECT_EQ(found.error().kind, ErrorKind::kTransient) << found.error().message;
  }
  EXPECT_TRUE(store_.Find("ns", ref->digest)->folder);
}

TEST_F(StoreTrouble, RemovesWhatKilledWritersLeftBesideReceiptsCacheEntriesAndPredictions) {
  const fs::path ns = dir_ / "store" / "ns";
  const std::string left = ".tmp-0123456789abcdef";
  for (const char* file :
       {"receipts/run-1/pod-1", "cache/ab/abcd", "predictions/flights/a.parquet"}) {
    fs::create_directories((ns / file).parent_path());
    for (const std::string& path : {(ns / file).string(), (ns / file).string() + left}) {
      std::ofstream(path) << "x";
      fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
  }
  std::ofstream(ns.string() + "/receipts/run-1/pod-2" + left) << "being written";
  const auto removed = store_.RemoveLeftovers(std::chrono::hours(1));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 3);
  for (const char* file :
       {"receipts/run-1/pod-1", "cache/ab/abcd", "predictions/flights/a.parquet"})
    EXPECT_TRUE(fs::exists(ns / file)) << file;
  EXPECT_TRUE(fs::exists(ns.string() + "/receipts/run-1/pod-2" + left));
}

}  // namespace
}  // namespace penstock::artifacts
