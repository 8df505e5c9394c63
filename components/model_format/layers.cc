#include "components/model_format/layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr int kLayersVersion = 1;
constexpr std::size_t kMaxLayers = 1000;
constexpr std::array<const char*, 11> kOps = {"features", "linear", "groupedLinear", "relu",
                                              "tanh",     "gelu",   "sigmoid",       "exp",
                                              "softmax",  "affine", "squeeze"};

bool IsIndex(const Json& value) {
  return value.is_number_integer() && value >= 0 && value <= INT32_MAX;
}

std::string TextOf(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

Result<void> ParseBags(const Json& json, const std::string& where, Layer* layer) {
  if (!json.contains("bags")) return {};
  const Json& bags = json["bags"];
  if (!bags.is_array()) return Invalid(where + ".bags must be a list");
  for (const Json& bag : bags) {
    const bool whole = bag.is_object() && bag.contains("feature") && bag.contains("count") &&
                       IsIndex(bag["feature"]) && IsIndex(bag["count"]) && bag["count"] > 0;
    if (!whole || TextOf(bag, "weight").empty()) {
      return Invalid(where + ".bags must hold {feature: number, count: number, weight: name}");
    }
    layer->embeddings.push_back({bag["feature"].get<std::int64_t>(), TextOf(bag, "weight"),
                                 bag["count"].get<std::int64_t>()});
  }
  return {};
}

Result<void> ParseFeatures(const Json& json, const std::string& where, Layer* layer) {
  const Json none = Json::array();
  const Json& numbers = json.contains("numbers") ? json["numbers"] : none;
  const Json& embeddings = json.contains("embeddings") ? json["embeddings"] : none;
  if (!numbers.is_array() || !std::all_of(numbers.begin(), numbers.end(), IsIndex)) {
    return Invalid(where + ".numbers must be a list of features' numbers");
  }
  layer->numbers = numbers.get<std::vector<std::int64_t>>();
  if (!embeddings.is_array()) return Invalid(where + ".embeddings must be a list");
  for (const Json& e : embeddings) {
    if (!e.is_object() || !e.contains("feature") || !IsIndex(e["feature"]) ||
        TextOf(e, "weight").empty()) {
      return Invalid(where + ".embeddings must hold {feature: number, weight: name}");
    }
    layer->embeddings.push_back({e["feature"].get<std::int64_t>(), TextOf(e, "weight"), 0});
  }
  PENSTOCK_TRY(ParseBags(json, where, layer));
  if (layer->numbers.empty() && layer->embeddings.empty()) {
    return Invalid(where + " takes no feature");
  }
  return {};
}

Result<Layer> ParseLayer(const Json& json, const std::string& where) {
  if (!json.is_object()) return Invalid(where + " must be an object");
  const std::string op = TextOf(json, "op");
  const auto at = std::find(kOps.begin(), kOps.end(), op);
  if (at == kOps.end()) {
    return Invalid(where + ".op '" + op +
                   "' is unknown; there are features, linear, groupedLinear, relu, tanh, gelu, "
                   "sigmoid, exp, softmax, affine and squeeze");
  }
  Layer layer;
  layer.op = static_cast<LayerOp>(at - kOps.begin());
  if (layer.op == LayerOp::kFeatures) PENSTOCK_TRY(ParseFeatures(json, where, &layer));
  if (layer.op == LayerOp::kLinear || layer.op == LayerOp::kGroupedLinear) {
    layer.weight = TextOf(json, "weight");
    layer.bias = TextOf(json, "bias");
    if (layer.weight.empty()) return Invalid(where + ".weight must name a tensor");
  }
  if (layer.op == LayerOp::kAffine) {
    for (const auto& [key, value] : {std::pair{"scale", &layer.scale}, {"offset", &layer.offset}}) {
      if (!json.contains(key)) continue;
      if (!json[key].is_number() || !std::isfinite(json[key].get<double>())) {
        return Invalid(where + "." + key + " must be a number");
      }
      *value = json[key].get<double>();
    }
  }
  return layer;
}

// What CheckLayers knows on its way down.
struct Check {
  const SafetensorsFile& weights;
  NetworkShape shape;
  std::int64_t width = 0;  // values a row so far; 0: not known yet

  Result<const TensorView*> Tensor(const std::string& name, const std::string& where,
                                   std::size_t rank) const {
    const TensorView* tensor = weights.Find(name);
    if (tensor == nullptr) return Invalid(where + " needs tensor '" + name + "', which is missing");
    const bool number = tensor->type == TensorType::kF64 || tensor->type == TensorType::kF32 ||
                        tensor->type == TensorType::kF16 || tensor->type == TensorType::kBf16;
    if (!number || tensor->shape.size() != rank || tensor->shape.front() < 1 ||
        tensor->shape.back() < 1) {
      return Invalid(where + ": tensor '" + name + "' must hold floats in " + std::to_string(rank) +
                     " dimension" + (rank == 1 ? "" : "s"));
    }
    return tensor;
  }

  Result<void> Features(const Layer& layer, const std::string& where) {
    std::int64_t highest = 0;
    width = static_cast<std::int64_t>(layer.numbers.size());
    for (const std::int64_t n : layer.numbers) highest = std::max(highest, n);
    for (const EmbeddingLookup& e : layer.embeddings) {
      PENSTOCK_ASSIGN(const TensorView* table, Tensor(e.weight, where, 2));
      width += table->shape[1];
      highest = std::max(highest, e.feature + std::max<std::int64_t>(e.count, 1) - 1);
    }
    shape.inputs = highest + 1;
    return {};
  }

  Result<void> Linear(const Layer& layer, const std::string& where) {
    PENSTOCK_ASSIGN(const TensorView* weight, Tensor(layer.weight, where, 2));
    if (width != 0 && weight->shape[1] != width) {
      return Invalid(where + ": tensor '" + layer.weight + "' takes " +
                     std::to_string(weight->shape[1]) + " values, the layer before gives " +
                     std::to_string(width));
    }
    if (width == 0) shape.inputs = weight->shape[1];
    width = weight->shape[0];
    return Bias(layer, where);
  }

  Result<void> GroupedLinear(const Layer& layer, const std::string& where) {
    PENSTOCK_ASSIGN(const TensorView* weight, Tensor(layer.weight, where, 3));
    const auto& [groups, outputs, inputs] =
        std::tuple(weight->shape[0], weight->shape[1], weight->shape[2]);
    if (outputs < 1 || inputs > INT32_MAX / groups || outputs > INT32_MAX / groups) {
      return Invalid(where + ": tensor '" + layer.weight + "' is empty or too large");
    }
    if (width != 0 && groups * inputs != width) {
      return Invalid(where + ": tensor '" + layer.weight + "' takes " + std::to_string(groups) +
                     " groups of " + std::to_string(inputs) + " values, the layer before gives " +
                     std::to_string(width));
    }
    if (width == 0) shape.inputs = groups * inputs;
    width = groups * outputs;
    return Bias(layer, where);
  }

  Result<void> Bias(const Layer& layer, const std::string& where) const {
    if (layer.bias.empty()) return {};
    PENSTOCK_ASSIGN(const TensorView* bias, Tensor(layer.bias, where, 1));
    if (bias->shape[0] != width) {
      return Invalid(where + ": tensor '" + layer.bias + "' must have " + std::to_string(width) +
                     " values");
    }
    return {};
  }
};

}  // namespace

