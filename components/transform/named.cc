// The plan of the operations that a person names.
#include <algorithm>

#include "components/model_format/prepared_step.h"
#include "components/transform/planner.h"
#include "operator/base/try.h"

namespace penstock::transform {

using sdk::Column;
using sdk::ColumnType;
using sdk::Source;
using sdk::TransformOp;
using sdk::TransformStep;
using sdk::View;
using sdk::Views;

namespace {

constexpr Views kNumbers = Only(View::kDense) | Only(View::kEmbedding);
constexpr Views kIds = Only(View::kTree) | Only(View::kEmbedding);

struct DatePart {
  Source source;
  double period;  // 0: it does not come again
};
constexpr DatePart kDateParts[] = {{Source::kYear, 0},        {Source::kMonth, 12},
                                   {Source::kDay, 31},        {Source::kDayOfWeek, 7},
                                   {Source::kDayOfYear, 366}, {Source::kHour, 24}};

bool IsBefore(const Operation& operation) {
  return operation.name == "clip" || operation.name == "log";
}

}  // namespace

const std::vector<Planner::Kind>& Planner::Kinds() {
  static const std::vector<Kind> kKinds = {
      {"clip", &Planner::Clip},
      {"log", &Planner::Log},
      {"scale", &Planner::Scale},
      {"minMax", &Planner::MinMax},
      {"passthrough", &Planner::Passthrough},
      {"missing", &Planner::Missing},
      {"bends", &Planner::Bends},
      {"quantile", &Planner::Quantile},
      {"buckets", &Planner::Buckets},
      {"oneHot", &Planner::OneHot},
      {"vocabulary", &Planner::Vocabulary},
      {"hash", &Planner::Hash},
      {"cross", &Planner::Cross},
      {"multiHot", &Planner::MultiHot},
      {"dateParts", &Planner::DateParts},
      {"age", &Planner::Age},
      {"text", &Planner::Text},
      {"tfidf", &Planner::Tfidf},
      {"targetEncode", &Planner::TargetEncode},
      {"tokens", &Planner::Tokens},
      {"wordVectors", &Planner::WordVectors},
  };
  return kKinds;
}

Result<void> Planner::AddNumber(const Operation& operation, TransformStep step) {
  const std::string& column = operation.columns.front();
  if (step.source == Source::kValue && columns_[step.input].type == ColumnType::kString) {
    return Invalid("is a string and cannot be scaled; use oneHot");
  }
  if (const auto found = before_.find(column); found != before_.end()) {
    step.recipe.low = found->second.low;
    step.recipe.high = found->second.high;
    step.log = found->second.log;
  }
  const bool tree = step.views == Only(View::kTree);
  if (tree && !IsImputed(column)) {
    step.keep_null = true;
  } else {
    PENSTOCK_TRY(SetImpute(impute_, column, step));
  }
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::AddTreeNumber(const Operation& operation, Source source) {
  TransformStep step = StepOf(operation, TransformOp::kPassthrough, Only(View::kTree));
  // Seconds since 1970 are too large for float32.
  const bool is_time = columns_[step.input].type == ColumnType::kTimestamp;
  if (is_time && source == Source::kValue) step.op = TransformOp::kScale;
  step.source = source;
  return AddNumber(operation, std::move(step));
}

Result<void> Planner::AddCategory(const Operation& operation, TransformStep step) {
  if (step.views == Only(View::kTree) && !IsImputed(operation.columns.front())) {
    step.fill_category = sdk::kNullKept;
  } else {
    PENSTOCK_TRY(SetImpute(impute_, operation.columns.front(), step));
  }
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Clip(const Operation& operation, sdk::Parameters& p) {
  Before& before = before_[operation.columns.front()];
  before.low = p.Number("low", 0.01, 0, 1);
  before.high = p.Number("high", 0.99, 0, 1);
  if (before.low >= before.high) p.Fail("low must be below high; both are shares of the rows");
  return {};
}

Result<void> Planner::Log(const Operation& operation, sdk::Parameters& /*p*/) {
  before_[operation.columns.front()].log = true;
  return {};
}

Result<void> Planner::Scale(const Operation& operation, sdk::Parameters& /*p*/) {
  PENSTOCK_TRY(AddNumber(operation, StepOf(operation, TransformOp::kScale, kNumbers)));
  return AddTreeNumber(operation, Source::kValue);
}

Result<void> Planner::MinMax(const Operation& operation, sdk::Parameters& /*p*/) {
  PENSTOCK_TRY(AddNumber(operation, StepOf(operation, TransformOp::kMinMax, kNumbers)));
  return AddTreeNumber(operation, Source::kValue);
}

Result<void> Planner::Passthrough(const Operation& operation, sdk::Parameters& /*p*/) {
  PENSTOCK_TRY(AddNumber(operation, StepOf(operation, TransformOp::kPassthrough, kNumbers)));
  return AddTreeNumber(operation, Source::kValue);
}

Result<void> Planner::Missing(const Operation& operation, sdk::Parameters& /*p*/) {
  AddStep(plan_.steps, StepOf(operation, TransformOp::kMissing, sdk::kAllViews));
  return {};
}

Result<void> Planner::Bends(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kBends, Only(View::kDense));
  step.recipe.parts = p.Integer("knots", 4, 1, 100);
  PENSTOCK_TRY(Scale(operation, p));
  return AddNumber(operation, std::move(step));
}

Result<void> Planner::Quantile(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kQuantile, kNumbers);
  step.recipe.parts = p.Integer("points", 101, 2, kMostParts);
  PENSTOCK_TRY(AddNumber(operation, std::move(step)));
  return AddTreeNumber(operation, Source::kValue);
}

Result<void> Planner::Buckets(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kBuckets, Only(View::kDense));
  step.recipe.parts = p.Integer("count", 10, 2, kMostIndicators);
  step.indicators = true;
  PENSTOCK_TRY(AddNumber(operation, step));
  step.indicators = false;
  step.views = Only(View::kEmbedding);
  PENSTOCK_TRY(AddNumber(operation, step));
  step.views = Only(View::kTree);
  if (!IsImputed(operation.columns.front())) step.fill_category = sdk::kNullKept;
  PENSTOCK_TRY(SetImpute(impute_, operation.columns.front(), step));
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::OneHot(const Operation& operation, sdk::Parameters& /*p*/) {
  PENSTOCK_TRY(AddCategory(operation, StepOf(operation, TransformOp::kOneHot, kNumbers)));
  return AddCategory(operation, StepOf(operation, TransformOp::kVocabulary, Only(View::kTree)));
}

Result<void> Planner::Vocabulary(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kVocabulary, Only(View::kEmbedding));
  step.recipe.top = p.Integer("topK", 1000, 1, 10'000'000);
  step.oov_buckets = p.Integer("oovBuckets", 1, 1, 1'000'000);
  PENSTOCK_TRY(AddCategory(operation, step));
  step.oov_buckets = 1;
  step.views = Only(View::kTree);
  PENSTOCK_TRY(AddCategory(operation, step));
  step.op = TransformOp::kOneHot;
  step.recipe.top = std::min(step.recipe.top, kMostIndicators);
  step.views = Only(View::kDense);
  return AddCategory(operation, std::move(step));
}

