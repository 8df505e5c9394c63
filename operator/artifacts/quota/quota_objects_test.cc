#include "operator/artifacts/quota/quota_objects.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/store.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// A folder whose blobs are written by links, as those of a bucket are.
class WrittenByLinks : public ObjectsByNamespace {
 public:
  explicit WrittenByLinks(ObjectsPtr objects) : ObjectsByNamespace(std::move(objects), {}) {}
  Result<std::optional<Link>> LinkToWrite(const std::string&, const std::string&,
                                          std::uint64_t) const override {
    return std::optional<Link>(Link());
  }
};

class QuotaTest : public ::testing::Test {
 protected:
  QuotaTest() { std::filesystem::remove_all(folder_); }

  static std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

  void Open(Quotas quotas, bool links = false,
            std::chrono::milliseconds interval = std::chrono::hours(1)) {
    objects_.reset();
    ObjectsByNamespace::ObjectsPtr folder = std::make_shared<FolderObjects>(folder_, Room());
    if (links) folder = std::make_shared<WrittenByLinks>(std::move(folder));
    objects_ = std::make_unique<QuotaObjects>(
        std::move(folder), std::move(quotas),
        QuotaObjects::Hears{[this](const QuotaUse& use) {
                              const std::lock_guard lock(mutex_);
                              told_.push_back(use.ns + " " + std::to_string(int(use.Level())));
                            },
                            {}},
        interval);
  }
  // Waits until the namespace is counted with so many bytes.
  void Await(const std::string& ns, std::uint64_t bytes) {
    for (int i = 0; i < 5000; ++i) {
      for (const QuotaUse& use : objects_->Used())
        if (use.ns == ns && use.bytes == bytes) return;
      std::this_thread::sleep_for(milliseconds(2));
    }
    FAIL() << ns << " never held " << bytes;
  }
  Result<void> Put(const std::string& ns, const std::string& text, bool known_length = true) {
    bool sent = false;
    return objects_->PutBlob(
        ns, DigestOf(text), known_length ? std::optional<std::uint64_t>(text.size()) : std::nullopt,
        [&]() -> Result<std::string_view> {
          if (std::exchange(sent, true)) return std::string_view();
          return std::string_view(text);
        });
  }
  // Takes away a blob of so many times a letter, and counts.
  void CountWithout(const std::string& ns, char letter, std::size_t bytes) {
    EXPECT_TRUE(objects_->Remove(BlobKey(ns, DigestOf(std::string(bytes, letter)))));
    objects_->CountAgain();
  }
  std::vector<std::string> Told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / "artifacts_quota";
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::unique_ptr<QuotaObjects> objects_;
};

TEST_F(QuotaTest, WhatWouldBeBeyondItIsRefusedByNamespaceAndAmounts) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", std::string(600, 'a')));
  objects_->CountAgain();
  Await("team", 600);
  EXPECT_TRUE(objects_->HasRoomFor("team", 400));
  const auto refused = objects_->HasRoomFor("team", 401);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kNoSpace);
  EXPECT_THAT(refused.error().message, HasSubstr("namespace team holds"));
  EXPECT_THAT(refused.error().message, HasSubstr("store.quota"));
  EXPECT_TRUE(objects_->HasRoomFor("another", 1000)) << "each namespace has its own";
  EXPECT_FALSE(Put("team", std::string(500, 'b')));
  EXPECT_FALSE(*objects_->Size(BlobKey("team", DigestOf(std::string(500, 'b')))));
}

TEST_F(QuotaTest, BytesOfUnknownNumberAreCountedAsTheyCome) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", "x"));
  objects_->CountAgain();
  Await("team", 1);
  const auto refused = Put("team", std::string(1000, 'c'), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kNoSpace);
  ASSERT_TRUE(Put("team", std::string(900, 'd'), false));
  Await("team", 901);
}

TEST_F(QuotaTest, WhatIsThereAlreadyTakesNoRoom) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", std::string(900, 'a')));
  objects_->CountAgain();
  Await("team", 900);
  ASSERT_TRUE(Put("team", std::string(900, 'a')));
  Await("team", 900);
}

TEST_F(QuotaTest, ARestartCountsWhatIsThereAndACollectionMakesRoom) {
  Open({.namespaces = {{"team", 1000}}});
  ASSERT_TRUE(Put("team", std::string(1000, 'a')));
  ASSERT_TRUE(Put("free", std::string(5000, 'f')));
  Open({.namespaces = {{"team", 1000}}});
  Await("team", 1000);
  EXPECT_FALSE(objects_->HasRoomFor("team", 1));
  EXPECT_FALSE(objects_->HasRoomFor("team", 0)) << "of a length that nobody knows";
  EXPECT_TRUE(objects_->HasRoomFor("free", 1ULL << 40)) << "no quota, no limit";
  ASSERT_TRUE(objects_->Remove(BlobKey("team", DigestOf(std::string(1000, 'a')))));
  objects_->CountAgain();
  Await("team", 0);
  EXPECT_TRUE(objects_->HasRoomFor("team", 1000));
  EXPECT_EQ(Told().back(), "team 0") << "it is told that there is room again";
}

