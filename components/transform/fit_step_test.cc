// Constants against numpy 2, scipy 1.17 and scikit-learn 1.9.
#include "components/transform/fit_step.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "components/sdk/testing/test_data.h"
#include "components/transform/normal_quantile.h"
#include "components/transform/target_encoding.h"

namespace penstock::transform {
namespace {

using sdk::Category;
using sdk::TransformOp;
using sdk::TransformStep;

// A step fitted on a column of one type.
Result<TransformStep> Fitted(TransformStep step, const std::shared_ptr<arrow::DataType>& type,
                             const std::string& values, bool first = true) {
  Json rows = Json::array();
  for (const auto& value : Json::parse(values)) rows.push_back({value});
  const auto batch = sdk::BatchOf({arrow::field("x", type)}, rows.dump());
  const auto column = sdk::FindColumn(*batch, "x");
  step.views = sdk::kAllViews;
  ColumnSummary summary(column->type, NeedsOf({step}, 0));
  std::vector<std::uint32_t> all(static_cast<std::size_t>(batch->num_rows()));
  std::iota(all.begin(), all.end(), 0U);
  summary.Add(*column, all);
  summary.Finish();
  if (auto ok = FitStep(step, summary, first); !ok) return ok.error();
  return step;
}

TransformStep StepOf(TransformOp op) {
  TransformStep step;
  step.op = op;
  return step;
}

TEST(NormalQuantile, IsScipys) {
  const std::pair<double, double> expected[] = {
      {0.5, 0},
      {0.1, -1.2815515655446004},
      {0.025, -1.9599639845400545},
      {0.001, -3.090232306167813},
      {1e-10, -6.361340902404056},
      {0.95, 1.6448536269514722},
      {0.999999, 4.753424308817087},
      {0.42, -0.20189347914185088},
      {1e-300, -37.0470962993612},
  };
  for (const auto& [share, quantile] : expected) {
    EXPECT_NEAR(NormalQuantile(share), quantile, 1e-9 * (1 + std::abs(quantile))) << share;
  }
}

TEST(FitStep, FindsNumpysQuantiles) {
  const std::vector<double> sorted = {1, 1, 2, 3, 4, 5, 6, 9};
  EXPECT_EQ(QuantileOf(sorted, 0.05), 1.0);
  EXPECT_EQ(QuantileOf(sorted, 0.25), 1.75);
  EXPECT_EQ(QuantileOf(sorted, 0.5), 3.5);
  EXPECT_NEAR(QuantileOf(sorted, 0.9), 6.9, 1e-12);
  EXPECT_EQ(QuantileOf(sorted, 1), 9.0);
}

TEST(FitStep, ClipsToQuantilesButNotToOneValue) {
  TransformStep step = StepOf(TransformOp::kScale);
  step.recipe.low = 0.25;
  step.recipe.high = 0.75;
  const auto clipped = Fitted(step, arrow::float64(), "[0, 1, 2, 3, 4]");
  ASSERT_TRUE(clipped) << clipped.error().message;
  EXPECT_EQ(clipped->low, 1);
  EXPECT_EQ(clipped->high, 3);
  EXPECT_EQ(clipped->mean, 2);
  EXPECT_DOUBLE_EQ(clipped->std, std::sqrt(0.8));
  const auto zeros = Fitted(step, arrow::float64(), "[0, 0, 0, 0, 0, 7]");
  EXPECT_EQ(zeros->high, std::numeric_limits<double>::infinity());
  EXPECT_GT(zeros->std, 1);
}

TEST(FitStep, BendsAtInnerQuantilesToMeanZeroAndDeviationOne) {
  TransformStep step = StepOf(TransformOp::kBends);
  step.recipe.parts = 3;
  const auto bends = Fitted(step, arrow::float64(), "[0, 1, 2, 3, 4, 5, 6, 7, 8]");
  ASSERT_TRUE(bends) << bends.error().message;
  EXPECT_EQ(bends->numbers, (std::vector<double>{2, 4, 6}));
  EXPECT_DOUBLE_EQ(bends->values[4], 3.0 / 9);  // of 0 ... 0, 1, 2
  EXPECT_DOUBLE_EQ(bends->values[5], std::sqrt(5.0 / 9 - 1.0 / 9));
  // Most rows are the least value: no bend there.
  EXPECT_TRUE(Fitted(step, arrow::float64(), "[0, 0, 0, 0, 0, 0, 0, 0, 1]")->numbers.empty());
}

TEST(FitStep, RanksToANormalDistribution) {
  TransformStep step = StepOf(TransformOp::kQuantile);
  step.recipe.parts = 5;
  const auto ranked = Fitted(step, arrow::float64(), "[10, 20, 30, 40, 1000]");
  ASSERT_TRUE(ranked) << ranked.error().message;
  EXPECT_EQ(ranked->numbers, (std::vector<double>{10, 20, 30, 40, 1000}));
  EXPECT_EQ(ranked->values[2], 0);
  EXPECT_DOUBLE_EQ(ranked->values[1], NormalQuantile(0.25));
  EXPECT_DOUBLE_EQ(ranked->values[4], NormalQuantile(0.9));
  const auto ties = Fitted(step, arrow::float64(), "[1, 1, 1, 1, 1]");
  EXPECT_EQ(ties->numbers, (std::vector<double>{1}));
  EXPECT_EQ(ties->values, (std::vector<double>{0}));
}

TEST(FitStep, RefusesWhatFloat32CannotHoldUnlessItIsScaled) {
  const auto refused = Fitted(StepOf(TransformOp::kPassthrough), arrow::float64(), "[1, 2, 1e300]");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("beyond the numbers of float32"), std::string::npos);
  EXPECT_TRUE(Fitted(StepOf(TransformOp::kScale), arrow::float64(), "[1, 2, 1e300]"));
  // The distance of these two is no double.
  TransformStep ranked = StepOf(TransformOp::kQuantile);
  ranked.recipe.parts = 11;
  const auto far = Fitted(ranked, arrow::float64(), "[-1.7e308, 1.7e308]");
  ASSERT_TRUE(far);
  sdk::TransformSpec spec;
  spec.inputs = {{"x", sdk::ColumnType::kFloat64, true}};
  spec.steps = {*far};
  const auto transform = sdk::Transform::Make(spec, sdk::View::kEmbedding);
  ASSERT_TRUE(transform) << transform.error().message;
  float value = 0;
  ASSERT_TRUE(transform->ApplyCell(0, 0.0, &value));
  EXPECT_TRUE(std::isfinite(value));
}

// TfidfVectorizer(token_pattern=r"\w+", vocabulary=["the", "cat", "dog", "sat"]).
TEST(FitStep, WeighsTermsAsScikitLearn) {
  TransformStep step = StepOf(TransformOp::kTfidf);
  step.shortest = 1;
  step.longest = 0;
  step.recipe.top = 4;
  const auto tfidf =
      Fitted(step, arrow::utf8(),
             R"(["the cat sat", "the dog sat down", "a cat and a dog", "the the the"])");
  ASSERT_TRUE(tfidf) << tfidf.error().message;
  EXPECT_EQ(tfidf->categories, (std::vector<Category>{std::string("the"), std::string("cat"),
                                                      std::string("dog"), std::string("sat")}));
  EXPECT_DOUBLE_EQ(tfidf->numbers[0], 1.2231435513142097);
  EXPECT_DOUBLE_EQ(tfidf->numbers[1], 1.5108256237659907);
  sdk::TransformSpec spec;
  spec.inputs = {{"x", sdk::ColumnType::kString, true}};
  spec.steps = {*tfidf};
  const auto transform = sdk::Transform::Make(spec, sdk::View::kDense);
  ASSERT_TRUE(transform) << transform.error().message;
  std::vector<float> row(4);
  transform->ApplyString(0, "The cat sat", row.data());
  EXPECT_NEAR(row[0], 0.496816, 1e-6);
  EXPECT_NEAR(row[1], 0.613667, 1e-6);
  EXPECT_EQ(row[2], 0);
  EXPECT_NEAR(row[3], 0.613667, 1e-6);
}

TEST(FitStep, KeepsFrequentCategoriesAndTheAskedFill) {
  TransformStep step = StepOf(TransformOp::kVocabulary);
  step.recipe.min_count = 2;
  step.recipe.impute = "value";
  step.recipe.fill_text = "a";
  const auto kept = Fitted(step, arrow::utf8(), R"(["b", "a", "c", "a", "b", "b", null])");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->categories, (std::vector<Category>{std::string("b"), std::string("a")}));
  EXPECT_EQ(kept->fill_category, 1);
  step.recipe.fill_text = "c";
  EXPECT_FALSE(Fitted(step, arrow::utf8(), R"(["b", "a", "c", "a"])"));
  // On the rows of a fold the value may be rare: then a null is as the unseen.
  const auto fold = Fitted(step, arrow::utf8(), R"(["b", "a", "c", "a"])", false);
  ASSERT_TRUE(fold);
  EXPECT_EQ(fold->fill_category, sdk::kNullUnseen);
}

