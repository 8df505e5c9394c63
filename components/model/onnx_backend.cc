// ONNX models through onnxruntime (onnx/api.h). A file names its inputs and outputs, so model.yaml
// chooses them by name; behind a transform there is one matrix, and one output of floats.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "components/model/backend.h"
#include "components/model/onnx/api.h"
#include "components/model/onnx/check.h"
#include "components/model/onnx_value.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

using ort::Element;

// What the file says of an input or an output.
struct Port {
  std::string name;
  Element element = Element::kFloat;
  Shape shape;           // -1 for what the file leaves open
  bool is_maps = false;  // a ZipMap's: [N, K] of floats once unpacked
  std::string other;     // what it is, where it is neither a tensor nor that

  [[nodiscard]] std::string Text() const {
    if (!other.empty()) return "'" + name + "' (" + other + ")";
    return "'" + name + "' (" + ort::Name(element) + " " + FormatShape(shape) + ")";
  }
};

std::string Text(const std::vector<Port>& ports) {
  std::string text;
  for (const Port& port : ports) text += (text.empty() ? "" : ", ") + port.Text();
  return text;
}

// A column of the file, [N, 1], may be declared as [-1].
bool IsFlattened(const Port& port, const Shape& declared) {
  return port.shape.size() == 2 && port.shape[1] == 1 && declared.size() == 1;
}

class OnnxBackend : public Backend {
 public:
  OnnxBackend(const ort::Runtime& runtime, std::string path)
      : runtime_(runtime), path_(std::move(path)) {}
  ~OnnxBackend() override {
    if (session_ != nullptr) runtime_.api.release_session(session_);
  }
  OnnxBackend(const OnnxBackend&) = delete;
  OnnxBackend& operator=(const OnnxBackend&) = delete;

  Result<void> Load() {
    PENSTOCK_TRY(CheckOnnx(path_));
    if (auto opened = OpenSession(); !opened) {
      std::string reason = opened.error().message;
      const std::string known = "Load model from " + path_ + " failed:";
      if (reason.starts_with(known)) reason.erase(0, known.size());
      return Invalid(path_ + " does not load in onnxruntime " + runtime_.api.version + ": " +
                     reason + Advice(reason));
    }
    PENSTOCK_ASSIGN(file_inputs_, Ports(runtime_.api.input_count, runtime_.api.input_name,
                                        runtime_.api.input_type));
    PENSTOCK_ASSIGN(file_outputs_, Ports(runtime_.api.output_count, runtime_.api.output_name,
                                         runtime_.api.output_type));
    return {};
  }

  std::string platform() const override { return "onnxruntime_onnx"; }