Result<void> Planner::Hash(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kHash, kIds);
  step.oov_buckets = p.Integer("buckets", 256, 2, 1 << 24);
  AddStep(plan_.steps, step);
  step.oov_buckets = std::min(step.oov_buckets, kMostIndicators);
  step.indicators = true;
  step.views = Only(View::kDense);
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Cross(const Operation& operation, sdk::Parameters& p) {
  if (operation.columns.size() != 2 || operation.columns[0] == operation.columns[1]) {
    return Invalid("takes two columns, as {columns: [a, b]}");
  }
  TransformStep step = StepOf(operation, TransformOp::kCross, kIds);
  step.other = InputOf(operation.columns[1]);
  if (step.other < step.input) std::swap(step.other, step.input);
  step.recipe.top = p.Integer("topK", kMostIndicators, 1, 1'000'000);
  AddStep(plan_.steps, step);
  step.recipe.top = std::min(step.recipe.top, kMostIndicators);
  step.indicators = true;
  step.views = Only(View::kDense);
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::DateParts(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kScale, kNumbers);
  if (columns_[step.input].type != ColumnType::kTimestamp) return Invalid("is no time or date");
  const auto parts = p.Strings("parts", {"month", "dayOfWeek", "hour"});
  for (const auto& name : parts) {
    const auto source = sdk::ParseSource(name);
    const auto* part = std::find_if(std::begin(kDateParts), std::end(kDateParts),
                                    [&](const DatePart& d) { return d.source == source; });
    if (part == std::end(kDateParts)) {
      return Invalid("parts: there is no '" + name +
                     "'; there are year, month, day, dayOfWeek, dayOfYear, hour");
    }
    step.source = part->source;
    step.op = part->period > 0 ? TransformOp::kCyclic : TransformOp::kScale;
    step.std = part->period > 0 ? part->period : 1;
    PENSTOCK_TRY(AddNumber(operation, step));
    PENSTOCK_TRY(AddTreeNumber(operation, part->source));
  }
  return {};
}

