#include <array>
#include <cmath>
#include <set>

#include "components/model_format/prepared_step.h"
#include "components/model_format/transform.h"
#include "components/model_format/transform_check.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

constexpr std::array<View, 3> kViewList = {View::kDense, View::kTree, View::kEmbedding};

Json ToJson(const Category& category) {
  return std::visit([](const auto& value) { return Json(value); }, category);
}

Json ToJson(const std::vector<Category>& categories) {
  Json list = Json::array();
  for (const auto& c : categories) list.push_back(ToJson(c));
  return list;
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

Result<void> ParseCategories(const Json& list, ColumnType type, std::vector<Category>& out) {
  for (const auto& c : list.get_ref<const Json::array_t&>()) {
    auto category = ParseCategory(c, type);
    if (!category) return category.error();
    out.push_back(std::move(*category));
  }
  return {};
}

std::optional<TransformOp> ParseOp(const std::string& name) {
  const auto names = TransformOpNames();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<TransformOp>(i);
  }
  return std::nullopt;
}

bool HasIndex(TransformOp op) { return IsCategoryOp(op) || op == TransformOp::kBuckets; }

// The keys of both versions.
Json FirstStepToJson(const TransformStep& step, const Column& column) {
  Json j = {{"op", Name(step.op)}, {"column", column.name}};
  if (IsNumberOp(step.op)) {
    j["fill"] = step.fill;
    if (step.op == TransformOp::kScale || step.op == TransformOp::kMinMax) j["mean"] = step.mean;
    if (j.contains("mean") || step.op == TransformOp::kCyclic) j["std"] = step.std;
  } else if (IsCategoryOp(step.op)) {
    j["categories"] = ToJson(step.categories);
    j["fill"] = step.fill_category < 0 ? Json() : ToJson(step.categories[step.fill_category]);
    if (step.op == TransformOp::kVocabulary || step.op == TransformOp::kHash) {
      j["oovBuckets"] = step.oov_buckets;
    }
  }
  return j;
}

Json ToJson(const StepRecipe& r) {
  const StepRecipe none;
  Json j = Json::object();
  if (!r.impute.empty()) j["impute"] = r.impute;
  if (!r.fill_text.empty()) j["fillText"] = r.fill_text;
  if (r.low != none.low) j["low"] = r.low;
  if (r.high != none.high) j["high"] = r.high;
  if (r.parts != none.parts) j["parts"] = r.parts;
  if (r.top != none.top) j["top"] = r.top;
  if (r.min_count != none.min_count) j["minCount"] = r.min_count;
  if (r.smoothing != none.smoothing) j["smoothing"] = r.smoothing;
  return j;
}

Result<StepRecipe> ParseRecipe(const Json& j) {
  StepRecipe r;
  for (const auto& [key, value] : j.get_ref<const Json::object_t&>()) {
    if (key == "impute") {
      r.impute = value.get<std::string>();
    } else if (key == "fillText") {
      r.fill_text = value.get<std::string>();
    } else if (key == "low") {
      r.low = value.get<double>();
    } else if (key == "high") {
      r.high = value.get<double>();
    } else if (key == "parts") {
      r.parts = value.get<std::int64_t>();
    } else if (key == "top") {
      r.top = value.get<std::int64_t>();
    } else if (key == "minCount") {
      r.min_count = value.get<std::int64_t>();
    } else if (key == "smoothing") {
      r.smoothing = value.get<double>();
    } else {
      return Invalid("unknown key '" + key + "'");
    }
  }
  if (!(0 <= r.low && r.low < r.high && r.high <= 1)) {
    return Invalid("low and high must be quantiles, the first below the second");
  }
  if (r.parts < 0 || r.parts > kMaxVocabulary || r.top < 0 || r.min_count < 0 ||
      !(r.smoothing >= 0) || !std::isfinite(r.smoothing)) {
    return Invalid("parts, top, minCount and smoothing must not be below 0");
  }
  return r;
}

