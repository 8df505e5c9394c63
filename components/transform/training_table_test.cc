#include "components/transform/training_table.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "components/sdk/testing/test_data.h"
#include "components/transform/column_summary.h"
#include "components/transform/fit.h"
#include "components/transform/fit_step.h"

namespace penstock::transform {
namespace {

using sdk::BatchOf;
using sdk::Cell;
using sdk::TestFolder;
using sdk::TransformOp;
using sdk::View;

constexpr int kRows = 400;
const std::vector<View> kViews = {View::kDense, View::kTree, View::kEmbedding};

// Every type, with nulls, words for null, large numbers and two scripts.
Json RowOf(int r) {
  const char* words[] = {"lake", "학교에서", "NA", "old mill", "None", "강"};
  return {r % 7 == 0 ? Json() : Json(0.37 * r * r),
          r % 11 == 0 ? Json() : Json(words[r % 6]),
          Json(std::int64_t{9'007'199'254'740'993} + r % 50),
          r % 5 == 0 ? Json() : Json(r % 2 == 0),
          r % 13 == 0
              ? Json()
              : Json("20" + std::to_string(10 + r % 20) + "-0" + std::to_string(1 + r % 9) + "-1" +
                     std::to_string(r % 10) + "T1" + std::to_string(r % 10) + ":00:01"),
          Json(std::string(words[r % 4]) + " and " + words[r % 5] + " no " + std::to_string(r)),
          Json(std::string(words[r % 3]) + ";" + words[r % 6]),
          r % 3 == 0};
}

arrow::FieldVector Fields() {
  return {arrow::field("x", arrow::float64()),
          arrow::field("c", arrow::utf8()),
          arrow::field("n", arrow::int64()),
          arrow::field("b", arrow::boolean()),
          arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO)),
          arrow::field("note", arrow::utf8()),
          arrow::field("tags", arrow::utf8()),
          arrow::field("late", arrow::boolean())};
}

std::shared_ptr<arrow::RecordBatch> Batch(int begin, int end) {
  Json rows = Json::array();
  for (int r = begin; r < end; ++r) rows.push_back(RowOf(r));
  return BatchOf(Fields(), rows.dump());
}

// Each operation that there is, on a column that it takes.
FitOptions EveryOperation() {
  FitOptions o;
  o.label = "late";
  const auto add = [&](const char* name, std::vector<std::string> columns, Json parameters) {
    o.operations.push_back({name, std::move(columns), std::move(parameters)});
  };
  for (const char* column : {"x", "n", "b"}) add("scale", {column}, Json::object());
  add("minMax", {"x"}, Json::object());
  add("passthrough", {"b"}, Json::object());
  add("clip", {"n"}, {{"low", 0.05}, {"high", 0.95}});
  add("log", {"x"}, Json::object());
  add("missing", {"x"}, Json::object());
  add("bends", {"x"}, {{"knots", 3}});
  add("quantile", {"x"}, {{"points", 11}});
  add("buckets", {"x"}, {{"count", 5}});
  add("oneHot", {"c"}, Json::object());
  add("oneHot", {"n"}, Json::object());
  add("vocabulary", {"c"}, {{"topK", 3}, {"oovBuckets", 2}});
  add("vocabulary", {"n"}, {{"topK", 30}});
  add("hash", {"c"}, {{"buckets", 7}});
  add("cross", {"b", "c"}, {{"topK", 8}});
  add("multiHot", {"tags"}, {{"separator", ";"}});
  add("dateParts", {"t"}, {{"parts", {"year", "month", "day", "dayOfWeek", "dayOfYear", "hour"}}});
  add("age", {"t"}, Json::object());
  add("text", {"note"}, {{"buckets", 16}});
  add("tfidf", {"note"}, {{"topK", 20}});
  add("tfidf", {"tags"}, {{"topK", 20}, {"terms", "grams"}});
  add("targetEncode", {"c"}, {{"smoothing", 5}});
  return o;
}

std::vector<double> Labels() {
  std::vector<double> y;
  for (int r = 0; r < kRows; ++r) y.push_back(r % 3 == 0 ? 1 : 0);
  return y;
}

std::vector<std::uint32_t> Range(std::uint32_t begin, std::uint32_t end) {
  std::vector<std::uint32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

class TrainingTables : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {Batch(0, 150), Batch(150, 300)});
    sdk::WriteDataset(folder_ / "valid", {Batch(300, kRows)});
    sdk::WriteDataset(folder_ / "all", {Batch(0, kRows)});
  }
  TestFolder folder_;
};