TEST(FitStep, CountsIntegersBeyond2To53AsThemselves) {
  const auto step = Fitted(StepOf(TransformOp::kOneHot), arrow::int64(),
                           "[9007199254740993, 9007199254740992, 9007199254740993]");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->categories, (std::vector<Category>{std::int64_t{9007199254740992},
                                                     std::int64_t{9007199254740993}}));
}

// TargetEncoder(smooth=2).
TEST(TargetEncoding, SmoothsAsScikitLearn) {
  const auto batch = sdk::BatchOf({arrow::field("c", arrow::utf8())},
                                  R"([["a"], ["a"], ["b"], ["b"], ["b"], ["c"]])");
  TransformStep step = StepOf(TransformOp::kTargetEncode);
  step.categories = {std::string("a"), std::string("b"), std::string("c")};
  step.recipe.smoothing = 2;
  const std::vector<double> y = {1, 0, 1, 1, 0, 1};
  const std::vector<std::uint32_t> rows = {0, 1, 2, 3, 4, 5};
  const auto column = sdk::FindColumn(*batch, "c");
  FitTargetMeans(step, *column, rows, {y, 2});
  ASSERT_EQ(step.numbers.size(), 4U);
  EXPECT_DOUBLE_EQ(step.numbers[0], 7.0 / 12);
  EXPECT_DOUBLE_EQ(step.numbers[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(step.numbers[2], 7.0 / 9);
  EXPECT_DOUBLE_EQ(step.numbers[3], 2.0 / 3);  // the unseen
  // With three classes, a share of each.
  const std::vector<double> three = {0, 1, 2, 2, 1, 0};
  step.recipe.smoothing = 0;
  FitTargetMeans(step, *column, rows, {three, 3});
  ASSERT_EQ(step.numbers.size(), 12U);
  EXPECT_EQ(step.numbers[0], 0.5);
  EXPECT_EQ(step.numbers[1], 0.5);
  EXPECT_DOUBLE_EQ(step.numbers[5], 2.0 / 3);
}

}  // namespace
}  // namespace penstock::transform
