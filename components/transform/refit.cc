#include "components/transform/refit.h"

#include <algorithm>
#include <map>

#include "components/model_format/prepared_step.h"
#include "components/transform/column_summary.h"
#include "components/transform/fit_step.h"
#include "components/transform/target_encoding.h"
#include "components/transform/vectors.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::TransformOp;
using sdk::TransformSpec;
using sdk::TransformStep;

// Pairs by the rows that have them: the most frequent, then sorted.
void FitPairs(TransformStep& step, const ColumnTable& table, std::span<const std::uint32_t> rows) {
  const auto own = PlacesOfRows(step.categories, table.column(step.input), rows);
  const auto other = PlacesOfRows(step.other_categories, table.column(step.other), rows);
  std::map<std::int64_t, std::int64_t> counts;
  const auto others = static_cast<std::int64_t>(step.other_categories.size());
  for (std::size_t i = 0; i < rows.size(); ++i) ++counts[own[i] * (others + 1) + other[i]];
  std::vector<std::pair<std::int64_t, std::int64_t>> by_count;
  for (const auto& [pair, count] : counts) {
    if (count >= step.recipe.min_count) by_count.emplace_back(-count, pair);
  }
  std::sort(by_count.begin(), by_count.end());
  if (step.recipe.top > 0 && by_count.size() > std::size_t(step.recipe.top)) {
    by_count.resize(std::size_t(step.recipe.top));
  }
  step.pairs.clear();
  for (const auto& [count, pair] : by_count) step.pairs.push_back(pair);
  std::sort(step.pairs.begin(), step.pairs.end());
}

// A word for null that no category is any more is one from here on.
Result<void> TakeNullTexts(TransformSpec& spec, std::optional<sdk::View> view,
                           const std::vector<std::vector<std::string>>& null_words) {
  PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(spec, view ? view : AnyView(spec)));
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    for (const auto& word : null_words[i]) {
      if (transform.IsNullText(i, word)) spec.inputs[i].nullable = true;
    }
  }
  return {};
}

}  // namespace

sdk::View AnyView(const TransformSpec& recipe) {
  for (const sdk::View view : {sdk::View::kDense, sdk::View::kTree}) {
    if ((recipe.steps.front().views & Only(view)) != 0) return view;
  }
  return sdk::View::kEmbedding;
}

Result<TransformSpec> Refit(const TransformSpec& recipe, const ColumnTable& table,
                            std::span<const std::uint32_t> rows, std::optional<sdk::View> view,
                            const LabelValues* label, bool first) {
  TransformSpec spec = recipe;
  if (view) {
    std::erase_if(spec.steps,
                  [&](const TransformStep& step) { return (step.views & Only(*view)) == 0; });
  }
  std::vector<std::vector<std::string>> null_words(spec.inputs.size());
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    ColumnSummary summary(spec.inputs[i].type, NeedsOf(spec.steps, i));
    summary.Add(table.column(i), rows);
    summary.Finish();
    for (const auto word : sdk::kNullTexts) {
      if (summary.HasText(std::string(word))) null_words[i].emplace_back(word);
    }
    for (TransformStep& step : spec.steps) {
      if (step.op == TransformOp::kCross && step.other == i) FitOtherCategories(step, summary);
      if (step.input != i) continue;
      if (auto ok = FitStep(step, summary, first); !ok) {
        return Wrap("column '" + spec.inputs[i].name + "'", ok.error());
      }
    }
  }
  for (TransformStep& step : spec.steps) {
    if (step.op == TransformOp::kCross) FitPairs(step, table, rows);
    if (step.op == TransformOp::kWordVectors) {
      FitVectorMoments(step, table.column(step.input), rows);
    }
    if (step.op != TransformOp::kTargetEncode) continue;
    if (label == nullptr) {
      return Invalid("targetEncode '" + spec.inputs[step.input].name +
                     "': needs the label; name it in label");
    }
    FitTargetMeans(step, table.column(step.input), rows, *label);
  }
  PENSTOCK_TRY(TakeNullTexts(spec, view, null_words));
  return spec;
}

}  // namespace penstock::transform
