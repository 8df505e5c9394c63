#include "components/transform/fit_step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "components/model_format/prepared_step.h"
#include "components/sdk/exact_sum.h"
#include "components/transform/normal_quantile.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::Category;
using sdk::Source;
using sdk::TransformOp;
using sdk::TransformStep;
using Counted = ColumnSummary::Counted;

double MostFrequent(std::span<const double> sorted) {
  double best = sorted.front();
  std::size_t best_count = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t j = i;
    while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
    if (j - i > best_count) {
      best_count = j - i;
      best = sorted[i];
    }
    i = j;
  }
  return best;
}

double Median(std::span<const double> sorted) {
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

double FillOf(const TransformStep& step, std::span<const double> sorted) {
  if (step.recipe.impute == "mean") return sdk::MomentsOf(sorted).mean;
  if (step.recipe.impute == "mostFrequent") return MostFrequent(sorted);
  return Median(sorted);
}

// Mean and deviation above 0 of max(0, x - knot); nothing where there is none. The numbers are
// sorted, so that sums in their order depend on the multiset alone.
bool BendMoments(std::span<const double> sorted, double knot, std::vector<double>& values) {
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), knot);
  const auto n = double(sorted.size());
  const auto sum_above = [&](auto term) {
    double sum = 0;
    for (auto x = above; x != sorted.end(); ++x) sum += term(*x - knot);
    return sum;
  };
  const double mean = sum_above([](double over) { return over; }) / n;
  const double squares = sum_above([&](double over) { return (over - mean) * (over - mean); }) +
                         double(above - sorted.begin()) * mean * mean;
  const double std = std::sqrt(squares / n);
  if (!std::isfinite(std) || std <= 0) return false;
  values.push_back(mean);
  values.push_back(std);
  return true;
}

void FitBends(TransformStep& step, std::span<const double> sorted) {
  for (std::int64_t i = 1; i <= step.recipe.parts; ++i) {
    const double knot = QuantileOf(sorted, double(i) / double(step.recipe.parts + 1));
    // Below the first value the line has no bend.
    if (knot <= sorted.front() || (!step.numbers.empty() && knot <= step.numbers.back())) continue;
    if (BendMoments(sorted, knot, step.values)) step.numbers.push_back(knot);
  }
}

// By rank to a standard normal distribution; equal values get the mean of their ranks.
void FitQuantile(TransformStep& step, std::span<const double> sorted) {
  const auto points = std::size_t(std::max<std::int64_t>(2, step.recipe.parts));
  const double least = 0.5 / double(sorted.size());
  double sum = 0;
  double count = 0;
  const auto finish = [&] {
    step.values.push_back(NormalQuantile(std::clamp(sum / count, least, 1 - least)));
    sum = count = 0;
  };
  for (std::size_t i = 0; i < points; ++i) {
    const double share = double(i) / double(points - 1);
    const double at = QuantileOf(sorted, share);
    if (step.numbers.empty() || at > step.numbers.back()) {
      if (!step.numbers.empty()) finish();
      step.numbers.push_back(at);
    }
    sum += share;
    ++count;
  }
  finish();
}

void FitBuckets(TransformStep& step, std::span<const double> sorted) {
  for (std::int64_t i = 1; i < step.recipe.parts; ++i) {
    const double edge = QuantileOf(sorted, double(i) / double(step.recipe.parts));
    if (edge <= sorted.front() || (!step.numbers.empty() && edge <= step.numbers.back())) continue;
    step.numbers.push_back(edge);
  }
}

// What clip and log make of the sorted numbers; sorted too.
std::vector<double> Prepared(const TransformStep& step, std::span<const double> sorted) {
  std::vector<double> prepared;
  prepared.reserve(sorted.size());
  for (const double number : sorted) {
    const double x = std::clamp(number, step.low, step.high);
    prepared.push_back(step.log ? std::copysign(std::log1p(std::abs(x)), x) : x);
  }
  return prepared;
}

Error TooLarge(double number) {
  return Invalid(Json(number).dump() +
                 " is beyond the numbers of float32, which the features are; name the column in "
                 "scale, log or clip");
}

Result<void> FitOperation(TransformStep& step, std::span<const double> sorted) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  switch (step.op) {
    case TransformOp::kPassthrough:
      if (sorted.front() < -kLargest) return TooLarge(sorted.front());
      if (sorted.back() > kLargest) return TooLarge(sorted.back());
      return {};
    case TransformOp::kScale: {
      const auto moments = sdk::MomentsOf(sorted);
      step.mean = moments.mean;
      step.std = moments.constant ? 1 : moments.std;
      return {};
    }
    case TransformOp::kMinMax: {
      const double range = sorted.back() - sorted.front();
      if (!std::isfinite(range)) return TooLarge(sorted.back());
      step.mean = sorted.front();
      step.std = range > 0 ? range : 1;
      return {};
    }
    case TransformOp::kBends:
      FitBends(step, sorted);
      return {};
    case TransformOp::kQuantile:
      FitQuantile(step, sorted);
      return {};
    case TransformOp::kBuckets:
      FitBuckets(step, sorted);
      return {};
    default:
      return {};
  }
}

