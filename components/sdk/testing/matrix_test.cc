#include "components/sdk/matrix.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "components/sdk/cells.h"
#include "components/sdk/model_examples.h"
#include "components/sdk/statistics.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::sdk {
namespace {

std::shared_ptr<arrow::RecordBatch> Rows(std::size_t count) {
  Json rows = Json::array();
  for (std::size_t r = 0; r < count; ++r) {
    rows.push_back({r % 7 == 0 ? Json() : Json(0.37 * double(r)),
                    r % 11 == 0 ? Json() : Json("c" + std::to_string(r % 13)), int(r % 24),
                    r % 5 == 0 ? Json() : Json(r % 2 == 0), "2013-01-01T10:00:00Z", r % 3 == 0});
  }
  return BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                  arrow::field("h", arrow::int64()), arrow::field("b", arrow::boolean()),
                  arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO)),
                  arrow::field("late", arrow::boolean())},
                 rows.dump());
}

Transform AllOperations() {
  TransformSpec spec;
  spec.inputs = {{"x", ColumnType::kFloat64, true},
                 {"c", ColumnType::kString, true},
                 {"h", ColumnType::kInt64, false},
                 {"b", ColumnType::kBool, true},
                 {"t", ColumnType::kTimestamp, false}};
  const auto category = [](int i) { return Category("c" + std::to_string(i)); };
  spec.steps.push_back({TransformOp::kScale, 0, 1.7, 123.456, 78.9, {}, -1, 1});
  spec.steps.push_back({TransformOp::kOneHot, 1, 0, 0, 1, {category(1), category(2)}, -1, 1});
  spec.steps.push_back({TransformOp::kVocabulary, 1, 0, 0, 1, {category(3)}, -1, 4});
  spec.steps.push_back({TransformOp::kScale, 2, 0, 11.5, 6.9, {}, -1, 1});
  spec.steps.push_back({TransformOp::kPassthrough, 3, 0.5, 0, 1, {}, -1, 1});
  spec.steps.push_back({TransformOp::kScale, 4, 0, 1.3e9, 1e7, {}, -1, 1});
  return *Transform::Make(spec);
}

TEST(ApplyBatch, GivesTheSameBitsAsTheRowsOfAClient) {
  const auto batch = Rows(500);
  const Transform t = AllOperations();
  std::vector<float> columns(500 * t.width());
  ASSERT_TRUE(ApplyBatch(t, *batch, columns.data()));
  std::vector<float> row(t.width());
  for (std::int64_t r = 0; r < 500; ++r) {
    std::vector<Cell> cells;
    for (const auto& input : t.inputs())
      cells.push_back(CellAt(*FindColumn(*batch, input.name), r));
    cells[4] = std::string_view("2013-01-01T19:00:00+09:00");  // a client's way to say the time
    ASSERT_TRUE(t.ApplyRow(cells, row.data()));
    ASSERT_EQ(std::memcmp(row.data(), columns.data() + std::size_t(r) * t.width(),
                          t.width() * sizeof(float)),
              0)
        << "row " << r;
  }
}

TEST(ApplyBatch, TakesAnIntegerColumnForAFloat) {
  TransformSpec spec;
  spec.inputs = {{"h", ColumnType::kFloat64, false}};
  spec.steps.push_back({TransformOp::kPassthrough, 0, 0, 0, 1, {}, -1, 1});
  const Transform t = *Transform::Make(spec);
  std::vector<float> out(3);
  ASSERT_TRUE(ApplyBatch(t, *Rows(3), out.data()));
  EXPECT_EQ(out, (std::vector<float>{0, 1, 2}));
}

TEST(ApplyBatch, NamesAMissingColumn) {
  const auto batch = *Rows(3)->RemoveColumn(0);
  std::vector<float> out(3 * AllOperations().width());
  const auto ok = ApplyBatch(AllOperations(), *batch, out.data());
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().message, "there is no column 'x'");
}

TEST(LearnLabel, DecidesTheTaskByTheType) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Rows(100)});
  const auto late = LearnLabel(folder / "d", "late", "auto");
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_EQ(late->classes, (std::vector<Json>{false, true}));
  const auto hour = LearnLabel(folder / "d", "h", "auto");
  ASSERT_TRUE(hour);
  EXPECT_EQ(hour->task, ModelTask::kRegression);
  const auto as_classes = LearnLabel(folder / "d", "h", "classification");
  ASSERT_TRUE(as_classes);
  EXPECT_EQ(as_classes->classes.size(), 24U);
  EXPECT_EQ(as_classes->classes[10], Json(10));
}

