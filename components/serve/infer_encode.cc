#include "components/serve/infer_encode.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

template <typename T>
void AppendNumber(T value, std::string* out) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out->append(buffer.data(), end);
}

// Nothing, or the index of the element that JSON cannot say.
template <typename T>
std::optional<std::size_t> AppendValues(const std::vector<T>& values, Datatype datatype,
                                        std::string* out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out->push_back(',');
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

Result<std::string> EncodeInferResponse(const ModelIdentity& model, std::string_view id,
                                        const std::vector<Tensor>& outputs) {
  std::size_t elements = 0;
  for (const Tensor& output : outputs) elements += output.size();
  std::string text;
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
  for (const Tensor& output : outputs) {
    if (&output != &outputs.front()) text.push_back(',');
    text.append(R"({"name":)");
    AppendJsonString(output.name, &text);
    text.append(R"(,"datatype":")").append(Name(output.datatype)).push_back('"');
    AppendShape(output.shape, &text);
    text.append(R"(,"data":[)");
    const auto bad =
        std::visit([&](const auto& values) { return AppendValues(values, output.datatype, &text); },
                   output.data);
    if (bad) {
      return Internal("output '" + output.name + "': element " + std::to_string(*bad) +
                      " is not a finite number, which JSON cannot say");
    }
    text.append("]}");
  }
  text.append("]}");
  return text;
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
  return Json{{"name", "penstock-serve"}, {"version", version}, {"extensions", Json::array()}}
      .dump();
}

std::string EncodeError(std::string_view message) {
  return Json{{"error", std::string(message)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::serve
