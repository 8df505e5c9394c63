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
  std::vector<std::function<void()>> work_;
  std::vector<std::string> warnings_;
  std::vector<Milliseconds> woken_;
  std::vector<api::ModelHistoryEntry> history_;
  ReportStore reports_{
      {store_,
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
  Keep("b");
  Work();
  EXPECT_THAT(Take(), SizeIs(1));
}

TEST_F(Reports, OfAnObjectThatIsGoneWakeNobody) {
  Keep("a");
  reports_.Forget("team/flights");
  Work();
  EXPECT_THAT(woken_, IsEmpty());
}

}  // namespace
}  // namespace penstock::rollouts
