// The component as a whole: models that `train` wrote, datasets on disk, the step's results.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "components/bless/run.h"
#include "components/model_format/model_artifact.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::bless {
namespace {

using sdk::TestFolder;

struct Row {
  double x = 0;
  double price = 0;
  std::string kind;
};

class BlessRun : public ::testing::Test {
 protected:
  // Rows whose kind is seen from x; `change` may spoil some.
  void Write(const std::string& name, const std::string& column, int classes,
             const std::function<void(int, Row&)>& change = {}) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    arrow::DoubleBuilder x, price;
    arrow::StringBuilder kind;
    for (int i = 0; i < 600; ++i) {
      const int k = int(random() % unsigned(classes));
      Row row = {2.5 * k + normal(random), 10 + normal(random), std::string(1, char('a' + k))};
      if (change) change(i, row);
      ASSERT_TRUE(x.Append(row.x).ok() && kind.Append(row.kind).ok());
      ASSERT_TRUE((std::isnan(row.price) ? price.AppendNull() : price.Append(row.price)).ok());
    }
    const auto schema =
        arrow::schema({arrow::field("x", arrow::float64()), arrow::field(column, arrow::float64()),
                       arrow::field("kind", arrow::utf8())});
    sdk::WriteDataset(
        folder_ / name,
        {arrow::RecordBatch::Make(
            schema, 600,
            {x.Finish().ValueOrDie(), price.Finish().ValueOrDie(), kind.Finish().ValueOrDie()})});
  }

  Result<void> Train(const std::string& data, const std::string& column, const std::string& model,
                     const std::string& valid = "", const Json& impute = Json::object()) {
    sdk::Step fit({{"label", "kind"}, {"scale", {"x", column}}, {"impute", impute}},
                  {{"dataset", {folder_ / data, "", ""}}},
                  {{"transform", folder_ / (model + ".json")}}, "");
    if (auto ok = transform::RunTransform(fit); !ok) return ok;
    sdk::Step step({{"label", "kind"}, {"model", "linear"}},
                   {{"train", {folder_ / data, "", ""}},
                    {"valid", {folder_ / (valid.empty() ? data : valid), "", ""}},
                    {"transform", {folder_ / (model + ".json"), "", ""}}},
                   {{"model", folder_ / model}, {"metrics", folder_ / (model + ".m")}}, "");
    return train::RunTrainWithoutNetworks(step);
  }

  Result<void> Bless(const std::string& model, const std::string& data, const std::string& baseline,
                     const Json& parameters) {
    std::map<std::string, sdk::StepInput> inputs = {{"model", {folder_ / model, "", ""}},
                                                    {"dataset", {folder_ / data, "", ""}}};
    if (!baseline.empty()) inputs["baseline"] = {folder_ / baseline, "", ""};
    std::filesystem::remove_all(folder_ / "out");
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters, inputs,
                   {{"model", folder_ / "out"}, {"verdict", folder_ / "verdict.json"}},
                   folder_ / "results");
    return RunBless(step);
  }

  // What the verdict says of a step that did not fail.
  Json Verdict(const std::string& model, const std::string& data, const std::string& baseline = "",
               const Json& parameters = Json::object()) {
    const auto ok = Bless(model, data, baseline, parameters);
    EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
    Json verdict = Json::parse(*ReadFile(folder_ / "verdict.json"));
    EXPECT_EQ(std::filesystem::exists(folder_ / "out/model.yaml"), verdict["blessed"].get<bool>());
    EXPECT_EQ(*ReadFile(folder_ / "results/blessed"), verdict["blessed"].dump());
    return verdict;
  }

  TestFolder folder_;
};

TEST_F(BlessRun, AnswersEveryTestRowByTheServingCodeBeforeItPublishes) {
  Write("d", "price", 2);
  ASSERT_TRUE(Train("d", "price", "m"));
  const Json verdict = Verdict("m", "d");
  EXPECT_EQ(verdict["blessed"], true) << verdict["reason"];
  EXPECT_EQ(verdict["checks"][0]["name"], "serving");
  EXPECT_NE(verdict["checks"][0]["message"].get<std::string>().find("all 600 test rows"),
            std::string::npos);
  EXPECT_EQ(verdict["lines"]["ceiling"], 1.0);
  EXPECT_EQ(verdict["metrics"]["auc"]["rows"], 600);
  EXPECT_LT(verdict["metrics"]["auc"]["low"], verdict["metrics"]["auc"]["value"]);
  EXPECT_EQ(*ReadFile(folder_ / "results/defined"), "true");
}

