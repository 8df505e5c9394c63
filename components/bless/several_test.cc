// A model of several labels on its whole way: train, the serving code, predict, evaluate, bless.
#include "components/bless/several.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "components/bless/checks.h"
#include "components/bless/run.h"
#include "components/evaluate/run.h"
#include "components/explain/run.h"
#include "components/model/model_loader.h"
#include "components/model_format/label_models.h"
#include "components/predict/run.h"
#include "components/sdk/dataset.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::bless {
namespace {

using testing::HasSubstr;

class SeveralLabels : public ::testing::Test {
 protected:
  // red: x is high; big: y is, "yes" or "no", null in each fourth row; hot: x * y is.
  void Write(const std::string& name, unsigned seed, double noise = 0.5) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    Json rows = Json::array();
    for (int i = 0; i < 600; ++i) {
      const double x = normal(random), y = normal(random);
      const auto above = [&](double value) { return value + noise * normal(random) > 0; };
      const bool red = above(x), big = above(y), hot = above(x * y);
      rows.push_back({x, y, std::string(1, char('a' + i % 3)), red,
                      i % 4 == 0 ? Json() : Json(big ? "yes" : "no"), hot ? 1 : 0});
    }
    sdk::WriteDataset(
        folder_ / name,
        {sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("y", arrow::float64()),
                       arrow::field("c", arrow::utf8()), arrow::field("red", arrow::boolean()),
                       arrow::field("big", arrow::utf8()), arrow::field("hot", arrow::int64())},
                      rows.dump())});
  }
  Json Labels() const { return {"red", "big", "hot"}; }

  void Train(const std::string& model, Json parameters) {
    Json recipe = {{"labels", Labels()}, {"scale", {"x", "y"}}};
    if (parameters.contains("targetEncode")) {
      recipe["targetEncode"] = {{"c", Json::object()}};
      parameters.erase("targetEncode");
    }
    sdk::Step fit(recipe, {{"dataset", {folder_ / "train", "", ""}}},
                  {{"transform", folder_ / "transform.json"}}, "");
    const auto fitted = transform::RunTransform(fit);
    ASSERT_TRUE(fitted) << fitted.error().message;
    parameters["labels"] = Labels();
    parameters["folds"] = 2;
    sdk::Step step(parameters,
                   {{"train", {folder_ / "train", "", ""}},
                    {"transform", {folder_ / "transform.json", "", ""}}},
                   {{"model", folder_ / model}, {"metrics", folder_ / (model + ".json")}}, "");
    const auto ok = train::RunTrainWithoutNetworks(step);
    ASSERT_TRUE(ok) << ok.error().message;
  }

  Result<void> Evaluate(const std::string& model, Json parameters = Json::object()) {
    if (!parameters.contains("importance")) parameters["importance"] = 0;
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters,
                   {{"model", {folder_ / model, "", ""}}, {"dataset", {folder_ / "test", "", ""}}},
                   {{"metrics", folder_ / "metrics.json"}, {"report", folder_ / "report.html"}},
                   folder_ / "results");
    return evaluate::RunEvaluate(step);
  }
  Result<void> Bless(const std::string& model, const std::string& baseline,
                     const Json& parameters = Json::object()) {
    std::map<std::string, sdk::StepInput> inputs = {{"model", {folder_ / model, "", ""}},
                                                    {"dataset", {folder_ / "test", "", ""}}};
    if (!baseline.empty()) inputs["baseline"] = {folder_ / baseline, "", ""};
    std::filesystem::remove_all(folder_ / "out");
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters, inputs,
                   {{"model", folder_ / "out"}, {"verdict", folder_ / "verdict.json"}},
                   folder_ / "results");
    return RunBless(step);
  }
  std::string ResultOf(const std::string& name) { return *ReadFile(folder_ / ("results/" + name)); }
  Json Read(const std::string& name) { return Json::parse(*ReadFile(folder_ / name)); }

  sdk::TestFolder folder_;
};

// The word is a category to the model whose rows hold it and a null to the others, which took none:
// no server took the model, whose own examples it refused.
TEST_F(SeveralLabels, TakeAWordForNullThatOnlyRowsOfOneLabelHold) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  Json rows = Json::array();
  for (int i = 0; i < 400; ++i) {
    const double x = normal(random);
    const bool odd = i % 2 == 1;
    rows.push_back({x, odd ? (i % 3 == 0 ? "a" : "b") : (i % 3 == 0 ? "NA" : "a"),
                    x + 0.3 * normal(random) > 0, odd ? Json(x < 0) : Json()});
  }
  sdk::WriteDataset(
      folder_ / "train",
      {sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                     arrow::field("red", arrow::boolean()), arrow::field("big", arrow::boolean())},
                    rows.dump())});
  const Json labels = {"red", "big"};
  sdk::Step fit({{"labels", labels}, {"scale", {"x"}}, {"oneHot", {"c"}}},
                {{"dataset", {folder_ / "train", "", ""}}},
                {{"transform", folder_ / "transform.json"}}, "");
  ASSERT_TRUE(transform::RunTransform(fit));
  sdk::Step step(
      {{"labels", labels}, {"model", "linear"}, {"folds", 2}},
      {{"train", {folder_ / "train", "", ""}}, {"transform", {folder_ / "transform.json", "", ""}}},
      {{"model", folder_ / "m"}}, "");
  const auto ok = train::RunTrainWithoutNetworks(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const auto loaded = model::LoadModel(folder_ / "m");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const bool holds = std::any_of(loaded->examples.begin(), loaded->examples.end(),
                                 [](const auto& e) { return e.inputs["c"] == "NA"; });
  EXPECT_TRUE(holds);
  const auto right = model::CheckExamples(*loaded);
  EXPECT_TRUE(right) << right.error().message;
}

