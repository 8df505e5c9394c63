#include "components/model/model_loader.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "components/model/backend.h"
#include "components/model/column_model.h"
#include "components/model/labels_model.h"
#include "components/model/tensor_model.h"
#include "components/model/torch/pickle_check.h"
#include "components/model_format/label_models.h"
#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "components/model_format/transform_check.h"
#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

Result<LoadedModel> LoadColumns(const std::string& folder, int runners) {
  auto manifest = sdk::LoadModelManifest(folder);
  if (!manifest) return manifest.error();
  auto spec = sdk::LoadTransformSpec(folder + "/" + sdk::kTransformFile);
  if (!spec) return spec.error();
  auto transform = sdk::Transform::Make(std::move(*spec), manifest->view);
  if (!transform) return transform.error();
  BackendFiles files{manifest->backend, {manifest->file}};
  files.files.insert(files.files.end(), manifest->more_files.begin(), manifest->more_files.end());
  auto backend = LoadBackend(folder, files, runners);
  if (!backend) return backend.error();
  Signature matrix;
  matrix.inputs.push_back({"", Datatype::kFp32, {-1, manifest->features}});
  matrix.outputs.push_back({"", Datatype::kFp32, {-1}});
  if (auto bound = (*backend)->Bind(matrix); !bound) return bound.error();
  LoadedModel loaded;
  loaded.name = manifest->name;
  loaded.matches = [m = *manifest](const Example& example, const Json& answer) {
    return sdk::MatchesExample(m, {example.inputs, example.outputs}, answer);
  };
  auto model = MakeColumnModel(std::move(*manifest), std::move(*transform), std::move(*backend));
  if (!model) return Wrap(folder, model.error());
  loaded.model = std::move(*model);
  return loaded;
}

// Models of one label each, asked together.
Result<LoadedModel> LoadLabels(const std::string& folder, const sdk::LabelsManifest& manifest,
                               int runners) {
  std::vector<LabelPart> parts;
  std::vector<sdk::ModelManifest> manifests;
  for (const sdk::LabelModel& label : manifest.labels) {
    const std::string own = folder + "/" + label.folder;
    PENSTOCK_ASSIGN(auto one, sdk::LoadModelManifest(own));
    if (one.label != label.label || !one.IsBinary()) {
      return Invalid(own + ": must be a model of label '" + label.label + "' of two classes, as " +
                     folder + "/" + sdk::kModelFile + " says");
    }
    PENSTOCK_ASSIGN(const auto recipe,
                    ReadFile(own + "/" + sdk::kTransformFile, sdk::kMostTransformBytes));
    PENSTOCK_ASSIGN(auto loaded, LoadColumns(own, runners));
    parts.push_back({label.label, std::move(loaded.model),
                     std::string(one.view ? Name(*one.view) : "") + "\n" + Sha256Hex(recipe)});
    manifests.push_back(std::move(one));
  }
  LoadedModel loaded;
  loaded.name = manifest.name;
  auto model = MakeLabelsModel(std::move(parts));
  if (!model) return Wrap(folder, model.error());
  loaded.model = std::move(*model);
  loaded.matches = [manifests = std::move(manifests)](const Example& example, const Json& answer) {
    return sdk::MatchesLabelsExample(manifests, {example.inputs, example.outputs}, answer);
  };
  return loaded;
}

// The width of the one input, where the network says its own.
Result<void> CheckWidth(const Signature& signature, const Backend& backend) {
  if (backend.width() == 0) return {};
  const std::string takes = "the network takes " + std::to_string(backend.width()) + " features";
  if (signature.inputs.size() != 1)
    return Invalid("inputs: " + takes + " as one input, and model.yaml names " +
                   std::to_string(signature.inputs.size()));
  const InputSpec& spec = signature.inputs.front();
  const Shape& shape = spec.shape;
  if (shape.size() == 2 && (shape[1] < 0 || shape[1] == backend.width())) return {};
  return Invalid("inputs[0].shape: " + takes + ", model.yaml says " + FormatShape(shape));
}

// Only ONNX has tensors of text.
Result<void> CheckTexts(const TensorManifest& manifest) {
  if (manifest.files.backend == "onnx") return {};
  const Signature& signature = manifest.signature;
  const auto text = [](const auto& spec) { return spec.datatype == Datatype::kBytes; };
  if (std::none_of(signature.inputs.begin(), signature.inputs.end(), text) &&
      std::none_of(signature.outputs.begin(), signature.outputs.end(), text)) {
    return {};
  }
  return Invalid("inputs and outputs: type string is for the back end onnx, not for " +
                 manifest.files.backend);
}

Result<LoadedModel> LoadTensors(const std::string& folder, int runners) {
  const std::string path = folder + "/" + sdk::kModelFile;
  auto text = ReadFile(path, 1U << 20);
  if (!text) return text.error();
  auto manifest = ParseTensorManifest(*text, path);
  if (!manifest) return manifest.error();
  if (auto texts = CheckTexts(*manifest); !texts) return Wrap(path, texts.error());
  auto backend = LoadBackend(folder, manifest->files, runners);
  if (!backend) return backend.error();
  if (auto fits = CheckWidth(manifest->signature, **backend); !fits)
    return Wrap(path, fits.error());
  if (auto bound = (*backend)->Bind(manifest->signature); !bound) return Wrap(path, bound.error());
  LoadedModel loaded;
  loaded.name = manifest->name;
  // Numbers within the tolerance, nothing decided: what MatchesExample does for a regression.
  sdk::ModelManifest plain;
  plain.task = sdk::ModelTask::kRegression;
  loaded.matches = [plain](const Example& example, const Json& answer) {
    return sdk::MatchesExample(plain, {example.inputs, example.outputs}, answer);
  };
  loaded.model = MakeTensorModel(std::move(manifest->signature), std::move(*backend));
  return loaded;
}

}  // namespace

Result<LoadedModel> LoadModel(const std::string& folder, int runners) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) {
    PENSTOCK_ASSIGN(const bool has_manifest, IsThere(folder + "/" + sdk::kModelFile));
    if (!has_manifest) return NoManifest(folder);
  }
  PENSTOCK_ASSIGN(const bool columns, IsThere(folder + "/" + sdk::kTransformFile));
  PENSTOCK_ASSIGN(const bool has_examples, IsThere(folder + "/" + sdk::kExamplesFile));
  std::optional<sdk::LabelsManifest> labels;
  if (!columns) {
    PENSTOCK_ASSIGN(labels, sdk::LoadLabelsManifest(folder));
  }
  auto loaded = columns  ? LoadColumns(folder, runners)
                : labels ? LoadLabels(folder, *labels, runners)
                         : LoadTensors(folder, runners);
  if (!loaded) return loaded;
  if (has_examples) {
    auto examples = sdk::LoadExamples(folder);
    if (!examples) return examples.error();
    for (sdk::ModelExample& example : *examples) {
      loaded->examples.push_back({std::move(example.inputs), std::move(example.outputs)});
    }
  }
  return loaded;
}

}  // namespace penstock::model