TEST_F(BlessRun, RefusesAModelWhoseServerWouldRefuseATestRowAndNamesIt) {
  Write("d", "price", 2);
  Write("test", "price", 2, [](int i, Row& row) {
    if (i == 77) row.price = std::nan("");
    if (i == 90) row.price = INFINITY;
  });
  ASSERT_TRUE(Train("d", "price", "m"));
  const Json verdict = Verdict("m", "test");
  EXPECT_EQ(verdict["blessed"], false);
  EXPECT_NE(verdict["reason"].get<std::string>().find("row 77, column 'price', is null"),
            std::string::npos)
      << verdict["reason"];
  EXPECT_EQ(verdict["refused"], (Json{{"row", 77}, {"column", "price"}, {"value", nullptr}}));
  EXPECT_EQ(verdict["value"], nullptr);
  // Said to the transform, nulls are taken, imputed and served.
  ASSERT_TRUE(Train("d", "price", "imputing", "test", {{"price", "median"}}));
  EXPECT_EQ(Verdict("imputing", "test")["blessed"], true);
}

// In a file it was a text that training had not seen, in JSON a null: the answers differed.
TEST_F(BlessRun, AWordForNullIsAnsweredTheSameInAFileAndAsJson) {
  const auto write = [&](const std::string& name, const char* odd) {
    std::mt19937 random(7);
    arrow::StringBuilder country, kind;
    for (int i = 0; i < 600; ++i) {
      const bool a = random() % 2 == 0;
      const bool is_null = i % 10 == 0;
      ASSERT_TRUE(kind.Append(a ? "a" : "b").ok());
      ASSERT_TRUE((is_null && odd == nullptr ? country.AppendNull()
                   : is_null                 ? country.Append(odd)
                             : country.Append(a == (random() % 8 > 0) ? "DE" : "FR"))
                      .ok());
    }
    const auto schema = arrow::schema(
        {arrow::field("country", arrow::utf8()), arrow::field("kind", arrow::utf8())});
    sdk::WriteDataset(
        folder_ / name,
        {arrow::RecordBatch::Make(schema, 600,
                                  {country.Finish().ValueOrDie(), kind.Finish().ValueOrDie()})});
  };
  write("d", nullptr);
  write("namibia", "NA");
  sdk::Step fit({{"label", "kind"}, {"impute", {{"country", "mostFrequent"}}}},
                {{"dataset", {folder_ / "d", "", ""}}}, {{"transform", folder_ / "t.json"}}, "");
  ASSERT_TRUE(transform::RunTransform(fit));
  sdk::Step step({{"label", "kind"}, {"model", "linear"}},
                 {{"train", {folder_ / "d", "", ""}},
                  {"valid", {folder_ / "namibia", "", ""}},
                  {"transform", {folder_ / "t.json", "", ""}}},
                 {{"model", folder_ / "m"}, {"metrics", folder_ / "m.m"}}, "");
  ASSERT_TRUE(train::RunTrainWithoutNetworks(step));
  const Json verdict = Verdict("m", "namibia");
  EXPECT_EQ(verdict["checks"][0]["passed"], true) << verdict["reason"];
  EXPECT_EQ(verdict["blessed"], true) << verdict["reason"];
}

// 0 and 1 are booleans of a file and none of JSON.
TEST_F(BlessRun, BooleansThatTheTestFileHasAsIntegersAreAnsweredAsJsonToo) {
  const auto write = [&](const std::string& name, bool as_integers) {
    Json rows = Json::array();
    for (int i = 0; i < 400; ++i) {
      const bool flag = i % 3 == 0;
      rows.push_back({as_integers ? Json(flag ? 1 : 0) : Json(flag), i % 20 == 0 ? !flag : flag});
    }
    sdk::WriteDataset(
        folder_ / name,
        {sdk::BatchOf({arrow::field("flag", as_integers ? arrow::int64() : arrow::boolean()),
                       arrow::field("late", arrow::boolean())},
                      rows.dump())});
  };
  write("d", false);
  write("integers", true);
  sdk::Step fit({{"label", "late"}}, {{"dataset", {folder_ / "d", "", ""}}},
                {{"transform", folder_ / "t.json"}}, "");
  ASSERT_TRUE(transform::RunTransform(fit));
  sdk::Step step({{"label", "late"}, {"model", "linear"}},
                 {{"train", {folder_ / "d", "", ""}},
                  {"valid", {folder_ / "integers", "", ""}},
                  {"transform", {folder_ / "t.json", "", ""}}},
                 {{"model", folder_ / "m"}, {"metrics", folder_ / "m.m"}}, "");
  ASSERT_TRUE(train::RunTrainWithoutNetworks(step));
  EXPECT_EQ(Verdict("m", "integers")["blessed"], true) << Verdict("m", "integers")["reason"];
}

