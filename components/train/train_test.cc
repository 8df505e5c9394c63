#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "components/evaluate/evaluation.h"
#include "components/evaluate/run.h"
#include "components/sdk/metrics.h"
#include "components/sdk/scorer.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

using sdk::TestFolder;

// Labels drawn from a known logistic model of x, its square and a category: the best AUC that any
// model can have is that of the true probability.
struct Synthetic {
  std::shared_ptr<arrow::RecordBatch> rows;
  double best_auc = 0;
};

Synthetic MakeSynthetic(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  arrow::DoubleBuilder x, value;
  arrow::StringBuilder c, kind;
  arrow::BooleanBuilder late;
  std::vector<float> truth;
  std::vector<std::uint8_t> positive;
  for (int i = 0; i < count; ++i) {
    const double number = normal(random);
    const int category = int(random() % 5);
    const double p = 1 / (1 + std::exp(-(1.5 * number - number * number + 0.8 * category - 1.5)));
    const bool label = uniform(random) < p;
    truth.push_back(float(p));
    positive.push_back(label);
    EXPECT_TRUE(x.Append(number).ok() && c.Append("c" + std::to_string(category)).ok() &&
                late.Append(label).ok() && value.Append(100 + 10 * number + category).ok() &&
                kind.Append(number < -0.5  ? "low"
                            : number < 0.5 ? "mid"
                                           : "top")
                    .ok());
  }
  const auto schema =
      arrow::schema({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                     arrow::field("late", arrow::boolean()),
                     arrow::field("value", arrow::float64()), arrow::field("kind", arrow::utf8())});
  return {arrow::RecordBatch::Make(
              schema, count,
              {x.Finish().ValueOrDie(), c.Finish().ValueOrDie(), late.Finish().ValueOrDie(),
               value.Finish().ValueOrDie(), kind.Finish().ValueOrDie()}),
          sdk::Auc(truth, positive)};
}

class TrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {MakeSynthetic(20'000, 1).rows});
    const auto valid = MakeSynthetic(10'000, 2);
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
    sdk::Step step(parameters,
                   {{"train", {folder_ / "train", "", ""}},
                    {"valid", {folder_ / "valid", "", ""}},
                    {"transform", {folder_ / "transform.json", "", ""}}},
                   {{"model", folder_ / model}, {"metrics", folder_ / (model + ".json")}}, "");
    return RunTrain(step);
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

TEST_F(TrainTest, ComesWithinOnePercentOfTheBestAuc) {
  ASSERT_TRUE(Train({{"seed", 1}}, "m"));
  const double auc = Overall("m")["auc"];
  EXPECT_GT(auc, best_auc_ - 0.01);
  EXPECT_LT(auc, best_auc_ + 0.002);
}

// The same seed trains the same network; only the way it is stored differs.
TEST_F(TrainTest, WritesSafetensorsThatAnswerAsTorchScriptDoes) {
  for (const char* label : {"late", "value", "kind"}) {
    const std::string name = label;
    ASSERT_TRUE(Train({{"label", name}, {"epochs", 1}}, name + ".ts"));
    ASSERT_TRUE(Train({{"label", name}, {"epochs", 1}, {"format", "safetensors"}}, name + ".st"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / (name + ".st/model.ts")));
    const auto script = evaluate::ScoreModel(folder_ / (name + ".ts"), folder_ / "valid");
    const auto layers = evaluate::ScoreModel(folder_ / (name + ".st"), folder_ / "valid");
    ASSERT_TRUE(script && layers) << layers.error().message;
    EXPECT_EQ(layers->manifest.backend, "safetensors");
    ASSERT_EQ(script->raw.size(), layers->raw.size());
    for (std::size_t i = 0; i < script->raw.size(); ++i) {
      ASSERT_NEAR(script->raw[i], layers->raw[i], 1e-6 * (1 + std::abs(script->raw[i])));
    }
  }
}

TEST_F(TrainTest, WritesStatisticsOfItsAnswers) {
  ASSERT_TRUE(Train({{"epochs", 1}}, "m"));
  const auto text = ReadFile(folder_ / "m/statistics.json");
  const Json outputs = Json::parse(text.value())["outputs"];
  EXPECT_EQ(outputs["probability"]["count"], 10'000);
  EXPECT_EQ(outputs["probability"]["quantiles"].size(), 21U);
  EXPECT_EQ(outputs["label"]["count"], 10'000);
  EXPECT_EQ(outputs["label"]["distinct"], 2);
}

TEST_F(TrainTest, ALinearModelCannotSeeTheSquare) {
  ASSERT_TRUE(Train({{"model", "linear"}, {"learningRate", 0.02}}, "linear"));
  const double auc = Overall("linear")["auc"];
  EXPECT_GT(auc, 0.65);
  EXPECT_LT(auc, best_auc_ - 0.02);
}

TEST_F(TrainTest, GivesTheSameModelForTheSameSeed) {
  const Json two_epochs = {{"seed", 7}, {"epochs", 2}};
  ASSERT_TRUE(Train(two_epochs, "a"));
  ASSERT_TRUE(Train(two_epochs, "b"));
  ASSERT_TRUE(Train({{"seed", 8}, {"epochs", 2}}, "c"));
  const auto scores = [&](const char* model) {
    return evaluate::ScoreModel(folder_ / model, folder_ / "valid")->raw;
  };
  EXPECT_EQ(scores("a"), scores("b"));
  EXPECT_NE(scores("a"), scores("c"));
  EXPECT_EQ(*ReadFile(folder_ / "a/model.ts"), *ReadFile(folder_ / "b/model.ts"));
}

TEST_F(TrainTest, WritesAnArtifactThatAnswersItsOwnExamples) {
  ASSERT_TRUE(Train({{"epochs", 1}, {"examples", 12}}, "m"));
  const auto scorer = sdk::Scorer::Load(folder_ / "m");
  ASSERT_TRUE(scorer) << scorer.error().message;
  const auto examples = sdk::LoadExamples(folder_ / "m");
  ASSERT_TRUE(examples);
  ASSERT_EQ(examples->size(), 12U);
  const auto& manifest = scorer->manifest();
  for (const auto& example : *examples) {
    sdk::FloatMatrix row{1, scorer->transform().width(), nullptr};
    row.data = std::make_unique<float[]>(row.width);
    const std::string category = example.inputs["c"];
    const double x = example.inputs["x"];
    std::vector<sdk::Cell> cells = {x, std::string_view(category)};
    ASSERT_TRUE(scorer->transform().ApplyRow(cells, row.data.get()));
    const auto raw = scorer->Score(row);
    ASSERT_TRUE(raw);
    Json answer;
    for (const auto& o : manifest.outputs) answer[o.name] = OutputValue(manifest, o, *raw);
    EXPECT_TRUE(MatchesExample(manifest, example, answer, 1e-6));
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "m/statistics.json"));
  EXPECT_EQ(manifest.metrics["auc"], Overall("m")["auc"]);
}

TEST_F(TrainTest, LearnsANumber) {
  ASSERT_TRUE(Train({{"label", "value"}, {"learningRate", 0.01}}, "m"));
  EXPECT_GT(Overall("m")["r2"].get<double>(), 0.98);
  EXPECT_NEAR(Overall("m")["bias"].get<double>(), 0, 1);
}

TEST_F(TrainTest, LearnsSeveralClasses) {
  ASSERT_TRUE(Train({{"label", "kind"}, {"learningRate", 0.01}}, "m"));
  EXPECT_GT(Overall("m")["accuracy"].get<double>(), 0.95);
  const auto scorer = sdk::Scorer::Load(folder_ / "m");
  ASSERT_TRUE(scorer);
  EXPECT_EQ(scorer->manifest().classes, (std::vector<Json>{"low", "mid", "top"}));
}

TEST_F(TrainTest, StopsWhenTheMetricStaysBehind) {
  ASSERT_TRUE(Train({{"epochs", 60}, {"patience", 1}, {"learningRate", 0.02}}, "m"));
  const Json metrics = Json::parse(*ReadFile(folder_ / "m.json"));
  EXPECT_LT(metrics["epochs"].get<int>(), 60);
  EXPECT_EQ(metrics["epochs"].get<int>(), metrics["bestEpoch"].get<int>() + 1);
}

TEST_F(TrainTest, SaysInWhichDatasetAndRowALabelIsMissingOrUnseen) {
  const auto problem = [&](const char* json) {
    const auto rows =
        sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                      arrow::field("kind", arrow::utf8())},
                     json);
    sdk::WriteDataset(folder_ / "valid", {rows});
    const auto ok = Train({{"label", "kind"}, {"epochs", 1}}, "m");
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

TEST_F(TrainTest, ADamagedModelIsRefusedByName) {
  ASSERT_TRUE(Train({{"epochs", 1}}, "m"));
  std::filesystem::copy(folder_ / "m", folder_ / "bytes", std::filesystem::copy_options::recursive);
  std::ofstream(folder_ / "bytes/model.ts", std::ios::trunc) << "not a model";
  const auto bytes = sdk::Scorer::Load(folder_ / "bytes");
  ASSERT_FALSE(bytes);
  EXPECT_NE(bytes.error().message.find("model.ts"), std::string::npos);
  std::filesystem::copy(folder_ / "m", folder_ / "width", std::filesystem::copy_options::recursive);
  std::string yaml = *ReadFile(folder_ / "width/model.yaml");
  yaml.replace(yaml.find("features: 2"), 11, "features: 3");
  ASSERT_TRUE(WriteFileAtomically(folder_ / "width/model.yaml", yaml));
  const auto width = sdk::Scorer::Load(folder_ / "width");
  ASSERT_FALSE(width);
  EXPECT_NE(width.error().message.find("gives 2 features, model.yaml takes 3"), std::string::npos);
}

// AUC of one class ended the step, and its number was 0 elsewhere; null and "null" were one slice.
TEST_F(TrainTest, EvaluateEndsWellWhereAucIsNotDefinedAndTellsNullFromItsText) {
  ASSERT_TRUE(Train({{"epochs", 1}}, "m"));
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
  ASSERT_TRUE(Train({{"epochs", 1}}, "m"));
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
  ASSERT_TRUE(Train({{"epochs", 2}}, "m"));
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

}  // namespace
}  // namespace penstock::train
