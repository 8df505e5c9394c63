// A model of several labels: a folder of models of one label each, which are asked together.
//
//   model.yaml       {formatVersion: 1, name, task: multilabel, labels: [{label, folder}], metrics}
//   labels/0, ...    a model of one label of two classes each (model_artifact.h), in the labels'
//   order examples.jsonl   of all labels together statistics.json  of the training data, and of all
//   answers
//
// Its inputs are its parts' inputs; its outputs are theirs under the label's name:
// `probability_late`, `label_late`. Value types; functions touch only the files they name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr std::size_t kMaxLabels = 1000;
inline constexpr const char* kLabelsTask = "multilabel";

struct LabelModel {
  std::string label;
  std::string folder;  // within the model's
};

struct LabelsManifest {
  std::string name;
  std::vector<LabelModel> labels;
  Json metrics = Json::object();  // name -> number, on rows held out
  std::int64_t seed = 0;
};

// What an output of a label's model is called in the model of all labels.
[[nodiscard]] std::string OutputOfLabel(const std::string& output, const std::string& label);

// Nothing where the folder holds a model of one label, or one of tensors, or no model.yaml. Invalid
// names the field: fewer than two labels, more than kMaxLabels, one twice, a folder outside the
// model's.
[[nodiscard]] Result<std::optional<LabelsManifest>> LoadLabelsManifest(const std::string& folder);
[[nodiscard]] Result<void> SaveLabelsManifest(const std::string& folder,
                                              const LabelsManifest& manifest);

// Of labels that are to be learnt together; what LoadLabelsManifest asks of them.
[[nodiscard]] Result<void> CheckLabels(const std::vector<std::string>& labels);

// The examples of all labels as one: inputs of the first label's, outputs of each. They are of the
// same rows, in order.
[[nodiscard]] std::vector<ModelExample> JoinExamples(
    const std::vector<std::string>& labels, const std::vector<std::vector<ModelExample>>& by_label);

// As MatchesExample, label by label; the error names the label.
[[nodiscard]] Result<void> MatchesLabelsExample(const std::vector<ModelManifest>& by_label,
                                                const ModelExample& example, const Json& answer);

}  // namespace penstock::sdk
