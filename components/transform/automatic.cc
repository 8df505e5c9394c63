// The plan where nobody names an operation. docs/transform.md says it in words.
#include <algorithm>
#include <cmath>

#include "components/transform/plan.h"
#include "components/transform/profile.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::Column;
using sdk::ColumnType;
using sdk::Source;
using sdk::TransformOp;
using sdk::TransformStep;
using sdk::View;
using sdk::Views;

constexpr Views kDense = Only(View::kDense);
constexpr Views kTree = Only(View::kTree);
constexpr Views kEmbedding = Only(View::kEmbedding);

constexpr std::int64_t kRowsForIds = 50;  // with fewer, values may differ by chance
constexpr std::int64_t kRowsForBends = 200;
constexpr std::int64_t kRowsForFourBends = 500;
constexpr std::int64_t kDistinctForBends = 10;
constexpr std::int64_t kMostCodes = 4096;

// Would values drawn from so wide a range have collided? The chance that none of n does is about
// exp(-n^2 / (2 range)) (the birthday problem).
bool AreNumberedRows(const Profile& p) {
  if (!p.whole || p.values < kRowsForIds || p.distinct < p.values) return false;
  const double range = p.most - p.least + 1;
  const auto n = double(p.values);
  return n * n / (2 * range) > 20;
}

bool IsText(const Profile& p) {
  constexpr double kWords = 3;
  constexpr double kShareDistinct = 0.2;
  return p.words >= kWords &&
         double(p.distinct) > std::max(32.0, kShareDistinct * double(p.values));
}

bool AreNamedRows(const Profile& p) {
  return p.values >= kRowsForIds && double(p.distinct) >= 0.9 * double(p.values);
}

// Why a column tells a model nothing; empty: it may.
std::string WhyDropped(const Profile& p, ColumnType type) {
  if (p.values == 0) return "it has no value";
  if (p.has_nulls()) return "";
  if (type == ColumnType::kString) return p.distinct == 1 ? "it has one value only" : "";
  if (!p.constant) return "";
  if (type == ColumnType::kTimestamp) return "it is one time in every row";
  return "it is " + Json(p.most).dump() + " in every row, within rounding";
}

class AutomaticPlanner {
 public:
  AutomaticPlanner(const Json& impute, const std::vector<Column>& columns)
      : impute_(impute), columns_(columns) {}

  Result<void> AddColumn(std::size_t input, const Profile& p);
  [[nodiscard]] Plan Take() { return std::move(plan_); }

 private:
  Result<void> AddNumber(TransformStep step);
  Result<void> AddNumbers(std::size_t input, const Profile& p, Source source);
  Result<void> AddCategories(std::size_t input, const Profile& p);
  Result<void> AddTimes(std::size_t input, const Profile& p);
  Result<void> AddText(std::size_t input, const Profile& p);
  void AddMissing(std::size_t input, Views views) {
    TransformStep step;
    step.op = TransformOp::kMissing;
    step.input = input;
    step.views = views;
    AddStep(plan_.steps, std::move(step));
  }
  void Drop(std::size_t input, const std::string& why) {
    plan_.dropped.push_back({columns_[input].name, why});
  }
  [[nodiscard]] bool IsImputed(std::size_t input) const {
    return impute_.contains(columns_[input].name) || impute_.contains("*");
  }

  const Json& impute_;
  const std::vector<Column>& columns_;
  Plan plan_;
};

Result<void> AutomaticPlanner::AddNumber(TransformStep step) {
  if (step.views == kTree && !IsImputed(step.input)) {
    step.keep_null = true;
  } else {
    PENSTOCK_TRY(SetImpute(impute_, columns_[step.input].name, step));
  }
  AddStep(plan_.steps, std::move(step));
  return {};
}

// A heavy tail to the right that the logarithm takes away.
bool WantsLog(const Profile& p) {
  constexpr double kHeavy = 2;
  return p.least >= 0 && p.skew > kHeavy && std::abs(p.log_skew) < p.skew / 2;
}

// Values far beyond where the others lie (Tukey's fences, ten times as wide as usual for "far").
bool HasFarValues(const Profile& p) {
  constexpr double kFar = 15;
  const double spread = p.three_quarters - p.quarter;
  return spread > 0 &&
         (p.most > p.three_quarters + kFar * spread || p.least < p.quarter - kFar * spread);
}

Result<void> AutomaticPlanner::AddNumbers(std::size_t input, const Profile& p, Source source) {
  TransformStep step;
  step.input = input;
  step.source = source;
  step.op = TransformOp::kPassthrough;
  step.views = kTree;
  if (!p.survives_float) step.op = TransformOp::kScale;
  PENSTOCK_TRY(AddNumber(step));
  if (p.constant) return {};  // only its nulls tell something
  step.op = TransformOp::kScale;
  step.views = kDense | kEmbedding;
  step.log = WantsLog(p);
  if (!step.log && HasFarValues(p)) {
    step.recipe.low = 0.005;
    step.recipe.high = 0.995;
  }
  PENSTOCK_TRY(AddNumber(step));
  if (p.distinct > kDistinctForBends && p.values >= kRowsForBends) {
    step.op = TransformOp::kBends;
    step.views = kDense;
    step.recipe.parts = p.values >= kRowsForFourBends ? 4 : 3;
    PENSTOCK_TRY(AddNumber(step));
  }
  if (p.distinct <= kDistinctForBends) return {};
  TransformStep ranked;
  ranked.input = input;
  ranked.source = source;
  ranked.views = kEmbedding;
  ranked.op = TransformOp::kQuantile;
  ranked.recipe.parts = 101;
  return AddNumber(ranked);
}

