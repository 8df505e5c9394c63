#include "components/transform/fit.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "components/sdk/testing/test_data.h"

namespace penstock::transform {
namespace {

using sdk::BatchOf;
using sdk::Category;
using sdk::TestFolder;
using sdk::TransformOp;
using sdk::View;

arrow::FieldVector Fields() {
  return {arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
          arrow::field("n", arrow::int64()), arrow::field("late", arrow::boolean())};
}

const char* const kRows = R"([[1.0, "b", 5, true], [2.0, "a", 5, false], [null, "b", 7, true],
                              [6.0, null, 9, false], [3.0, "c", 9, true], [3.0, "c", 9, true]])";

Result<sdk::TransformSpec> FitOn(const TestFolder& folder, const FitOptions& options) {
  sdk::WriteDataset(folder / "d", {BatchOf(Fields(), kRows)});
  return Fit(folder / "d", options);
}

// The step of an operation on a column in a view.
const sdk::TransformStep& StepOf(const sdk::TransformSpec& spec, TransformOp op,
                                 const std::string& column, sdk::View view) {
  for (const auto& step : spec.steps) {
    if (step.op == op && spec.inputs[step.input].name == column && (step.views & Only(view)) != 0) {
      return step;
    }
  }
  throw std::runtime_error(std::string("no ") + Name(op) + " of " + column);
}

// How much a row counts is not known when a model is served.
TEST(Fit, MakesNoFeatureOfTheWeight) {
  const TestFolder folder;
  FitOptions o;
  o.label = "late";
  o.weight = "n";
  const auto spec = FitOn(folder, o);
  ASSERT_TRUE(spec) << spec.error().message;
  for (const auto& input : spec->inputs) EXPECT_NE(input.name, "n");
  o.scale = {"n"};
  EXPECT_NE(FitOn(folder, o).error().message.find("'n' is the weight"), std::string::npos);
  o.scale = {"x"};
  o.weight = "m";
  EXPECT_NE(FitOn(folder, o).error().message.find("weight: there is no column 'm'"),
            std::string::npos);
}

TEST(Fit, FindsTheConstantsWorkedByHand) {
  const TestFolder folder;
  FitOptions o;
  o.label = "late";
  o.scale = {"x"};
  o.one_hot = {"c"};
  o.vocabulary["n"] = {2, 1};
  const auto spec = FitOn(folder, o);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->inputs, (std::vector<sdk::Column>{{"x", sdk::ColumnType::kFloat64, true},
                                                    {"c", sdk::ColumnType::kString, true},
                                                    {"n", sdk::ColumnType::kInt64, false}}));
  const auto& scale = StepOf(*spec, TransformOp::kScale, "x", View::kDense);
  EXPECT_DOUBLE_EQ(scale.mean, 3);
  EXPECT_DOUBLE_EQ(scale.std, std::sqrt((4 + 1 + 9 + 0 + 0) / 5.0));
  EXPECT_DOUBLE_EQ(scale.fill, 3);
  EXPECT_TRUE(StepOf(*spec, TransformOp::kPassthrough, "x", View::kTree).keep_null);
  const auto& one_hot = StepOf(*spec, TransformOp::kOneHot, "c", View::kEmbedding);
  EXPECT_EQ(one_hot.categories,
            (std::vector<Category>{std::string("a"), std::string("b"), std::string("c")}));
  EXPECT_EQ(one_hot.fill_category, sdk::kNullUnseen);
  EXPECT_EQ(StepOf(*spec, TransformOp::kVocabulary, "c", View::kTree).fill_category,
            sdk::kNullKept);
  // 9 three times, 5 twice; 7 is beyond topK.
  const std::vector<Category> nine_and_five = {std::int64_t{9}, std::int64_t{5}};
  for (const View view : {View::kTree, View::kEmbedding}) {
    EXPECT_EQ(StepOf(*spec, TransformOp::kVocabulary, "n", view).categories, nine_and_five);
  }
  EXPECT_EQ(StepOf(*spec, TransformOp::kOneHot, "n", View::kDense).categories,
            (std::vector<Category>{std::int64_t{5}, std::int64_t{9}}));
  EXPECT_EQ(spec->dropped, (std::vector<sdk::DroppedColumn>{}));
}