Json StepToJson(const TransformStep& step, const std::vector<Column>& inputs, int version) {
  Json j = FirstStepToJson(step, inputs[step.input]);
  if (version == 1) return j;
  j["views"] = Json::array();
  for (const View view : kViewList) {
    if ((step.views & Only(view)) != 0) j["views"].push_back(Name(view));
  }
  if (step.keep_null || step.fill_category == kNullKept) j["null"] = "kept";
  if (step.fill_category == kNullOwn) j["null"] = "own";
  if (step.source != Source::kValue) j["source"] = Name(step.source);
  if (step.source == Source::kAge) j["origin"] = step.origin;
  if (std::isfinite(step.low)) j["low"] = step.low;
  if (std::isfinite(step.high)) j["high"] = step.high;
  if (step.log) j["log"] = true;
  if (!step.numbers.empty()) j["numbers"] = step.numbers;
  if (!step.values.empty()) j["values"] = step.values;
  if (step.indicators) j["indicators"] = true;
  if (step.op == TransformOp::kMultiHot) j["separator"] = step.separator;
  const bool tokens = step.op == TransformOp::kTokens;
  if (step.op == TransformOp::kText || tokens) j["oovBuckets"] = step.oov_buckets;
  if (step.op == TransformOp::kText || step.op == TransformOp::kTfidf || tokens) {
    j["shortest"] = step.shortest;
    j["longest"] = step.longest;
  }
  if (step.op == TransformOp::kMultiHot || step.op == TransformOp::kTfidf || tokens) {
    j["categories"] = ToJson(step.categories);
  }
  if (tokens) j["length"] = step.length;
  if (step.keep_end) j["keepEnd"] = true;
  if (step.op == TransformOp::kWordVectors) {
    j["pooling"] = step.pooling == Pooling::kMax ? "max" : "mean";
    j["vectors"] = ToJson(*step.vectors.table);
  }
  if (step.op == TransformOp::kCross) {
    j["other"] = inputs[step.other].name;
    j["otherCategories"] = ToJson(step.other_categories);
    j["pairs"] = step.pairs;
  }
  j["recipe"] = ToJson(step.recipe);
  return j;
}

Result<std::size_t> FindInput(const Json& name, const std::vector<Column>& inputs) {
  const auto text = name.get<std::string>();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == text) return i;
  }
  return Invalid("column '" + text + "' is none of inputs");
}

// `fill`: a number, or the category that a null becomes.
Result<void> ParseFill(const Json& j, ColumnType type, TransformStep& step) {
  const Json& fill = j.at("fill");
  if (IsNumberOp(step.op)) {
    step.fill = fill.get<double>();
    return {};
  }
  if (fill.is_null()) return {};
  auto category = ParseCategory(fill, type);
  if (!category) return category.error();
  for (std::size_t i = 0; i < step.categories.size(); ++i) {
    if (step.categories[i] == *category) step.fill_category = std::int64_t(i);
  }
  if (step.fill_category < 0) return Invalid("fill " + fill.dump() + " is none of categories");
  return {};
}

// The keys of both versions; an operation after `last` is unknown.
Result<TransformStep> ParseFirstStep(const Json& j, const std::vector<Column>& inputs,
                                     TransformOp last) {
  TransformStep step;
  const auto op = ParseOp(j.at("op").get<std::string>());
  if (!op || *op > last) return Invalid("unknown op " + j.at("op").dump());
  step.op = *op;
  const auto input = FindInput(j.at("column"), inputs);
  if (!input) return input.error();
  step.input = *input;
  const ColumnType type = inputs[step.input].type;
  if (IsCategoryOp(step.op) || step.op == TransformOp::kMultiHot ||
      step.op == TransformOp::kTfidf || step.op == TransformOp::kTokens) {
    if (auto ok = ParseCategories(j.at("categories"), type, step.categories); !ok) {
      return ok.error();
    }
  }
  if (step.op == TransformOp::kVocabulary || step.op == TransformOp::kHash ||
      step.op == TransformOp::kText || step.op == TransformOp::kTokens) {
    step.oov_buckets = j.at("oovBuckets").get<std::int64_t>();
  }
  if (step.op == TransformOp::kScale || step.op == TransformOp::kMinMax) {
    step.mean = j.at("mean").get<double>();
    step.std = j.at("std").get<double>();
  }
  if (step.op == TransformOp::kCyclic) step.std = j.at("std").get<double>();
  if (IsNumberOp(step.op) || IsCategoryOp(step.op)) {
    if (auto ok = ParseFill(j, type, step); !ok) return ok.error();
  }
  return step;
}

Result<void> ParseViews(const Json& j, TransformStep& step) {
  for (const auto& name : j.at("views").get<std::vector<std::string>>()) {
    const auto view = ParseView(name);
    if (!view) return Invalid("unknown view '" + name + "'; there are dense, tree, embedding");
    step.views |= Only(*view);
  }
  if (!j.contains("null")) return {};
  if (j["null"] == "own" && HasIndex(step.op)) {
    step.fill_category = kNullOwn;
  } else if (j["null"] == "kept" && HasIndex(step.op)) {
    step.fill_category = kNullKept;
  } else if (j["null"] == "kept" && IsNumberOp(step.op)) {
    step.keep_null = true;
  } else {
    return Invalid("null " + j["null"].dump() + " is not for this operation");
  }
  return {};
}

Result<void> CheckKeys(const Json& j) {
  static const std::set<std::string> kKnown = {
      "op",         "column",     "views",      "fill",      "mean",     "std",
      "categories", "oovBuckets", "null",       "source",    "origin",   "low",
      "high",       "log",        "numbers",    "values",    "other",    "otherCategories",
      "pairs",      "recipe",     "indicators", "separator", "shortest", "longest",
      "length",     "keepEnd",    "pooling",    "vectors"};
  for (const auto& [key, value] : j.items()) {
    if (!kKnown.contains(key)) return Invalid("unknown key '" + key + "'");
  }
  return {};
}

