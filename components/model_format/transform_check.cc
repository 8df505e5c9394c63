#include "components/model_format/transform_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "components/model_format/prepared_step.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

bool TypeMatches(const Category& category, ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return std::holds_alternative<std::string>(category);
    case ColumnType::kBool:
      return std::holds_alternative<bool>(category);
    case ColumnType::kFloat64: {
      const auto* number = std::get_if<double>(&category);
      return number != nullptr && std::isfinite(*number);
    }
    default:
      return std::holds_alternative<std::int64_t>(category);
  }
}

bool AreFinite(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); });
}

bool Ascend(const std::vector<double>& numbers) {
  return AreFinite(numbers) && std::adjacent_find(numbers.begin(), numbers.end(),
                                                  std::greater_equal<>()) == numbers.end();
}

// A mean and a deviation for each of `count`.
bool AreMoments(const std::vector<double>& values, std::size_t count) {
  if (values.size() != 2 * count || !AreFinite(values)) return false;
  for (std::size_t i = 1; i < values.size(); i += 2) {
    if (values[i] <= 0) return false;
  }
  return true;
}

Result<void> CheckCategories(const std::vector<Category>& categories, ColumnType type) {
  std::set<Category> seen;
  for (const auto& c : categories) {
    const auto text = [&] { return std::visit([](const auto& v) { return Json(v).dump(); }, c); };
    if (!TypeMatches(c, type)) return Invalid("category " + text() + " is no " + Name(type));
    if (!seen.insert(c).second) return Invalid("category " + text() + " stands twice");
  }
  return {};
}

Result<void> CheckSource(const TransformStep& step, ColumnType type) {
  if (!IsNumberOp(step.op)) {
    if (step.source != Source::kValue) return Invalid("source is for operations on numbers");
    return {};
  }
  const bool of_text = step.source == Source::kCharacters || step.source == Source::kWords;
  if (step.source == Source::kValue) {
    if (type == ColumnType::kString) return Invalid("a string is no number; use oneHot");
  } else if (type != (of_text ? ColumnType::kString : ColumnType::kTimestamp)) {
    return Invalid(std::string("source ") + Name(step.source) + " is not for a " + Name(type));
  }
  return {};
}

Result<void> CheckNumber(const TransformStep& step, ColumnType type) {
  if (auto ok = CheckSource(step, type); !ok) return ok;
  if (!std::isfinite(step.fill) || !std::isfinite(step.mean) || !std::isfinite(step.origin)) {
    return Invalid("fill, mean and origin must be finite");
  }
  if (!std::isfinite(step.std) || step.std <= 0) return Invalid("std must be finite and above 0");
  if (!(step.low <= step.high)) return Invalid("low must not be above high");
  if (step.op == TransformOp::kBends &&
      (!Ascend(step.numbers) || !AreMoments(step.values, step.numbers.size()))) {
    return Invalid("numbers must ascend, and values be a mean and a deviation above 0 of each");
  }
  if (step.op == TransformOp::kBuckets && !Ascend(step.numbers)) {
    return Invalid("numbers must ascend");
  }
  if (step.op == TransformOp::kQuantile &&
      (step.numbers.empty() || !Ascend(step.numbers) || !AreFinite(step.values) ||
       step.values.size() != step.numbers.size())) {
    return Invalid("numbers must ascend, and values be one of each");
  }
  return {};
}

Result<void> CheckCategoryStep(const TransformStep& step, const TransformSpec& spec) {
  const auto size = static_cast<std::int64_t>(step.categories.size());
  if (step.oov_buckets < 1) return Invalid("oovBuckets must be at least 1");
  if (size > kMaxVocabulary || step.oov_buckets > kMaxVocabulary ||
      size + step.oov_buckets > kMaxVocabulary) {
    return Invalid("more than 2^24 categories");
  }
  if (step.fill_category < kNullOwn || step.fill_category >= size) {
    return Invalid("fill is none of categories");
  }
  if (auto ok = CheckCategories(step.categories, spec.inputs[step.input].type); !ok) return ok;
  if (step.op == TransformOp::kTargetEncode) {
    const auto places = std::size_t(PlacesOf(step));
    if (step.numbers.empty() || step.numbers.size() % places != 0 || !AreFinite(step.numbers) ||
        !AreMoments(step.values, step.numbers.size() / places)) {
      return Invalid("numbers must be the same count for each category and the unseen");
    }
  }
  if (step.op != TransformOp::kCross) return {};
  if (step.other <= step.input || step.other >= spec.inputs.size()) {
    return Invalid("other must be a later input than column");
  }
  const auto others = static_cast<std::int64_t>(step.other_categories.size());
  if (others > kMaxVocabulary) return Invalid("more than 2^24 categories");
  for (std::size_t i = 0; i < step.pairs.size(); ++i) {
    if (step.pairs[i] < (i == 0 ? 0 : step.pairs[i - 1] + 1) ||
        step.pairs[i] >= (size + 1) * (others + 1)) {
      return Invalid("pairs must ascend within the categories of both columns");
    }
  }
  return CheckCategories(step.other_categories, spec.inputs[step.other].type);
}

Result<void> CheckTokens(const TransformStep& step) {
  const auto size = static_cast<std::int64_t>(step.categories.size());
  if (step.length < 1 || step.length > kMostTokens) {
    return Invalid("length must be from 1 to " + std::to_string(kMostTokens));
  }
  if (step.views != Only(View::kEmbedding)) return Invalid("ids are of the view embedding only");
  if (step.oov_buckets < 1 || size >= kMaxVocabulary || step.oov_buckets > kMaxVocabulary ||
      1 + size + step.oov_buckets > kMaxVocabulary) {
    return Invalid("oovBuckets must be at least 1, and all ids below 2^24");
  }
  return {};
}

