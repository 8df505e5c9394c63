// Several labels, with learners that are made up.
#include "components/train/several/several.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <set>

#include "components/model_format/label_models.h"
#include "components/sdk/dataset.h"
#include "components/sdk/labels/label_columns.h"
#include "components/train/testing/frame_fixture.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

// late: is x above 0? early: is it below? (null in every third row); kind: of three.
std::shared_ptr<arrow::RecordBatch> SeveralRows(int count, unsigned seed, bool all_null = false) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Json rows = Json::array();
  for (int i = 0; i < count; ++i) {
    const double x = normal(random);
    const bool swap = random() % 10 == 0;
    rows.push_back({"row" + std::to_string(i), x, (x > 0) != swap,
                    all_null || i % 3 == 0 ? Json() : Json(x < 0 ? "yes" : "no"), i % 3, 1.0});
  }
  return sdk::BatchOf({arrow::field("id", arrow::utf8()), arrow::field("x", arrow::float64()),
                       arrow::field("late", arrow::boolean()), arrow::field("early", arrow::utf8()),
                       arrow::field("kind", arrow::int64()), arrow::field("w", arrow::float64())},
                      rows.dump());
}

class SeveralTest : public FrameTest {
 protected:
  void SetUp() override {
    FrameTest::SetUp();
    train_ = TrainLabels;
    Write("train", SeveralRows(300, 1));
    Write("valid", SeveralRows(100, 2));
  }
  Result<void> Train(Json parameters, const std::string& name) {
    parameters["label"] = "";
    if (!parameters.contains("labels")) parameters["labels"] = {"late", "early"};
    return Run(std::move(parameters), name);
  }
  std::string ProblemOf(const Json& parameters) {
    const auto ok = Train(parameters, "problem");
    return ok ? "accepted" : ok.error().message;
  }
};