template <typename T>
void Read(const Json& j, const char* key, T& value) {
  if (j.contains(key)) value = j[key].get<T>();
}

Result<TransformStep> ParseSecondStep(const Json& j, const std::vector<Column>& inputs) {
  if (auto ok = CheckKeys(j); !ok) return ok.error();
  auto parsed = ParseFirstStep(j, inputs, TransformOp::kWordVectors);
  if (!parsed) return parsed;
  TransformStep& step = *parsed;
  if (auto ok = ParseViews(j, step); !ok) return ok.error();
  if (j.contains("source")) {
    const auto source = ParseSource(j["source"].get<std::string>());
    if (!source) return Invalid("unknown source " + j["source"].dump());
    step.source = *source;
  }
  Read(j, "origin", step.origin);
  Read(j, "low", step.low);
  Read(j, "high", step.high);
  Read(j, "log", step.log);
  Read(j, "numbers", step.numbers);
  Read(j, "values", step.values);
  Read(j, "indicators", step.indicators);
  Read(j, "separator", step.separator);
  Read(j, "shortest", step.shortest);
  Read(j, "longest", step.longest);
  Read(j, "pairs", step.pairs);
  Read(j, "length", step.length);
  Read(j, "keepEnd", step.keep_end);
  if (step.op == TransformOp::kWordVectors) {
    const Json& pooling = j.at("pooling");
    if (pooling != "mean" && pooling != "max") return Invalid("pooling must be mean or max");
    if (pooling == "max") step.pooling = Pooling::kMax;
    auto vectors = ParseVectors(j.at("vectors"));
    if (!vectors) return vectors.error();
    step.vectors = std::move(*vectors);
  }
  if (step.op == TransformOp::kCross) {
    const auto other = FindInput(j.at("other"), inputs);
    if (!other) return other.error();
    step.other = *other;
    const ColumnType type = inputs[step.other].type;
    auto ok = ParseCategories(j.at("otherCategories"), type, step.other_categories);
    if (!ok) return ok.error();
  }
  auto recipe = ParseRecipe(j.at("recipe"));
  if (!recipe) return Wrap("recipe", recipe.error());
  step.recipe = std::move(*recipe);
  return parsed;
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

}  // namespace

Json ToJson(const TransformSpec& spec) {
  const int version = spec.version();
  Json j = {{"formatVersion", version}, {"label", spec.label}};
  j["inputs"] = Json::array();
  for (const auto& c : spec.inputs) {
    j["inputs"].push_back({{"name", c.name}, {"type", Name(c.type)}, {"nullable", c.nullable}});
  }
  j["steps"] = Json::array();
  for (const auto& step : spec.steps) {
    j["steps"].push_back(StepToJson(step, spec.inputs, version));
  }
  if (version == 1) return j;
  j["dropped"] = Json::array();
  for (const auto& d : spec.dropped) j["dropped"].push_back({{"column", d.column}, {"why", d.why}});
  return j;
}

Result<TransformSpec> ParseTransformSpec(const Json& json) {
  if (!json.is_object()) return Invalid("transform: must be an object");
  const Json version = json.value("formatVersion", Json());
  if (version != 1 && version != 2) {
    return Invalid(
        "transform: formatVersion must be 1 or 2; this program is older or the file is none");
  }
  TransformSpec spec;
  if (json.contains("label")) {
    if (!json["label"].is_string()) return Invalid("transform: label must be a string");
    spec.label = json["label"].get<std::string>();
  }
  auto ok = ParseList(json, "inputs", spec.inputs, ParseColumn);
  if (ok) {
    ok = ParseList(json, "steps", spec.steps, [&](const Json& j) {
      return version == 1 ? ParseFirstStep(j, spec.inputs, TransformOp::kVocabulary)
                          : ParseSecondStep(j, spec.inputs);
    });
  }
  if (ok && json.contains("dropped")) {
    ok = ParseList(json, "dropped", spec.dropped, [](const Json& j) -> Result<DroppedColumn> {
      return DroppedColumn{j.at("column").get<std::string>(), j.at("why").get<std::string>()};
    });
  }
  if (!ok) return Wrap("transform", ok.error());
  if (ok = CheckTransformSpec(spec); !ok) return ok.error();
  if (spec.version() != version) return Invalid("transform: steps are of another formatVersion");
  return spec;
}

Result<TransformSpec> LoadTransformSpec(const std::string& path) {
  const auto text = ReadFile(path, kMostTransformBytes);
  if (!text) return text.error();
  const auto json = ParseJson(*text, path);
  if (!json) return json.error();
  auto spec = ParseTransformSpec(*json);
  if (!spec) return Wrap(path, spec.error());
  return spec;
}

}  // namespace penstock::sdk
