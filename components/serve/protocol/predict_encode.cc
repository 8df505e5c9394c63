#include "components/serve/protocol/infer_encode.h"
#include "components/serve/protocol/predict_decode.h"
#include "operator/base/base64.h"

namespace penstock::serve {
namespace {

bool IsBase64(const Tensor& tensor) {
  return tensor.datatype == Datatype::kBytes && tensor.name.ends_with("_bytes");
}

// Elements from *at on, nested as the shape from `axis` on.
std::optional<Error> AppendNested(const Tensor& tensor, std::size_t axis, std::size_t* at,
                                  std::string* out) {
  const bool last = axis + 1 >= tensor.shape.size();
  if (last && !IsBase64(tensor)) {
    const std::size_t count =
        axis < tensor.shape.size() ? static_cast<std::size_t>(tensor.shape[axis]) : 1;
    if (axis < tensor.shape.size()) out->push_back('[');
    if (auto error = AppendElements(tensor, *at, *at + count, out)) return error;
    if (axis < tensor.shape.size()) out->push_back(']');
    *at += count;
    return std::nullopt;
  }
  if (axis == tensor.shape.size()) {
    out->append(R"({"b64":")");
    AppendBase64(std::get<std::vector<std::string>>(tensor.data)[(*at)++], out);
    out->append("\"}");
    return std::nullopt;
  }
  out->push_back('[');
  for (std::int64_t i = 0; i < tensor.shape[axis]; ++i) {
    if (i > 0) out->push_back(',');
    if (auto error = AppendNested(tensor, axis + 1, at, out)) return error;
  }
  out->push_back(']');
  return std::nullopt;
}

// One value, or an object of several.
std::optional<Error> AppendOutputs(const std::vector<Tensor>& outputs, std::size_t axis,
                                   std::vector<std::size_t>* at, std::string* out) {
  const bool named = outputs.size() != 1;
  if (named) out->push_back('{');
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) out->push_back(',');
    if (named) {
      AppendJsonString(outputs[i].name, out);
      out->push_back(':');
    }
    if (auto error = AppendNested(outputs[i], axis, &(*at)[i], out)) return error;
  }
  if (named) out->push_back('}');
  return std::nullopt;
}

}  // namespace

Result<std::string> EncodePredictions(const std::vector<Tensor>& outputs, bool rows) {
  std::vector<std::size_t> at(outputs.size());
  std::string text = rows ? R"({"predictions":[)" : R"({"outputs":)";
  if (!rows) {
    if (auto error = AppendOutputs(outputs, 0, &at, &text)) return *error;
    return text + "}";
  }
  const std::int64_t count = outputs.empty() ? 0 : outputs.front().shape.front();
  for (std::int64_t row = 0; row < count; ++row) {
    if (row > 0) text.push_back(',');
    if (auto error = AppendOutputs(outputs, 1, &at, &text)) return *error;
  }
  return text + "]}";
}

}  // namespace penstock::serve