TEST_F(SeveralTest, EachLabelHasAModelOfItsOwnAndAllHaveOneFolder) {
  const auto ok = Train({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto labels = sdk::LoadLabelsManifest(folder_ / "m/model");
  ASSERT_TRUE(labels && *labels);
  ASSERT_EQ((*labels)->labels.size(), 2U);
  EXPECT_EQ((*labels)->name, "late-early");
  EXPECT_EQ((*labels)->labels[1].label, "early");
  const auto early = sdk::LoadModelManifest(folder_ / "m/model/labels/1");
  ASSERT_TRUE(early) << early.error().message;
  EXPECT_EQ(early->label, "early");
  EXPECT_EQ(early->classes, (std::vector<Json>{"no", "yes"}));
  const Json metrics = Metrics("m");
  EXPECT_EQ(metrics["rows"], 400);
  EXPECT_EQ(metrics["labels"]["late"]["rows"], 400);
  EXPECT_EQ(metrics["labels"]["early"]["rows"], 266);  // of 300 and 100, each third is null
  EXPECT_GT(metrics["overall"]["macroAuc"]["value"].get<double>(), 0.9);
  EXPECT_EQ(metrics["overall"]["subsetAccuracy"]["rows"], 266);
  EXPECT_EQ(ResultOf("m", "learner"), "fake");
  EXPECT_EQ(Json::parse(ResultOf("m", "board")).size(), 2U);
  const auto examples = sdk::LoadExamples(folder_ / "m/model");
  ASSERT_TRUE(examples);
  EXPECT_EQ(examples->size(), 20U);
  EXPECT_TRUE(examples->front().outputs.contains("probability_late"));
  EXPECT_TRUE(examples->front().outputs.contains("label_early"));
  const Json statistics = Json::parse(Text("m/model/statistics.json"));
  EXPECT_TRUE(statistics["outputs"].contains("label_late"));
  EXPECT_TRUE(statistics["columns"].contains("x"));
  EXPECT_NE(Text("m/report.html").find("Label &#39;early&#39;"), std::string::npos);
}

TEST_F(SeveralTest, ALabelIsLearntAsIfItWereAlone) {
  ASSERT_TRUE(Train({}, "m"));
  ASSERT_TRUE(Run({{"label", "late"}}, "alone"));
  const auto alone = Files("alone/model");
  auto one = Files("m/model/labels/0");
  ASSERT_EQ(alone.size(), one.size());
  for (const auto& [name, bytes] : alone) {
    if (name == "model.yaml") continue;  // the model's name
    EXPECT_EQ(bytes, one[name]) << name;
  }
  EXPECT_EQ(Metrics("m")["labels"]["late"]["overall"], Metrics("alone")["overall"]);
}

TEST_F(SeveralTest, PredictionsAreNullWhereALabelIsNotKnown) {
  ASSERT_TRUE(Train({}, "m"));
  const auto rows = sdk::DatasetReader::Open(folder_ / "m/predictions");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ((*rows)->rows(), 400);
  EXPECT_EQ(
      (*rows)->schema()->field_names(),
      (std::vector<std::string>{"id", "dataset", "row", "late", "fold_late", "probability_late",
                                "early", "fold_early", "probability_early"}));
  std::size_t all = 0;
  const auto known = sdk::LabelledRows(folder_ / "m/predictions", "probability_early", &all);
  ASSERT_TRUE(known);
  EXPECT_EQ(all, 400U);
  EXPECT_EQ(known->size(), 266U);
  const auto labelled = sdk::LabelledRows(folder_ / "m/predictions", "early", &all);
  EXPECT_EQ(*known, *labelled);
}

TEST_F(SeveralTest, TheRolesOfTheSchemaNameThem) {
  for (const char* name : {"train", "valid"}) {
    const auto rows = SeveralRows(name == std::string("train") ? 300 : 100, 1);
    auto writer = sdk::DatasetWriter::Create(folder_ / name, rows->schema());
    sdk::Schema schema = sdk::SchemaOf(*rows->schema());
    schema.columns[2].role = sdk::Role::kLabel;
    schema.columns[3].role = sdk::Role::kLabel;
    (*writer)->Describe(schema, sdk::Carry::kMeaning);
    ASSERT_TRUE((*writer)->Write(rows));
    ASSERT_TRUE((*writer)->Finish());
  }
  sdk::Step fit({}, {{"dataset", {folder_ / "train", "", ""}}},
                {{"transform", folder_ / "transform.json"}}, "");
  const auto fitted = transform::RunTransform(fit);
  ASSERT_TRUE(fitted) << fitted.error().message;
  const auto ok = Run({{"label", ""}}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto labels = sdk::LoadLabelsManifest(folder_ / "m/model");
  ASSERT_TRUE(labels && *labels);
  EXPECT_EQ((*labels)->labels[1].label, "early");
  const auto late = sdk::LoadModelManifest(folder_ / "m/model/labels/0");
  ASSERT_TRUE(late) << late.error().message;
  for (const auto& input : late->inputs) {
    EXPECT_NE(input.name, "late");
    EXPECT_NE(input.name, "early");
  }
}

TEST_F(SeveralTest, AValidOfWhichALabelIsNeverKnownCountsForTheOthers) {
  Write("valid", SeveralRows(100, 2, true));
  const auto ok = Train({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Metrics("m")["labels"]["late"]["rows"], 400);
  EXPECT_EQ(Metrics("m")["labels"]["early"]["rows"], 200);
}

TEST_F(SeveralTest, WhatCannotBeLearntTogetherIsNamed) {
  const auto has = [&](const Json& parameters, const std::string& text) {
    const std::string problem = ProblemOf(parameters);
    EXPECT_NE(problem.find(text), std::string::npos) << problem;
  };
  has({{"labels", {"late", "kind"}}},
      "label 'kind' has 3 values; each of several labels is of two");
  has({{"labels", {"late", "late"}}}, "'late' stands twice");
  has({{"labels", {"late", "nowhere"}}}, "nowhere");
  has({{"labels", {"late", "x"}}}, "label 'x' is a feature of the transform");
  has({{"task", "regression"}}, "several labels are classes");
  has({{"positive", "yes"}}, "label 'late': parameter positive");
  Write("train", SeveralRows(300, 1, true));
  has({}, "label 'early': dataset train: label 'early' is null in every row");
  const auto both = Run({{"label", "late"}, {"labels", {"late", "early"}}}, "problem");
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().message.find("leave one of label and labels out"), std::string::npos);
}

// What is served was compared with the rows of the first label alone.
TEST_F(SeveralTest, TheModelsStatisticsAreOfAllRowsWhateverLabelIsKnownOfThem) {
  ASSERT_TRUE(Train({{"labels", {"early", "late"}}}, "m"));
  const Json all = Json::parse(Text("m/model/statistics.json"));
  EXPECT_EQ(all["rows"], 300);
  EXPECT_TRUE(all["outputs"].contains("probability_late"));
  EXPECT_EQ(Json::parse(Text("m/model/labels/0/statistics.json"))["rows"], 200);
}

// Each label had rows of its own, of which few were the same: hardly a row counted for all labels.
TEST_F(SeveralTest, OfATableThatIsSampledEachLabelHasTheSameRows) {
  around_.memory = 400'000;
  const auto ok = Train({}, "m");
  ASSERT_TRUE(ok) << ok.error().message;
  const Json metrics = Metrics("m");
  const int rows = metrics["rows"];
  EXPECT_GT(rows, 100);
  EXPECT_LT(rows, 300);
  EXPECT_EQ(metrics["labels"]["late"]["rows"], rows);
  EXPECT_EQ(metrics["overall"]["subsetAccuracy"]["rows"], metrics["labels"]["early"]["rows"]);
  const std::string said = "\"event\": \"sampled\"";
  EXPECT_NE(log_.find(said), std::string::npos);
  EXPECT_EQ(log_.find(said), log_.rfind(said)) << "once";
}

TEST_F(SeveralTest, MoreAnswersThanMemoryHoldsAreRefused) {
  around_.memory = 30'000;
  const auto problem = ProblemOf({});
  EXPECT_NE(problem.find("labels: the answers to 2 labels of 400 rows take 1 MiB, more than half"),
            std::string::npos)
      << problem;
}

TEST_F(SeveralTest, AWeightThatIsALabelIsRefused) {
  for (const Json& parameters :
       {Json{{"labels", {"late", "w"}}, {"weight", "w"}}, Json{{"weight", "late"}}}) {
    const auto problem = ProblemOf(parameters);
    EXPECT_NE(problem.find("is one of the labels"), std::string::npos) << problem;
  }
}

// Hours later, when all labels before it had been learnt.
TEST_F(SeveralTest, WhatIsWrongWithTheLastLabelIsSaidBeforeTheFirstIsLearnt) {
  const auto tries = [&] { return learners_[0].counts->tries; };
  const auto rows = [](std::vector<Json> last, const std::string& name, const auto& type) {
    Json cells = Json::array();
    for (int i = 0; i < 60; ++i) {
      cells.push_back({"row" + std::to_string(i), i % 7, i % 2 == 0, last[i % last.size()]});
    }
    return sdk::BatchOf({arrow::field("id", arrow::utf8()), arrow::field("x", arrow::float64()),
                         arrow::field("late", arrow::boolean()), arrow::field(name, type)},
                        cells.dump());
  };
  const auto problem = [&](const std::string& label) {
    return ProblemOf({{"labels", {"late", label}}});
  };
  Write("train", rows({"yes", "no"}, "lost", arrow::utf8()));
  Write("valid", rows({"yes", "no", "perhaps"}, "lost", arrow::utf8()));
  std::string said = problem("lost");
  EXPECT_NE(said.find("label 'lost': dataset valid: label 'lost' is \"perhaps\" in row 2"),
            std::string::npos)
      << said;
  Write("train", rows({"yes", "no"}, "row", arrow::utf8()));
  Write("valid", rows({"yes", "no"}, "row", arrow::utf8()));
  said = problem("row");
  EXPECT_NE(said.find("output predictions: 'row' is a column of the dataset and one of the"),
            std::string::npos)
      << said;
  const auto time = arrow::timestamp(arrow::TimeUnit::MICRO);
  const std::vector<Json> times = {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"};
  Write("train", rows(times, "when", time));
  Write("valid", rows(times, "when", time));
  said = problem("when");
  EXPECT_NE(said.find("label 'when' must be a number, a string or a boolean"), std::string::npos)
      << said;
  EXPECT_EQ(tries(), 0);
}

TEST_F(SeveralTest, TheTimeIsSharedByTheLabels) {
  learners_.resize(3);
  for (auto& learner : learners_) learner.on_try = [this] { clock_ += 1; };
  ASSERT_TRUE(Train({{"maxTime", 2}, {"folds", 2}}, "m"));
  EXPECT_EQ(ResultOf("m", "truncated"), "true");
  EXPECT_EQ(Metrics("m")["truncated"], true);
  for (const char* label : {"late", "early"}) {
    EXPECT_EQ(Metrics("m")["labels"][label]["truncated"], true) << label;
  }
}

TEST_F(SeveralTest, TwoRunsWriteTheSameBytes) {
  ASSERT_TRUE(Train({}, "a"));
  ASSERT_TRUE(Train({}, "b"));
  const auto a = Files("a");
  const auto b = Files("b");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, bytes] : a) EXPECT_EQ(bytes, b.at(name)) << name;
}

}  // namespace
}  // namespace penstock::train
