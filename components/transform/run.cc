#include "components/transform/run.h"

#include <algorithm>
#include <cstdio>

#include "components/sdk/labels/label_columns.h"
#include "components/transform/fit.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

// Lists of columns, and objects of column -> what the operation takes.
constexpr const char* kLists[] = {"scale",   "minMax", "passthrough", "log",
                                  "missing", "oneHot", "age"};
constexpr const char* kObjects[] = {
    "clip",      "bends", "quantile", "buckets",      "vocabulary", "hash",       "multiHot",
    "dateParts", "text",  "tfidf",    "targetEncode", "tokens",     "wordVectors"};

// cross: a list of [a, b] or {columns: [a, b], topK: n}.
void ReadCrosses(sdk::Parameters& p, std::vector<Operation>& operations) {
  const Json given = p.List("cross");
  for (Json cross : given) {
    if (cross.is_array()) cross = {{"columns", cross}};
    Operation operation{"cross", {}, Json::object()};
    const bool is_pair = cross.is_object() && cross.contains("columns") &&
                         cross["columns"].is_array() && cross["columns"].size() == 2 &&
                         cross["columns"][0].is_string() && cross["columns"][1].is_string();
    if (!is_pair) {
      return p.Fail("cross: takes pairs of columns, as [a, b] or {columns: [a, b], topK: 1000}");
    }
    operation.columns = cross["columns"].get<std::vector<std::string>>();
    cross.erase("columns");
    operation.parameters = std::move(cross);
    operations.push_back(std::move(operation));
  }
}

Result<FitOptions> ReadOptions(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  FitOptions options;
  options.label = p.String("label", "");
  options.more_labels = p.Strings("labels");
  options.weight = p.String("weight", "");
  options.impute = p.Object("impute");
  for (const char* name : kLists) {
    for (const auto& column : p.Strings(name)) {
      options.operations.push_back({name, {column}, Json::object()});
    }
  }
  for (const char* name : kObjects) {
    const Json given = p.Object(name);
    for (const auto& [column, value] : given.items()) {
      if (!value.is_object() && !value.is_null()) {
        p.Fail(std::string(name) + ": '" + column + "' takes an object, of what it takes, or {}");
      }
      options.operations.push_back({name, {column}, value.is_null() ? Json::object() : value});
    }
  }
  ReadCrosses(p, options.operations);
  PENSTOCK_TRY(p.Finish());
  return options;
}

bool HasView(const sdk::TransformSpec& spec, sdk::View view) {
  return std::any_of(spec.steps.begin(), spec.steps.end(),
                     [&](const auto& step) { return (step.views & Only(view)) != 0; });
}

}  // namespace

Result<void> RunTransform(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(auto labels, sdk::LabelColumns(options.label, options.more_labels, dataset));
  if (!labels.empty()) {
    options.label = std::move(labels.front());
    labels.erase(labels.begin());
  }
  options.more_labels = std::move(labels);
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("transform"));
  if (step.HasInput("vectors")) {
    PENSTOCK_ASSIGN(options.vectors, step.InputPath("vectors"));
  }
  std::vector<std::string> notes;
  PENSTOCK_ASSIGN(auto spec, Fit(dataset, options, &notes));
  for (const auto& note : notes) std::printf("%s\n", note.c_str());
  const std::string text = sdk::ToJson(spec).dump(1) + "\n";
  PENSTOCK_TRY(WriteFileAtomically(output, text));
  std::printf("fitted %zu operations on %zu columns\n", spec.steps.size(), spec.inputs.size());
  Json features = Json::object();
  for (const sdk::View view : {sdk::View::kDense, sdk::View::kTree, sdk::View::kEmbedding}) {
    features[Name(view)] = 0;
    if (!HasView(spec, view)) {
      std::printf("view %s: no feature, so that no model of that view can be trained\n",
                  Name(view));
      continue;
    }
    PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(spec, view));
    std::printf("view %s: %zu features\n", Name(view), transform.width());
    features[Name(view)] = transform.width();
  }
  return step.WriteResult("features", features[Name(sdk::View::kEmbedding)]);
}

}  // namespace penstock::transform
