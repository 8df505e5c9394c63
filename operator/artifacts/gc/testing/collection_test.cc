#include "operator/artifacts/gc/collection.h"

#include <gtest/gtest.h>

#include "operator/artifacts/compose.h"
#include "operator/artifacts/gc/testing/aging_store.h"
#include "operator/artifacts/prediction_store.h"
#include "operator/base/json.h"

namespace penstock::artifacts {
namespace {
using std::chrono::hours;

class CollectionTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    aging_ = std::make_unique<AgingStore>(GetParam(), dir_);
  }
  void TearDown() override {
    aging_.reset();
    ASSERT_TRUE(RemoveTree(dir_));
  }
  // Of namespace ns.
  NamespaceUse Collect(bool dry_run = false) {
    CollectOptions options;
    options.dry_run = dry_run;
    last_ = artifacts::Collect(*aging_->store, references_, options);
    for (const NamespaceUse& use : last_.namespaces)
      if (use.ns == "ns") return use;
    ADD_FAILURE() << "nothing was said of namespace ns";
    return {};
  }

  const std::filesystem::path dir_ = AgingDir();
  std::unique_ptr<AgingStore> aging_;
  FakeReferences references_;
  Collected last_;
};

TEST_P(CollectionTest, RemovesWhatNothingRefersToAndKeepsWhatSomethingNames) {
  const std::string used = aging_->PutFile("used"), orphan = aging_->PutFile("orphan");
  references_.texts = {{"ns", R"({"spec":{"model":"https://host/m@)" + used + "\"}}"}};
  aging_->Age(hours(24 * 7 + 1));
  const NamespaceUse use = Collect();
  EXPECT_EQ(use.error, "");
  EXPECT_EQ(use.in_use, (Amount{1, 4}));
  EXPECT_EQ(use.orphaned, (Amount{1, 6}));
  EXPECT_TRUE(aging_->Has(used));
  EXPECT_FALSE(aging_->Has(orphan));
  EXPECT_EQ(last_.Removed(), (Amount{1, 6}));
}

TEST_P(CollectionTest, AReferenceOfAnotherNamespaceKeepsNothingHere) {
  const std::string here = aging_->PutFile("same"), there = aging_->PutFile("same", "other");
  references_.texts = {{"other", there}};
  aging_->Age(hours(24 * 7 + 1));
  Collect();
  EXPECT_FALSE(aging_->Has(here));
  EXPECT_TRUE(aging_->Has(there, "other"));
}

TEST_P(CollectionTest, AFolderThatIsInUseKeepsItsFiles) {
  const ArtifactRef kept = aging_->PutFolder({"one", "two"}),
                    gone = aging_->PutFolder({"two", "3"});
  references_.texts = {{"ns", kept.digest}};
  aging_->Age(hours(24 * 7 + 1));
  const NamespaceUse use = Collect();
  EXPECT_EQ(use.error, "");
  EXPECT_TRUE(aging_->Has(kept));
  EXPECT_FALSE(aging_->Has(gone.digest));
  EXPECT_FALSE(aging_->Has("sha256:" + Sha256Hex("3")));
  EXPECT_EQ(use.in_use.files, 3U);
  EXPECT_EQ(use.orphaned.files, 2U);
}

TEST_P(CollectionTest, ACacheEntryKeepsItsOutputsAsLongAsItIsUsed) {
  const ArtifactRef cached = aging_->PutFolder({"cached"});
  aging_->PutEntry("key", {cached});
  aging_->Age(hours(29 * 24));
  NamespaceUse use = Collect();
  EXPECT_EQ(use.cached.files, 2U) << "the manifest and the file";
  EXPECT_EQ(use.in_use.files, 0U);
  ASSERT_TRUE(aging_->store->GetCacheEntry("ns", Sha256Hex("key"))) << "this is a use";
  aging_->Age(hours(29 * 24));
  use = Collect();
  EXPECT_EQ(use.cache_entries, 0U);
  EXPECT_TRUE(aging_->Has(cached)) << "the entry was used 29 days ago";
  aging_->Age(hours(2 * 24));
  use = Collect();
  EXPECT_EQ(use.cache_entries, 1U);
  EXPECT_FALSE(aging_->HasEntry("key"));
  EXPECT_FALSE(aging_->Has(cached.digest));
  EXPECT_EQ(use.orphaned.files, 2U);
}

TEST_P(CollectionTest, AReceiptOfARunKeepsItsOutputs) {
  const ArtifactRef made = aging_->PutFolder({"made"});
  aging_->PutReceipt("pod-1", {made});
  aging_->Age(hours(24 * 365));
  Collect();
  EXPECT_TRUE(aging_->Has(made));
  ASSERT_TRUE(aging_->store->RemoveReceipts("ns", "uid-1"));
  Collect();
  EXPECT_FALSE(aging_->Has(made.digest));
}

TEST_P(CollectionTest, WhatIsYoungIsNeverTaken) {
  const std::string file = aging_->PutFile("file");
  aging_->Age(hours(24 * 7 - 1));
  EXPECT_EQ(Collect().recent, (Amount{1, 4}));
  EXPECT_TRUE(aging_->Has(file));
  aging_->Age(hours(2));
  EXPECT_EQ(Collect().orphaned, (Amount{1, 4}));
  EXPECT_FALSE(aging_->Has(file));
}

// Bytes that are there are not sent again: an upload whose manifest is still to come.
TEST_P(CollectionTest, AnUploadThatMeetsOldFilesKeepsThem) {
  aging_->PutFolder({"old", "older"});
  aging_->Age(hours(24 * 9));
  for (const char* text : {"old", "older"}) {
    const std::string digest = "sha256:" + Sha256Hex(text);
    if (std::string(text) == "old") {
      ASSERT_TRUE(aging_->store->UseBlob("ns", digest).value()) << "as the gateway is asked";
    } else {
      ASSERT_EQ(aging_->PutFile(text), digest) << "as the same bytes come again";
    }
  }
  Collect();
  const ArtifactRef again = aging_->PutFolder({"old", "older"});
  EXPECT_TRUE(aging_->Has(again));
}

TEST_P(CollectionTest, AHitBetweenMarkAndSweepKeepsTheWholeFolder) {
  const ArtifactRef hit = aging_->PutFolder({"a", "b"}), other = aging_->PutFolder({"c"});
  aging_->Age(hours(24 * 9));
  aging_->objects->before = [&](const std::string& what, const std::string& key) {
    // The sweep has decided: it is about to remove this very manifest.
    if (what == "RemoveUnused" && key == BlobKey("ns", hit.digest)) {
      EXPECT_TRUE(aging_->store->Use("ns", hit).value());
    }
    return true;
  };
  const NamespaceUse use = Collect();
  EXPECT_EQ(use.error, "");
  EXPECT_TRUE(aging_->Has(hit));
  EXPECT_FALSE(aging_->Has(other.digest));
  EXPECT_EQ(use.recent.files, 3U);
}

TEST_P(CollectionTest, AHitOfWhatHasJustGoneIsAMiss) {
  const ArtifactRef folder = aging_->PutFolder({"a", "b"});
  aging_->Age(hours(24 * 9));
  bool asked = false;
  aging_->objects->before = [&](const std::string& what, const std::string& key) {
    if (what != "RemoveUnused" || key == BlobKey("ns", folder.digest)) return true;
    if (!std::exchange(asked, true)) {
      EXPECT_FALSE(aging_->store->Use("ns", folder).value());
    }
    return true;
  };
  Collect();
  EXPECT_TRUE(asked) << "files go after their folder";
  EXPECT_FALSE(aging_->Has("sha256:" + Sha256Hex("a")));
}

// A folder that is young may be made of files that are old: composed, or met by an upload.
TEST_P(CollectionTest, AYoungFolderKeepsItsOldFiles) {
  const std::string file = aging_->PutFile("old");
  aging_->Age(hours(24 * 9));
  const auto made = ComposeFolder(*aging_->store, "ns", {{"f", {file, false, 3}}});
  ASSERT_TRUE(made) << made.error().message;
  Collect();
  EXPECT_TRUE(aging_->Has(*made));
}

// Whatever the order of their digests: what is young is looked at before any folder goes.
TEST_P(CollectionTest, AYoungFolderKeepsAFileThatIsAnOldFoldersList) {
  std::vector<FolderEntry> lists;
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i);
    const ArtifactRef old = aging_->PutFolder({"in " + name});
    lists.push_back({name, {old.digest, false, aging_->store->BlobSize("ns", old.digest).value()}});
  }
  aging_->Age(hours(24 * 9));
  const auto made = ComposeFolder(*aging_->store, "ns", lists);
  ASSERT_TRUE(made) << made.error().message;
  Collect();
  EXPECT_TRUE(aging_->Has(*made));
}

