#include "components/model/tensor_model.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

namespace penstock::model {
namespace {

struct TypeName {
  const char* name;
  Datatype datatype;
};
constexpr std::array<TypeName, 6> kTypes = {{{"float32", Datatype::kFp32},
                                             {"float64", Datatype::kFp64},
                                             {"int64", Datatype::kInt64},
                                             {"int32", Datatype::kInt32},
                                             {"bool", Datatype::kBool},
                                             {"string", Datatype::kBytes}}};

Result<OutputSpec> ReadTensor(const YAML::Node& node, const std::string& where, bool batched) {
  if (!node.IsMap() || !node["name"] || !node["type"] || !node["shape"]) {
    return Invalid(
        where + " must have name, type and shape (a model without transform.json takes tensors)");
  }
  OutputSpec spec;
  spec.name = node["name"].as<std::string>();
  const auto type = node["type"].as<std::string>();
  bool known = false;
  for (const TypeName& candidate : kTypes) {
    if (type != candidate.name) continue;
    spec.datatype = candidate.datatype;
    known = true;
  }
  if (!known)
    return Invalid(where + ".type must be float32, float64, int64, int32, bool or string, not " +
                   type);
  spec.shape = node["shape"].as<Shape>();
  if (batched && (spec.shape.empty() || spec.shape.front() != -1)) {
    return Invalid(where + ".shape must begin with -1, the batch");
  }
  return spec;
}

Result<std::vector<OutputSpec>> ReadTensors(const YAML::Node& list, const std::string& where,
                                            bool batched) {
  if (!list.IsSequence() || list.size() == 0)
    return Invalid(where + " must be a list of at least one");
  std::vector<OutputSpec> specs;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto spec = ReadTensor(list[i], where + "[" + std::to_string(i) + "]", batched);
    if (!spec) return spec.error();
    specs.push_back(std::move(*spec));
  }
  return specs;
}

Result<void> ReadLimits(const YAML::Node& node, const std::string& where, InputSpec* spec) {
  if (node["nullable"]) spec->nullable = node["nullable"].as<bool>();
  if (spec->nullable && !IsFloat(spec->datatype)) {
    return Invalid(where + ".nullable is for float32 and float64: a null becomes NaN");
  }
  if (node["infinite"]) spec->infinite = node["infinite"].as<bool>();
  if (spec->infinite && !IsFloat(spec->datatype)) {
    return Invalid(where + ".infinite is for float32 and float64");
  }
  if (node["minimum"]) spec->minimum = node["minimum"].as<double>();
  if (node["maximum"]) spec->maximum = node["maximum"].as<double>();
  return {};
}

// Why the value is not the same as To; null when it is.
template <typename To, typename From>
const char* NotExact(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::trunc(value) != value) return "is not integral";
    if (std::abs(value) >= 0x1p53) {
      return "is a floating-point number of 2^53 or beyond, which may have been rounded; send "
             "whole numbers as INT64";
    }
  }
  if constexpr (std::is_same_v<From, std::int64_t> && std::is_floating_point_v<To>) {
    if (!IsExactDouble(value)) return "is a whole number that a float would round";
  }
  return nullptr;
}

// Numbers of any datatype -> the vector that the back end takes for `To`; nulls become NaN later.
template <typename To>
Result<TensorData> Convert(const InputTensor& input) {
  return std::visit(
      [&](const auto& values) -> Result<TensorData> {
        using From = typename std::decay_t<decltype(values)>::value_type;
        std::vector<To> converted;
        if constexpr (!std::is_same_v<From, std::string_view>) {
          converted.reserve(values.size());
          for (std::size_t i = 0; i < values.size(); ++i) {
            if (const char* what = NotExact<To>(values[i]))
              return Invalid("input '" + input.name + "': element " + std::to_string(i) + " " +
                             what);
            converted.push_back(static_cast<To>(values[i]));
          }
        }
        return TensorData(std::move(converted));
      },
      input.data);
}

TensorData Texts(const InputTensor& input) {
  const auto& views = std::get<std::vector<std::string_view>>(input.data);
  return std::vector<std::string>(views.begin(), views.end());
}

// Has FP64 become an infinity of FP32?
bool Overflowed(const InputTensor& input, std::size_t i) {
  const auto* doubles = std::get_if<std::vector<double>>(&input.data);
  return doubles == nullptr || std::isfinite((*doubles)[i]);
}

Result<void> CheckRange(const InputTensor& input, Datatype datatype, const TensorData& data) {
  const auto* integers = std::get_if<std::vector<std::int64_t>>(&data);
  const auto* floats = std::get_if<std::vector<float>>(&data);
  const IntegerRange range = RangeOf(datatype);
  for (std::size_t i = 0; integers != nullptr && i < integers->size(); ++i) {
    if ((*integers)[i] < range.min || (*integers)[i] > range.max) {
      return Invalid("input '" + input.name + "': element " + std::to_string(i) +
                     " is out of the range of " + Name(datatype));
    }
  }
  for (std::size_t i = 0; floats != nullptr && i < floats->size(); ++i) {
    const bool null = !input.nulls.empty() && input.nulls[i] != 0;
    if (std::isinf((*floats)[i]) && !null && Overflowed(input, i)) {
      return Invalid("input '" + input.name + "': element " + std::to_string(i) +
                     " is out of the range of FP32");
    }
  }
  return {};
}

// A null is NaN to the network.
template <typename T>
void FillNulls(const std::vector<std::uint8_t>& nulls, std::vector<T>* values) {
  for (std::size_t i = 0; i < nulls.size(); ++i) {
    if (nulls[i] != 0) (*values)[i] = std::numeric_limits<T>::quiet_NaN();
  }
}