std::vector<double> NumbersOf(TransformStep& step, const ColumnSummary& summary) {
  std::vector<double> numbers = summary.Numbers(step.source);
  if (step.source != Source::kAge || numbers.empty()) return numbers;
  constexpr double kSecondsOfDay = 86'400;
  step.origin = numbers.back();
  std::reverse(numbers.begin(), numbers.end());
  for (double& x : numbers) x = (step.origin - x) / kSecondsOfDay;
  return numbers;
}

Result<void> FitNumber(TransformStep& step, const ColumnSummary& summary) {
  step.numbers.clear();
  step.values.clear();
  const std::vector<double> numbers = NumbersOf(step, summary);
  const bool fills = step.recipe.impute != "value" && !step.recipe.impute.empty();
  if (numbers.empty()) {
    if (fills) step.fill = 0;
    if (step.op == TransformOp::kQuantile) step.numbers = step.values = {0};
    return {};
  }
  if (fills) step.fill = FillOf(step, numbers);
  if (step.recipe.low > 0 || step.recipe.high < 1) {
    const double low = QuantileOf(numbers, step.recipe.low);
    const double high = QuantileOf(numbers, step.recipe.high);
    const bool spread = low < high;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    step.low = spread && step.recipe.low > 0 ? low : -kInfinity;
    step.high = spread && step.recipe.high < 1 ? high : kInfinity;
  }
  return FitOperation(step, Prepared(step, numbers));
}

std::vector<Category> Kept(const std::vector<Counted>& counted, const sdk::StepRecipe& recipe) {
  std::vector<Category> kept;
  for (const auto& [category, count] : counted) {
    if (recipe.top > 0 && kept.size() >= std::size_t(recipe.top)) break;
    if (count >= recipe.min_count) kept.push_back(category);
  }
  return kept;
}

// The index of the category that a null becomes, where it becomes one.
Result<void> FitCategoryFill(TransformStep& step, const std::vector<Counted>& counted, bool first) {
  const std::string& impute = step.recipe.impute;
  if (impute.empty()) return {};  // kept, or a place of its own
  step.fill_category = sdk::kNullUnseen;
  if (impute == "unseen" || counted.empty()) return {};
  const Category wanted =
      impute == "mostFrequent" ? counted.front().first : Category(step.recipe.fill_text);
  const auto at = std::find(step.categories.begin(), step.categories.end(), wanted);
  if (at != step.categories.end()) {
    step.fill_category = at - step.categories.begin();
  } else if (first && impute == "value") {
    return Invalid("impute: that value is no category");
  }
  return {};
}

Result<void> FitCategories(TransformStep& step, const ColumnSummary& summary, bool first) {
  if (step.op == TransformOp::kHash) return {};
  const auto counted = summary.ByCount();
  step.categories = Kept(counted, step.recipe);
  if (step.op == TransformOp::kOneHot) {
    if (first && step.recipe.top == 0 && step.categories.size() > kMaxOneHot) {
      return Invalid("oneHot: " + std::to_string(step.categories.size()) +
                     " categories; use vocabulary above 1000");
    }
    std::sort(step.categories.begin(), step.categories.end());
  }
  return FitCategoryFill(step, counted, first);
}

// scikit-learn's TfidfTransformer with smooth_idf: ln((1 + rows) / (1 + rows with the term)) + 1.
void FitTerms(TransformStep& step, const ColumnSummary& summary) {
  const auto counted = summary.TermsByCount(step.shortest, step.longest);
  step.categories = Kept(counted, step.recipe);
  step.numbers.clear();
  for (std::size_t i = 0, kept = 0; kept < step.categories.size(); ++i) {
    if (counted[i].first != step.categories[kept]) continue;
    ++kept;
    const auto rows = double(summary.values());
    step.numbers.push_back(std::log((1 + rows) / (1 + double(counted[i].second))) + 1);
  }
}

}  // namespace

double QuantileOf(std::span<const double> sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const auto below = std::min(std::size_t(at), sorted.size() - 1);
  const auto above = std::min(below + 1, sorted.size() - 1);
  const double part = at - double(below);
  if (part == 0 || sorted[below] == sorted[above]) return sorted[below];
  return std::clamp(sorted[below] * (1 - part) + sorted[above] * part, sorted[below],
                    sorted[above]);
}

Result<void> FitStep(TransformStep& step, const ColumnSummary& summary, bool first) {
  if (step.op == TransformOp::kMissing) return {};
  if (first && summary.values() == 0) return Invalid("has nulls only; leave it out");
  if (sdk::IsNumberOp(step.op)) return FitNumber(step, summary);
  if (step.op == TransformOp::kTfidf) {
    FitTerms(step, summary);
  } else if (step.op == TransformOp::kTokens) {
    step.categories = Kept(summary.TokensByCount(step.shortest, step.longest), step.recipe);
  } else if (step.op == TransformOp::kMultiHot) {
    step.categories = Kept(summary.PartsByCount(step.separator), step.recipe);
    std::sort(step.categories.begin(), step.categories.end());
  } else if (sdk::IsCategoryOp(step.op)) {
    return FitCategories(step, summary, first);
  }
  return {};
}

void FitOtherCategories(TransformStep& step, const ColumnSummary& other) {
  step.other_categories = Kept(other.ByCount(), step.recipe);
}

}  // namespace penstock::transform