TEST(Fit, ImputesAsAsked) {
  const TestFolder folder;
  FitOptions o;
  o.scale = {"x"};
  o.one_hot = {"c"};
  o.impute = {{"x", "mostFrequent"}, {"*", "mostFrequent"}};
  auto spec = FitOn(folder, o);
  ASSERT_TRUE(spec);
  EXPECT_DOUBLE_EQ(StepOf(*spec, TransformOp::kScale, "x", View::kDense).fill, 3);
  // To say how is to say so for every view.
  EXPECT_FALSE(StepOf(*spec, TransformOp::kPassthrough, "x", View::kTree).keep_null);
  // "b" and "c" twice each: by value
  EXPECT_EQ(StepOf(*spec, TransformOp::kOneHot, "c", View::kDense).fill_category, 1);
  EXPECT_EQ(StepOf(*spec, TransformOp::kVocabulary, "c", View::kTree).fill_category, 0);
  o.impute = {{"x", -1.5}, {"c", {{"value", "a"}}}};
  spec = FitOn(folder, o);
  ASSERT_TRUE(spec);
  EXPECT_DOUBLE_EQ(StepOf(*spec, TransformOp::kScale, "x", View::kDense).fill, -1.5);
  EXPECT_EQ(StepOf(*spec, TransformOp::kOneHot, "c", View::kDense).fill_category, 0);
  o.impute = {{"x", "guess"}};
  EXPECT_NE(FitOn(folder, o).error().message.find("column 'x': scale: impute"), std::string::npos);
}

TEST(Fit, DoesNotDependOnOrderOrShards) {
  std::mt19937 random(5);
  std::vector<std::string> rows;
  for (int i = 0; i < 3000; ++i) {
    rows.push_back("[" + std::to_string(double(random()) / 7) + ", \"c" +
                   std::to_string(random() % 40) + "\", " + std::to_string(random() % 99) +
                   ", true]");
  }
  const auto batch_of = [&](std::size_t begin, std::size_t end) {
    std::string text = "[";
    for (std::size_t i = begin; i < end; ++i) text += (i > begin ? "," : "") + rows[i];
    return BatchOf(Fields(), text + "]");
  };
  FitOptions o;
  o.scale = {"x", "n"};
  o.vocabulary["c"] = {20, 3};
  const TestFolder folder;
  sdk::WriteDataset(folder / "one", {batch_of(0, 3000)});
  const auto one = Fit(folder / "one", o);
  std::shuffle(rows.begin(), rows.end(), random);
  sdk::WriteDataset(folder / "three",
                    {batch_of(0, 100), batch_of(100, 2222), batch_of(2222, 3000)});
  const auto three = Fit(folder / "three", o);
  ASSERT_TRUE(one && three);
  EXPECT_EQ(*one, *three);
}

TEST(Fit, NamesTheColumnThatCannotBe) {
  const TestFolder folder;
  const auto refused = [&](auto change) {
    FitOptions o;
    o.label = "late";
    change(o);
    const auto spec = FitOn(folder, o);
    return spec ? std::string("accepted") : spec.error().message;
  };
  EXPECT_NE(refused([](auto& o) { o.scale = {"late"}; }).find("is the label"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.one_hot = {"y"}; }).find("no column 'y'"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.scale = {"c"}; }).find("use oneHot"), std::string::npos);
}

// 1591 * 63.53 is exact and the quotient is the double below 63.53: the spread was 7.1e-15, and a
// cent more was scaled to 1.4e12.
TEST(Fit, ScalesAColumnOfOneValueToZeroAndSaysSo) {
  std::string rows = "[";
  for (int i = 0; i < 1591; ++i)
    rows += (i > 0 ? "," : "") + std::string("[63.53, \"a\", 1, true]");
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {BatchOf(Fields(), rows + "]")});
  FitOptions o;
  o.scale = {"x"};
  std::vector<std::string> notes;
  const auto spec = Fit(folder / "d", o, &notes);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->steps[0].mean, 63.53);
  EXPECT_EQ(spec->steps[0].std, 1);
  const auto transform = sdk::Transform::Make(*spec, View::kDense);
  float scaled = 1;
  ASSERT_TRUE(transform->ApplyCell(0, 63.53, &scaled));
  EXPECT_EQ(scaled, 0.0F);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("column 'x' is 63.53 in every row"), std::string::npos) << notes[0];
}

TEST(Fit, RefusesAColumnOfNulls) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {BatchOf(Fields(), R"([[null, "a", 1, true]])")});
  FitOptions o;
  o.scale = {"x"};
  const auto spec = Fit(folder / "d", o);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().message, "column 'x': has nulls only; leave it out");
}

TEST(Fit, RefusesAThousandIndicatorsAndMore) {
  std::string rows = "[";
  for (int i = 0; i < 1001; ++i) {
    rows += (i > 0 ? "," : "") + std::string("[1.5, \"c") + std::to_string(i) + "\", 1, true]";
  }
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {BatchOf(Fields(), rows + "]")});
  FitOptions o;
  o.one_hot = {"c"};
  EXPECT_NE(Fit(folder / "d", o).error().message.find("use vocabulary"), std::string::npos);
}

