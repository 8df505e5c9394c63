#include "components/model_format/label_models.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

bool IsWithinModel(const std::string& text) {
  const std::filesystem::path file(text);
  if (text.empty() || file.is_absolute()) return false;
  for (const auto& part : file) {
    if (part == "..") return false;
  }
  return true;
}

// A field of text.
Result<std::string> TextAt(const YAML::Node& node, const char* key, const std::string& place) {
  const YAML::Node field = node.IsMap() ? node[key] : YAML::Node(YAML::NodeType::Undefined);
  if (field && field.IsScalar()) return field.Scalar();
  return Invalid(place + key + " must be a string");
}

Result<LabelsManifest> ParseLabels(const YAML::Node& root) {
  LabelsManifest manifest;
  if (!root["formatVersion"] || !root["formatVersion"].IsScalar() ||
      root["formatVersion"].Scalar() != std::to_string(kModelFormatVersion)) {
    return Invalid("formatVersion must be 1; this program is older than the model");
  }
  PENSTOCK_ASSIGN(manifest.name, TextAt(root, "name", ""));
  if (!root["labels"] || !root["labels"].IsSequence()) return Invalid("labels must be a list");
  std::vector<std::string> names;
  for (const YAML::Node& node : root["labels"]) {
    const std::string place = "labels[" + std::to_string(manifest.labels.size()) + "].";
    LabelModel part;
    PENSTOCK_ASSIGN(part.label, TextAt(node, "label", place));
    PENSTOCK_ASSIGN(part.folder, TextAt(node, "folder", place));
    if (!IsWithinModel(part.folder)) {
      return Invalid(place + "folder must be a path within the model's folder");
    }
    names.push_back(part.label);
    manifest.labels.push_back(std::move(part));
    if (names.size() > kMaxLabels) break;
  }
  PENSTOCK_TRY(CheckLabels(names));
  if (root["metrics"] && root["metrics"].IsMap()) {
    for (const auto& entry : root["metrics"]) {
      manifest.metrics[entry.first.as<std::string>()] = entry.second.as<double>();
    }
  }
  if (root["seed"]) manifest.seed = root["seed"].as<std::int64_t>();
  return manifest;
}

}  // namespace

std::string OutputOfLabel(const std::string& output, const std::string& label) {
  return output + "_" + label;
}

Result<void> CheckLabels(const std::vector<std::string>& labels) {
  if (labels.size() < 2) return Invalid("labels: must name two labels or more");
  if (labels.size() > kMaxLabels) {
    return Invalid("labels: more than " + std::to_string(kMaxLabels));
  }
  std::set<std::string> seen;
  for (const std::string& label : labels) {
    if (label.empty()) return Invalid("labels: a label's name is empty");
    if (!seen.insert(label).second) return Invalid("labels: '" + label + "' stands twice");
  }
  return {};
}

Result<std::optional<LabelsManifest>> LoadLabelsManifest(const std::string& folder) {
  const std::string path = folder + "/" + kModelFile;
  PENSTOCK_ASSIGN(const bool is_there, IsThere(path));
  if (!is_there) return std::optional<LabelsManifest>();
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, 16ULL << 20));
  try {
    const YAML::Node root = YAML::Load(text);
    const bool several = root.IsMap() && root["task"] && root["task"].IsScalar() &&
                         root["task"].Scalar() == kLabelsTask;
    if (!several) return std::optional<LabelsManifest>();
    auto manifest = ParseLabels(root);
    if (!manifest) return Wrap(path, manifest.error());
    return std::optional<LabelsManifest>(std::move(*manifest));
  } catch (const YAML::Exception& e) {
    return Invalid(path + ": " + e.what());
  }
}

Result<void> SaveLabelsManifest(const std::string& folder, const LabelsManifest& manifest) {
  std::ostringstream out;
  const auto text = [](const std::string& s) { return Json(s).dump(); };
  out << "formatVersion: " << kModelFormatVersion << "\nname: " << text(manifest.name)
      << "\ntask: " << kLabelsTask << "\nlabels:\n";
  for (const LabelModel& part : manifest.labels) {
    out << "- {label: " << text(part.label) << ", folder: " << text(part.folder) << "}\n";
  }
  out << "metrics:" << (manifest.metrics.empty() ? " {}\n" : "\n");
  for (const auto& [name, value] : manifest.metrics.items()) {
    out << "  " << text(name) << ": " << value.dump() << "\n";
  }
  out << "seed: " << manifest.seed << "\n";
  return WriteFileAtomically(folder + "/" + kModelFile, out.str());
}

std::vector<ModelExample> JoinExamples(const std::vector<std::string>& labels,
                                       const std::vector<std::vector<ModelExample>>& by_label) {
  std::vector<ModelExample> joined;
  for (std::size_t i = 0; i < by_label.front().size(); ++i) {
    ModelExample example;
    example.inputs = by_label.front()[i].inputs;
    for (std::size_t k = 0; k < labels.size(); ++k) {
      for (const auto& [name, value] : by_label[k][i].outputs.items()) {
        example.outputs[OutputOfLabel(name, labels[k])] = value;
      }
    }
    joined.push_back(std::move(example));
  }
  return joined;
}

Result<void> MatchesLabelsExample(const std::vector<ModelManifest>& by_label,
                                  const ModelExample& example, const Json& answer) {
  Json known = Json::object();
  for (const ModelManifest& manifest : by_label) {
    ModelExample own{example.inputs, Json::object()};
    Json answered = Json::object();
    for (const ModelOutput& output : manifest.outputs) {
      const std::string name = OutputOfLabel(output.name, manifest.label);
      known[name] = true;
      if (example.outputs.contains(name)) own.outputs[output.name] = example.outputs[name];
      if (answer.is_object() && answer.contains(name)) answered[output.name] = answer[name];
    }
    auto right = MatchesExample(manifest, own, answered);
    if (!right) return Wrap("label '" + manifest.label + "'", right.error());
  }
  for (const auto& [name, expected] : example.outputs.items()) {
    if (!known.contains(name)) {
      return Invalid("output '" + name + "' is missing, expected " + expected.dump());
    }
  }
  return {};
}

}  // namespace penstock::sdk
