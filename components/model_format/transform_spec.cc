#include <cmath>
#include <set>

#include "components/model_format/transform.h"
#include "components/model_format/transform_check.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

constexpr int kTransformVersion = 1;

bool IsCategory(TransformOp op) {
  return op == TransformOp::kOneHot || op == TransformOp::kVocabulary;
}

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

Json ToJson(const Category& category) {
  return std::visit([](const auto& value) { return Json(value); }, category);
}

Result<Category> ParseCategory(const Json& value, ColumnType type) {
  if (type == ColumnType::kString && value.is_string()) return Category(value.get<std::string>());
  if (type == ColumnType::kBool && value.is_boolean()) return Category(value.get<bool>());
  if (type == ColumnType::kFloat64 && value.is_number()) return Category(value.get<double>());
  if ((type == ColumnType::kInt64 || type == ColumnType::kTimestamp) && value.is_number_integer()) {
    return Category(value.get<std::int64_t>());
  }
  return Invalid("category " + value.dump() + " is no " + Name(type));
}

std::optional<TransformOp> ParseOp(const std::string& name) {
  for (const auto op : {TransformOp::kPassthrough, TransformOp::kScale, TransformOp::kOneHot,
                        TransformOp::kVocabulary}) {
    if (name == Name(op)) return op;
  }
  return std::nullopt;
}

Json StepToJson(const TransformStep& step, const Column& column) {
  Json j = {{"op", Name(step.op)}, {"column", column.name}};
  if (!IsCategory(step.op)) {
    j["fill"] = step.fill;
    if (step.op == TransformOp::kScale) {
      j["mean"] = step.mean;
      j["std"] = step.std;
    }
    return j;
  }
  j["categories"] = Json::array();
  for (const auto& c : step.categories) j["categories"].push_back(ToJson(c));
  j["fill"] = step.fill_category < 0 ? Json() : ToJson(step.categories[step.fill_category]);
  if (step.op == TransformOp::kVocabulary) j["oovBuckets"] = step.oov_buckets;
  return j;
}

Result<void> ParseCategories(const Json& j, ColumnType type, TransformStep& step) {
  for (const auto& c : j.at("categories").get_ref<const Json::array_t&>()) {
    auto category = ParseCategory(c, type);
    if (!category) return category.error();
    step.categories.push_back(std::move(*category));
  }
  if (step.op == TransformOp::kVocabulary)
    step.oov_buckets = j.at("oovBuckets").get<std::int64_t>();
  const Json& fill = j.at("fill");
  if (fill.is_null()) return {};
  auto category = ParseCategory(fill, type);
  if (!category) return category.error();
  for (std::size_t i = 0; i < step.categories.size(); ++i) {
    if (step.categories[i] == *category) step.fill_category = std::int64_t(i);
  }
  if (step.fill_category < 0) return Invalid("fill " + fill.dump() + " is none of categories");
  return {};
}

Result<TransformStep> ParseStep(const Json& j, const std::vector<Column>& inputs) {
  TransformStep step;
  const auto op = ParseOp(j.at("op").get<std::string>());
  if (!op) return Invalid("unknown op " + j.at("op").dump());
  step.op = *op;
  const auto name = j.at("column").get<std::string>();
  while (step.input < inputs.size() && inputs[step.input].name != name) ++step.input;
  if (step.input == inputs.size()) return Invalid("column '" + name + "' is none of inputs");
  if (IsCategory(step.op)) {
    if (auto ok = ParseCategories(j, inputs[step.input].type, step); !ok) {
      return ok.error();
    }
    return step;
  }
  step.fill = j.at("fill").get<double>();
  if (step.op == TransformOp::kScale) {
    step.mean = j.at("mean").get<double>();
    step.std = j.at("std").get<double>();
  }
  return step;
}

Result<Column> ParseColumn(const Json& j) {
  Column column;
  column.name = j.at("name").get<std::string>();
  const auto type = ParseColumnType(j.at("type").get<std::string>());
  if (!type) return Invalid("unknown type " + j.at("type").dump());
  column.type = *type;
  column.nullable = j.at("nullable").get<bool>();
  return column;
}

