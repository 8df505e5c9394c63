#include "components/model_format/transform.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "components/model_format/prepared_step.h"
#include "components/model_format/transform_check.h"

namespace penstock::sdk {
namespace {

constexpr std::array<const char*, 3> kViewNames = {"dense", "tree", "embedding"};
constexpr std::array<const char*, 18> kOpNames = {
    "passthrough", "scale",    "oneHot", "vocabulary",   "minMax", "missing",
    "bends",       "quantile", "cyclic", "buckets",      "hash",   "cross",
    "multiHot",    "text",     "tfidf",  "targetEncode", "tokens", "wordVectors"};
constexpr std::array<const char*, 10> kSourceNames = {"value",      "year",      "month", "day",
                                                      "dayOfWeek",  "dayOfYear", "hour",  "age",
                                                      "characters", "words"};

// The texts that no step of any view has as a category.
std::vector<std::string> NullTextsOf(const TransformSpec& spec, std::size_t input) {
  std::vector<std::string> texts(kNullTexts.begin(), kNullTexts.end());
  const auto leave_out = [&](const std::vector<Category>& categories) {
    std::erase_if(texts, [&](const std::string& text) {
      return std::find(categories.begin(), categories.end(), Category(text)) != categories.end();
    });
  };
  for (const TransformStep& step : spec.steps) {
    if (IsTextOp(step.op)) continue;  // terms of texts are no values
    if (step.input == input) leave_out(step.categories);
    if (step.op == TransformOp::kCross && step.other == input) leave_out(step.other_categories);
  }
  return texts;
}

Result<void> CheckView(const TransformSpec& spec, std::optional<View> view) {
  if (spec.version() == 1 && view) {
    return Invalid(std::string("transform.json is of version 1, which has no view ") + Name(*view));
  }
  if (spec.version() != 1 && !view) {
    return Invalid(
        "transform.json has the views dense, tree and embedding; model.yaml must name its model's "
        "(view: ...)");
  }
  return {};
}

}  // namespace

const char* Name(View view) { return kViewNames[static_cast<std::size_t>(view)]; }

std::optional<View> ParseView(std::string_view name) {
  for (std::size_t i = 0; i < kViewNames.size(); ++i) {
    if (name == kViewNames[i]) return static_cast<View>(i);
  }
  return std::nullopt;
}

const char* Name(TransformOp op) { return kOpNames[static_cast<std::size_t>(op)]; }

std::vector<std::string> TransformOpNames() { return {kOpNames.begin(), kOpNames.end()}; }

const char* Name(Source source) { return kSourceNames[static_cast<std::size_t>(source)]; }

std::optional<Source> ParseSource(std::string_view name) {
  for (std::size_t i = 0; i < kSourceNames.size(); ++i) {
    if (name == kSourceNames[i]) return static_cast<Source>(i);
  }
  return std::nullopt;
}

Result<Transform> Transform::Make(TransformSpec spec, std::optional<View> view) {
  if (auto ok = CheckTransformSpec(spec); !ok) return ok.error();
  if (auto ok = CheckView(spec, view); !ok) return ok.error();
  Transform t;
  t.view_ = view;
  std::vector<PreparedStep> prepared;
  t.steps_of_input_.resize(spec.inputs.size());
  for (const auto& step : spec.steps) {
    const std::size_t offset = t.features_.size();
    if (view && (step.views & Only(*view)) == 0) {
      t.places_.push_back({offset, 0});
      continue;
    }
    prepared.emplace_back(step, spec.inputs, offset).AddFeatures(t.features_);
    t.places_.push_back({offset, t.features_.size() - offset});
    t.steps_of_input_[step.input].push_back(prepared.size() - 1);
    if (step.op == TransformOp::kCross) {
      t.steps_of_input_[step.other].push_back(prepared.size() - 1);
    }
  }
  if (t.features_.empty()) {
    return Invalid(std::string("transform: no step is of the view ") + Name(*view));
  }
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    t.null_texts_.push_back(NullTextsOf(spec, i));
  }
  t.spec_ = std::make_shared<const TransformSpec>(std::move(spec));
  t.prepared_ = std::make_shared<const std::vector<PreparedStep>>(std::move(prepared));
  return t;
}

Transform::Place Transform::FeaturesOf(std::size_t step) const { return places_[step]; }

void Transform::ApplyNull(std::size_t input, float* row) const {
  for (const std::size_t i : steps_of_input_[input]) (*prepared_)[i].PutNull(row, input);
}

void Transform::ApplyNumber(std::size_t input, double value, float* row) const {
  if (!std::isfinite(value)) return ApplyNull(input, row);
  for (const std::size_t i : steps_of_input_[input]) (*prepared_)[i].PutNumber(value, row, input);
}

void Transform::ApplyInteger(std::size_t input, std::int64_t value, float* row) const {
  for (const std::size_t i : steps_of_input_[input]) (*prepared_)[i].PutInteger(value, row, input);
}

bool Transform::IsNullText(std::size_t input, std::string_view value) const {
  constexpr std::size_t kLongest = 4;
  const auto& texts = null_texts_[input];
  return value.size() <= kLongest && std::find(texts.begin(), texts.end(), value) != texts.end();
}

void Transform::ApplyString(std::size_t input, std::string_view value, float* row) const {
  if (IsNullText(input, value)) return ApplyNull(input, row);
  for (const std::size_t i : steps_of_input_[input]) (*prepared_)[i].PutString(value, row, input);
}

Result<void> Transform::ApplyCell(std::size_t input, const Cell& cell, float* row) const {
  const auto value = Coerce(cell, spec_->inputs[input]);
  if (!value) return value.error();
  if (const auto* text = std::get_if<std::string_view>(&*value)) {
    ApplyString(input, *text, row);
  } else if (const auto* integer = std::get_if<std::int64_t>(&*value)) {
    ApplyInteger(input, *integer, row);
  } else if (const auto* number = std::get_if<double>(&*value)) {
    ApplyNumber(input, *number, row);
  } else if (const auto* flag = std::get_if<bool>(&*value)) {
    ApplyInteger(input, *flag ? 1 : 0, row);
  } else {
    ApplyNull(input, row);
  }
  return {};
}

Result<void> Transform::ApplyRow(std::span<const Cell> row, float* out) const {
  if (row.size() != spec_->inputs.size()) {
    return Invalid("a row has " + std::to_string(row.size()) + " cells, the model takes " +
                   std::to_string(spec_->inputs.size()) + " columns");
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (auto ok = ApplyCell(i, row[i], out); !ok) return ok;
  }
  return {};
}

Result<void> Transform::ApplyCells(std::size_t input, std::span<const Cell> cells,
                                   float* matrix) const {
  for (std::size_t r = 0; r < cells.size(); ++r) {
    if (auto ok = ApplyCell(input, cells[r], matrix + r * width()); !ok) {
      return Wrap("row " + std::to_string(r), ok.error());
    }
  }
  return {};
}

}  // namespace penstock::sdk