// The recipe of word vectors is larger than most files that are read at once.
TEST_F(SeveralLabels, AreServedWithALargeRecipe) {
  Write("train", 1);
  Train("m", {{"model", "linear"}});
  for (const char* label : {"0", "1", "2"}) {
    const std::string path = folder_ / ("m/labels/" + std::string(label) + "/transform.json");
    const auto recipe = ReadFile(path);
    ASSERT_TRUE(recipe);
    ASSERT_TRUE(WriteFileAtomically(path, *recipe + std::string(65U << 20U, ' ')));
  }
  const auto loaded = model::LoadModel(folder_ / "m");
  EXPECT_TRUE(loaded) << loaded.error().message;
}

TEST_F(SeveralLabels, AreServedAsTheyWereTrainedByWhateverLearner) {
  Write("train", 1);
  for (const Json& parameters :
       {Json{{"model", "linear"}}, Json{{"model", "linear"}, {"targetEncode", true}},
        Json{{"model", "boosting"}, {"thresholdBy", "f1"}, {"calibrate", "platt"}}}) {
    std::filesystem::remove_all(folder_ / "m");
    Train("m", parameters);
    const auto loaded = model::LoadModel(folder_ / "m");
    ASSERT_TRUE(loaded) << parameters << loaded.error().message;
    const auto& outputs = loaded->model->signature().outputs;
    ASSERT_EQ(outputs.size(), 6U);
    EXPECT_EQ(outputs[2].name, "probability_big");
    EXPECT_EQ(outputs[3].name, "label_big");
    EXPECT_EQ(outputs[3].datatype, model::Datatype::kBytes);
    EXPECT_EQ(outputs[5].datatype, model::Datatype::kInt64);
    EXPECT_EQ(loaded->examples.size(), 20U);
    const auto right = model::CheckExamples(*loaded, 64);
    EXPECT_TRUE(right) << parameters << right.error().message;
  }
}

TEST_F(SeveralLabels, PredictAnswersEachUnderItsName) {
  Write("train", 1);
  Write("test", 2);
  Train("m", {{"model", "linear"}});
  sdk::Step step({{"keep", Json::array()}},
                 {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "test", "", ""}}},
                 {{"predictions", folder_ / "p"}}, "");
  const auto ok = predict::RunPredict(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const auto rows = sdk::DatasetReader::Open(folder_ / "p");
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)->rows(), 600);
  EXPECT_EQ((*rows)->schema()->field_names(),
            (std::vector<std::string>{"probability_red", "label_red", "probability_big",
                                      "label_big", "probability_hot", "label_hot"}));
}

TEST_F(SeveralLabels, AreEvaluatedOneByOneAndTogether) {
  Write("train", 1);
  Write("test", 2);
  Train("m", {{"model", "boosting"}, {"rounds", 20}});
  const auto ok = Evaluate("m", {{"slices", {"c"}}, {"required", 0.8}});
  ASSERT_TRUE(ok) << ok.error().message;
  const Json metrics = Read("metrics.json");
  EXPECT_EQ(metrics["rows"], 600);
  EXPECT_EQ(metrics["labels"]["red"]["rows"], 600);
  EXPECT_EQ(metrics["labels"]["big"]["rows"], 450);  // each fourth is null
  EXPECT_EQ(metrics["overall"]["subsetAccuracy"]["rows"], 450);
  double mean = 0;
  for (const char* label : {"red", "big", "hot"}) {
    const Json& own = metrics["labels"][label];
    mean += own["overall"]["auc"]["value"].get<double>() / 3;
    EXPECT_EQ(own["slices"].size(), 3U) << label;
  }
  EXPECT_NEAR(metrics["overall"]["macroAuc"]["value"].get<double>(), mean, 1e-12);
  EXPECT_GT(mean, 0.8);
  EXPECT_EQ(ResultOf("metric"), "macroAuc");
  EXPECT_EQ(metrics["lines"]["required"], 0.8);
  EXPECT_FALSE(metrics["labels"]["red"]["lines"].contains("required"));
  EXPECT_THAT(*ReadFile(folder_ / "report.html"), HasSubstr("All labels together"));
}