TEST_F(QuotaTest, TellsOnceWhenItIsNearlyFullAndWhenItIsFull) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", std::string(10, 'a')));
  objects_->CountAgain();
  Await("team", 10);
  EXPECT_TRUE(Told().empty());
  ASSERT_TRUE(Put("team", std::string(890, 'b')));
  ASSERT_TRUE(Put("team", std::string(50, 'c')));
  ASSERT_TRUE(Put("team", std::string(50, 'd')));
  EXPECT_EQ(Told(), (std::vector<std::string>{"team 1", "team 2"}));
}

TEST_F(QuotaTest, AnUploadThatFailsGivesBackWhatItTook) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", "x"));
  objects_->CountAgain();
  Await("team", 1);
  const auto broken = objects_->PutBlob(
      "team", DigestOf("other"), 900,
      []() -> Result<std::string_view> { return Transient("the connection is gone"); });
  ASSERT_FALSE(broken);
  EXPECT_TRUE(objects_->HasRoomFor("team", 999));
}

TEST_F(QuotaTest, UploadsAtTheSameTimeCountFromTheirBeginning) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", "x"));
  objects_->CountAgain();
  Await("team", 1);
  const std::string large(900, 'l');
  bool sent = false;
  ASSERT_TRUE(
      objects_->PutBlob("team", DigestOf(large), large.size(), [&]() -> Result<std::string_view> {
        if (std::exchange(sent, true)) return std::string_view();
        EXPECT_FALSE(Put("team", std::string(100, 's'))) << "while the other is under way";
        return std::string_view(large);
      }));
}

TEST_F(QuotaTest, ACountDuringAnUploadNeitherMissesItNorTakesItOffTwice) {
  Open({.others = 1000});
  ASSERT_TRUE(Put("team", std::string(300, 'a')));
  objects_->CountAgain();
  Await("team", 300);
  int pieces = 0;
  const std::string half(250, 'l');
  const auto broken =
      objects_->PutBlob("team", DigestOf("large"), 500, [&]() -> Result<std::string_view> {
        if (++pieces == 2) return Transient("the connection is gone");
        CountWithout("team", 'a', 300);  // a count that ends while this is under way
        Await("team", 500);
        EXPECT_FALSE(objects_->HasRoomFor("team", 501)) << "it was missed";
        return std::string_view(half);
      });
  ASSERT_FALSE(broken);
  Await("team", 0);
  ASSERT_TRUE(Put("team", std::string(700, 'b')));
  EXPECT_FALSE(objects_->HasRoomFor("team", 301)) << "it was taken off what others hold";
  EXPECT_TRUE(objects_->HasRoomFor("team", 300));
}

TEST_F(QuotaTest, WhatALinkWasGivenForIsHeldOnceUntilItIsThere) {
  Open({.others = 1000}, true);
  ASSERT_TRUE(Put("team", "x"));
  objects_->CountAgain();
  Await("team", 1);
  const std::string comes(400, 'c');
  ASSERT_TRUE(*objects_->LinkToWrite("team", DigestOf(comes), 400));
  ASSERT_TRUE(*objects_->LinkToWrite("team", DigestOf("never"), 300));
  ASSERT_TRUE(*objects_->LinkToWrite("team", DigestOf("never"), 300));  // once for each digest
  Await("team", 701);
  EXPECT_FALSE(objects_->LinkToWrite("team", DigestOf("more"), 300));
  {  // past the quota, as a link leads
    bool sent = false;
    ASSERT_TRUE(FolderObjects(folder_, Room())
                    .PutBlob("team", DigestOf(comes), 400, [&]() -> Result<std::string_view> {
                      return std::exchange(sent, true) ? std::string_view() : comes;
                    }));
  }
  CountWithout("team", 'x', 1);  // found: held once, no more
  Await("team", 700);
}

TEST_F(QuotaTest, WhatALinkWasGivenForAndNeverCameIsForgotten) {
  Open({.others = 1000}, true, milliseconds(20));
  ASSERT_TRUE(*objects_->LinkToWrite("team", DigestOf("never"), 1000));
  Await("team", 0);
  EXPECT_TRUE(objects_->HasRoomFor("team", 1000));
}

TEST_F(QuotaTest, AStoreBehindItIsStillAVolume) {
  Open({.others = 1000});
  const Store store = Store(folder_).Behind(
      std::shared_ptr<const Objects>(std::shared_ptr<void>(), objects_.get()));
  ASSERT_TRUE(Put("team", "text"));
  EXPECT_TRUE(store.BlobPath("team", DigestOf("text"))) << "sent from its file";
  objects_->CountAgain();
  Await("team", 4);
  EXPECT_FALSE(store.HasRoomFor("team", 997));
}

}  // namespace
}  // namespace penstock::artifacts
