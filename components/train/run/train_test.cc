#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "components/evaluate/evaluation.h"
#include "components/evaluate/run.h"
#include "components/model/model_loader.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/train/run/testing/known_rows.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

using sdk::TestFolder;

class TrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {MakeKnownRows(20'000, 1).rows});
    const auto valid = MakeKnownRows(10'000, 2);
    best_auc_ = valid.best_auc;
    sdk::WriteDataset(folder_ / "valid", {valid.rows});
    sdk::Step fit({{"label", "late"}, {"scale", {"x"}}, {"vocabulary", {{"c", Json::object()}}}},
                  {{"dataset", {folder_ / "train", "", ""}}},
                  {{"transform", folder_ / "transform.json"}}, "");
    const auto ok = transform::RunTransform(fit);
    ASSERT_TRUE(ok) << ok.error().message;
  }

  Result<void> Train(Json parameters, const std::string& model) {
    if (!parameters.contains("label")) parameters["label"] = "late";
    if (!parameters.contains("model")) parameters["model"] = "linear";
    sdk::Step step(parameters,
                   {{"train", {folder_ / "train", "", ""}},
                    {"valid", {folder_ / "valid", "", ""}},
                    {"transform", {folder_ / "transform.json", "", ""}}},
                   {{"model", folder_ / model}, {"metrics", folder_ / (model + ".json")}}, "");
    return RunTrainWithoutNetworks(step);
  }
  Json Overall(const std::string& model) {
    const auto scored = evaluate::ScoreModel(folder_ / model, folder_ / "valid");
    EXPECT_TRUE(scored) << (scored ? "" : scored.error().message);
    Json values = Json::object();
    const Json report = evaluate::Report(*scored, {}, 1, evaluate::LinesOf(*scored, "rmse"), 0.95);
    for (const auto& [name, metric] : report["overall"].items()) values[name] = metric["value"];
    return values;
  }

  TestFolder folder_;
  double best_auc_ = 0;
};

TEST_F(TrainTest, BoostingComesWithinOnePercentOfTheBestAuc) {
  ASSERT_TRUE(Train({{"model", "boosting"}}, "m"));
  const double auc = Overall("m")["auc"];
  EXPECT_GT(auc, best_auc_ - 0.01);
}

TEST_F(TrainTest, EveryModelIsServedAsItWasWritten) {
  const std::vector<Json> trainings = {
      {{"label", "late"}},
      {{"label", "late"}, {"calibrate", "platt"}},
      {{"label", "late"}, {"calibrate", "isotonic"}, {"model", "boosting"}},
      {{"label", "kind"}},
      {{"label", "kind"}, {"calibrate", "platt"}, {"model", "boosting"}},
      {{"label", "value"}, {"logTarget", "always"}},
      {{"label", "value"}, {"model", "boosting"}}};
  for (const Json& parameters : trainings) {
    std::filesystem::remove_all(folder_ / "m");
    const auto ok = Train(parameters, "m");
    ASSERT_TRUE(ok) << parameters << ok.error().message;
    const auto loaded = model::LoadModel(folder_ / "m");
    ASSERT_TRUE(loaded) << parameters << loaded.error().message;
    EXPECT_EQ(loaded->examples.size(), 20U);
    const auto right = model::CheckExamples(*loaded, 64);
    EXPECT_TRUE(right) << parameters << right.error().message;
  }
}

TEST_F(TrainTest, SaysInWhichDatasetAndRowALabelIsMissingOrUnseen) {
  const auto problem = [&](const char* json) {
    const auto rows =
        sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                      arrow::field("kind", arrow::utf8())},
                     json);
    sdk::WriteDataset(folder_ / "valid", {rows});
    const auto ok = Train({{"label", "kind"}}, "m");
    return ok ? std::string("accepted") : ok.error().message;
  };
  EXPECT_EQ(problem(R"([[1, "c1", "low"], [1, "c1", null]])"),
            "dataset valid: label 'kind' is null in row 1; leave such rows out with query");
  EXPECT_NE(problem(R"([[1, "c1", "maybe"]])")
                .find("dataset valid: label 'kind' is \"maybe\" in row 0, which is none of the "
                      "classes seen in training (\"low\", \"mid\", \"top\")"),
            std::string::npos);
  EXPECT_NE(problem(R"([[null, "c1", "low"]])").find("dataset valid: row 0, column 'x', is null"),
            std::string::npos);
}

TEST_F(TrainTest, SaysWhatIsWrong) {
  const auto problem = [&](const Json& parameters) {
    const auto ok = Train(parameters, "m");
    return ok ? std::string("accepted") : ok.error().message;
  };
  EXPECT_NE(problem({{"label", "x"}}).find("label 'x' is a feature"), std::string::npos);
  EXPECT_NE(problem({{"label", "no"}}).find("no column 'no'"), std::string::npos);
  EXPECT_NE(problem({{"epochs", 0}}).find("epochs"), std::string::npos);
  EXPECT_NE(problem({{"task", "regression"}, {"label", "kind"}}).find("needs a number"),
            std::string::npos);
}