TEST_F(TrainingTables, EveryOperationIsTested) {
  std::vector<std::string> tested = {"impute", "tokens", "wordVectors"};  // these in text_test.cc
  for (const auto& o : EveryOperation().operations) tested.push_back(o.name);
  for (const auto& name : OperationNames()) {
    EXPECT_EQ(std::count(tested.begin(), tested.end(), name) > 0, true) << name;
  }
}

TEST_F(TrainingTables, ClientsAndFilesGetTheSameBitsInEveryOperation) {
  for (const bool automatic : {false, true}) {
    FitOptions options = EveryOperation();
    if (automatic) options.operations.clear();
    const auto spec = Fit(folder_ / "train", options);
    ASSERT_TRUE(spec) << spec.error().message;
    const auto batch = sdk::ReadDataset(folder_ / "valid");
    for (const View view : kViews) {
      const auto t = sdk::Transform::Make(*spec, view);
      ASSERT_TRUE(t) << t.error().message;
      std::vector<float> file(100 * t->width(), -7);
      ASSERT_TRUE(sdk::ApplyBatch(*t, *batch, file.data()));
      std::vector<float> client(100 * t->width(), -7);
      for (std::size_t i = 0; i < t->inputs().size(); ++i) {
        const auto column = sdk::FindColumn(*batch, t->inputs()[i].name);
        std::vector<Cell> cells;
        for (std::int64_t r = 0; r < 100; ++r) cells.push_back(CellAt(*column, r));
        ASSERT_TRUE(t->ApplyCells(i, cells, client.data()));
      }
      EXPECT_EQ(std::memcmp(file.data(), client.data(), file.size() * sizeof(float)), 0);
      for (const float value : file) {
        EXPECT_FALSE(std::isinf(value));
        EXPECT_TRUE(view == View::kTree || !std::isnan(value));
      }
    }
  }
}

TEST_F(TrainingTables, SpecsSurviveTheirText) {
  for (const bool automatic : {false, true}) {
    FitOptions options = EveryOperation();
    if (automatic) options.operations.clear();
    const auto spec = Fit(folder_ / "train", options);
    ASSERT_TRUE(spec) << spec.error().message;
    const auto json = ParseJson(ToJson(*spec).dump(), "test");
    const auto back = sdk::ParseTransformSpec(*json);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, *spec);
  }
}

TEST_F(TrainingTables, AFitOnAllRowsFindsWhatTheFileSays) {
  for (const bool automatic : {false, true}) {
    FitOptions options = EveryOperation();
    if (automatic) options.operations.clear();
    const auto spec = Fit(folder_ / "all", options);
    ASSERT_TRUE(spec) << spec.error().message;
    const auto table = TrainingTable::Load({folder_ / "train", folder_ / "valid"}, *spec);
    ASSERT_TRUE(table) << table.error().message;
    ASSERT_EQ(table->rows(), std::size_t(kRows));
    for (const View view : kViews) {
      const auto fit = table->FitOn(Range(0, kRows), view, Labels(), 2, 1);
      ASSERT_TRUE(fit) << fit.error().message;
      sdk::TransformSpec expected = *spec;
      std::erase_if(expected.steps, [&](const auto& s) { return (s.views & Only(view)) == 0; });
      EXPECT_EQ(fit->spec, expected);
    }
  }
}

TEST_F(TrainingTables, AFoldSeesNothingOfTheOtherRows) {
  FitOptions options = EveryOperation();
  const auto recipe = Fit(folder_ / "all", options);
  const auto alone = Fit(folder_ / "train", options);
  ASSERT_TRUE(recipe && alone);
  const auto table = TrainingTable::Load({folder_ / "train", folder_ / "valid"}, *recipe);
  for (const View view : kViews) {
    const auto fit = table->FitOn(Range(0, 300), view, Labels(), 2, 1);
    ASSERT_TRUE(fit) << fit.error().message;
    sdk::TransformSpec expected = *alone;
    std::erase_if(expected.steps, [&](const auto& s) { return (s.views & Only(view)) == 0; });
    EXPECT_EQ(fit->spec.steps, expected.steps);
  }
}

TEST_F(TrainingTables, HeldOutRowsAreAsInServing) {
  const auto recipe = Fit(folder_ / "train", EveryOperation());
  const auto table = TrainingTable::Load({folder_ / "train", folder_ / "valid"}, *recipe);
  const auto fit = table->FitOn(Range(0, 300), View::kDense, Labels(), 2, 1);
  const auto t = sdk::Transform::Make(fit->spec, View::kDense);
  const auto held_out = table->Matrix(*t, Range(300, kRows));
  ASSERT_TRUE(held_out);
  std::vector<float> served(100 * t->width());
  ASSERT_TRUE(sdk::ApplyBatch(*t, *sdk::ReadDataset(folder_ / "valid"), served.data()));
  EXPECT_EQ(std::memcmp(held_out->data.get(), served.data(), served.size() * sizeof(float)), 0);
}