bool Fits(const Shape& shape, const Shape& said) {
  return std::equal(shape.begin(), shape.end(), said.begin(), said.end(),
                    [](std::int64_t dim, std::int64_t known) { return known < 0 || dim == known; });
}

class TensorModel : public Model {
 public:
  TensorModel(Signature signature, std::unique_ptr<Backend> backend)
      : signature_(std::move(signature)), backend_(std::move(backend)) {}

  const Signature& signature() const override { return signature_; }
  std::string platform() const override { return backend_->platform(); }

  Result<std::vector<Tensor>> Prepare(std::vector<InputTensor> inputs) const override {
    std::vector<Tensor> prepared;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::vector<std::uint8_t> nulls = inputs[i].nulls;
      auto tensor = PrepareOne(std::move(inputs[i]), signature_.inputs[i].datatype);
      if (!tensor) return tensor.error();
      if (auto* floats = std::get_if<std::vector<float>>(&tensor->data)) FillNulls(nulls, floats);
      if (auto* doubles = std::get_if<std::vector<double>>(&tensor->data)) {
        FillNulls(nulls, doubles);
      }
      prepared.push_back(std::move(*tensor));
    }
    return prepared;
  }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& prepared) const override {
    return backend_->Run(prepared);
  }

  Result<std::vector<Tensor>> Present(std::vector<Tensor> raw) const override {
    if (raw.size() != signature_.outputs.size()) {
      return Internal("the network answered " + std::to_string(raw.size()) +
                      " tensors, model.yaml says " + std::to_string(signature_.outputs.size()));
    }
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const OutputSpec& spec = signature_.outputs[i];
      raw[i].name = spec.name;
      const bool same = raw[i].datatype == spec.datatype ||
                        (IsInteger(raw[i].datatype) && IsInteger(spec.datatype));
      if (!same) {
        return Internal("output '" + spec.name + "' is " + Name(raw[i].datatype) +
                        ", model.yaml says " + Name(spec.datatype));
      }
      raw[i].datatype = spec.datatype;
      if (!Fits(raw[i].shape, spec.shape)) {
        return Internal("output '" + spec.name + "' is of shape " + FormatShape(raw[i].shape) +
                        ", model.yaml says " + FormatShape(spec.shape));
      }
    }
    return raw;
  }

 private:
  static Result<Tensor> PrepareOne(InputTensor input, Datatype datatype) {
    Tensor tensor{"", datatype, input.shape, {}};
    if (input.datatype == datatype && datatype == Datatype::kFp32) {
      tensor.data = std::move(std::get<std::vector<float>>(input.data));  // the usual case: no copy
      return tensor;
    }
    Result<TensorData> data = Internal("unreachable");
    if (datatype == Datatype::kFp32) data = Convert<float>(input);
    if (datatype == Datatype::kFp64) data = Convert<double>(input);
    if (datatype == Datatype::kBool) data = Convert<std::uint8_t>(input);
    if (datatype == Datatype::kBytes) data = Texts(input);
    if (IsInteger(datatype)) data = Convert<std::int64_t>(input);
    if (!data) return data.error();
    if (auto checked = CheckRange(input, datatype, *data); !checked) return checked.error();
    tensor.data = std::move(*data);
    return tensor;
  }

  const Signature signature_;
  const std::unique_ptr<Backend> backend_;
};

}  // namespace

Result<TensorManifest> ParseTensorManifest(const std::string& yaml, const std::string& what) {
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (!root.IsMap()) return Invalid(what + " must be a mapping");
    if (!root["formatVersion"] || root["formatVersion"].as<int>() != 1) {
      return Invalid(what + ": formatVersion must be 1");
    }
    TensorManifest manifest;
    if (root["name"]) manifest.name = root["name"].as<std::string>();
    if (root["backend"]) manifest.files.backend = root["backend"].as<std::string>();
    manifest.files.files = {root["file"] ? root["file"].as<std::string>() : "model.ts"};
    if (root["files"]) manifest.files.files = root["files"].as<std::vector<std::string>>();
    for (const std::string& name : manifest.files.files) {
      const std::filesystem::path file(name);
      if (!file.empty() && !file.is_absolute() &&
          std::find(file.begin(), file.end(), "..") == file.end()) {
        continue;
      }
      return Invalid(what + ": file must be a path within the model's folder");
    }
    manifest.signature.batched = root["batchAxis"] && !root["batchAxis"].IsNull();
    if (manifest.signature.batched && root["batchAxis"].as<int>() != 0)
      return Invalid(what + ": batchAxis must be 0");
    auto inputs = ReadTensors(root["inputs"], what + ": inputs", manifest.signature.batched);
    if (!inputs) return inputs.error();
    auto outputs = ReadTensors(root["outputs"], what + ": outputs", manifest.signature.batched);
    if (!outputs) return outputs.error();
    for (std::size_t i = 0; i < inputs->size(); ++i) {
      OutputSpec& input = (*inputs)[i];
      InputSpec spec{std::move(input.name), input.datatype, std::move(input.shape)};
      auto limited =
          ReadLimits(root["inputs"][i], what + ": inputs[" + std::to_string(i) + "]", &spec);
      if (!limited) return limited.error();
      manifest.signature.inputs.push_back(std::move(spec));
    }
    manifest.signature.outputs = std::move(*outputs);
    return manifest;
  } catch (const YAML::Exception& e) {
    return Invalid(what + ": " + e.what());
  }
}

std::unique_ptr<Model> MakeTensorModel(Signature signature, std::unique_ptr<Backend> backend) {
  return std::make_unique<TensorModel>(std::move(signature), std::move(backend));
}

}  // namespace penstock::model