Result<void> AutomaticPlanner::AddCategories(std::size_t input, const Profile& p) {
  TransformStep step;
  step.input = input;
  const bool imputed = IsImputed(input);
  const auto null_place = [&](std::int64_t otherwise) -> Result<void> {
    step.fill_category = otherwise;
    step.recipe.impute.clear();
    return imputed ? SetImpute(impute_, columns_[input].name, step) : Result<void>();
  };
  const std::int64_t own = p.has_nulls() ? sdk::kNullOwn : sdk::kNullUnseen;
  step.op = TransformOp::kOneHot;
  step.views = kDense;
  step.recipe.min_count = p.values >= 500 ? 5 : 2;
  step.recipe.top = std::clamp<std::int64_t>(p.values / 10, 10, 256);
  PENSTOCK_TRY(null_place(own));
  AddStep(plan_.steps, step);
  step.op = TransformOp::kVocabulary;
  step.views = kTree;
  // A split on a handful of rows is chance.
  step.recipe.min_count = std::clamp<std::int64_t>(p.values / 200, 2, 10);
  step.recipe.top = kMostCodes;
  PENSTOCK_TRY(null_place(sdk::kNullKept));
  AddStep(plan_.steps, step);
  step.views = kEmbedding;
  step.recipe.min_count = p.values >= 500 ? 5 : 2;
  PENSTOCK_TRY(null_place(own));
  AddStep(plan_.steps, step);
  return {};
}

Result<void> AutomaticPlanner::AddTimes(std::size_t input, const Profile& p) {
  Profile age = p;
  age.survives_float = true;  // days before the newest
  age.skew = 0;               // a trend in time is no tail
  age.three_quarters = age.quarter;
  PENSTOCK_TRY(AddNumbers(input, age, Source::kAge));
  if (p.constant) return {};
  constexpr double kDay = 86'400;
  struct Part {
    Source source;
    double period;
    bool wanted;
  };
  const double days = (p.most - p.least) / kDay;
  const Part parts[] = {{Source::kMonth, 12, days > 31},
                        {Source::kDayOfWeek, 7, days > 1},
                        {Source::kHour, 24, !p.at_midnight}};
  for (const Part& part : parts) {
    if (!part.wanted) continue;
    TransformStep step;
    step.input = input;
    step.source = part.source;
    step.op = TransformOp::kCyclic;
    step.std = part.period;
    step.views = kDense | kEmbedding;
    PENSTOCK_TRY(AddNumber(step));
    step.op = TransformOp::kPassthrough;
    step.std = 1;
    step.views = kTree;
    PENSTOCK_TRY(AddNumber(step));
  }
  return {};
}

Result<void> AutomaticPlanner::AddText(std::size_t input, const Profile& p) {
  TransformStep step;
  step.input = input;
  step.op = TransformOp::kTfidf;
  step.views = kDense | kEmbedding;
  step.recipe.top = std::clamp<std::int64_t>(p.values / 4, 32, 512);
  step.recipe.min_count = 3;
  AddStep(plan_.steps, step);
  step.views = kTree;
  step.recipe.top = 64;
  AddStep(plan_.steps, step);
  for (const Source source : {Source::kCharacters, Source::kWords}) {
    TransformStep length;
    length.input = input;
    length.source = source;
    length.op = TransformOp::kScale;
    length.log = true;
    length.views = kDense | kEmbedding;
    PENSTOCK_TRY(AddNumber(length));
    length.op = TransformOp::kPassthrough;
    length.log = false;
    length.views = kTree;
    PENSTOCK_TRY(AddNumber(length));
  }
  return {};
}

Result<void> AutomaticPlanner::AddColumn(std::size_t input, const Profile& p) {
  const ColumnType type = columns_[input].type;
  if (const auto why = WhyDropped(p, type); !why.empty()) {
    Drop(input, why);
    return {};
  }
  const bool is_number = type != ColumnType::kString && type != ColumnType::kTimestamp;
  if (is_number && AreNumberedRows(p)) {
    Drop(input, "each row has another whole number, as an id has; name it to use it");
    return {};
  }
  if (p.has_nulls() && type != ColumnType::kString) AddMissing(input, kDense | kEmbedding);
  if (type == ColumnType::kTimestamp) return AddTimes(input, p);
  if (is_number) return AddNumbers(input, p, Source::kValue);
  if (IsText(p)) return AddText(input, p);
  if (AreNamedRows(p)) {
    Drop(input, "nearly each row has another value, as an id has; name it to use it");
    return {};
  }
  return AddCategories(input, p);
}

}  // namespace

Result<Plan> AutomaticSteps(const ColumnTable& table, const Json& impute,
                            const std::vector<Column>& columns) {
  AutomaticPlanner planner(impute, columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (auto ok = planner.AddColumn(i, ProfileOf(table.column(i))); !ok) {
      return Wrap("column '" + columns[i].name + "'", ok.error());
    }
  }
  return planner.Take();
}

}  // namespace penstock::transform
