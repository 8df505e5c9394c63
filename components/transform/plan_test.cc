// Where nobody names an operation: what is made of each kind of column, in each view.
#include "components/transform/plan.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "components/sdk/testing/test_data.h"
#include "components/transform/fit.h"

namespace penstock::transform {
namespace {

using sdk::BatchOf;
using sdk::TestFolder;
using sdk::View;

// A column of one value a row, fitted alone.
Result<sdk::TransformSpec> FitColumn(const std::shared_ptr<arrow::DataType>& type, int rows,
                                     const std::function<Json(int)>& value) {
  Json table = Json::array();
  for (int r = 0; r < rows; ++r) table.push_back({value(r), r % 2});
  const TestFolder folder;
  sdk::WriteDataset(
      folder / "d",
      {BatchOf({arrow::field("x", type), arrow::field("other", arrow::int64())}, table.dump())});
  return Fit(folder / "d", {});
}

std::vector<std::string> FeaturesOf(const Result<sdk::TransformSpec>& spec, View view) {
  std::vector<std::string> names;
  if (!spec) return {spec.error().message};
  const auto transform = sdk::Transform::Make(*spec, view);
  if (!transform) return {transform.error().message};
  for (const auto& f : transform->features()) {
    if (f.name != "other") names.push_back(f.name);
  }
  return names;
}

std::string WhyDropped(const Result<sdk::TransformSpec>& spec) {
  if (!spec) return spec.error().message;
  return spec->dropped.empty() ? "" : spec->dropped.front().why;
}

using Names = std::vector<std::string>;

TEST(AutomaticPlan, LeavesOutRowNumbersAndNamesButNotMeasuresOfWholeNumbers) {
  const auto id = FitColumn(arrow::int64(), 300, [](int r) { return Json(1000 + 3 * r); });
  EXPECT_EQ(WhyDropped(id), "each row has another whole number, as an id has; name it to use it");
  // 300 different whole numbers out of ten million are no wonder.
  const auto income =
      FitColumn(arrow::int64(), 300, [](int r) { return Json(r * r * 97 + 40'000); });
  EXPECT_EQ(WhyDropped(income), "");
  const auto name =
      FitColumn(arrow::utf8(), 100, [](int r) { return Json("user" + std::to_string(r)); });
  EXPECT_EQ(WhyDropped(name), "nearly each row has another value, as an id has; name it to use it");
}

TEST(AutomaticPlan, LeavesOutConstantsWithinRoundingButNotTheirNulls) {
  const auto constant =
      FitColumn(arrow::float64(), 50, [](int r) { return Json(r % 2 == 0 ? 0.3 : 0.1 + 0.2); });
  EXPECT_NE(WhyDropped(constant).find("in every row, within rounding"), std::string::npos);
  const auto gaps =
      FitColumn(arrow::float64(), 50, [](int r) { return r % 2 == 0 ? Json(0.3) : Json(); });
  EXPECT_EQ(FeaturesOf(gaps, View::kDense), (Names{"x missing"}));
  EXPECT_EQ(FeaturesOf(gaps, View::kTree), (Names{"x"}));
}

TEST(AutomaticPlan, BendsNumbersForLinearModelsAndRanksThemForNetworks) {
  const auto spec = FitColumn(arrow::float64(), 600, [](int r) {
    return r % 10 == 0 ? Json() : Json(double(r % 100) / 3);
  });
  const auto dense = FeaturesOf(spec, View::kDense);
  ASSERT_EQ(dense.size(), 6U) << ::testing::PrintToString(dense);
  EXPECT_EQ(dense[0], "x missing");
  EXPECT_EQ(dense[1], "x");
  EXPECT_EQ(dense[2].substr(0, 2), "x>");
  EXPECT_EQ(FeaturesOf(spec, View::kTree), (Names{"x"}));
  EXPECT_EQ(FeaturesOf(spec, View::kEmbedding), (Names{"x missing", "x", "x rank"}));
  const auto bent = sdk::Transform::Make(*spec, View::kDense);
  EXPECT_FALSE(bent->features()[1].bend);
  EXPECT_TRUE(bent->features()[2].bend);
  const auto transform = sdk::Transform::Make(*spec, View::kTree);
  float value = 0;
  const std::size_t x = 0;
  transform->ApplyNull(x, &value);
  EXPECT_TRUE(std::isnan(value));
}

TEST(AutomaticPlan, GivesTreesCodesAndLinearModelsIndicators) {
  const auto spec = FitColumn(arrow::utf8(), 100, [](int r) {
    return r % 10 == 0 ? Json() : Json(r == 1 ? "rare" : r % 2 == 0 ? "a" : "b");
  });
  EXPECT_EQ(FeaturesOf(spec, View::kDense), (Names{"x=a", "x=b", "x=?", "x=null"}));
  const auto tree = sdk::Transform::Make(*spec, View::kTree);
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_EQ(tree->features()[0].cardinality, 3);
  const auto of = [&](const sdk::Transform& t, sdk::Cell cell) {
    std::vector<float> row(t.width());
    EXPECT_TRUE(t.ApplyCell(0, cell, row.data()));
    return row[0];
  };
  EXPECT_EQ(of(*tree, std::string_view("new")), 2);
  EXPECT_EQ(of(*tree, std::string_view("rare")), 2);
  EXPECT_TRUE(std::isnan(of(*tree, sdk::Cell())));
  const auto ids = sdk::Transform::Make(*spec, View::kEmbedding);
  EXPECT_EQ(ids->features()[0].cardinality, 4);
  EXPECT_EQ(of(*ids, sdk::Cell()), 3);
}

TEST(AutomaticPlan, TakesTextApart) {
  const char* words[] = {"blue", "house", "river", "small", "town", "old"};
  const auto spec = FitColumn(arrow::utf8(), 120, [&](int r) {
    return Json(std::string(words[r % 6]) + " " + words[r / 6 % 6] + " by the " +
                std::to_string(r));
  });
  const auto dense = FeaturesOf(spec, View::kDense);
  EXPECT_GT(std::count(dense.begin(), dense.end(), "x~blue"), 0) << ::testing::PrintToString(dense);
  EXPECT_GT(std::count(dense.begin(), dense.end(), "x.characters"), 0);
  EXPECT_LT(FeaturesOf(spec, View::kTree).size(), 70U);
}

TEST(AutomaticPlan, TakesPartsAndAgesOfTimes) {
  const auto spec = FitColumn(arrow::timestamp(arrow::TimeUnit::MICRO), 300, [](int r) {
    return Json("2024-0" + std::to_string(1 + r % 9) + "-11T0" + std::to_string(r % 7) + ":30:00");
  });
  const auto tree = FeaturesOf(spec, View::kTree);
  EXPECT_EQ(tree, (Names{"x.age", "x.month", "x.dayOfWeek", "x.hour"}));
  const auto dense = FeaturesOf(spec, View::kDense);
  EXPECT_EQ(std::count(dense.begin(), dense.end(), "x.month sin"), 1);
  const auto transform = sdk::Transform::Make(*spec, View::kTree);
  std::vector<float> row(transform->width());
  ASSERT_TRUE(transform->ApplyCell(0, std::string_view("2024-09-10T06:30:00"), row.data()));
  EXPECT_NEAR(row[0], 1, 0.3);  // days before the newest
  EXPECT_EQ(row[1], 8);         // September
  EXPECT_EQ(row[2], 1);         // a Tuesday
  EXPECT_EQ(row[3], 6.5F);
}

TEST(AutomaticPlan, KeepsDifferentNumbersDifferentInFloat32) {
  const auto spec =
      FitColumn(arrow::float64(), 100, [](int r) { return Json(1e9 + double(r * r % 37)); });
  const auto tree = sdk::Transform::Make(*spec, View::kTree);
  float a = 0;
  float b = 0;
  ASSERT_TRUE(tree->ApplyCell(0, 1e9, &a) && tree->ApplyCell(0, 1e9 + 1, &b));
  EXPECT_NE(a, b);
}

TEST(NamedPlan, SaysWhichOperationsThereAre) {
  const std::vector<sdk::Column> columns = {{"x", sdk::ColumnType::kFloat64, true}};
  const auto plan = NamedSteps({{"scal", {"x"}, Json::object()}}, Json::object(), columns);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("there are impute, clip, log, scale"), std::string::npos);
  const auto unknown = NamedSteps({{"bends", {"x"}, {{"knot", 3}}}}, Json::object(), columns);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("bends"), std::string::npos) << unknown.error().message;
  EXPECT_NE(unknown.error().message.find("knot"), std::string::npos) << unknown.error().message;
}

TEST(NamedPlan, ScalesWhatIsOnlyClippedOrLogged) {
  const std::vector<sdk::Column> columns = {{"x", sdk::ColumnType::kFloat64, true}};
  const auto plan = NamedSteps({{"log", {"x"}, Json::object()}}, Json::object(), columns);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->steps.size(), 2U);
  EXPECT_EQ(plan->steps[0].op, sdk::TransformOp::kScale);
  EXPECT_TRUE(plan->steps[0].log);
}

}  // namespace
}  // namespace penstock::transform