TEST_F(BlessRun, TrainNamesARowOfValidThatNoServerWouldTake) {
  Write("d", "price", 2);
  Write("valid", "price", 2, [](int i, Row& row) {
    if (i == 5) row.price = INFINITY;
  });
  const auto refused = Train("d", "price", "m", "valid");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("valid: row 5, column 'price', is inf"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("impute"), std::string::npos);
}

TEST_F(BlessRun, ABaselineOfARenamedColumnOrOfOtherClassesStopsNothing) {
  Write("two", "price", 2);
  Write("three", "price", 3);
  Write("renamed", "cost", 2);
  ASSERT_TRUE(Train("two", "price", "two.m"));
  ASSERT_TRUE(Train("three", "price", "three.m"));
  ASSERT_TRUE(Train("renamed", "cost", "renamed.m"));
  const Json lenient = {{"beatDummy", false}};
  EXPECT_EQ(Verdict("three.m", "three", "two.m", lenient)["blessed"], true);
  EXPECT_EQ(Verdict("renamed.m", "renamed", "two.m", lenient)["blessed"], true);
  EXPECT_NE(
      Verdict("renamed.m", "renamed", "two.m")["checks"].back()["message"].get<std::string>().find(
          "no column 'price'"),
      std::string::npos);
  for (const Json& strict :
       {Json{{"mustBeatBaseline", true}}, Json{{"onUnscorableBaseline", "Refuse"}}}) {
    const Json verdict = Verdict("renamed.m", "renamed", "two.m", strict);
    EXPECT_EQ(verdict["blessed"], false);
    EXPECT_NE(verdict["reason"].get<std::string>().find("nothing can be compared"),
              std::string::npos);
  }
}

TEST_F(BlessRun, WhatCannotBeJudgedIsAVerdictAndNoFailedStep) {
  Write("d", "price", 2);
  Write("one", "price", 1);
  Write("unseen", "price", 3);
  Write("renamed", "cost", 2);
  ASSERT_TRUE(Train("d", "price", "m"));
  const auto reason = [&](const std::string& model, const std::string& data) {
    const Json verdict = Verdict(model, data);
    EXPECT_EQ(verdict["blessed"], false) << data;
    EXPECT_EQ(*ReadFile(folder_ / "results/defined"), "false");
    return verdict["reason"].get<std::string>();
  };
  EXPECT_NE(reason("m", "one").find("all 600 rows are of class \"a\""), std::string::npos);
  EXPECT_NE(reason("m", "unseen").find("none of the classes"), std::string::npos);
  EXPECT_NE(reason("m", "renamed").find("no column 'price'"), std::string::npos);
  const auto manifest = sdk::LoadModelManifest(folder_ / "m");
  ASSERT_TRUE(manifest);
  std::ofstream(folder_ / ("m/" + manifest->file), std::ios::trunc) << "not a model";
  EXPECT_NE(reason("m", "d").find("no server loads the model"), std::string::npos);
}

TEST_F(BlessRun, RefusesAModelThatDoesNotAnswerItsOwnExamples) {
  Write("d", "price", 2);
  ASSERT_TRUE(Train("d", "price", "m"));
  std::string examples = *ReadFile(folder_ / "m/examples.jsonl");
  const auto at = examples.find("\"probability\":") + 14;
  examples.replace(at, examples.find_first_of(",}", at) - at, "0.123");
  ASSERT_TRUE(WriteFileAtomically(folder_ / "m/examples.jsonl", examples));
  const Json verdict = Verdict("m", "d");
  EXPECT_EQ(verdict["blessed"], false);
  EXPECT_NE(verdict["reason"].get<std::string>().find("example 1"), std::string::npos)
      << verdict["reason"];
}

TEST_F(BlessRun, RefusesAThresholdAgainstItsDirectionBeforeAnythingIsScored) {
  const auto refused = Bless("m", "d", "", {{"thresholds", {{{"metric", "auc"}, {"max", 0.5}}}}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("write min"), std::string::npos);
}

}  // namespace
}  // namespace penstock::bless
