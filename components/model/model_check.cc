// CheckExamples: the model's own examples, sent the way a client would send them.
#include <algorithm>
#include <utility>

#include "components/model/model_loader.h"
#include "components/serve/protocol/infer_decode.h"

namespace penstock::serve {
namespace {

constexpr std::size_t kTogether = 32;  // examples in one batch

// The dimensions of a nested list, for what the signature leaves open.
Shape ShapeOf(const Json& value) {
  Shape shape;
  for (const Json* at = &value; at->is_array(); at = &at->front()) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
    if (at->empty()) break;
  }
  return shape;
}

// A column of text may hold timestamps as integers.
const char* WireType(const InputSpec& spec, const Json& rows) {
  const bool number =
      std::any_of(rows.begin(), rows.end(), [](const Json& v) { return v.is_number(); });
  return spec.datatype == Datatype::kBytes && number ? "INT64" : Name(spec.datatype);
}

// Rows [first, first + count) of the examples as a V2 request.
Result<std::string> RequestOf(const LoadedModel& loaded, std::size_t first, std::size_t count) {
  const Signature& signature = loaded.model->signature();
  Json inputs = Json::array();
  for (const InputSpec& spec : signature.inputs) {
    Json rows = Json::array();
    for (std::size_t i = first; i < first + count; ++i) {
      const Json& own = loaded.examples[i].inputs;
      if (!own.contains(spec.name)) {
        return Invalid("example " + std::to_string(i + 1) + " lacks the input '" + spec.name + "'");
      }
      rows.push_back(own[spec.name]);
    }
    if (!signature.batched) rows = Json(rows.front());
    const std::string datatype = spec.is_column ? WireType(spec, rows) : Name(spec.datatype);
    inputs.push_back({{"name", spec.name},
                      {"shape", ShapeOf(rows)},
                      {"datatype", datatype},
                      {"data", std::move(rows)}});
  }
  return Json{{"inputs", std::move(inputs)}}.dump();
}

Result<std::vector<Tensor>> Answer(const Model& model, std::string body) {
  InferDecoder decoder;
  auto request = decoder.Decode(&body);
  if (!request) return request.error();
  auto rows = FitInputs(model.signature(), &request->inputs);
  if (!rows) return rows.error();
  auto prepared = model.Prepare(std::move(request->inputs));
  if (!prepared) return prepared.error();
  auto raw = model.Run(*prepared);
  if (!raw) return raw.error();
  return model.Present(std::move(*raw));
}

Json ToJson(const Tensor& tensor, std::size_t begin, std::size_t end) {
  Json list = Json::array();
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = begin; i < end; ++i) {
          if (tensor.datatype == Datatype::kBool) {
            if constexpr (std::is_same_v<std::decay_t<decltype(values[i])>, std::uint8_t>) {
              list.push_back(values[i] != 0);
              continue;
            }
          }
          list.push_back(values[i]);
        }
      },
      tensor.data);
  return list;
}

// Nests a flat list as `shape`, from axis `axis` on.
Json Nest(const Json& flat, const Shape& shape, std::size_t axis, std::size_t* at) {
  if (axis == shape.size()) return flat[(*at)++];
  Json list = Json::array();
  for (std::int64_t i = 0; i < shape[axis]; ++i) list.push_back(Nest(flat, shape, axis + 1, at));
  return list;
}

// One row of the outputs, or all of them where there are no rows.
Json RowOf(const std::vector<Tensor>& outputs, bool batched, std::size_t row) {
  Json answer = Json::object();
  for (const Tensor& output : outputs) {
    std::size_t at = 0;
    if (!batched) {
      answer[output.name] = Nest(ToJson(output, 0, output.size()), output.shape, 0, &at);
      continue;
    }
    const std::size_t width = output.size() / static_cast<std::size_t>(output.shape.front());
    answer[output.name] =
        Nest(ToJson(output, row * width, (row + 1) * width), output.shape, 1, &at);
  }
  return answer;
}

Result<void> CheckRange(const LoadedModel& loaded, std::size_t first, std::size_t count) {
  const std::string which = "example " + std::to_string(first + 1);
  auto body = RequestOf(loaded, first, count);
  if (!body) return body.error();
  auto outputs = Answer(*loaded.model, std::move(*body));
  if (!outputs) return Wrap(count == 1 ? which : which + " and those after it", outputs.error());
  const bool batched = loaded.model->signature().batched;
  for (const Tensor& output : *outputs) {
    if (batched &&
        (output.shape.empty() || output.shape.front() != static_cast<std::int64_t>(count))) {
      return Internal(which + ": output '" + output.name + "' has shape " +
                      FormatShape(output.shape) + " for " + std::to_string(count) + " rows");
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto right = loaded.matches(loaded.examples[first + i], RowOf(*outputs, batched, i));
    if (!right) return Wrap("example " + std::to_string(first + i + 1), right.error());
  }
  return {};
}

// Best effort: a network may refuse zeros, and says so to the first client then.
void WarmUpWithZeros(const Model& model) {
  std::vector<Tensor> inputs;
  for (const InputSpec& spec : model.signature().inputs) {
    if (spec.is_column) return;
    Tensor tensor{"", spec.datatype, spec.shape, {}};
    for (std::int64_t& dim : tensor.shape) dim = dim < 0 ? 1 : dim;
    const auto size = static_cast<std::size_t>(ElementCount(tensor.shape).value_or(0));
    if (spec.datatype == Datatype::kFp32) tensor.data = std::vector<float>(size);
    if (spec.datatype == Datatype::kFp64) tensor.data = std::vector<double>(size);
    if (spec.datatype == Datatype::kBool) tensor.data = std::vector<std::uint8_t>(size);
    if (IsInteger(spec.datatype)) tensor.data = std::vector<std::int64_t>(size);
    inputs.push_back(std::move(tensor));
  }
  (void)model.Run(inputs);
}

}  // namespace

Result<void> CheckExamples(const LoadedModel& loaded) {
  if (loaded.examples.empty()) WarmUpWithZeros(*loaded.model);
  const std::size_t total = loaded.examples.size();
  for (std::size_t i = 0; i < std::min(total, kTogether); ++i) {
    if (auto checked = CheckRange(loaded, i, 1); !checked) return checked;
  }
  if (!loaded.model->signature().batched) return {};
  for (std::size_t i = 0; i < total; i += kTogether) {
    if (auto checked = CheckRange(loaded, i, std::min(kTogether, total - i)); !checked)
      return checked;
  }
  return {};
}

}  // namespace penstock::serve