TEST(LearnLabel, RefusesNullsOneClassAndText) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Rows(100)});
  EXPECT_NE(LearnLabel(folder / "d", "b", "auto").error().message.find("null in row 0"),
            std::string::npos);
  EXPECT_NE(LearnLabel(folder / "d", "t", "auto").error().message.find("must be a number"),
            std::string::npos);
  WriteDataset(folder / "one", {Rows(100)->Slice(3, 1)});
  EXPECT_NE(LearnLabel(folder / "one", "late", "auto").error().message.find("only one value"),
            std::string::npos);
  EXPECT_NE(LearnLabel(folder / "one", "c", "regression").error().message.find("needs a number"),
            std::string::npos);
}

TEST(LoadMatrix, RefusesAClassThatTrainingHasNotSeen) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Rows(100)});
  const Label label = {"h", ModelTask::kClassification, {0, 1}};
  const auto m = LoadMatrix(folder / "d", AllOperations(), label);
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().message.find("label 'h' is 2 in row 2"), std::string::npos);
}

TEST(LoadLabels, NamesAnInfiniteLabelAsInfinite) {
  const TestFolder folder;
  const auto batch = BatchOf({arrow::field("y", arrow::float64())}, "[[1.5], [0.5], [2]]");
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({1.5, INFINITY, std::nan("")}).ok());
  WriteDataset(folder / "d",
               {arrow::RecordBatch::Make(batch->schema(), 3, {builder.Finish().ValueOrDie()})});
  const Label label = {"y", ModelTask::kRegression, {}};
  EXPECT_EQ(LoadLabels(folder / "d", label).error().message,
            "label 'y' is inf in row 1; leave such rows out with query");
  EXPECT_EQ(LearnLabel(folder / "d", "y", "auto").error().message,
            "label 'y' is inf in row 1; leave such rows out with query");
  WriteDataset(folder / "large", {BatchOf({arrow::field("y", arrow::float64())}, "[[1e39]]")});
  EXPECT_NE(LoadLabels(folder / "large", label).error().message.find("range of float32"),
            std::string::npos);
}

// A null among 0/1 labels makes pandas write floats: the classes are the same.
TEST(LoadLabels, TakesWholeFloatsForTheIntegersThatTheyAre) {
  const TestFolder folder;
  WriteDataset(folder / "i", {BatchOf({arrow::field("y", arrow::int64())}, "[[0], [1], [1]]")});
  WriteDataset(folder / "f", {BatchOf({arrow::field("y", arrow::float64())}, "[[0], [1], [1]]")});
  for (const char* learned : {"i", "f"}) {
    const auto label = LearnLabel(folder / learned, "y", "classification");
    ASSERT_TRUE(label) << label.error().message;
    EXPECT_EQ(label->classes, (std::vector<Json>{0, 1}));
    EXPECT_TRUE(label->classes[0].is_number_integer());
    EXPECT_EQ(LoadLabels(folder / "f", *label).value(), (std::vector<float>{0, 1, 1}));
    EXPECT_EQ(LoadLabels(folder / "i", *label).value(), (std::vector<float>{0, 1, 1}));
  }
  WriteDataset(folder / "half", {BatchOf({arrow::field("y", arrow::float64())}, "[[0.5], [1]]")});
  EXPECT_NE(LearnLabel(folder / "half", "y", "classification").error().message.find("is 0.5"),
            std::string::npos);
}

TEST(ApplyBatch, RefusesANullThatAServerWouldRefuse) {
  TransformSpec spec;
  spec.inputs = {{"x", ColumnType::kFloat64, false}};
  spec.steps.push_back({TransformOp::kPassthrough, 0, 0, 0, 1, {}, -1, 1});
  std::vector<float> out(8);
  const auto refused = ApplyBatch(*Transform::Make(spec), *Rows(8), out.data(), 100);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("row 100, column 'x', is null"), std::string::npos);
  spec.inputs[0].nullable = true;
  EXPECT_TRUE(ApplyBatch(*Transform::Make(spec), *Rows(8), out.data(), 100));
}

