#include "operator/retention/store_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "operator/base/sha256.h"

namespace penstock::retention {
namespace {

namespace fs = std::filesystem;

class NoReferences : public artifacts::References {
 public:
  Result<void> Each(const std::string&, const TextSink&, const std::stop_token&) override {
    std::unique_lock lock(mutex);
    ++calls;
    changed.notify_all();
    changed.wait(lock, [this] { return !held; });
    return {};
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int calls = 0;
};

class StoreKeeperTest : public testing::Test {
 protected:
  StoreKeeperTest() {
    std::string name = (fs::temp_directory_path() / "penstock-keeper-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    store_ = std::make_unique<artifacts::Store>(folder_ / "store");
    std::ofstream(folder_ / "file") << "old";
    digest_ = store_->Put("team", folder_ / "file")->digest;
    fs::last_write_time(*store_->BlobPath("team", digest_),
                        fs::file_time_type::clock::now() - std::chrono::hours(24 * 9));
  }
  ~StoreKeeperTest() override { fs::remove_all(folder_); }

  StoreKeeper& Keeper(KeeperSettings settings = {}) {
    keeper_ = std::make_unique<StoreKeeper>(*store_, references_, clock_, std::move(settings),
                                            [this](const artifacts::Collected& c) {
                                              ++told_;
                                              removed_ += c.Removed().files;
                                            });
    return *keeper_;
  }
  Json Ended() {
    while (true) {
      const Json job = keeper_->Job().value();
      if (job.at("state") != "running") return job;
      std::this_thread::yield();
    }
  }
  [[nodiscard]] bool Has() const { return store_->BlobSize("team", digest_).has_value(); }

  SystemClock clock_;
  fs::path folder_;
  std::unique_ptr<artifacts::Store> store_;
  std::string digest_;
  NoReferences references_;
  std::atomic<int> told_{0};
  std::atomic<std::uint64_t> removed_{0};
  std::unique_ptr<StoreKeeper> keeper_;
};

TEST_F(StoreKeeperTest, CollectsByTheClockAndTellsOfIt) {
  KeeperSettings settings;
  settings.first = std::chrono::seconds(0);
  StoreKeeper& keeper = Keeper(settings);
  std::jthread thread([&](const std::stop_token& stop) { keeper.KeepUp(stop); });
  while (told_ == 0) std::this_thread::yield();
  thread.request_stop();
  thread.join();
  EXPECT_EQ(removed_, 1U);
  EXPECT_FALSE(Has());
}

TEST_F(StoreKeeperTest, CollectsNothingThatAnotherClusterCollectsTooUntilItIsTakenOver) {
  const auto of = [](const char* id) {
    KeeperSettings settings;
    settings.collector = [id](const std::stop_token&) -> Result<artifacts::Collector> {
      return artifacts::Collector{id, std::string("the cluster ") + id};
    };
    return settings;
  };
  ASSERT_EQ(TroubleOf(Keeper(of("one")).Do(StoreJob::kCollect, {}, {})), "");
  ASSERT_FALSE(Has());
  std::ofstream(folder_ / "file") << "old";
  ASSERT_TRUE(store_->Put("team", folder_ / "file"));
  fs::last_write_time(*store_->BlobPath("team", digest_),
                      fs::file_time_type::clock::now() - std::chrono::hours(24 * 9));
  StoreKeeper& two = Keeper(of("two"));
  EXPECT_EQ(TroubleOf(two.Do(StoreJob::kUsage, {}, {})), "") << "who only looks does no harm";
  EXPECT_NE(TroubleOf(two.Do(StoreJob::kCollect, {.dry_run = true}, {})), "");
  const std::string trouble = TroubleOf(two.Do(StoreJob::kCollect, {}, {}));
  EXPECT_NE(trouble.find("collected by the cluster one (since "), std::string::npos) << trouble;
  EXPECT_NE(trouble.find("--take-over"), std::string::npos) << trouble;
  EXPECT_TRUE(Has());
  EXPECT_EQ(TroubleOf(two.Do(StoreJob::kCollect, {.take_over = true}, {})), "");
  EXPECT_FALSE(Has());
}

TEST_F(StoreKeeperTest, CollectsNothingWhileItIsNotKnownForWhom) {
  KeeperSettings settings;
  settings.collector = [](const std::stop_token&) -> Result<artifacts::Collector> {
    return Transient("the API server is away");
  };
  const Json report = Keeper(settings).Do(StoreJob::kCollect, {}, {});
  EXPECT_NE(TroubleOf(report).find("the API server is away"), std::string::npos) << report.dump();
  EXPECT_EQ(told_, 1) << "the log, the metrics and the event say so";
  EXPECT_TRUE(Has());
}

TEST_F(StoreKeeperTest, WithoutAnIntervalItOnlyDoesWhatIsAskedFor) {
  KeeperSettings settings;
  settings.interval = std::chrono::seconds(0);
  Keeper(settings).KeepUp({});
  EXPECT_EQ(told_, 0);
  EXPECT_TRUE(Has());
}

TEST_F(StoreKeeperTest, ADryRunAndALookAtTheUseRemoveNothing) {
  StoreKeeper& keeper = Keeper();
  const Json use = keeper.Do(StoreJob::kUsage, {}, {});
  const Json dry = keeper.Do(StoreJob::kCollect, {.dry_run = true}, {});
  EXPECT_EQ(use, dry);
  EXPECT_EQ(use["namespaces"][0]["orphaned"]["files"], 1);
  EXPECT_TRUE(Has());
  EXPECT_EQ(told_, 0);
}

TEST_F(StoreKeeperTest, OneJobAtATimeIsDoneForPeople) {
  StoreKeeper& keeper = Keeper();
  EXPECT_EQ(keeper.Job().error().kind, ErrorKind::kNotFound);
  references_.held = true;
  const auto job = keeper.Start(StoreJob::kCollect, {});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->at("state"), "running");
  {
    std::unique_lock lock(references_.mutex);
    references_.changed.wait(lock, [&] { return references_.calls > 0; });
  }
  const auto second = keeper.Start(StoreJob::kVerify, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  {
    const std::lock_guard lock(references_.mutex);
    references_.held = false;
  }
  references_.changed.notify_all();
  const Json ended = Ended();
  EXPECT_EQ(ended["state"], "done") << ended.dump(1);
  EXPECT_EQ(ended["id"], job->at("id"));
  EXPECT_EQ(ended["report"]["namespaces"][0]["orphaned"]["files"], 1);
  EXPECT_FALSE(Has());
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(keeper.Start(StoreJob::kVerify, {}));
  EXPECT_EQ(Ended()["report"]["files"], 0);
}

TEST_F(StoreKeeperTest, AnAlteredArtifactMakesAVerificationFail) {
  const fs::path path = *store_->BlobPath("team", digest_);
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(path) << "new";
  StoreKeeper& keeper = Keeper();
  ASSERT_TRUE(keeper.Start(StoreJob::kVerify, {}));
  const Json ended = Ended();
  EXPECT_EQ(ended["state"], "failed");
  EXPECT_EQ(ended["error"], "1 artifacts are altered or missing");
  EXPECT_EQ(ended["report"]["findings"][0]["digest"], digest_);
}

}  // namespace
}  // namespace penstock::retention
