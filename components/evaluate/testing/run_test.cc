// The component as a whole, on a model written by hand: probability = sigmoid(2 x), of the inputs x
// and noise; and its regression: prediction = 3 x.
#include "components/evaluate/run.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>

#include "components/evaluate/importance.h"
#include "components/model_format/layers.h"
#include "components/model_format/model_artifact.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::evaluate {
namespace {

using testing::HasSubstr;

class EvaluateRun : public ::testing::Test {
 protected:
  void WriteModel(bool regression) {
    std::filesystem::create_directories(folder_ / "m");
    Json inputs = Json::array();
    Json steps = Json::array();
    for (const char* name : {"x", "noise"}) {
      inputs.push_back({{"name", name}, {"type", "float64"}, {"nullable", false}});
      steps.push_back({{"op", "passthrough"}, {"column", name}, {"fill", 0.0}});
    }
    const Json transform = {
        {"formatVersion", 1}, {"label", "y"}, {"inputs", inputs}, {"steps", steps}};
    Must(WriteFileAtomically(folder_ / "m/transform.json", transform.dump()));
    Json layers = Json::array();
    layers.push_back({{"op", "linear"}, {"weight", "w"}});
    if (!regression) layers.push_back(Json{{"op", "sigmoid"}});
    layers.push_back(Json{{"op", "squeeze"}});
    Must(WriteFileAtomically(folder_ / "m/network.json",
                             Json{{"formatVersion", 1}, {"layers", layers}}.dump()));
    const float weights[] = {regression ? 3.0F : 2.0F, 0.0F};
    Must(sdk::WriteSafetensors(
        folder_ / "m/weights.safetensors",
        {{"w", {sdk::TensorType::kF32, {1, 2}, std::as_bytes(std::span(weights))}}}, {}));
    sdk::ModelManifest m;
    m.name = "<b>m</b>";
    m.label = "y";
    m.task = regression ? sdk::ModelTask::kRegression : sdk::ModelTask::kClassification;
    m.backend = "safetensors";
    m.file = "weights.safetensors";
    m.inputs = {{"x", sdk::ColumnType::kFloat64, false},
                {"noise", sdk::ColumnType::kFloat64, false}};
    m.features = 2;
    if (!regression) m.classes = {"no", "<yes>"};
    m.outputs = sdk::StandardOutputs(m.task, m.classes);
    Must(sdk::SaveModelManifest(folder_ / "m", m));
  }

  // Rows by the model's own probabilities, but for group "bad", whose labels are turned round.
  void WriteRows(bool regression, const std::vector<int>& nulls = {}) {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    Json rows = Json::array();
    for (int i = 0; i < 1000; ++i) {
      const double x = normal(random);
      const bool bad = i % 10 == 0;
      const bool yes = (uniform(random) < 1 / (1 + std::exp(-2 * x))) != bad;
      const Json y =
          regression ? Json(3 * x + normal(random) + (bad ? 5 : 0)) : Json(yes ? "<yes>" : "no");
      const bool null = std::find(nulls.begin(), nulls.end(), i) != nulls.end();
      rows.push_back({null ? Json() : Json(x), normal(random), y,
                      bad          ? Json("bad</td><script>")
                      : i % 2 == 0 ? Json()
                                   : Json("null"),
                      1 + i % 3});
    }
    sdk::WriteDataset(
        folder_ / "d",
        {sdk::BatchOf({arrow::field("x", arrow::float64()), arrow::field("noise", arrow::float64()),
                       arrow::field("y", regression ? arrow::float64() : arrow::utf8()),
                       arrow::field("g", arrow::utf8()), arrow::field("w", arrow::int64())},
                      rows.dump())});
  }

  Result<void> Evaluate(const Json& parameters) {
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(
        parameters, {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "d", "", ""}}},
        {{"metrics", folder_ / "metrics"}, {"report", folder_ / "report"}}, folder_ / "results");
    return RunEvaluate(step);
  }
  Json Metrics(const Json& parameters = Json::object()) {
    const auto ok = Evaluate(parameters);
    EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
    return Json::parse(ReadFile(folder_ / "metrics").value());
  }
  std::string Problem(const Json& parameters) {
    const auto ok = Evaluate(parameters);
    return ok ? "" : ok.error().message;
  }
  static void Must(const Result<void>& ok) { ASSERT_TRUE(ok) << ok.error().message; }

  sdk::TestFolder folder_;
};