TEST_P(CollectionTest, WhatCannotBeReadEndsItBeforeAnythingIsRemoved) {
  const std::string orphan = aging_->PutFile("orphan");
  aging_->Age(hours(24 * 9));
  references_.failed = Transient("the API server does not answer");
  NamespaceUse use = Collect();
  EXPECT_NE(use.error.find("does not answer"), std::string::npos);
  EXPECT_TRUE(aging_->Has(orphan));
  ASSERT_NE(last_.FirstError(), nullptr);
  // The second reading counts as much as the first.
  references_.failed.reset();
  references_.calls = 0;
  references_.on_call = [&] {
    if (references_.calls == 2) references_.failed = Transient("nor now");
  };
  use = Collect();
  EXPECT_NE(use.error.find("nor now"), std::string::npos);
  EXPECT_TRUE(aging_->Has(orphan));
}

// A run takes a pipeline's output, and the pipeline gets another one, while runs were listed
// already.
TEST_P(CollectionTest, AReferenceThatMovesBackIsMetAtTheSecondReading) {
  const std::string moved = aging_->PutFile("moved");
  aging_->Age(hours(24 * 9));
  references_.on_call = [&] {
    references_.texts.clear();
    if (references_.calls == 2) references_.texts = {{"ns", moved}};
  };
  Collect();
  EXPECT_TRUE(aging_->Has(moved));
}

