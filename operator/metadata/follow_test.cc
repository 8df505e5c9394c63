#include "operator/metadata/follow.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "operator/metadata/sqlite_recorder.h"

namespace penstock::metadata {
namespace {

class FollowedRuns : public ::testing::Test {
 protected:
  FollowedRuns() {
    SqliteRecorderOptions options;
    options.path = path_;
    recorder_ = SqliteRecorder::Open(options, clock_);
  }
  ~FollowedRuns() override {
    recorder_.reset();
    std::filesystem::remove_all(path_.parent_path());
  }

  // Of the name "r", created so many seconds after the first; its step gives "d" and reads "e".
  void Record(const std::string& uid, int created, const std::string& pipeline) {
    RunRecord run;
    run.uid = uid;
    run.namespace_ = "team";
    run.name = "r";
    run.pipeline = pipeline;
    run.created = TimePoint{std::chrono::seconds(1'800'000'000 + created)};
    StepRecord step;
    step.name = "make-" + uid;
    step.phase = "Succeeded";
    step.inputs = {{"in", "dataset", "e", "", false, 1}};
    step.outputs = {{"out", "dataset", "d", "", false, 1}};
    step.results = {{"rows", 3}};
    run.steps = {step};
    recorder_->RecordRun(run);
    recorder_->Flush();
  }

  const std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) /
                                      ("followed_runs_" + std::to_string(::getpid())) /
                                      "metadata.sqlite";
  SystemClock clock_;
  std::unique_ptr<SqliteRecorder> recorder_;
};

TEST_F(FollowedRuns, AreThereByTheirUidAlsoWhereANewerOneHasTheName) {
  Record("first", 0, "p");
  Record("second", 10, "q");
  const auto run = RunOfUid(path_, "first");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->pipeline, "p");
  ASSERT_EQ(run->steps.size(), 1U);
  EXPECT_EQ(run->steps[0].outputs.at(0).digest, "d");
  EXPECT_EQ(run->steps[0].inputs.at(0).digest, "e");
  EXPECT_EQ(run->steps[0].results.at("rows"), 3);
  const auto none = RunOfUid(path_, "third");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
}

TEST_F(FollowedRuns, TellWhoMadeAnArtifactFirst) {
  Record("later", 10, "q");
  Record("sooner", 0, "p");
  const auto maker = FirstMaker(path_, "team", "d");
  ASSERT_TRUE(maker) << maker.error().message;
  ASSERT_TRUE(*maker);
  EXPECT_EQ((*maker)->pipeline, "p");
  EXPECT_EQ((*maker)->run, "r");
  EXPECT_EQ((*maker)->step, "make-sooner");
  EXPECT_EQ((*maker)->output, "out");
  EXPECT_FALSE(FirstMaker(path_, "team", "e").value()) << "it was only read";
  EXPECT_FALSE(FirstMaker(path_, "other", "d").value()) << "of another namespace";
}

}  // namespace
}  // namespace penstock::metadata