TEST_F(EvaluateRun, FindsTheSliceInWhichTheModelIsWrong) {
  WriteModel(false);
  WriteRows(false);
  const Json m = Metrics({{"slices", {"g", {"g", "w"}}}});
  const Json found = m["worstSlices"]["found"];
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0]["where"], Json::array({{{"column", "g"}, {"value", "bad</td><script>"}}}));
  EXPECT_EQ(found[0]["rows"], 100);
  // The text "null" and null are two slices.
  std::map<Json, int> rows;
  for (const auto& slice : m["slices"]) {
    if (slice["column"] == "g") rows[slice["value"]] = slice["rows"];
  }
  EXPECT_EQ(rows, (std::map<Json, int>{{nullptr, 400}, {"null", 500}, {"bad</td><script>", 100}}));
  const bool crossed = std::any_of(m["slices"].begin(), m["slices"].end(), [](const Json& s) {
    return s["column"] == Json{"g", "w"} && s["value"] == Json{nullptr, "1"};
  });
  EXPECT_TRUE(crossed);
}

TEST_F(EvaluateRun, TellsTheInputThatMattersFromTheOneThatDoesNot) {
  WriteModel(false);
  WriteRows(false);
  const Json inputs = Metrics()["importance"]["inputs"];
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0]["column"], "x");
  EXPECT_GT(inputs[0]["low"], 0.1);
  EXPECT_EQ(inputs[1]["drop"], 0);  // its weight is 0
}

TEST_F(EvaluateRun, CountsRefusedRowsOrFailsWithTheirNumber) {
  WriteModel(false);
  WriteRows(false, {7, 8, 500, 999});
  const std::string problem = Problem(Json::object());
  EXPECT_THAT(problem, HasSubstr("row 7, column 'x', is null"));
  EXPECT_THAT(problem, HasSubstr("4 of 1000 rows are refused, also row 8 (column 'x'), 500"));
  const Json m = Metrics({{"onRefusedRow", "Count"}, {"slices", {"g"}}, {"weight", "w"}});
  EXPECT_EQ(m["refused"], 4);
  EXPECT_EQ(m["rows"], 996);
  ASSERT_EQ(m["refusedRows"].size(), 3U);
  EXPECT_EQ(m["refusedRows"][2]["row"], 500);
  EXPECT_EQ(m["refusedRows"][2]["column"], "x");
  EXPECT_EQ(ReadFile(folder_ / "results/refused").value(), "4");
  std::int64_t sliced = 0;
  for (const auto& slice : m["slices"]) sliced += slice["rows"].get<std::int64_t>();
  EXPECT_EQ(sliced, 996);
  EXPECT_THAT(ReadFile(folder_ / "report").value(), HasSubstr("Rows that a server refuses"));
}

// What is left is scored as it is alone: the rows do not slip.
TEST_F(EvaluateRun, ScoresTheRowsThatAreNotRefusedAsTheyAreAlone) {
  WriteModel(false);
  WriteRows(false);
  const auto whole = ScoreModel(folder_ / "m", folder_ / "d");
  ASSERT_TRUE(whole);
  WriteRows(false, {0, 7, 8, 999});
  const auto served = LoadServed(folder_ / "m");
  const auto some = Score(*served, folder_ / "d", nullptr, OnRefused::kCount);
  ASSERT_TRUE(some) << some.error().message;
  ASSERT_EQ(some->rows.size(), 996U);
  for (std::size_t i = 0; i < some->rows.size(); ++i) {
    ASSERT_EQ(some->labels[i], whole->labels[some->rows[i]]);
    ASSERT_NEAR(some->raw[i], whole->raw[some->rows[i]], 1e-6);
  }
}