TEST(ApplyBatch, RefusesAWordForNullThatAServerWouldRefuse) {
  TransformSpec spec;
  spec.inputs = {{"c", ColumnType::kString, false}};
  spec.steps.push_back({TransformOp::kOneHot, 0, 0, 0, 1, {Category("DE")}, -1, 1});
  const auto batch = BatchOf({arrow::field("c", arrow::utf8())}, R"([["DE"], ["FR"], ["NA"]])");
  std::vector<float> out(6);
  const auto refused = ApplyBatch(*Transform::Make(spec), *batch, out.data());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("row 2, column 'c', is \"NA\", which stands for null"),
            std::string::npos)
      << refused.error().message;
  spec.steps[0].categories = {Category("DE"), Category("NA")};
  out.resize(9);
  EXPECT_TRUE(ApplyBatch(*Transform::Make(spec), *batch, out.data()));
}

// As integers a server refuses those near 1970 and beyond 2200: of which unit are they?
TEST(MakeExamples, WriteTimesAsAServerTakesThemOfAnyYear) {
  const TestFolder folder;
  WriteDataset(folder / "d",
               {BatchOf({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))},
                        R"([["1970-01-02"], ["9999-12-31T23:59:59.000001"], [null]])")});
  ModelManifest manifest;
  manifest.task = ModelTask::kRegression;
  manifest.inputs = {{"t", ColumnType::kTimestamp, true}};
  const auto examples = MakeExamples(manifest, folder / "d", {1, 2, 3}, 3);
  ASSERT_TRUE(examples) << examples.error().message;
  EXPECT_EQ((*examples)[0].inputs["t"], "1970-01-02T00:00:00Z");
  EXPECT_EQ((*examples)[1].inputs["t"], "9999-12-31T23:59:59.000001Z");
  EXPECT_EQ((*examples)[2].inputs["t"], nullptr);
  for (const std::int64_t micros : {-1LL, -62135596800000000LL, 1700000000123456LL}) {
    EXPECT_EQ(ParseTimestamp(*TimeText(micros)), micros);
  }
  EXPECT_FALSE(TimeText(INT64_MAX));
}

TEST(LoadSlices, TellsNullFromTheTextNull) {
  const TestFolder folder;
  WriteDataset(folder / "d", {BatchOf({arrow::field("g", arrow::utf8())},
                                      R"([["null"], [null], [""], ["null"]])")});
  const auto slices = LoadSlices(folder / "d", {"g"});
  ASSERT_TRUE(slices);
  EXPECT_EQ((*slices)[0].values, (std::vector<Json>{"null", nullptr, ""}));
  EXPECT_EQ((*slices)[0].codes, (std::vector<std::uint32_t>{0, 1, 2, 0}));
}

TEST(LoadSlices, GivesEachRowItsValue) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Rows(24)});
  const auto slices = LoadSlices(folder / "d", {"b", "h"});
  ASSERT_TRUE(slices);
  EXPECT_EQ((*slices)[0].values, (std::vector<Json>{nullptr, "false", "true"}));
  EXPECT_EQ((*slices)[1].codes[23], 23U);
}

TEST(Statistics, SummariseNumbersAndValues) {
  const TestFolder folder;
  WriteDataset(folder / "d",
               {BatchOf({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8())},
                        R"([[1, "a"], [2, "b"], [3, "b"], [null, null], [6, "b"]])")});
  const auto s = ComputeStatistics(folder / "d", {"x", "c"});
  ASSERT_TRUE(s) << s.error().message;
  const Json& x = (*s)["columns"]["x"];
  EXPECT_EQ(x["count"], 4);
  EXPECT_EQ(x["nulls"], 1);
  EXPECT_DOUBLE_EQ(x["mean"], 3);
  EXPECT_DOUBLE_EQ(x["std"], std::sqrt(3.5));
  EXPECT_EQ(x["min"], 1);
  EXPECT_EQ(x["max"], 6);
  EXPECT_EQ((*s)["columns"]["c"]["top"][0], (Json{{"value", "b"}, {"count", 3}}));
  EXPECT_EQ((*s)["columns"]["c"]["distinct"], 2);
  EXPECT_EQ((*s)["rows"], 5);
}

}  // namespace
}  // namespace penstock::sdk
