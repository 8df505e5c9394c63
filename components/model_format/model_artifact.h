// The model artifact: a folder that says what it takes and gives, so that any server can run it.
//
//   model.yaml       the signature and what is known of the model (ModelManifest)
//   transform.json   raw columns -> features (transform.h)
//   model.ts         the back end's file: forward(x: float32[N, features]) -> float32[N] or [N, K];
//                    or weights.safetensors with network.json (layers.h), model.pt2, model.ubj
//   examples.jsonl   {"inputs": {column: value}, "outputs": {name: value}} a line; what the model
//                    must answer before it gets traffic
//   statistics.json  statistics of the training data by column
//
// Value types; functions touch only the files they name. Neither Arrow nor LibTorch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/calibration.h"
#include "components/model_format/column.h"
#include "components/model_format/transform.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr int kModelFormatVersion = 1;
inline constexpr const char* kModelFile = "model.yaml";
inline constexpr const char* kTransformFile = "transform.json";
inline constexpr const char* kTorchScriptFile = "model.ts";
inline constexpr const char* kExamplesFile = "examples.jsonl";
inline constexpr const char* kStatisticsFile = "statistics.json";

enum class ModelTask : std::uint8_t { kClassification, kRegression };
[[nodiscard]] const char* Name(ModelTask task);  // "classification", "regression"

// One output of the signature, as clients see it.
struct ModelOutput {
  std::string name;                 // probability, probabilities, label, prediction
  std::string type;                 // float32, string, bool, int64
  std::vector<std::int64_t> shape;  // [-1] or [-1, K]; -1 is the batch
  std::string meaning;              // for people
  bool operator==(const ModelOutput&) const = default;
};

// What values of an input are accepted; a null is not a value.
struct InputBounds {
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool operator==(const InputBounds&) const = default;
};

struct ModelManifest {
  std::string name;
  std::string label;  // the training data's label column
  ModelTask task = ModelTask::kClassification;
  std::string backend = "torchscript";  // or safetensors, aotinductor, xgboost
  std::string file = kTorchScriptFile;  // of the back end, within the folder
  std::vector<std::string> more_files;  // aotinductor: packages for other CPUs, tried after `file`
  std::optional<View> view;             // of transform.json; none: its one matrix, of version 1
  int batch_axis = 0;
  std::vector<Column> inputs;                 // raw columns, in order
  std::map<std::string, InputBounds> bounds;  // by input; those that have any
  std::int64_t features = 0;                  // width of the matrix given to the back end
  std::vector<ModelOutput> outputs;
  std::vector<Json>
      classes;  // classification: strings, integers or booleans; binary: [negative, positive]
  Link link = Link::kIdentity;  // then calibration: what is done to the back end's answer
  Calibration calibration;
  double threshold = 0.5;  // binary: label is the positive class where probability >= threshold
  Json metrics = Json::object();  // name -> number, on the validation data
  std::int64_t seed = 0;

  // 1 for binary classification and regression, else the number of classes.
  [[nodiscard]] std::size_t RawWidth() const;
  [[nodiscard]] bool IsBinary() const;
};

// The back end's answers (RawWidth() floats a row) -> the model's, in place: its link, then its
// calibration. Whoever runs a back end calls it at once; what is called `raw` below has been
// through it.
void Finish(const ModelManifest& manifest, std::span<float> raw);

// The outputs that our own trainer gives: binary `probability` (of the positive class) and `label`;
// multi-class `probabilities` and `label`; regression `prediction`.
[[nodiscard]] std::vector<ModelOutput> StandardOutputs(ModelTask task,
                                                       const std::vector<Json>& classes);

// model.yaml. Load refuses an unknown formatVersion, a missing or ill-typed field, a file outside
// the folder, and names the field and the path.
[[nodiscard]] Result<ModelManifest> LoadModelManifest(const std::string& folder);
[[nodiscard]] Result<ModelManifest> ParseModelManifest(const std::string& yaml,
                                                       const std::string& what);
[[nodiscard]] std::string FormatModelManifest(const ModelManifest& manifest);
[[nodiscard]] Result<void> SaveModelManifest(const std::string& folder,
                                             const ModelManifest& manifest);

// One row of the back end's answer (RawWidth() floats) -> the index of the decided class. The first
// of equal maxima. Not for regression.
[[nodiscard]] std::size_t DecidedClass(const ModelManifest& manifest, std::span<const float> raw);

// The value of an output for one row, as JSON: number, list of numbers, or a class. A name that is
// not ours (see StandardOutputs) gives the raw number or list.
[[nodiscard]] Json OutputValue(const ModelManifest& manifest, const ModelOutput& output,
                               std::span<const float> raw);

struct ModelExample {
  Json inputs = Json::object();   // column -> value or null
  Json outputs = Json::object();  // output -> value
};
// At most `limit` examples, in the file's order. A line that is no such object is Invalid, by
// number.
[[nodiscard]] Result<std::vector<ModelExample>> LoadExamples(const std::string& folder,
                                                             std::size_t limit = 1000);
[[nodiscard]] Result<void> SaveExamples(const std::string& folder,
                                        const std::vector<ModelExample>& examples);

// Is the answer the expected one? Numbers: |a - b| <= tolerance + tolerance * |expected|, lists
// element by element, everything else equal. The error names the output and both values. A decided
// class is not compared where the probability is within the tolerance of the threshold.
[[nodiscard]] Result<void> MatchesExample(const ModelManifest& manifest,
                                          const ModelExample& example, const Json& answer,
                                          double tolerance = 1e-4);

}  // namespace penstock::sdk