TEST_P(CollectionTest, ADryRunSaysTheSameAndTakesNothing) {
  const ArtifactRef used = aging_->PutFolder({"used", "both"}),
                    gone = aging_->PutFolder({"both", "3"});
  const ArtifactRef cached = aging_->PutFolder({"cached"}),
                    dropped = aging_->PutFolder({"dropped"});
  aging_->PutEntry("old", {dropped});
  aging_->Age(hours(24 * 31));
  aging_->PutEntry("new", {cached});
  const std::string recent = aging_->PutFile("recent");
  references_.texts = {{"ns", used.digest}};
  const Json dry = Report((Collect(true), last_));
  EXPECT_EQ(last_.Removed(), Amount{});
  for (const ArtifactRef& ref : {used, gone, cached, dropped}) EXPECT_TRUE(aging_->Has(ref));
  EXPECT_TRUE(aging_->HasEntry("old"));
  const Json real = Report((Collect(), last_));
  EXPECT_EQ(dry["namespaces"], real["namespaces"]) << dry.dump(1);
  EXPECT_EQ(dry["dryRun"], true);
  EXPECT_FALSE(aging_->Has(gone.digest));
  EXPECT_FALSE(aging_->Has(dropped.digest));
  EXPECT_TRUE(aging_->Has(cached));
  EXPECT_TRUE(aging_->Has(recent));
  const Json& use = real["namespaces"][0];
  EXPECT_EQ(use["orphaned"]["files"], 4) << use.dump();
  EXPECT_EQ(use["cacheEntries"], 1);
}

TEST_P(CollectionTest, AStopEndsItBetweenFolders) {
  aging_->PutFile("orphan");
  aging_->Age(hours(24 * 9));
  std::stop_source stop;
  stop.request_stop();
  CollectOptions options;
  options.stop = stop.get_token();
  const Collected collected = artifacts::Collect(*aging_->store, references_, options);
  ASSERT_EQ(collected.namespaces.size(), 1U);
  EXPECT_NE(collected.namespaces[0].error, "");
  EXPECT_EQ(collected.namespaces[0].orphaned.files, 0U);
}

TEST_P(CollectionTest, LooksAtNoNamespaceThatItWasNotAskedFor) {
  const std::string here = aging_->PutFile("x"), there = aging_->PutFile("x", "other");
  aging_->Age(hours(24 * 9));
  CollectOptions options;
  options.namespaces = {"other", "third"};
  const Collected collected = artifacts::Collect(*aging_->store, references_, options);
  EXPECT_EQ(collected.namespaces.size(), 1U);
  EXPECT_TRUE(aging_->Has(here));
  EXPECT_FALSE(aging_->Has(there, "other"));
}

INSTANTIATE_TEST_SUITE_P(Stores, CollectionTest, testing::Values("Volume", "S3", "PlainS3"),
                         [](const auto& info) { return std::string(info.param); });

// What is no blob is no collection's.
TEST(CollectionOfAVolume, TakesNoPredictionLogAndNoUploadUnderWay) {
  const auto dir = AgingDir();
  ASSERT_TRUE(RemoveTree(dir));
  AgingStore aging("Volume", dir);
  aging.PutFile("orphan");
  const PredictionStore predictions(dir / "store");
  ASSERT_TRUE(predictions.Put("ns", "delays", "a.parquet", "PAR1"));
  std::ofstream(dir / "store" / "ns" / "tmp" / "0123") << "half of a blob";
  aging.Age(hours(24 * 365));
  FakeReferences references;
  const Collected collected = Collect(*aging.store, references, {});
  EXPECT_EQ(collected.Removed().files, 1U);
  EXPECT_EQ(predictions.List("ns", "delays")->size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(dir / "store" / "ns" / "tmp" / "0123"));
  ASSERT_TRUE(RemoveTree(dir));
}

}  // namespace
}  // namespace penstock::artifacts
