#include "components/model_format/model_artifact.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "operator/base/file.h"

namespace penstock::sdk {
namespace {

std::string DescribeClassOutput(const std::vector<Json>& classes) {
  return classes.size() == 2 ? "the positive class where probability reaches the threshold"
                             : "the class of the highest probability";
}

const char* TypeOfClass(const Json& value) {
  if (value.is_boolean()) return "bool";
  return value.is_number_integer() ? "int64" : "string";
}

bool NumbersMatch(const Json& expected, const Json& got, double tolerance) {
  if (expected.is_array() || got.is_array()) {
    if (!expected.is_array() || !got.is_array() || expected.size() != got.size()) return false;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!NumbersMatch(expected[i], got[i], tolerance)) return false;
    }
    return true;
  }
  if (!expected.is_number() || !got.is_number()) return expected == got;
  const auto want = expected.get<double>();
  return std::abs(want - got.get<double>()) <= tolerance + tolerance * std::abs(want);
}

// May rounding alone have turned the decision? Then the class says nothing.
bool DecisionIsClose(const ModelManifest& manifest, const Json& outputs, double tolerance) {
  if (outputs.contains("probability") && outputs["probability"].is_number()) {
    return std::abs(outputs["probability"].get<double>() - manifest.threshold) <= 2 * tolerance;
  }
  if (!outputs.contains("probabilities") || !outputs["probabilities"].is_array()) return false;
  std::vector<double> sorted;
  for (const auto& p : outputs["probabilities"]) {
    if (p.is_number()) sorted.push_back(p.get<double>());
  }
  std::sort(sorted.rbegin(), sorted.rend());
  return sorted.size() > 1 && sorted[0] - sorted[1] <= 2 * tolerance;
}

Result<ModelExample> ParseExample(const std::string& line, const std::string& what) {
  auto json = ParseJson(line, what);
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("inputs") || !(*json)["inputs"].is_object() ||
      !json->contains("outputs") || !(*json)["outputs"].is_object()) {
    return Invalid(what + ": must be {\"inputs\": {...}, \"outputs\": {...}}");
  }
  return ModelExample{(*json)["inputs"], (*json)["outputs"]};
}

}  // namespace

const char* Name(ModelTask task) {
  return task == ModelTask::kClassification ? "classification" : "regression";
}

bool ModelManifest::IsBinary() const {
  return task == ModelTask::kClassification && classes.size() == 2;
}

std::size_t ModelManifest::RawWidth() const {
  return task == ModelTask::kRegression || IsBinary() ? 1 : classes.size();
}

void Finish(const ModelManifest& manifest, std::span<float> raw) {
  if (manifest.link == Link::kLog) {
    for (float& value : raw) value = float(std::exp(double(value)));
  }
  Calibrate(manifest.calibration, raw, manifest.RawWidth());
}

std::vector<ModelOutput> StandardOutputs(ModelTask task, const std::vector<Json>& classes) {
  if (task == ModelTask::kRegression) {
    return {{"prediction", "float32", {-1}, "the predicted value of the label"}};
  }
  const ModelOutput label = {
      "label", TypeOfClass(classes.front()), {-1}, DescribeClassOutput(classes)};
  if (classes.size() == 2) {
    return {{"probability", "float32", {-1}, "probability of class " + classes[1].dump()}, label};
  }
  return {{"probabilities",
           "float32",
           {-1, static_cast<std::int64_t>(classes.size())},
           "probability of each class, in the order of classes"},
          label};
}

std::size_t DecidedClass(const ModelManifest& manifest, std::span<const float> raw) {
  if (manifest.IsBinary()) return static_cast<double>(raw[0]) >= manifest.threshold ? 1 : 0;
  return std::size_t(std::max_element(raw.begin(), raw.end()) - raw.begin());
}

Json OutputValue(const ModelManifest& manifest, const ModelOutput& output,
                 std::span<const float> raw) {
  if (output.name == "label" && manifest.task == ModelTask::kClassification) {
    return manifest.classes[DecidedClass(manifest, raw)];
  }
  if (output.shape.size() <= 1) return raw[0];
  return std::vector<float>(raw.begin(), raw.end());
}

Result<ModelManifest> LoadModelManifest(const std::string& folder) {
  const std::string path = folder + "/" + kModelFile;
  const auto text = ReadFile(path, 16ULL << 20);
  if (!text) return text.error();
  return ParseModelManifest(*text, path);
}

Result<void> SaveModelManifest(const std::string& folder, const ModelManifest& manifest) {
  return WriteFileAtomically(folder + "/" + kModelFile, FormatModelManifest(manifest));
}

Result<std::vector<ModelExample>> LoadExamples(const std::string& folder, std::size_t limit) {
  const std::string path = folder + "/" + kExamplesFile;
  const auto text = ReadFile(path);
  if (!text) return text.error();
  std::vector<ModelExample> examples;
  std::istringstream lines(*text);
  std::string line;
  for (int number = 1; examples.size() < limit && std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    auto example = ParseExample(line, path + " line " + std::to_string(number));
    if (!example) return example.error();
    examples.push_back(std::move(*example));
  }
  return examples;
}

Result<void> SaveExamples(const std::string& folder, const std::vector<ModelExample>& examples) {
  std::string text;
  for (const auto& e : examples) {
    text += Json{{"inputs", e.inputs}, {"outputs", e.outputs}}.dump() + "\n";
  }
  return WriteFileAtomically(folder + "/" + kExamplesFile, text);
}

Result<void> MatchesExample(const ModelManifest& manifest, const ModelExample& example,
                            const Json& answer, double tolerance) {
  const bool close = DecisionIsClose(manifest, example.outputs, tolerance);
  for (const auto& [name, expected] : example.outputs.items()) {
    if (name == "label" && close && manifest.task == ModelTask::kClassification) continue;
    if (!answer.is_object() || !answer.contains(name)) {
      return Invalid("output '" + name + "' is missing, expected " + expected.dump());
    }
    if (!NumbersMatch(expected, answer[name], tolerance)) {
      return Invalid("output '" + name + "' is " + answer[name].dump() + ", expected " +
                     expected.dump());
    }
  }
  return {};
}

}  // namespace penstock::sdk
