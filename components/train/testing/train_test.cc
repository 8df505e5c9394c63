// The frame as a whole, with learners that are made up.
#include <arrow/api.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <random>

#include "components/train/testing/frame_fixture.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

// Hours later, with the model learnt.
TEST_F(FrameTest, ColumnsOfPredictionsOfOneNameAreRefusedBeforeAnythingIsLearnt) {
  for (const auto& [name, seed] : {std::pair("train", 1U), std::pair("valid", 2U)}) {
    const auto rows = RowsOf(100, seed);
    auto fields = rows->schema()->fields();
    fields[3] = fields[3]->WithName("fold");
    Write(name, arrow::RecordBatch::Make(arrow::schema(fields), 100, rows->columns()));
  }
  const auto problem = Problem({{"label", "fold"}});
  EXPECT_NE(problem.find("output predictions: 'fold' is a column of the dataset and one of the"),
            std::string::npos)
      << problem;
  EXPECT_EQ(learners_[0].counts->tries, 0);
}

TEST_F(FrameTest, TheBetterSettingIsChosenByFoldsAndFittedOnAllRows) {
  const auto ok = Run({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const Json metrics = Metrics("m");
  EXPECT_EQ(metrics["dataset"], "outOfFold");
  EXPECT_EQ(metrics["rows"], 400);
  EXPECT_EQ(metrics["board"][0]["setting"]["id"], "split");
  EXPECT_EQ(metrics["board"][0]["chosen"], true);
  EXPECT_NEAR(metrics["overall"]["accuracy"]["value"].get<double>(), 0.9, 0.05);
  EXPECT_EQ(metrics["choice"]["beatsDummy"], true);
  EXPECT_EQ(metrics["refitted"], true);
  EXPECT_EQ(learners_[0].counts->fits, 1);
  EXPECT_EQ(learners_[0].counts->tries, 15);  // five folds, three times
  const auto manifest = sdk::LoadModelManifest(folder_ / "m/model");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->view, sdk::View::kDense);
  EXPECT_EQ(manifest->backend, "fake");
  EXPECT_EQ(manifest->classes, (std::vector<Json>{false, true}));
  EXPECT_EQ(sdk::LoadExamples(folder_ / "m/model")->size(), 20U);
  EXPECT_EQ(ResultOf("m", "learner"), "fake");
  EXPECT_EQ(ResultOf("m", "beatsDummy"), "true");
}

TEST_F(FrameTest, GoesWithoutValid) {
  ASSERT_TRUE(Run({}, "m", false));
  EXPECT_EQ(Metrics("m")["rows"], 300);
}

TEST_F(FrameTest, TwoRunsWriteTheSameBytes) {
  ASSERT_TRUE(Run({}, "a"));
  clock_ = 1000;
  ASSERT_TRUE(Run({}, "b"));
  const auto a = Files("a");
  const auto b = Files("b");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, bytes] : a) EXPECT_EQ(bytes, b.at(name)) << name;
}