TEST_F(SeveralLabels, AreBlessedByAllOfThemTogether) {
  Write("train", 1);
  Write("test", 2);
  Train("good", {{"model", "boosting"}, {"rounds", 20}});
  Write("train", 3, 4);  // hardly anything to learn
  Train("poor", {{"model", "linear"}});
  const auto ok = Bless("good", "poor", Json::parse(R"({"mustBeatBaseline": true, "thresholds": [
      {"metric": "macroF1", "min": 0.6}, {"metric": "auc", "label": "big", "min": 0.7}]})"));
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(ResultOf("blessed"), "true") << Read("verdict.json").dump(1);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/labels/2/model.yaml"));
  EXPECT_TRUE(model::LoadModel(folder_ / "out"));
  ASSERT_TRUE(Bless("poor", "good"));
  EXPECT_EQ(ResultOf("blessed"), "false");
  EXPECT_THAT(ResultOf("reason"), HasSubstr("worse than the baseline"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  ASSERT_TRUE(Bless("poor", "good", {{"metric", "hammingLoss"}}));
  EXPECT_EQ(ResultOf("blessed"), "false");
  const auto none = Bless(
      "good", "", Json::parse(R"({"thresholds": [{"metric": "auc", "label": "x", "min": 0.5}]})"));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("the model has no label 'x'"));
}

// What a step is given is read-only, and in a pod nobody is root.
TEST_F(SeveralLabels, AModelOfReadOnlyFoldersIsCopiedIntoOnesThatCanBeWrittenInto) {
  namespace fs = std::filesystem;
  Write("train", 1);
  Write("test", 2);
  Train("good", {{"model", "linear"}});
  std::vector<fs::path> folders = {folder_ / "good"};
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "good")) {
    if (entry.is_directory()) folders.push_back(entry.path());
    fs::permissions(entry, entry.is_directory() ? fs::perms(0555) : fs::perms(0444));
  }
  fs::permissions(folder_.path(), fs::perms(0777));
  const bool root = ::geteuid() == 0;  // to whom nothing is read-only
  ASSERT_TRUE(!root || ::seteuid(65534) == 0);
  const auto ok = Bless("good", "");
  ASSERT_TRUE(!root || ::seteuid(0) == 0);
  for (const auto& folder : folders) fs::permissions(folder, fs::perms(0755));
  ASSERT_TRUE(ok) << ok.error().message;
  std::size_t seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out")) {
    ++seen;
    EXPECT_NE(entry.status().permissions() & fs::perms::owner_write, fs::perms::none)
        << entry.path();
  }
  EXPECT_GT(seen, 6U);
}

TEST_F(SeveralLabels, ABaselineOfOneLabelCannotBeCompared) {
  Write("train", 1);
  Write("test", 2);
  Train("good", {{"model", "boosting"}, {"rounds", 20}});
  ASSERT_TRUE(Bless("good", "good/labels/0", {{"mustBeatBaseline", true}}));
  EXPECT_EQ(ResultOf("blessed"), "false");
  EXPECT_THAT(ResultOf("reason"), HasSubstr("it is a model of one label"));
  ASSERT_TRUE(Bless("good", "good/labels/0"));
  EXPECT_EQ(ResultOf("blessed"), "true") << Read("verdict.json").dump(1);
}

TEST_F(SeveralLabels, AModelThatSaysAnotherLabelThanItsFolderIsNotBlessed) {
  Write("train", 1);
  Write("test", 2);
  Train("m", {{"model", "linear"}});
  const std::string path = folder_ / "m/model.yaml";
  std::string yaml = *ReadFile(path);
  const auto change = [&](const std::string& from, const std::string& to) {
    std::string changed = yaml;
    changed.replace(changed.find(from), from.size(), to);
    ASSERT_TRUE(WriteFileAtomically(path, changed));
  };
  change("labels/1", "labels/0");
  ASSERT_TRUE(Bless("m", ""));
  EXPECT_EQ(ResultOf("blessed"), "false");
  EXPECT_THAT(ResultOf("reason"), HasSubstr("must be a model of label 'big'"));
  change("labels/1", "../m");
  ASSERT_TRUE(Bless("m", ""));
  EXPECT_THAT(ResultOf("reason"), HasSubstr("must be a path within the model's folder"));
}

TEST_F(SeveralLabels, ExplainSaysThatItTakesOneLabel) {
  Write("train", 1);
  Write("test", 2);
  Train("m", {{"model", "linear"}});
  sdk::Step step(Json::object(),
                 {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "test", "", ""}}},
                 {{"contributions", folder_ / "c"}}, "");
  const auto no = explain::RunExplain(step);
  ASSERT_FALSE(no);
  EXPECT_THAT(no.error().message, HasSubstr("a model of several labels"));
}

}  // namespace
}  // namespace penstock::bless
