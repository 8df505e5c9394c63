#include "components/serve/protocol/infer_encode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "components/serve/protocol/binary_tensor.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

template <typename T>
void AppendNumber(T value, std::string* out) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out->append(buffer.data(), end);
}

template <typename T>
std::optional<std::size_t> AppendValues(const std::vector<T>& values, Datatype datatype,
                                        std::size_t begin, std::size_t end, std::string* out) {
  for (std::size_t i = begin; i < end; ++i) {
    if (i > begin) out->push_back(',');
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(values[i])) return i;
      AppendNumber(values[i], out);
    } else if constexpr (std::is_same_v<T, std::string>) {
      AppendJsonString(values[i], out);
    } else if (datatype == Datatype::kBool) {
      out->append(values[i] != 0 ? "true" : "false");
    } else {
      AppendNumber(static_cast<std::int64_t>(values[i]), out);
    }
  }
  return std::nullopt;
}

void AppendShape(const Shape& shape, std::string* out) {
  out->append(R"(,"shape":[)");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendNumber(shape[i], out);
  }
  out->push_back(']');
}

template <typename Spec>
Json TensorMetadata(const std::vector<Spec>& specs) {
  Json list = Json::array();
  for (const auto& spec : specs) {
    list.push_back({{"name", spec.name}, {"datatype", Name(spec.datatype)}, {"shape", spec.shape}});
    if constexpr (std::is_same_v<Spec, InputSpec>) {
      Json parameters{{"nullable", spec.nullable}};
      if (spec.is_time)
        parameters.update({{"content_type", "datetime"}, {"int64_unit", kTimeUnit}});
      list.back()["parameters"] = std::move(parameters);
    }
  }
  return list;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (byte < 0x20) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out->append("\\u00");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

std::optional<Error> AppendElements(const Tensor& tensor, std::size_t begin, std::size_t end,
                                    std::string* out) {
  if (tensor.datatype == Datatype::kFp16 || tensor.datatype == Datatype::kBf16) {
    return Invalid("output '" + tensor.name + "' is " + Name(tensor.datatype) +
                   ", which has no JSON form; ask for it with the parameter binary_data");
  }
  const auto bad = std::visit(
      [&](const auto& values) { return AppendValues(values, tensor.datatype, begin, end, out); },
      tensor.data);
  if (!bad) return std::nullopt;
  return Internal("output '" + tensor.name + "': element " + std::to_string(*bad) +
                  " is not a finite number, which JSON cannot say");
}

Result<InferBody> EncodeInferResponse(const ModelIdentity& model, std::string_view id,
                                      const std::vector<Tensor>& outputs,
                                      const std::vector<bool>& binary) {
  std::size_t elements = 0;
  for (const Tensor& output : outputs) elements += output.size();
  std::string text;
  std::string blobs;
  text.reserve(160 + 12 * elements);
  text.append(R"({"model_name":)");
  AppendJsonString(model.name, &text);
  if (!model.version.empty()) {
    text.append(R"(,"model_version":)");
    AppendJsonString(model.version, &text);
  }
  text.append(R"(,"id":)");
  AppendJsonString(id, &text);
  text.append(R"(,"outputs":[)");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    if (i > 0) text.push_back(',');
    text.append(R"({"name":)");
    AppendJsonString(output.name, &text);
    text.append(R"(,"datatype":")").append(Name(output.datatype)).push_back('"');
    AppendShape(output.shape, &text);
    if (i < binary.size() && binary[i]) {
      const std::size_t before = blobs.size();
      AppendBinary(output, &blobs);
      text.append(R"(,"parameters":{"binary_data_size":)");
      AppendNumber(blobs.size() - before, &text);
      text.append("}}");
      continue;
    }
    text.append(R"(,"data":[)");
    if (auto error = AppendElements(output, 0, output.size(), &text)) return *error;
    text.append("]}");
  }
  text.append("]}");
  const bool any = std::find(binary.begin(), binary.end(), true) != binary.end();
  InferBody body{std::move(text), std::nullopt};
  if (any) body.json_size = body.bytes.size();
  body.bytes += blobs;
  return body;
}

std::string EncodeModelMetadata(const ModelIdentity& model, const std::string& platform,
                                const Signature& signature) {
  Json json = {{"name", model.name},
               {"platform", platform},
               {"inputs", TensorMetadata(signature.inputs)},
               {"outputs", TensorMetadata(signature.outputs)}};
  if (!model.version.empty()) json["versions"] = {model.version};
  return json.dump();
}

std::string EncodeServerMetadata(const std::string& version) {
  return Json{{"name", "penstock-serve"}, {"version", version}, {"extensions", kExtensions}}.dump();
}

std::string EncodeError(std::string_view message) {
  return Json{{"error", std::string(message)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::serve