Result<void> Planner::Age(const Operation& operation, sdk::Parameters& /*p*/) {
  TransformStep step = StepOf(operation, TransformOp::kScale, kNumbers);
  if (columns_[step.input].type != ColumnType::kTimestamp) return Invalid("is no time or date");
  step.source = Source::kAge;
  PENSTOCK_TRY(AddNumber(operation, std::move(step)));
  return AddTreeNumber(operation, Source::kAge);
}

Result<void> Planner::TargetEncode(const Operation& operation, sdk::Parameters& p) {
  TransformStep step = StepOf(operation, TransformOp::kTargetEncode, sdk::kAllViews);
  step.recipe.smoothing = p.Number("smoothing", 10, 0, 1e9);
  AddStep(plan_.steps, std::move(step));
  return {};
}

Result<void> Planner::Add(const Operation& operation) {
  for (const Kind& kind : Kinds()) {
    if (operation.name != kind.name) continue;
    sdk::Parameters p(operation.parameters);
    auto ok = (this->*kind.method)(operation, p);
    if (ok) ok = p.Finish();
    if (!ok)
      return Wrap("column '" + operation.columns.front() + "'", Wrap(operation.name, ok.error()));
    return {};
  }
  std::string known;
  for (const auto& name : OperationNames()) known += (known.empty() ? "" : ", ") + name;
  return Invalid("there is no operation '" + operation.name + "'; there are " + known);
}

Result<void> Planner::AddScales() {
  for (const auto& [column, before] : before_) {
    const std::size_t input = InputOf(column);
    const bool used = std::any_of(plan_.steps.begin(), plan_.steps.end(), [&](const auto& step) {
      return step.input == input && sdk::IsNumberOp(step.op);
    });
    if (!used) PENSTOCK_TRY(Add({"scale", {column}, Json::object()}));
  }
  return {};
}

std::vector<std::string> OperationNames() {
  std::vector<std::string> names = {"impute"};
  for (const auto& kind : Planner::Kinds()) names.emplace_back(kind.name);
  return names;
}

Result<Plan> NamedSteps(const std::vector<Operation>& operations, const Json& impute,
                        const std::vector<Column>& columns) {
  Planner planner(impute, columns);
  for (const bool before : {true, false}) {
    for (const auto& operation : operations) {
      if (IsBefore(operation) == before) PENSTOCK_TRY(planner.Add(operation));
    }
  }
  PENSTOCK_TRY(planner.AddScales());
  return planner.Take();
}

}  // namespace penstock::transform