const char* Name(LayerOp op) { return kOps[static_cast<std::size_t>(op)]; }

Json ToJson(const std::vector<Layer>& layers) {
  Json list = Json::array();
  for (const Layer& layer : layers) {
    Json json = {{"op", Name(layer.op)}};
    if (layer.op == LayerOp::kLinear || layer.op == LayerOp::kGroupedLinear) {
      json["weight"] = layer.weight;
      if (!layer.bias.empty()) json["bias"] = layer.bias;
    }
    if (layer.op == LayerOp::kFeatures) {
      json["numbers"] = layer.numbers;
      json["embeddings"] = Json::array();
      for (const EmbeddingLookup& e : layer.embeddings) {
        if (e.count == 0) {
          json["embeddings"].push_back({{"feature", e.feature}, {"weight", e.weight}});
        } else {
          json["bags"].push_back(
              {{"feature", e.feature}, {"count", e.count}, {"weight", e.weight}});
        }
      }
    }
    if (layer.op == LayerOp::kAffine) {
      json["scale"] = layer.scale;
      json["offset"] = layer.offset;
    }
    list.push_back(std::move(json));
  }
  return {{"formatVersion", kLayersVersion}, {"layers", std::move(list)}};
}

Result<std::vector<Layer>> ParseLayers(const Json& json, const std::string& what) {
  if (!json.is_object() || !json.contains("formatVersion") ||
      json["formatVersion"] != kLayersVersion) {
    return Invalid(what + ": formatVersion must be 1");
  }
  if (!json.contains("layers") || !json["layers"].is_array() || json["layers"].empty() ||
      json["layers"].size() > kMaxLayers) {
    return Invalid(what + ": layers must be a list of 1 to 1000");
  }
  std::vector<Layer> layers;
  for (const Json& own : json["layers"]) {
    const std::string where = what + ": layers[" + std::to_string(layers.size()) + "]";
    PENSTOCK_ASSIGN(auto layer, ParseLayer(own, where));
    layers.push_back(std::move(layer));
  }
  return layers;
}

Result<std::vector<Layer>> LoadLayers(const std::string& path) {
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, 16U << 20));
  PENSTOCK_ASSIGN(const auto json, ParseJson(text, path));
  return ParseLayers(json, path);
}

Result<NetworkShape> CheckLayers(const std::vector<Layer>& layers, const SafetensorsFile& weights) {
  Check check{weights, {}, 0};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string where = "layers[" + std::to_string(i) + "]";
    const Layer& layer = layers[i];
    if (layer.op == LayerOp::kFeatures) {
      if (i != 0) return Invalid(where + ": features can only be the first");
      PENSTOCK_TRY(check.Features(layer, where));
    }
    if (layer.op == LayerOp::kLinear) PENSTOCK_TRY(check.Linear(layer, where));
    if (layer.op == LayerOp::kGroupedLinear) PENSTOCK_TRY(check.GroupedLinear(layer, where));
    if (layer.op != LayerOp::kSqueeze) continue;
    if (i + 1 != layers.size() || check.width != 1) {
      return Invalid(where + ": squeeze must be the last, after one value a row");
    }
    check.shape.flat = true;
  }
  check.shape.outputs = check.width;
  return check.shape;
}

}  // namespace penstock::sdk