// A category of one row would else tell that row's label.
TEST_F(TrainingTables, TargetEncodingDoesNotShowARowItsOwnLabel) {
  Json rows = Json::array();
  std::vector<double> y;
  for (int r = 0; r < 200; ++r) {
    rows.push_back({"c" + std::to_string(r), r % 2 == 0});
    y.push_back(r % 2 == 0 ? 1 : 0);
  }
  sdk::WriteDataset(
      folder_ / "own",
      {BatchOf({arrow::field("c", arrow::utf8()), arrow::field("late", arrow::boolean())},
               rows.dump())});
  FitOptions options;
  options.label = "late";
  options.operations = {{"targetEncode", {"c"}, {{"smoothing", 0}}}};
  const auto recipe = Fit(folder_ / "own", options);
  ASSERT_TRUE(recipe) << recipe.error().message;
  const auto table = TrainingTable::Load({folder_ / "own"}, *recipe);
  const auto rows_of_all = Range(0, 200);
  const auto fit = table->FitOn(rows_of_all, View::kDense, y, 2, 1);
  ASSERT_TRUE(fit) << fit.error().message;
  const auto t = sdk::Transform::Make(fit->spec, View::kDense);
  const auto served = table->Matrix(*t, rows_of_all);
  double own = 0;
  double crossed = 0;
  for (std::size_t r = 0; r < 200; ++r) {
    own += std::abs(double(served->data[r]) - (y[r] == 1 ? 1 : -1));
    crossed += std::abs(double(fit->x.data[r]));
  }
  EXPECT_LT(own, 1e-3);     // all is told
  EXPECT_LT(crossed, 100);  // nothing is: each row has about the mean of the others
  options.label = "";
  EXPECT_NE(Fit(folder_ / "own", options).error().message.find("needs the label"),
            std::string::npos);
}

// A label that is the group's came back to a row by the group's other rows.
TEST_F(TrainingTables, TargetEncodingDoesNotShowARowTheLabelOfItsGroup) {
  Json rows = Json::array();
  std::vector<double> y;
  std::vector<std::uint32_t> group;
  for (int r = 0; r < 400; ++r) {
    group.push_back(std::uint32_t(r / 10));
    y.push_back(group.back() % 2 == 0 ? 1 : 0);
    rows.push_back({"c" + std::to_string(group.back()), y.back() == 1});
  }
  sdk::WriteDataset(
      folder_ / "own",
      {BatchOf({arrow::field("c", arrow::utf8()), arrow::field("late", arrow::boolean())},
               rows.dump())});
  FitOptions options;
  options.label = "late";
  options.operations = {{"targetEncode", {"c"}, {{"smoothing", 0}}}};
  const auto recipe = Fit(folder_ / "own", options);
  ASSERT_TRUE(recipe) << recipe.error().message;
  const auto table = TrainingTable::Load({folder_ / "own"}, *recipe);
  const auto told = [&](const std::vector<std::uint32_t>& groups) {
    const auto fit = table->FitOn(Range(0, 400), View::kDense, y, 2, 1, groups);
    double sum = 0;  // 1 where the encoding is the label
    for (std::size_t r = 0; r < 400; ++r) {
      sum += double(fit->x.data[r]) * (y[r] == 1 ? 1 : -1) / 400;
    }
    return sum;
  };
  EXPECT_GT(told({}), 0.9);
  EXPECT_LT(std::abs(told(group)), 0.3);
  EXPECT_EQ(told(std::vector<std::uint32_t>(400, 7)), 0) << "all are of one part";
}

TEST_F(TrainingTables, RefusesANullThatAServerWouldRefuse) {
  sdk::WriteDataset(folder_ / "full",
                    {BatchOf({arrow::field("x", arrow::float64())}, "[[1], [2], [3]]")});
  sdk::WriteDataset(folder_ / "gap",
                    {BatchOf({arrow::field("x", arrow::float64())}, "[[1], [null], [3]]")});
  FitOptions options;
  options.scale = {"x"};
  const auto recipe = Fit(folder_ / "full", options);
  const auto table = TrainingTable::Load({folder_ / "full", folder_ / "gap"}, *recipe);
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().message.find("row 1, column 'x', is null"), std::string::npos);
  EXPECT_NE(table.error().message.find("gap"), std::string::npos);
  const auto named = TrainingTable::Load({folder_ / "full", folder_ / "gap"}, *recipe, nullptr,
                                         {"train", "valid"});
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().message.find("dataset valid: row 1, column 'x', is null"), 0U)
      << named.error().message;
  const auto automatic = Fit(folder_ / "full", {});
  EXPECT_TRUE(TrainingTable::Load({folder_ / "full", folder_ / "gap"}, *automatic));
}