Result<void> CheckVectors(const TransformStep& step) {
  const WordVectors* table = step.vectors.table.get();
  if (table == nullptr) return Invalid("vectors are missing");
  if (table->dimensions < 1 || table->dimensions > kMostDimensions) {
    return Invalid("dimensions must be from 1 to " + std::to_string(kMostDimensions));
  }
  const auto dimensions = std::size_t(table->dimensions);
  if (table->words.size() > std::size_t(kMostVectorValues) / dimensions ||
      table->values.size() != table->words.size() * dimensions) {
    return Invalid("vectors must be one of each word, and 2^24 numbers at most");
  }
  const auto is_finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(table->values.begin(), table->values.end(), is_finite)) {
    return Invalid("a vector holds what is no number");
  }
  std::set<std::string_view> seen;
  for (const auto& word : table->words) {
    if (!seen.insert(word).second) return Invalid("word '" + word + "' stands twice");
  }
  if (!AreMoments(step.values, dimensions)) {
    return Invalid("values must be a mean and a deviation above 0 of each dimension");
  }
  return {};
}

Result<void> CheckTextStep(const TransformStep& step, ColumnType type) {
  if (type != ColumnType::kString) return Invalid(std::string("a ") + Name(type) + " is no text");
  if (step.op == TransformOp::kMultiHot && step.separator.empty()) {
    return Invalid("separator must not be empty");
  }
  constexpr std::int64_t kLongestGram = 16;
  const bool words = step.longest == 0;
  if (!words &&
      (step.shortest < 1 || step.shortest > step.longest || step.longest > kLongestGram)) {
    return Invalid("shortest and longest must be from 1 to 16, or longest 0 for words");
  }
  if (step.op == TransformOp::kText &&
      (step.oov_buckets < 1 || step.oov_buckets > std::int64_t(kMaxFeatures))) {
    return Invalid("oovBuckets must be from 1 to 1000000");
  }
  if (step.op == TransformOp::kTokens) {
    if (auto ok = CheckTokens(step); !ok) return ok;
  }
  if (step.op == TransformOp::kWordVectors) {
    if (auto ok = CheckVectors(step); !ok) return ok;
  }
  if (step.op == TransformOp::kTfidf &&
      (step.numbers.size() != step.categories.size() || !AreFinite(step.numbers))) {
    return Invalid("numbers must be one of each term");
  }
  return CheckCategories(step.categories, type);
}

// What a spec of version 1 could not say stays unsaid.
Result<void> CheckViews(const TransformStep& step, int version) {
  const bool keeps_null = step.keep_null || step.fill_category == kNullKept;
  if (version == 1) {
    if (step.views != 0 || step.op > TransformOp::kVocabulary || keeps_null) {
      return Invalid("is of version 2 in a spec of version 1");
    }
    return {};
  }
  if (step.views == 0 || step.views > kAllViews) return Invalid("views must name one at least");
  if (keeps_null && step.views != Only(View::kTree)) {
    return Invalid("a null can stay missing in the view tree only");
  }
  if (step.fill_category == kNullKept && (step.indicators || step.op == TransformOp::kOneHot)) {
    return Invalid("a null can stay missing in an id only");
  }
  return {};
}

Result<void> CheckStep(const TransformStep& step, const TransformSpec& spec) {
  const ColumnType type = spec.inputs[step.input].type;
  if (auto ok = CheckViews(step, spec.version()); !ok) return ok;
  if (step.other >= spec.inputs.size()) return Invalid("other does not exist");
  if (step.op == TransformOp::kMissing) return {};
  if (IsTextOp(step.op)) return CheckTextStep(step, type);
  if (IsNumberOp(step.op)) return CheckNumber(step, type);
  if (auto ok = CheckNumber(step, ColumnType::kFloat64); !ok) return ok;
  return CheckCategoryStep(step, spec);
}

}  // namespace

Result<void> CheckTransformSpec(const TransformSpec& spec) {
  if (spec.inputs.size() > kMaxInputs) return Invalid("transform: too many inputs");
  std::set<std::string> names;
  for (const auto& column : spec.inputs) {
    if (!names.insert(column.name).second) {
      return Invalid("transform: input '" + column.name + "' stands twice");
    }
  }
  if (spec.steps.empty()) return Invalid("transform: no steps, so there would be no features");
  std::array<std::size_t, 3> widths = {0, 0, 0};
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const TransformStep& step = spec.steps[i];
    const std::string place = "transform: steps[" + std::to_string(i) + "]";
    if (step.input >= spec.inputs.size()) return Invalid(place + ": its input does not exist");
    const Column& column = spec.inputs[step.input];
    if (auto ok = CheckStep(step, spec); !ok) {
      return Wrap(place + " (" + Name(step.op) + " " + column.name + ")", ok.error());
    }
    for (std::size_t view = 0; view < widths.size(); ++view) {
      if (step.views != 0 && (step.views >> view & 1) == 0) continue;
      widths[view] += WidthOf(step);
      if (widths[view] > kMaxFeatures) {
        return Invalid(place + ": more than " + std::to_string(kMaxFeatures) +
                       " features; use vocabulary instead of oneHot");
      }
    }
  }
  return {};
}

}  // namespace penstock::sdk