// Runs `parse` on every element of j[key]; an error names the element.
template <typename T, typename Parse>
Result<void> ParseList(const Json& j, const char* key, std::vector<T>& out, Parse parse) {
  if (!j.contains(key) || !j[key].is_array()) {
    return Invalid(std::string(key) + " must be a list");
  }
  for (const auto& element : j[key]) {
    const std::string place = std::string(key) + "[" + std::to_string(out.size()) + "]";
    try {
      auto value = parse(element);
      if (!value) return Wrap(place, value.error());
      out.push_back(std::move(*value));
    } catch (const Json::exception& e) {
      return Invalid(place + ": " + e.what());
    }
  }
  return {};
}

Result<void> CheckStep(const TransformStep& step, const Column& column) {
  if (!std::isfinite(step.fill) || !std::isfinite(step.mean)) {
    return Invalid("fill and mean must be finite");
  }
  if (!std::isfinite(step.std) || step.std <= 0) return Invalid("std must be finite and above 0");
  if (!IsCategory(step.op)) {
    if (column.type == ColumnType::kString) return Invalid("a string is no number; use oneHot");
    return {};
  }
  const auto size = static_cast<std::int64_t>(step.categories.size());
  if (step.oov_buckets < 1) return Invalid("oovBuckets must be at least 1");
  if (size + step.oov_buckets > kMaxVocabulary) return Invalid("more than 2^24 categories");
  if (step.fill_category < -1 || step.fill_category >= size) {
    return Invalid("fill is none of categories");
  }
  std::set<Category> seen;
  for (const auto& c : step.categories) {
    if (!TypeMatches(c, column.type)) {
      return Invalid("category " + ToJson(c).dump() + " is no " + Name(column.type));
    }
    if (!seen.insert(c).second) return Invalid("category " + ToJson(c).dump() + " stands twice");
  }
  return {};
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
  std::size_t width = 0;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const TransformStep& step = spec.steps[i];
    const std::string place = "transform: steps[" + std::to_string(i) + "]";
    if (step.input >= spec.inputs.size()) return Invalid(place + ": its input does not exist");
    const Column& column = spec.inputs[step.input];
    if (auto ok = CheckStep(step, column); !ok) {
      return Wrap(place + " (" + Name(step.op) + " " + column.name + ")", ok.error());
    }
    width += step.op == TransformOp::kOneHot ? step.categories.size() + 1 : 1;
    if (width > kMaxFeatures) {
      return Invalid(place + ": more than " + std::to_string(kMaxFeatures) +
                     " features; use vocabulary instead of oneHot");
    }
  }
  return {};
}

Json ToJson(const TransformSpec& spec) {
  Json j = {{"formatVersion", kTransformVersion}, {"label", spec.label}};
  j["inputs"] = Json::array();
  for (const auto& c : spec.inputs) {
    j["inputs"].push_back({{"name", c.name}, {"type", Name(c.type)}, {"nullable", c.nullable}});
  }
  j["steps"] = Json::array();
  for (const auto& step : spec.steps) {
    j["steps"].push_back(StepToJson(step, spec.inputs[step.input]));
  }
  return j;
}

Result<TransformSpec> ParseTransformSpec(const Json& json) {
  if (!json.is_object()) return Invalid("transform: must be an object");
  if (!json.contains("formatVersion") || json["formatVersion"] != kTransformVersion) {
    return Invalid("transform: formatVersion must be 1; this program is older or the file is none");
  }
  TransformSpec spec;
  if (json.contains("label")) {
    if (!json["label"].is_string()) return Invalid("transform: label must be a string");
    spec.label = json["label"].get<std::string>();
  }
  auto ok = ParseList(json, "inputs", spec.inputs, ParseColumn);
  if (ok) {
    ok = ParseList(json, "steps", spec.steps,
                   [&](const Json& j) { return ParseStep(j, spec.inputs); });
  }
  if (!ok) return Wrap("transform", ok.error());
  if (ok = CheckTransformSpec(spec); !ok) return ok.error();
  return spec;
}

Result<TransformSpec> LoadTransformSpec(const std::string& path) {
  const auto text = ReadFile(path, 1ULL << 30);
  if (!text) return text.error();
  const auto json = ParseJson(*text, path);
  if (!json) return json.error();
  auto spec = ParseTransformSpec(*json);
  if (!spec) return Wrap(path, spec.error());
  return spec;
}

}  // namespace penstock::sdk