TEST_F(EvaluateRun, WritesAPageThatHoldsItsDataAsText) {
  WriteModel(false);
  WriteRows(false);
  Metrics({{"slices", {"g"}}});
  const std::string page = ReadFile(folder_ / "report").value();
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>m"), std::string::npos);
  EXPECT_EQ(page.find("<yes>"), std::string::npos);
  EXPECT_EQ(page.find("Rows that a server refuses"), std::string::npos);  // there are none
  for (const char* part : {"&lt;b&gt;m&lt;/b&gt;", "Confusion matrix", "ROC", "Calibration",
                           "Worst slices", "The worst rows", "Rows spread evenly", "&lt;yes&gt;",
                           "bad&lt;/td&gt;&lt;script&gt;", "Importance of the inputs"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  const std::string metrics = ReadFile(folder_ / "metrics").value();
  Metrics({{"slices", {"g"}}});
  EXPECT_EQ(ReadFile(folder_ / "report").value(), page);
  EXPECT_EQ(ReadFile(folder_ / "metrics").value(), metrics);
}

TEST_F(EvaluateRun, MeasuresARegressionWithTolerances) {
  WriteModel(true);
  WriteRows(true);
  const Json m = Metrics({{"within", 1.0}, {"withinPercent", 50}, {"slices", {"g"}}});
  EXPECT_NEAR(m["overall"]["within"]["value"], 0.9 * std::erf(1 / std::sqrt(2.0)), 0.04);
  EXPECT_TRUE(m["overall"]["withinPercent"]["defined"]);
  EXPECT_EQ(m["worstSlices"]["found"][0]["where"][0]["column"], "g");
  EXPECT_TRUE(m["slices"][0]["metrics"].contains("within"));
  EXPECT_FALSE(m["overall"].contains("expectedCalibrationError"));
  EXPECT_GT(m["calibration"]["slope"]["high"], 0.9);
}

TEST_F(EvaluateRun, WeighsRowsByAColumn) {
  WriteModel(false);
  WriteRows(false);
  const Json plain = Metrics();
  const Json weighted = Metrics({{"weight", "w"}});
  EXPECT_EQ(plain["weighted"], false);
  EXPECT_EQ(weighted["weighted"], true);
  EXPECT_NE(plain["overall"]["auc"]["value"], weighted["overall"]["auc"]["value"]);
  EXPECT_THAT(Problem({{"weight", "g"}}), HasSubstr("a weight is a number from 0 on"));
  EXPECT_THAT(Problem({{"weight", "noise"}}), HasSubstr("column 'noise', is -"));
}

TEST_F(EvaluateRun, TakesMetricsBySql) {
  WriteModel(false);
  WriteRows(false, {3});
  const Json m =
      Metrics({{"onRefusedRow", "Count"},
               {"sqlMetrics",
                {{"share", "SELECT avg((prediction = y)::INT) FROM answers;"},
                 {"cost", "SELECT -sum(w) FILTER (probability > 0.5 AND y = 'no') FROM answers"},
                 {"nothing", "SELECT avg(x) FROM answers WHERE x > 1000"},
                 {"count", "SELECT count(*) FROM answers"}}}})["overall"];
  EXPECT_NEAR(m["share"]["value"], m["accuracy"]["value"], 1e-12);
  EXPECT_EQ(m["count"]["value"], 999);
  EXPECT_LT(m["cost"]["value"], -100);
  EXPECT_EQ(m["nothing"]["defined"], false);
  EXPECT_EQ(m["nothing"]["why"], "its SQL gives null");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "metrics.scratch"));
  const auto problem = [&](const std::string& name, const std::string& sql) {
    return Problem({{"onRefusedRow", "Count"}, {"sqlMetrics", {{name, sql}}}});
  };
  EXPECT_THAT(problem("two", "SELECT x FROM answers"), HasSubstr("'two': gives 999 rows"));
  EXPECT_THAT(problem("text", "SELECT 'a'"), HasSubstr("which is no number"));
  EXPECT_THAT(problem("wrong", "SELECT nowhere FROM answers"), HasSubstr("nowhere"));
  EXPECT_THAT(problem("auc", "SELECT 1"), HasSubstr("cannot name a metric"));
  EXPECT_THAT(problem("file", "SELECT count(*) FROM read_text('/etc/hostname')"),
              HasSubstr("'file'"));
}

TEST_F(EvaluateRun, ComparesTheDecisionsOfGroupsWithNullApart) {
  WriteModel(false);
  WriteRows(false);
  const Json m = Metrics({{"fairness", {"g"}}});
  ASSERT_EQ(m["fairness"].size(), 1U);
  EXPECT_EQ(m["fairness"][0]["groups"].size(), 3U);
  const Json gap = m["fairness"][0]["gaps"]["equalOpportunity"];
  // The labels of the group "bad" are turned round: who is positive there is seldom decided so.
  EXPECT_EQ(gap["least"], "bad</td><script>");
  EXPECT_EQ(gap["most"], "null");  // the text; null itself is in no gap
  EXPECT_GT(gap["low"], 0.2);
  const Json values = Json::parse(ReadFile(folder_ / "results/fairness").value());
  EXPECT_EQ(values["g"]["equalOpportunity"], gap["value"]);
  EXPECT_THAT(ReadFile(folder_ / "report").value(), HasSubstr("equalisedOdds"));
  EXPECT_THAT(ReadFile(folder_ / "report").value(), testing::Not(HasSubstr("<script>")));
  EXPECT_FALSE(Metrics().contains("fairness"));
}

TEST_F(EvaluateRun, RefusesWhatItCannotMeasure) {
  WriteModel(false);
  WriteRows(false);
  EXPECT_THAT(Problem({{"within", 1}}), HasSubstr("within and withinPercent are of a regression"));
  EXPECT_THAT(Problem({{"slices", {"nowhere"}}}), HasSubstr("nowhere"));
  EXPECT_THAT(Problem({{"slices", {1}}}), HasSubstr("slices: takes columns and lists of columns"));
  EXPECT_THAT(Problem({{"importance", 1}}), HasSubstr("2 or more"));
  EXPECT_THAT(Problem({{"within", -1}}), HasSubstr("within: must be 0 or above"));
}

}  // namespace
}  // namespace penstock::evaluate
