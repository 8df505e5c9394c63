#include "operator/rollouts/report_store.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "operator/api/model_deployment.h"

namespace penstock::rollouts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class SteppedClock : public SystemClock {
 public:
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point() + by;
  }
  Milliseconds by{1'000'000};
};

class Reports : public ::testing::Test {
 protected:
  Reports() { fs::remove_all(folder_); }
  ~Reports() override { fs::remove_all(folder_); }
  void Work() {
    for (auto& work : std::exchange(work_, {})) work();
  }
  void Keep(const std::string& json) {
    reports_.Keep("team", "team/flights", {8, kTime, json, "p"});
  }
  std::vector<rollout::MadeReport> Take() { return reports_.Take("team/flights", history_); }

  static constexpr TimePoint kTime{std::chrono::hours(24 * 365 * 30)};
  const fs::path folder_ = fs::path(::testing::TempDir()) / "report_store_test";
  artifacts::Store store_{folder_};
  SteppedClock clock_;
  std::vector<std::function<void()>> work_;
  std::vector<std::string> warnings_;
  std::vector<Milliseconds> woken_;
  std::vector<api::ModelHistoryEntry> history_;
  ReportStore reports_{
      {store_, clock_,
       [this](const std::string&, std::function<void()> work) { work_.push_back(std::move(work)); },
       [this](const std::string& line) { warnings_.push_back(line); },
       [this](const std::string&, Milliseconds after) { woken_.push_back(after); }}};
};

TEST_F(Reports, AreStoredOnceWithWhatWasToldFirst) {
  Keep("with counts");
  Keep("without");
  EXPECT_THAT(work_, SizeIs(1));
  EXPECT_THAT(Take(), IsEmpty());
  Work();
  EXPECT_THAT(woken_, ElementsAre(Milliseconds(0)));
  const auto made = Take();
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].version, 8);
  EXPECT_EQ(made[0].time, kTime);
  const auto artifact = store_.Find("team", made[0].digest);
  ASSERT_TRUE(artifact);
  ASSERT_TRUE(store_.Get("team", *artifact, folder_ / "copy"));
  std::ifstream json(folder_ / "copy" / rollout::kReportJson);
  std::string text;
  std::getline(json, text);
  EXPECT_EQ(text, "with counts");
  Keep("later");
  EXPECT_THAT(work_, IsEmpty());
}

TEST_F(Reports, AreForgottenWhenTheHistoryNamesThem) {
  Keep("a");
  Work();
  history_.resize(1);
  history_[0].report = Take().at(0).digest;
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(Reports, ThatCannotBeStoredAreTriedAgainAndTold) {
  fs::create_directories(folder_ / "team");
  std::ofstream(folder_ / "team" / "tmp") << "no folder";
  Keep("a");
  Work();
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_THAT(woken_, ElementsAre(Milliseconds(30'000)));
  ASSERT_THAT(warnings_, SizeIs(1));
  EXPECT_THAT(warnings_[0],
              HasSubstr("the report of team/flights, version 8, could not be stored"));
  fs::remove(folder_ / "team" / "tmp");
  clock_.by += woken_[0];
  Keep("b");
  Work();
  EXPECT_THAT(Take(), SizeIs(1));
}

TEST_F(Reports, ThatCannotBeStoredAreNotTriedAtEachLookAndToldOnce) {
  fs::create_directories(folder_ / "team");
  std::ofstream(folder_ / "team" / "tmp") << "no folder";
  int tries = 0;
  for (int look = 0; look < 900; ++look, clock_.by += std::chrono::seconds(2)) {  // half an hour
    Keep("a");
    tries += static_cast<int>(work_.size());
    Work();
  }
  using std::chrono::seconds;
  EXPECT_THAT(woken_, ElementsAre(seconds(30), seconds(60), seconds(120), seconds(240),
                                  seconds(480), seconds(600), seconds(600)));
  EXPECT_EQ(tries, 7);
  EXPECT_THAT(warnings_, SizeIs(1)) << "it is the same all the time";
  fs::remove(folder_ / "team" / "tmp");
  clock_.by += woken_.back();
  Keep("a");
  Work();
  EXPECT_THAT(Take(), SizeIs(1));
}

// After an hour no plan tells of it any more.
TEST_F(Reports, AreStoredWhenTheStoreComesBackHoweverLateThatIs) {
  fs::create_directories(folder_ / "team");
  std::ofstream(folder_ / "team" / "tmp") << "no folder";
  Keep("with counts");
  Work();
  history_.resize(1);
  history_[0].version = 8;
  history_[0].time = kTime;
  clock_.by += std::chrono::hours(3);
  fs::remove(folder_ / "team" / "tmp");
  EXPECT_THAT(Take(), IsEmpty());
  ASSERT_THAT(work_, SizeIs(1));
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_THAT(work_, SizeIs(1)) << "it is under way";
  Work();
  EXPECT_THAT(Take(), SizeIs(1));
}

TEST_F(Reports, OfVersionsThatTheHistoryHasForgottenAreForgotten) {
  fs::create_directories(folder_ / "team");
  std::ofstream(folder_ / "team" / "tmp") << "no folder";
  Keep("a");
  Work();
  clock_.by += std::chrono::hours(1);
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_THAT(work_, IsEmpty());
}

TEST_F(Reports, OfAnObjectThatIsGoneWakeNobody) {
  Keep("a");
  reports_.Forget("team/flights");
  Work();
  EXPECT_THAT(woken_, IsEmpty());
}

}  // namespace
}  // namespace penstock::rollouts