  Result<void> Bind(const Signature& signature) override {
    for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
      const InputSpec& spec = signature.inputs[i];
      const OutputSpec said{spec.name, spec.datatype, spec.shape};
      PENSTOCK_ASSIGN(Port port, Find("inputs[" + std::to_string(i) + "]", file_inputs_, said,
                                      signature.batched));
      flat_inputs_.push_back(IsFlattened(port, spec.shape));
      inputs_.push_back(std::move(port.name));
    }
    if (inputs_.size() != file_inputs_.size()) {
      return Invalid("inputs: " + path_ + " takes " + Text(file_inputs_) +
                     ", and model.yaml names " + std::to_string(inputs_.size()) + " of them");
    }
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
      const OutputSpec& spec = signature.outputs[i];
      PENSTOCK_ASSIGN(Port port, Find("outputs[" + std::to_string(i) + "]", file_outputs_, spec,
                                      signature.batched));
      flat_outputs_.push_back(IsFlattened(port, spec.shape));
      outputs_.push_back(std::move(port.name));
    }
    return {};
  }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    if (inputs.size() != inputs_.size())
      return Invalid("the model takes " + std::to_string(inputs_.size()) + " inputs");
    std::vector<ort::OwnedValue> values;
    std::vector<const ort::Value*> given;
    std::vector<const char*> input_names;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Shape shape = inputs[i].shape;
      if (flat_inputs_[i]) shape.push_back(1);
      auto value = ort::ToValue(runtime_, inputs[i], shape);
      if (!value) return Wrap("input '" + inputs_[i] + "'", value.error());
      given.push_back(value->get());
      values.push_back(std::move(*value));
      input_names.push_back(inputs_[i].c_str());
    }
    std::vector<const char*> output_names;
    for (const std::string& name : outputs_) output_names.push_back(name.c_str());
    std::vector<ort::Value*> raw(outputs_.size());
    const auto ran = runtime_.api.Check(
        runtime_.api.run(session_, nullptr, input_names.data(), given.data(), given.size(),
                         output_names.data(), output_names.size(), raw.data()));
    std::vector<ort::OwnedValue> answers;
    for (ort::Value* value : raw) answers.emplace_back(value, runtime_.api.release_value);
    // It has answered its own examples, so what it fails at is this input.
    if (!ran) return Invalid("the model refuses this input: " + ran.error().message);
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto output = ort::FromValue(runtime_, answers[i].get());
      if (!output) return Wrap("output '" + outputs_[i] + "'", output.error());
      Shape& shape = output->shape;
      if (flat_outputs_[i] && shape.size() == 2 && shape[1] == 1) shape.pop_back();
      outputs.push_back(std::move(*output));
    }
    return outputs;
  }

 private:
  using Count = ort::Status* (*)(const ort::Session*, std::size_t*);
  using NameOf = ort::Status* (*)(const ort::Session*, std::size_t, ort::Allocator*, char**);
  using TypeOf = ort::Status* (*)(const ort::Session*, std::size_t, ort::TypeInfo**);

  Result<void> OpenSession() {
    const ort::Api& api = runtime_.api;
    ort::SessionOptions* given = nullptr;
    PENSTOCK_TRY(api.Check(api.create_options(&given)));
    const ort::Owned<ort::SessionOptions> options(given, api.release_options);
    // one thread a call: the server runs calls side by side; and no memory kept for the next one
    PENSTOCK_TRY(api.Check(api.intra_op_threads(given, 1)));
    PENSTOCK_TRY(api.Check(api.inter_op_threads(given, 1)));
    PENSTOCK_TRY(api.Check(api.disable_arena(given)));
    PENSTOCK_TRY(api.Check(api.disable_pattern(given)));
    PENSTOCK_TRY(api.Check(api.set_config(given, "session.intra_op.allow_spinning", "0")));
    PENSTOCK_TRY(api.Check(api.set_config(given, "session.inter_op.allow_spinning", "0")));
    // whatever the file is called: the check has looked at it as ONNX
    PENSTOCK_TRY(api.Check(api.set_config(given, "session.load_model_format", "ONNX")));
    return api.Check(api.create_session(runtime_.env, path_.c_str(), given, &session_));
  }

  static std::string Advice(const std::string& reason) {
    if (reason.find("locale") != std::string::npos) {
      return "; the model's text normalisation (StringNormalizer) names a locale that this machine "
             "lacks: export it with the locale C.UTF-8, as docs/models.md shows, or install it";
    }
    if (reason.find("pset ") != std::string::npos ||
        reason.find("IR version") != std::string::npos) {
      return "; export it for an older version (target_opset, onnx.version_converter)";
    }
    return "";
  }

  Result<std::vector<Port>> Ports(Count count, NameOf name, TypeOf type) const {
    const ort::Api& api = runtime_.api;
    std::size_t total = 0;
    PENSTOCK_TRY(api.Check(count(session_, &total)));
    std::vector<Port> ports(total);
    for (std::size_t i = 0; i < total; ++i) {
      char* text = nullptr;
      PENSTOCK_TRY(api.Check(name(session_, i, runtime_.allocator, &text)));
      ports[i].name = text;
      PENSTOCK_TRY(api.Check(api.free_memory(runtime_.allocator, text)));
      ort::TypeInfo* given = nullptr;
      PENSTOCK_TRY(api.Check(type(session_, i, &given)));
      const ort::Owned<ort::TypeInfo> info(given, api.release_type);
      PENSTOCK_TRY(Describe(given, &ports[i]));
    }
    return ports;
  }

  Result<void> Describe(const ort::TypeInfo* type, Port* port) const {
    const ort::Api& api = runtime_.api;
    ort::ValueKind kind{};
    PENSTOCK_TRY(api.Check(api.kind_of_type(type, &kind)));
    if (kind == ort::ValueKind::kTensor) {
      const ort::TensorInfo* tensor = nullptr;
      std::size_t rank = 0;
      PENSTOCK_TRY(api.Check(api.tensor_of_type(type, &tensor)));
      PENSTOCK_TRY(api.Check(api.element_type(tensor, &port->element)));
      PENSTOCK_TRY(api.Check(api.rank(tensor, &rank)));
      port->shape.resize(rank);
      return api.Check(api.dimensions(tensor, port->shape.data(), rank));
    }
    PENSTOCK_ASSIGN(port->is_maps, IsMaps(type, kind));
    port->shape = {-1, -1};
    if (!port->is_maps) port->other = "neither a tensor nor a ZipMap's list of maps";
    return {};
  }

  // A sequence of maps from a class to a float?
  Result<bool> IsMaps(const ort::TypeInfo* type, ort::ValueKind kind) const {
    const ort::Api& api = runtime_.api;
    if (kind != ort::ValueKind::kSequence) return false;
    const ort::SequenceInfo* sequence = nullptr;
    ort::TypeInfo* item = nullptr;
    PENSTOCK_TRY(api.Check(api.sequence_of_type(type, &sequence)));
    PENSTOCK_TRY(api.Check(api.sequence_element(sequence, &item)));
    const ort::Owned<ort::TypeInfo> item_info(item, api.release_type);
    ort::ValueKind item_kind{};
    PENSTOCK_TRY(api.Check(api.kind_of_type(item, &item_kind)));
    if (item_kind != ort::ValueKind::kMap) return false;
    const ort::MapInfo* map = nullptr;
    ort::TypeInfo* value = nullptr;
    Element key{};
    PENSTOCK_TRY(api.Check(api.map_of_type(item, &map)));
    PENSTOCK_TRY(api.Check(api.map_key(map, &key)));
    PENSTOCK_TRY(api.Check(api.map_value(map, &value)));
    const ort::Owned<ort::TypeInfo> value_info(value, api.release_type);
    ort::ValueKind value_kind{};
    PENSTOCK_TRY(api.Check(api.kind_of_type(value, &value_kind)));
    if (value_kind != ort::ValueKind::kTensor) return false;
    const ort::TensorInfo* tensor = nullptr;
    Element element{};
    PENSTOCK_TRY(api.Check(api.tensor_of_type(value, &tensor)));
    PENSTOCK_TRY(api.Check(api.element_type(tensor, &element)));
    return element == Element::kFloat && (key == Element::kInt64 || key == Element::kString);
  }

  // The file's port of that name, which must be what is said of it; without a name, the only one of
  // floats.
  Result<Port> Find(const std::string& where, const std::vector<Port>& ports,
                    const OutputSpec& said, bool batched) const {
    const auto fits = [&](const Port& port) {
      return said.name.empty() ? port.other.empty() && port.element == Element::kFloat
                               : port.name == said.name;
    };
    const auto found = std::find_if(ports.begin(), ports.end(), fits);
    if (said.name.empty() && std::count_if(ports.begin(), ports.end(), fits) != 1) {
      return Invalid(path_ + " must have one " + (where[0] == 'i' ? "input" : "output") +
                     " of float32 behind a transform.json, and has " + Text(ports));
    }
    if (found == ports.end()) {
      return Invalid(where + ".name: " + path_ + " has no '" + said.name + "'; it has " +
                     Text(ports));
    }
    if (!found->other.empty()) return Invalid(where + ": " + path_ + " has " + found->Text());
    if (ort::ElementOf(said.datatype) != found->element) {
      return Invalid(where + ".type: " + path_ + " has " + found->Text() + ", model.yaml says " +
                     std::string(Name(said.datatype)));
    }
    if (batched && !found->shape.empty() && found->shape[0] >= 0) {
      return Invalid(where + ": " + path_ + " has " + found->Text() +
                     ", a fixed number of rows: export it with the first dimension left open "
                     "(None, or dynamic_axes)");
    }
    const auto fit = [](std::int64_t a, std::int64_t b) { return a < 0 || b < 0 || a == b; };
    const Shape& shape = found->shape;
    const bool same =
        std::equal(shape.begin(), shape.end(), said.shape.begin(), said.shape.end(), fit);
    if (!same && !said.name.empty() && !IsFlattened(*found, said.shape)) {
      return Invalid(where + ".shape: " + path_ + " has " + found->Text() + ", model.yaml says " +
                     FormatShape(said.shape));
    }
    return *found;
  }

  const ort::Runtime& runtime_;
  const std::string path_;
  ort::Session* session_ = nullptr;
  std::vector<Port> file_inputs_;
  std::vector<Port> file_outputs_;
  // in the signature's order
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
  std::vector<bool> flat_inputs_;
  std::vector<bool> flat_outputs_;
};

}  // namespace

Result<std::unique_ptr<Backend>> LoadOnnx(const std::string& path) {
  const auto& runtime = ort::OpenRuntime();
  if (!runtime) return runtime.error();
  auto backend = std::make_unique<OnnxBackend>(*runtime, path);
  if (auto loaded = backend->Load(); !loaded) return loaded.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace penstock::model