// Else training would refuse its own rows.
TEST(Fit, TakesNullsWhereAVocabularyHadNoRoomForAWordForNull) {
  const TestFolder folder;
  FitOptions o;
  o.vocabulary["c"] = {2, 1};
  const auto nullable = [&](const char* rows) {
    sdk::WriteDataset(folder / "d", {BatchOf({arrow::field("c", arrow::utf8())}, rows)});
    return Fit(folder / "d", o)->inputs[0].nullable;
  };
  EXPECT_FALSE(nullable(R"([["a"], ["a"], ["NA"], ["NA"], ["b"]])"));
  EXPECT_TRUE(nullable(R"([["a"], ["a"], ["b"], ["b"], ["NA"]])"));
}

TEST(Fit, SaysWhatItLeavesOutUnaskedAndWhy) {
  const TestFolder folder;
  const arrow::FieldVector fields = {
      arrow::field("x", arrow::float64()),
      arrow::field("empty", arrow::int64()),
      arrow::field("blank", arrow::utf8()),
      arrow::field("user", arrow::utf8()),
      arrow::field("sex", arrow::utf8()),
      arrow::field("late", arrow::boolean()),
      arrow::field("when", arrow::timestamp(arrow::TimeUnit::MICRO))};
  const auto batch = BatchOf(fields, R"([[1.5, null, null, "u1", "f", true, "2024-01-01"],
                                          [2.5, null, null, "u2", "m", true, "2024-01-01"]])");
  auto writer = sdk::DatasetWriter::Create(folder / "d", batch->schema());
  ASSERT_TRUE(writer);
  sdk::Schema schema = sdk::SchemaOf(*batch->schema());
  schema.columns[3].role = sdk::Role::kId;
  schema.columns[4].role = sdk::Role::kProtected;
  (*writer)->Describe(schema, sdk::Carry::kRole);
  ASSERT_TRUE((*writer)->Write(batch) && (*writer)->Finish());
  std::vector<std::string> notes;
  FitOptions o;
  o.label = "late";
  const auto spec = Fit(folder / "d", o, &notes);
  ASSERT_TRUE(spec) << spec.error().message;
  // Where all is left to us, nulls that training had none of are imputed.
  EXPECT_EQ(spec->inputs, (std::vector<sdk::Column>{{"x", sdk::ColumnType::kFloat64, true}}));
  EXPECT_EQ(notes,
            (std::vector<std::string>{"column 'user' is left out: its role is id",
                                      "column 'sex' is left out: its role is protected",
                                      "column 'empty' is left out: it has no value",
                                      "column 'blank' is left out: it has no value",
                                      "column 'when' is left out: it is one time in every row"}));
  EXPECT_EQ(spec->dropped.front(), (sdk::DroppedColumn{"user", "its role is id"}));
  // Named, a column is a feature whatever its role; and without a value an error whatever its type.
  o.one_hot = {"sex"};
  EXPECT_TRUE(Fit(folder / "d", o));
  o.one_hot = {"blank"};
  EXPECT_NE(Fit(folder / "d", o).error().message.find("has nulls only"), std::string::npos);
  o.one_hot = {"empty"};
  EXPECT_NE(Fit(folder / "d", o).error().message.find("has nulls only"), std::string::npos);
}

TEST(Fit, RefusesAMistypedNameWhereverItStands) {
  const TestFolder folder;
  const auto refused = [&](auto change) {
    FitOptions o;
    o.label = "late";
    o.scale = {"x"};
    change(o);
    const auto spec = FitOn(folder, o);
    return spec ? std::string("accepted") : spec.error().message;
  };
  EXPECT_EQ(refused([](auto& o) { o.impute = {{"*", "mean"}}; }), "accepted");
  EXPECT_EQ(refused([](auto& o) {
              o.impute = {{"X", "mean"}};
            }),
            "impute: no feature is made of a column 'X'; did you mean \"x\"?");
  EXPECT_EQ(refused([](auto& o) {
              o.impute = {{"c", "mostFrequent"}};
            }).substr(0, 42),
            "impute: no feature is made of a column 'c'");
  EXPECT_EQ(refused([](auto& o) { o.label = "lat"; }),
            "label: there is no column 'lat'; did you mean \"late\"?");
  EXPECT_EQ(refused([](auto& o) { o.scale = {"x", "x"}; }), "scale: column 'x' stands twice");
}

}  // namespace
}  // namespace penstock::transform