TEST_F(FrameTest, OneThatFailsStandsOnTheBoardAndTheOthersGoOn) {
  learners_.resize(2);
  learners_[0].called = "broken";
  learners_[0].problem = "cannot <b>learn</b> this";
  const auto ok = Run({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const Json board = Metrics("m")["board"];
  EXPECT_EQ(board[0]["learner"], "fake");
  EXPECT_EQ(board.back()["error"], "cannot <b>learn</b> this");
  EXPECT_NE(ResultOf("m", "board").find("cannot <b>learn"), std::string::npos);
  EXPECT_NE(Text("m/report.html").find("cannot &lt;b&gt;learn"), std::string::npos);
  EXPECT_EQ(Text("m/report.html").find("<b>learn"), std::string::npos);
}

TEST_F(FrameTest, AllThatFailAreQuoted) {
  learners_.resize(2);
  learners_[0].called = "one";
  learners_[0].problem = "first reason";
  learners_[1].called = "two";
  learners_[1].problem = "second reason";
  EXPECT_EQ(Problem({}), "no candidate could be trained: one: first reason; two: second reason");
}

TEST_F(FrameTest, ABudgetLeavesOutWhatCostsTooMuchAndNotWhatWasAskedFor) {
  learners_.resize(2);
  learners_[1].called = "slow";
  learners_[1].cost = 1e6;
  ASSERT_TRUE(Run({}, "m"));
  EXPECT_EQ(learners_[1].counts->tries, 0);
  EXPECT_NE(Metrics("m")["board"].back()["leftOut"].get<std::string>().find("of a budget of 100"),
            std::string::npos);
  ASSERT_TRUE(Run({{"model", "boosting"}}, "n"));  // here: whatever the surroundings give
  EXPECT_EQ(learners_[1].counts->tries, 5);
}

TEST_F(FrameTest, RepeatsGoBeforeCandidates) {
  learners_[0].cost = 1000;  // 15 for three times five folds
  learners_.resize(2);
  learners_[1].called = "cheap";
  ASSERT_TRUE(Run({}, "m"));
  EXPECT_EQ(learners_[0].counts->tries, 5);
  EXPECT_EQ(learners_[1].counts->tries, 15) << "one that costs little is repeated all the same";
  EXPECT_NE(log_.find("3 times; " + learners_[0].called + " but once"), std::string::npos);
}

// With many rows and no valid five folds cost more than the budget, and a candidate was left out.
TEST_F(FrameTest, PartsGoBeforeCandidatesWhereOneIsEnough) {
  Write("train", RowsOf(12'000, 1));
  learners_[0].cost = 25'000;  // 125 for five folds
  ASSERT_TRUE(Run({}, "m", false));
  EXPECT_EQ(learners_[0].counts->tries, 1);
  EXPECT_EQ(Metrics("m")["rows"], 2400);
  EXPECT_NE(log_.find("by the first of them alone"), std::string::npos);
  learners_[0].counts->tries = 0;
  ASSERT_TRUE(Run({{"folds", 5}}, "asked", false));
  EXPECT_EQ(learners_[0].counts->tries, 5);
  learners_[0].counts->tries = 0;
  learners_[0].cost = 1;
  learners_.resize(2);
  learners_[1].called = "slow";
  learners_[1].cost = 1e6;  // left out by one part, too: no reason to have fewer
  ASSERT_TRUE(Run({}, "n", false));
  EXPECT_EQ(learners_[0].counts->tries, 5);
}

TEST_F(FrameTest, MaxTimeEndsBetweenCandidatesAndSaysSo) {
  learners_.resize(2);
  learners_[0].on_try = [this] { clock_ += 10; };
  learners_[1].called = "late";
  ASSERT_TRUE(Run({{"maxTime", 5}}, "m"));
  EXPECT_EQ(learners_[1].counts->tries, 0);
  EXPECT_EQ(ResultOf("m", "truncated"), "true");
  EXPECT_EQ(Metrics("m")["truncated"], true);
  clock_ = 0;
  ASSERT_TRUE(Run({{"maxTime", 5000}}, "n"));
  EXPECT_GT(learners_[1].counts->tries, 0);
  EXPECT_EQ(ResultOf("n", "truncated"), "false");
}

// The network was fitted once to be judged and once more to be kept.
TEST_F(FrameTest, WithoutRefitWhatWasJudgedIsKeptAndNothingIsFittedTwice) {
  Write("valid", RowsOf(3000, 2));
  ASSERT_TRUE(Run({{"refit", false}}, "m"));
  EXPECT_EQ(Metrics("m")["dataset"], "valid");
  EXPECT_EQ(Metrics("m")["refitted"], false);
  EXPECT_EQ(learners_[0].counts->tries, 1);
  EXPECT_EQ(learners_[0].counts->fits, 0);
  const std::string train_only = Text("m/model/fake.json");
  ASSERT_TRUE(Run({}, "all"));
  EXPECT_EQ(learners_[0].counts->fits, 1);
  EXPECT_NE(Text("all/model/fake.json"), train_only);
}

TEST_F(FrameTest, RefusesATransformWithTheWeightAmongItsFeatures) {
  EXPECT_NE(Problem({{"weight", "x"}}).find("weight 'x' is a feature of the transform; fit that"),
            std::string::npos);
}

TEST_F(FrameTest, APlattSlopeBelowZeroLeavesTheModelAsItIsAndSaysSo) {
  learners_[0].settings = {"swapped"};
  ASSERT_TRUE(Run({{"calibrate", "platt"}}, "m"));
  EXPECT_EQ(Metrics("m")["calibration"], "none");
  EXPECT_EQ(Metrics("m")["notes"].size(), 1U);
  EXPECT_NE(log_.find("is not calibrated"), std::string::npos);
}

TEST_F(FrameTest, ALearnerThatHasLostIsSparedTheOtherFolds) {
  learners_.resize(2);
  learners_[0].settings = {"split"};
  learners_[1].settings = {"swapped"};
  learners_[1].called = "late";
  ASSERT_TRUE(Run({}, "m"));
  EXPECT_EQ(learners_[0].counts->tries, 15);
  EXPECT_EQ(learners_[1].counts->tries, 2);
  EXPECT_NE(Metrics("m")["board"].back()["leftOut"].get<std::string>().find("far behind after 2"),
            std::string::npos);
}

TEST_F(FrameTest, ADearLearnerThatIsNotAheadIsSparedTheOtherFolds) {
  learners_.resize(2);
  learners_[0].settings = {"split"};
  learners_[0].timid = 200;
  learners_[1].settings = {"split"};
  learners_[1].timid = 300;  // a little worse
  learners_[1].called = "late";
  learners_[1].cost = 400;
  ASSERT_TRUE(Run({}, "m"));
  EXPECT_LE(learners_[1].counts->tries, 2);
  EXPECT_NE(Metrics("m")["board"].back()["leftOut"].get<std::string>().find("not ahead after"),
            std::string::npos);
  learners_[1].timid = 0;
  learners_[1].counts->tries = 0;
  ASSERT_TRUE(Run({}, "n"));
  EXPECT_EQ(learners_[1].counts->tries, 15);
}

TEST_F(FrameTest, SaysWhetherOneBatchIsLearntByHeartWhereThatIsAskedFor) {
  learners_[0].batch = OverfitReport{64, 3, 0.7, 0.5, false, "cannot learn 64 rows"};
  ASSERT_TRUE(Run({}, "unasked"));
  EXPECT_FALSE(Metrics("unasked").contains("overfitOneBatch"));
  ASSERT_TRUE(Run({{"overfitOneBatch", true}}, "m"));
  EXPECT_EQ(Metrics("m")["overfitOneBatch"]["contradictory"], 3);
  EXPECT_EQ(Metrics("m")["notes"], Json::array({"One batch: cannot learn 64 rows."}));
  EXPECT_NE(log_.find("cannot learn 64 rows"), std::string::npos);
  learners_[0].batch.reset();
  ASSERT_TRUE(Run({{"overfitOneBatch", true}}, "none"));
  EXPECT_FALSE(Metrics("none").contains("overfitOneBatch"));
  EXPECT_NE(Metrics("none")["notes"].dump().find("no learner of this training learns by batches"),
            std::string::npos);
}

// What fails at one batch: a learner whose view the recipe does not have, or that has no memory.
class BatchFails : public FakeLearner {
 public:
  BatchFails(const FakeLearner& learner, Error error)
      : FakeLearner(learner), error_(std::move(error)) {}
  Result<std::optional<OverfitReport>> LearnOneBatch(const Rows&, const Context&) const override {
    return error_;
  }

 private:
  Error error_;
};

TEST_F(FrameTest, ABatchThatFailsDoesNotEndATrainingThatOtherLearnersDo) {
  Error error = Invalid("no such view");
  around_.learners = [&](const TrainOptions&) {
    std::vector<std::unique_ptr<Learner>> learners;
    learners.push_back(std::make_unique<BatchFails>(learners_[0], error));
    return learners;
  };
  ASSERT_TRUE(Run({{"overfitOneBatch", true}}, "m"));
  EXPECT_EQ(Metrics("m")["notes"], Json::array({"One batch could not be learnt: no such view"}));
  error = Cancelled("stopped");
  EXPECT_EQ(Problem({{"overfitOneBatch", true}}), "stopped");
}

TEST_F(FrameTest, WritesWhatEachRowWasAnsweredWhenItWasHeldOut) {
  ASSERT_TRUE(Run({}, "m"));
  const auto rows = sdk::ReadDataset(folder_ / "m/predictions");
  ASSERT_EQ(rows->num_rows(), 400);
  EXPECT_EQ(rows->schema()->field_names(),
            (std::vector<std::string>{"id", "dataset", "row", "fold", "late", "probability"}));
  const auto at = [&](const char* column, std::int64_t row) {
    return rows->GetColumnByName(column)->GetScalar(row).ValueOrDie()->ToString();
  };
  EXPECT_EQ(at("id", 7), "row7");
  EXPECT_EQ(at("dataset", 7), "train");
  EXPECT_EQ(at("row", 7), "7");
  EXPECT_EQ(at("dataset", 307), "valid");
  EXPECT_EQ(at("row", 307), "7");
  EXPECT_EQ(at("id", 307), "row7");
}

TEST_F(FrameTest, SaysWhenNothingBeatsAConstant) {
  learners_[0].settings = {"swapped"};
  ASSERT_TRUE(Run({}, "m"));
  EXPECT_EQ(ResultOf("m", "beatsDummy"), "false");
  EXPECT_NE(log_.find("no candidate so far beats a constant answer"), std::string::npos);
  EXPECT_NE(Text("m/report.html").find("No candidate beats a constant"), std::string::npos);
}

TEST_F(FrameTest, ACalibrationIsSavedAndServedAndItsMetricsAreOfOtherRows) {
  const auto ok = Run({{"calibrate", "platt"}, {"thresholdBy", "f1"}}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto manifest = sdk::LoadModelManifest(folder_ / "m/model");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->calibration.method, sdk::CalibrationMethod::kPlatt);
  EXPECT_NE(manifest->threshold, 0.5);
  // An example's answer is the learner's, calibrated.
  const Json fake = Json::parse(Text("m/model/fake.json"));
  int compared = 0;
  const auto examples = sdk::LoadExamples(folder_ / "m/model");
  ASSERT_TRUE(examples);
  for (const auto& example : *examples) {
    const double x = example.inputs["x"].get<double>();
    if (std::abs(x) < 0.5) continue;  // the feature is x less its mean
    std::vector<float> raw = {fake[x > 0 ? "right" : "left"][0].get<float>()};
    sdk::Finish(*manifest, raw);
    EXPECT_NEAR(example.outputs["probability"].get<double>(), double(raw[0]), 1e-6);
    ++compared;
  }
  EXPECT_GT(compared, 5);
  EXPECT_NE(Problem({{"label", "y"}, {"calibrate", "platt"}}).find("is of a classification"),
            std::string::npos);
}

TEST_F(FrameTest, AWeightColumnCountsInTheChoiceAndTheMetrics) {
  ASSERT_TRUE(Run({{"weight", "w"}}, "m"));
  const Json weighted = Metrics("m")["weighted"];
  EXPECT_NEAR(weighted["accuracy"]["value"].get<double>(), 0.9, 0.06);
  ASSERT_TRUE(Run({}, "n"));
  EXPECT_FALSE(Metrics("n").contains("weighted"));
  EXPECT_NE(Metrics("n")["choice"]["value"], Metrics("m")["choice"]["value"]);
}

// Probabilities that class weights bend were held against a constant of the unweighted rows.
TEST_F(FrameTest, WithClassWeightsCandidatesAreJudgedByWhatTheyLearnt) {
  ASSERT_TRUE(Run({{"classWeights", {{"true", 20}}}}, "m"));
  EXPECT_EQ(Metrics("m")["choice"]["beatsDummy"], true);
  EXPECT_EQ(Metrics("m")["board"][0]["setting"]["id"], "split");
}

TEST_F(FrameTest, BeyondMemoryItSamplesRowsAndSaysSo) {
  around_.memory = 400'000;
  const auto ok = Run({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const Json metrics = Metrics("m");
  ASSERT_TRUE(metrics.contains("sampled"));
  EXPECT_EQ(metrics["sampled"]["of"], 400);
  EXPECT_LT(metrics["sampled"]["rows"], 400);
  EXPECT_NE(log_.find("\"event\": \"sampled\""), std::string::npos);
  EXPECT_LT(std::stod(ResultOf("m", "sampled")), 1);
  EXPECT_NE(Text("m/report.html").find("does not fit into memory"), std::string::npos);
}

TEST_F(FrameTest, AStoppedTrainingGoesOnToTheSameBytes) {
  ASSERT_TRUE(Run({}, "whole"));
  const std::string checkpoint = folder_ / "checkpoint";
  const int whole = learners_[0].counts->tries;
  learners_[0].counts->tries = 0;
  around_.stop = [this] { return learners_[0].counts->tries >= 7; };
  const auto stopped = Run({{"checkpoint", checkpoint}}, "stopped");
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
  around_.stop = nullptr;
  learners_[0].counts->tries = 0;
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "resumed"));
  EXPECT_EQ(learners_[0].counts->tries, whole - 6);  // the seventh was given up
  EXPECT_EQ(Files("resumed"), Files("whole"));
}

TEST_F(FrameTest, AKilledTrainingGoesOnToTheSameBytes) {
  ASSERT_TRUE(Run({}, "whole"));
  const std::string checkpoint = folder_ / "checkpoint";
  const pid_t child = fork();
  if (child == 0) {
    auto counts = std::make_shared<int>(0);
    learners_[0].on_try = [counts] {
      if (++*counts == 9) ::raise(SIGKILL);
    };
    (void)Run({{"checkpoint", checkpoint}}, "killed");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_FALSE(std::filesystem::exists(folder_ / "killed/model"));
  learners_[0].counts->tries = 0;
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "resumed"));
  EXPECT_EQ(learners_[0].counts->tries, 15 - 8);
  EXPECT_EQ(Files("resumed"), Files("whole"));
}

TEST_F(FrameTest, ACheckpointOfOtherRowsOrAnotherSeedIsNotTaken) {
  const std::string checkpoint = folder_ / "checkpoint";
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "a"));
  learners_[0].counts->tries = 0;
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "b"));
  EXPECT_EQ(learners_[0].counts->tries, 0);
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}, {"seed", 1}}, "c"));
  EXPECT_EQ(learners_[0].counts->tries, 15);
}