// "NA" was a category of the recipe's rows, and is none of those that it is fitted on again.
TEST_F(TrainingTables, AWordForNullInRowsHeldOutMakesItsColumnNullable) {
  const auto write = [&](const char* name, const char* rows) {
    sdk::WriteDataset(folder_ / name, {BatchOf({arrow::field("c", arrow::utf8())}, rows)});
  };
  write("all", R"([["a"], ["NA"], ["b"], ["NA"]])");
  write("own", R"([["a"], ["b"], ["a"], ["b"]])");
  write("other", R"([["NA"], ["a"]])");
  FitOptions options;
  options.one_hot = {"c"};
  const auto recipe = Fit(folder_ / "all", options);
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_FALSE(recipe->inputs[0].nullable);
  const auto table = TrainingTable::Load({folder_ / "own", folder_ / "other"}, *recipe);
  ASSERT_TRUE(table) << table.error().message;
  const auto fit = table->FitOn(Range(0, 4), View::kDense, {}, 2, 1);
  ASSERT_TRUE(fit) << fit.error().message;
  EXPECT_TRUE(fit->spec.inputs[0].nullable);
}

TEST_F(TrainingTables, KeepsTheRowsAskedFor) {
  const auto recipe = Fit(folder_ / "train", EveryOperation());
  const std::vector<std::uint32_t> keep = {3, 149, 150, 151, 299, 300, 399};
  const auto some = TrainingTable::Load({folder_ / "train", folder_ / "valid"}, *recipe, &keep);
  const auto all = TrainingTable::Load({folder_ / "train", folder_ / "valid"}, *recipe);
  ASSERT_TRUE(some) << some.error().message;
  ASSERT_EQ(some->rows(), keep.size());
  const auto t = sdk::Transform::Make(*recipe, View::kEmbedding);
  const auto x = some->Matrix(*t, Range(0, 7));
  const auto y = all->Matrix(*t, keep);
  EXPECT_EQ(std::memcmp(x->data.get(), y->data.get(), x->rows * x->width * sizeof(float)), 0);
}

// The fit is of the multiset of rows: parts of any size merge to the same.
TEST(ColumnSummaries, MergeToTheSameWhateverTheShards) {
  const auto batch = Batch(0, kRows);
  FitOptions options = EveryOperation();
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {batch});
  const auto spec = Fit(folder / "d", options);
  ASSERT_TRUE(spec) << spec.error().message;
  for (std::size_t i = 0; i < spec->inputs.size(); ++i) {
    const auto column = sdk::FindColumn(*batch, spec->inputs[i].name);
    const Needs needs = NeedsOf(spec->steps, i);
    std::vector<std::vector<sdk::TransformStep>> fits;
    for (const std::uint32_t shards : {1U, 2U, 8U}) {
      ColumnSummary merged(column->type, needs);
      for (std::uint32_t s = shards; s-- > 0;) {
        ColumnSummary part(column->type, needs);
        part.Add(*column, Range(s * kRows / shards, (s + 1) * kRows / shards));
        merged.Merge(std::move(part));
      }
      merged.Finish();
      fits.emplace_back();
      for (sdk::TransformStep step : spec->steps) {
        if (step.input != i) continue;
        ASSERT_TRUE(FitStep(step, merged, true));
        fits.back().push_back(std::move(step));
      }
    }
    EXPECT_EQ(fits[0], fits[1]);
    EXPECT_EQ(fits[0], fits[2]);
  }
}

// A sample is of the rows, not of their order.
TEST(ColumnTables, SampleTheSameRowsWhateverTheShards) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "one", {Batch(0, kRows)});
  sdk::WriteDataset(folder / "three", {Batch(250, kRows), Batch(0, 100), Batch(100, 250)});
  FitOptions options = EveryOperation();
  options.most_bytes = 16 << 10;
  std::vector<std::string> notes;
  const auto one = Fit(folder / "one", options, &notes);
  const auto three = Fit(folder / "three", options);
  ASSERT_TRUE(one && three) << one.error().message;
  EXPECT_EQ(*one, *three);
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes.back().find("of 400 rows, chosen by their hash"), std::string::npos);
}

}  // namespace
}  // namespace penstock::transform
