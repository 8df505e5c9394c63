#include "components/model/testing/sample_model.h"

#include <torch/script.h>
#include <torch/torch.h>

#include <filesystem>
#include <stdexcept>

#include "components/model_format/layers.h"
#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "operator/base/file.h"

namespace penstock::model {
namespace {

void Check(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

torch::jit::Module Mlp(std::int64_t hidden) {
  torch::manual_seed(7);
  torch::jit::Module module("mlp");
  const std::vector<std::int64_t> sizes = {64, hidden, hidden, 10};
  for (int i = 0; i < 3; ++i) {
    module.register_parameter("w" + std::to_string(i), torch::randn({sizes[i + 1], sizes[i]}) * 0.1,
                              false);
    module.register_parameter("b" + std::to_string(i), torch::randn({sizes[i + 1]}) * 0.1, false);
  }
  module.define(R"(
def forward(self, x):
    h = torch.relu(torch.linear(x, self.w0, self.b0))
    h = torch.relu(torch.linear(h, self.w1, self.b1))
    return torch.linear(h, self.w2, self.b2)
)");
  return module;
}

Json ToList(const at::Tensor& row) {
  Json list = Json::array();
  const at::Tensor flat = row.contiguous();
  for (std::int64_t i = 0; i < flat.numel(); ++i) list.push_back(flat.data_ptr<float>()[i]);
  return list;
}

// The transform of the column model; its one-hot columns have a last place for the unseen.
sdk::TransformSpec ColumnTransform() {
  sdk::TransformSpec spec;
  spec.label = "late";
  spec.inputs = {{"carrier", sdk::ColumnType::kString, true},
                 {"distance", sdk::ColumnType::kFloat64, true},
                 {"날씨", sdk::ColumnType::kString, false},
                 {"hour", sdk::ColumnType::kInt64, true}};
  spec.steps.resize(4);
  spec.steps[0].op = sdk::TransformOp::kOneHot;
  spec.steps[0].categories = {std::string("AA"), std::string("UA")};
  spec.steps[1].op = sdk::TransformOp::kScale;
  spec.steps[1].fill = 500;
  spec.steps[1].mean = 500;
  spec.steps[1].std = 250;
  spec.steps[2].op = sdk::TransformOp::kOneHot;
  spec.steps[2].categories = {std::string("맑음"), std::string("비")};
  spec.steps[3].op = sdk::TransformOp::kPassthrough;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) spec.steps[i].input = i;
  return spec;
}

}  // namespace

void WriteMlp(const std::string& folder, std::int64_t hidden) {
  std::filesystem::create_directories(folder);
  torch::jit::Module module = Mlp(hidden);
  module.save(folder + "/" + sdk::kTorchScriptFile);
  Check(WriteFileAtomically(folder + "/" + sdk::kModelFile, R"(formatVersion: 1
name: mlp
task: regression
backend: torchscript
file: model.ts
batchAxis: 0
inputs: [{name: x, type: float32, shape: [-1, 64]}]
outputs: [{name: y, type: float32, shape: [-1, 10]}]
)"));
  std::vector<sdk::ModelExample> examples;
  const at::Tensor x = torch::randn({3, 64});
  const at::Tensor y = module.forward({x}).toTensor();
  for (int i = 0; i < 3; ++i) {
    examples.push_back({Json{{"x", ToList(x[i])}}, Json{{"y", ToList(y[i])}}});
  }
  Check(sdk::SaveExamples(folder, examples));
}

void WriteLayerMlp(const std::string& folder) {
  WriteMlp(folder);
  std::filesystem::remove(folder + "/" + sdk::kTorchScriptFile);
  std::vector<at::Tensor> kept;
  std::map<std::string, sdk::TensorView> views;
  for (const auto& parameter : Mlp(256).named_parameters()) {
    kept.push_back(parameter.value.contiguous());
    const auto* begin = static_cast<const std::byte*>(kept.back().const_data_ptr());
    views[parameter.name] = {
        sdk::TensorType::kF32, kept.back().sizes().vec(), {begin, begin + kept.back().nbytes()}};
  }
  Check(sdk::WriteSafetensors(folder + "/" + sdk::kWeightsFile, views, {}));
  std::vector<sdk::Layer> layers;
  for (int i = 0; i < 3; ++i) {
    sdk::Layer& linear = layers.emplace_back();
    linear.op = sdk::LayerOp::kLinear;
    linear.weight = "w" + std::to_string(i);
    linear.bias = "b" + std::to_string(i);
    if (i < 2) layers.emplace_back().op = sdk::LayerOp::kRelu;
  }
  Check(WriteFileAtomically(folder + "/" + sdk::kNetworkFile, sdk::ToJson(layers).dump()));
  Check(WriteFileAtomically(folder + "/" + sdk::kModelFile, R"(formatVersion: 1
name: mlp
backend: safetensors
file: weights.safetensors
batchAxis: 0
inputs: [{name: x, type: float32, shape: [-1, 64]}]
outputs: [{name: y, type: float32, shape: [-1, 10]}]
)"));
}

void BreakSecondExample(const std::string& folder) {
  auto examples = sdk::LoadExamples(folder);
  if (!examples) throw std::runtime_error(examples.error().message);
  (*examples)[1].outputs["y"][3] = 123.0;
  Check(sdk::SaveExamples(folder, *examples));
}

void WriteColumns(const std::string& folder) {
  std::filesystem::create_directories(folder);
  auto made = sdk::Transform::Make(ColumnTransform());
  if (!made) throw std::runtime_error(made.error().message);
  torch::manual_seed(11);
  torch::jit::Module module("columns");
  const auto width = static_cast<std::int64_t>(made->width());
  module.register_parameter("w", torch::randn({1, width}) * 0.2, false);
  module.define(
      "def forward(self, x):\n    return torch.sigmoid(torch.linear(x, self.w)).squeeze(1)\n");
  module.save(folder + "/" + sdk::kTorchScriptFile);
  Check(WriteFileAtomically(folder + "/" + sdk::kTransformFile,
                            sdk::ToJson(ColumnTransform()).dump()));

  sdk::ModelManifest manifest;
  manifest.name = "flights";
  manifest.label = "late";
  manifest.inputs = ColumnTransform().inputs;
  manifest.features = width;
  manifest.classes = {"on time", "late"};
  manifest.outputs = sdk::StandardOutputs(manifest.task, manifest.classes);
  Check(sdk::SaveModelManifest(folder, manifest));

  std::vector<sdk::ModelExample> examples;
  for (const char* text : {R"({"carrier":"UA","distance":700.5,"날씨":"비","hour":7})",
                           R"({"carrier":null,"distance":120,"날씨":"맑음","hour":23})",
                           R"({"carrier":"ZZ","distance":null,"날씨":"눈","hour":0})",
                           R"({"carrier":"AA","distance":2500.0,"날씨":"비","hour":null})"}) {
    const Json inputs = Json::parse(text);
    const std::string carrier =
        inputs["carrier"].is_null() ? "" : inputs["carrier"].get<std::string>();
    const std::string weather = inputs["날씨"].get<std::string>();
    std::vector<sdk::Cell> cells(4);
    if (!inputs["carrier"].is_null()) cells[0] = std::string_view(carrier);
    if (!inputs["distance"].is_null()) cells[1] = inputs["distance"].get<double>();
    cells[2] = std::string_view(weather);
    if (!inputs["hour"].is_null()) cells[3] = inputs["hour"].get<std::int64_t>();
    at::Tensor row = torch::zeros({1, width});
    Check(made->ApplyRow(cells, row.data_ptr<float>()));
    const at::Tensor raw = module.forward({row}).toTensor();
    Json outputs = Json::object();
    for (const sdk::ModelOutput& output : manifest.outputs) {
      outputs[output.name] = sdk::OutputValue(manifest, output, {raw.data_ptr<float>(), 1});
    }
    examples.push_back({inputs, outputs});
  }
  Check(sdk::SaveExamples(folder, examples));
}

void WriteImage(const std::string& folder) {
  std::filesystem::create_directories(folder);
  torch::manual_seed(13);
  torch::jit::Module module("image");
  module.register_parameter("w", torch::randn({10, 3}), false);
  module.define("def forward(self, x):\n    return torch.linear(x.mean([2, 3]), self.w)\n");
  module.save(folder + "/" + sdk::kTorchScriptFile);
  Check(WriteFileAtomically(folder + "/" + sdk::kModelFile, R"(formatVersion: 1
name: image
batchAxis: 0
inputs: [{name: x, type: float32, shape: [-1, 3, 224, 224]}]
outputs: [{name: y, type: float32, shape: [-1, 10]}]
)"));
}

void WriteTouchy(const std::string& folder) {
  std::filesystem::create_directories(folder);
  torch::jit::Module module("touchy");
  module.define(R"(
def forward(self, x):
    assert not bool((x > 1000.0).any()), "too large for me"
    return x * 2.0
)");
  module.save(folder + "/" + sdk::kTorchScriptFile);
  Check(WriteFileAtomically(folder + "/" + sdk::kModelFile, R"(formatVersion: 1
name: touchy
batchAxis: 0
inputs: [{name: x, type: float32, shape: [-1, 2]}]
outputs: [{name: y, type: float32, shape: [-1, 2]}]
)"));
}

}  // namespace penstock::model