TEST_F(FrameTest, ACheckpointOfOtherFeaturesWithTheSameNumbersIsNotTaken) {
  const std::string checkpoint = folder_ / "checkpoint";
  for (const auto& [name, rows] : {std::pair{"train", RowsOf(300, 1)}, {"valid", RowsOf(100, 2)}}) {
    Write(name, rows->AddColumn(6, "z", rows->GetColumnByName("x")).ValueOrDie());
  }
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "a"));
  learners_[0].counts->tries = 0;
  sdk::Step fit({{"label", "late"}, {"scale", {"z"}}}, {{"dataset", {folder_ / "train", "", ""}}},
                {{"transform", folder_ / "transform.json"}}, "");
  ASSERT_TRUE(transform::RunTransform(fit));
  ASSERT_TRUE(Run({{"checkpoint", checkpoint}}, "b"));
  EXPECT_EQ(learners_[0].counts->tries, 15);
}

TEST_F(FrameTest, ASkewedLabelMayBeLearntByItsLogarithm) {
  EXPECT_NE(Problem({{"label", "y"}, {"logTarget", "always"}}).find("has no logarithm"),
            std::string::npos);
  EXPECT_NE(Problem({{"logTarget", "always"}}).find("label 'late' has classes"), std::string::npos);
  EXPECT_NE(Problem({{"label", "y"}, {"loss", "absolute"}, {"logTarget", "always"}})
                .find("is learnt by another loss"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock::train
