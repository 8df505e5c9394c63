// The operations on texts, of those that a person names.
#include "components/model_format/transform_check.h"
#include "components/transform/planner.h"

namespace penstock::transform {

using sdk::ColumnType;
using sdk::TransformOp;
using sdk::TransformStep;

namespace {

// `terms`: words, or grams of `shortest` to `longest` code points.
void ReadTerms(sdk::Parameters& p, TransformStep& step) {
  step.recipe.min_count = p.Integer("minRows", 2, 1, 1'000'000'000);
  const bool words = p.OneOf("terms", "words", {"words", "grams"}) == "words";
  step.shortest = words ? 1 : p.Integer("shortest", 2, 1, 16);
  step.longest = words ? 0 : p.Integer("longest", 4, 1, 16);
  if (!words && step.shortest > step.longest) p.Fail("shortest must not be above longest");
}

}  // namespace

Result<void> Planner::MultiHot(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kMultiHot, sdk::kAllViews);
  if (columns_[step.input].type != ColumnType::kString) return Invalid("is no text");
  step.separator = p.String("separator", ",");
  step.recipe.top = p.Integer("topK", kMostIndicators, 1, kMostParts);
  if (step.separator.empty()) p.Fail("separator must not be empty");
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Text(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kText, sdk::kAllViews);
  if (columns_[step.input].type != ColumnType::kString) return Invalid("is no text");
  step.oov_buckets = p.Integer("buckets", 256, 2, kMostParts);
  step.shortest = p.Integer("shortest", 2, 1, 16);
  step.longest = p.Integer("longest", 4, 1, 16);
  if (step.shortest > step.longest) p.Fail("shortest must not be above longest");
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Tfidf(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kTfidf, sdk::kAllViews);
  if (columns_[step.input].type != ColumnType::kString) return Invalid("is no text");
  step.recipe.top = p.Integer("topK", 256, 1, kMostParts);
  ReadTerms(p, step);
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Tokens(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kTokens, Only(sdk::View::kEmbedding));
  if (columns_[step.input].type != ColumnType::kString) return Invalid("is no text");
  step.recipe.top = p.Integer("topK", kMostParts, 1, 1'000'000);
  step.length = p.Integer("length", 64, 1, sdk::kMostTokens);
  step.oov_buckets = p.Integer("oovBuckets", 1, 1, 1'000'000);
  step.keep_end = p.OneOf("keep", "start", {"start", "end"}) == "end";
  ReadTerms(p, step);
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::WordVectors(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kWordVectors, sdk::kAllViews);
  if (columns_[step.input].type != ColumnType::kString) return Invalid("is no text");
  const bool most = p.OneOf("pooling", "mean", {"mean", "max"}) == "max";
  step.pooling = most ? sdk::Pooling::kMax : sdk::Pooling::kMean;
  step.recipe.top = p.Integer("topK", 20'000, 1, 1'000'000);
  step.recipe.parts = p.Integer("more", 10'000, 0, 1'000'000);
  AddStep(plan_.steps, std::move(step));
  return {};
}

}  // namespace penstock::transform