// AUC of one class ended the step, and its number was 0 elsewhere; null and "null" were one slice.
TEST_F(TrainTest, EvaluateEndsWellWhereAucIsNotDefinedAndTellsNullFromItsText) {
  ASSERT_TRUE(Train({}, "m"));
  sdk::WriteDataset(
      folder_ / "one",
      {sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                     arrow::field("late", arrow::boolean()), arrow::field("g", arrow::utf8())},
                    R"([[1, "c1", false, null], [2, "c2", false, "null"],
                                      [0, "c1", false, "null"]])")});
  sdk::Step step({{"slices", {"g"}}, {"minSliceRows", 1}, {"person", 0.9}},
                 {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "one", "", ""}}},
                 {{"metrics", folder_ / "e.json"}}, folder_.path());
  const auto ok = evaluate::RunEvaluate(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const Json report = Json::parse(*ReadFile(folder_ / "e.json"));
  const Json& auc = report["overall"]["auc"];
  EXPECT_EQ(auc["value"], nullptr);
  EXPECT_EQ(auc["defined"], false);
  EXPECT_EQ(auc["why"], "all 3 rows are of class false");
  EXPECT_EQ(report["lines"], (Json{{"metric", "auc"}, {"person", 0.9}}));
  ASSERT_EQ(report["slices"].size(), 2U);
  EXPECT_EQ(report["slices"][0]["value"], "null");
  EXPECT_EQ(report["slices"][0]["rows"], 2);
  EXPECT_EQ(report["slices"][1]["value"], nullptr);
  EXPECT_EQ(*ReadFile(folder_ / "defined"), "false");
  EXPECT_LT(Json::parse(*ReadFile(folder_ / "value")).get<double>(), -1e300);
  EXPECT_FALSE(Json::parse(*ReadFile(folder_ / "metrics")).contains("auc"));
}

TEST_F(TrainTest, EvaluateImputesNothingThatAServerRefuses) {
  ASSERT_TRUE(Train({}, "m"));
  sdk::WriteDataset(folder_ / "null", {sdk::BatchOf({arrow::field("x", arrow::float64()),
                                                     arrow::field("c", arrow::utf8()),
                                                     arrow::field("late", arrow::boolean())},
                                                    R"([[1, "c1", false], [null, "c2", true]])")});
  const auto scored = evaluate::ScoreModel(folder_ / "m", folder_ / "null");
  ASSERT_FALSE(scored);
  EXPECT_NE(scored.error().message.find("row 1, column 'x', is null, which a server"),
            std::string::npos)
      << scored.error().message;
}

TEST_F(TrainTest, EvaluateReportsSlicesAndObeysTheThreshold) {
  ASSERT_TRUE(Train({}, "m"));
  sdk::Step step({{"slices", {"c"}}, {"threshold", 0.0}, {"minSliceRows", 100}},
                 {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "valid", "", ""}}},
                 {{"metrics", folder_ / "e.json"}}, folder_.path());
  const auto ok = evaluate::RunEvaluate(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const Json report = Json::parse(*ReadFile(folder_ / "e.json"));
  EXPECT_EQ(report["slices"].size(), 5U);
  EXPECT_EQ(report["overall"]["recall"]["value"], 1.0);
  std::int64_t rows = 0;
  for (const auto& slice : report["slices"]) rows += slice["rows"].get<std::int64_t>();
  EXPECT_EQ(rows, 10'000);
  EXPECT_EQ(report["confusion"]["counts"][1][0], 0);
  EXPECT_EQ(*ReadFile(folder_ / "metric"), "auc");
}

TEST(SeveralLabels, AreLearntByNetworksAndServedAsTheyWereWritten) {
  TestFolder folder;
  Json rows = Json::array();
  for (int i = 0; i < 300; ++i) {
    const double x = (i * 7919 % 601) / 100.0 - 3;
    rows.push_back({x, x > 0.5, i % 5 == 0 ? Json() : Json(x * x > 2 ? "far" : "near")});
  }
  sdk::WriteDataset(folder / "train", {sdk::BatchOf({arrow::field("x", arrow::float64()),
                                                     arrow::field("up", arrow::boolean()),
                                                     arrow::field("where", arrow::utf8())},
                                                    rows.dump())});
  const Json labels = {"up", "where"};
  sdk::Step fit({{"labels", labels}, {"scale", {"x"}}}, {{"dataset", {folder / "train", "", ""}}},
                {{"transform", folder / "transform.json"}}, "");
  const auto fitted = transform::RunTransform(fit);
  ASSERT_TRUE(fitted) << fitted.error().message;
  for (const char* format : {"torchscript", "safetensors"}) {
    const std::string model = folder / format;
    sdk::Step step(
        {{"labels", labels},
         {"model", "mlp"},
         {"epochs", 3},
         {"networks", 1},
         {"folds", 2},
         {"format", format}},
        {{"train", {folder / "train", "", ""}}, {"transform", {folder / "transform.json", "", ""}}},
        {{"model", model}}, "");
    const auto ok = RunTrain(step);
    ASSERT_TRUE(ok) << ok.error().message;
    const auto loaded = model::LoadModel(model);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->model->signature().outputs.size(), 4U);
    const auto right = model::CheckExamples(*loaded, 64);
    EXPECT_TRUE(right) << format << right.error().message;
  }
}

}  // namespace
}  // namespace penstock::train
