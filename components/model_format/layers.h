// A network as a list of layers, and its weights in a safetensors file: a back end of our own that
// needs no compiler, runs nothing that it was not built with, and loads by mapping the file.
//
//   network.json   {"formatVersion": 1, "layers": [{"op": "linear", "weight": "w0", "bias": "b0"},
//                  {"op": "relu"}, ...]}
//
//   features   [N, F] -> [N, W]: the features `numbers` as they are, then an embedding row a
//   feature
//              of `embeddings` [{feature, weight}]; the feature's value is the row's number; then,
//              of `bags` [{feature, count, weight}], the mean of the rows of `count` features from
//              `feature` on, but of those that are 0; zeros where all are
//   linear     [N, I] -> [N, O] by weight [O, I] and, if named, bias [O]
//   groupedLinear                 [N, G * I] -> [N, G * O] by weight [G, O, I] and, if named, bias
//   [G * O]: group g of the answer sees group g of x only (several networks side by side)
//   relu, tanh, gelu, sigmoid, exp     element by element (gelu: the exact one)
//   softmax    over axis 1
//   affine     x * scale + offset
//   squeeze    [N, 1] -> [N]; only as the last
//
// Pure; value types. No LibTorch (layer_network.h runs them).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/model_format/safetensors.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr const char* kNetworkFile = "network.json";
inline constexpr const char* kWeightsFile = "weights.safetensors";

enum class LayerOp : std::uint8_t {
  kFeatures,
  kLinear,
  kGroupedLinear,
  kRelu,
  kTanh,
  kGelu,
  kSigmoid,
  kExp,
  kSoftmax,
  kAffine,
  kSqueeze
};
[[nodiscard]] const char* Name(LayerOp op);

struct EmbeddingLookup {
  std::int64_t feature = 0;
  std::string weight;
  std::int64_t count = 0;  // of a bag: its features; 0: one id
  bool operator==(const EmbeddingLookup&) const = default;
};

struct Layer {
  LayerOp op = LayerOp::kRelu;
  std::string weight;                       // kLinear, kGroupedLinear
  std::string bias;                         // of these two; may be empty
  std::vector<std::int64_t> numbers;        // kFeatures
  std::vector<EmbeddingLookup> embeddings;  // kFeatures; of one id each, then bags
  double scale = 1;                         // kAffine
  double offset = 0;                        // kAffine
  bool operator==(const Layer&) const = default;
};

[[nodiscard]] Json ToJson(const std::vector<Layer>& layers);
// Invalid names the layer by its number.
[[nodiscard]] Result<std::vector<Layer>> ParseLayers(const Json& json, const std::string& what);
[[nodiscard]] Result<std::vector<Layer>> LoadLayers(const std::string& path);

struct NetworkShape {
  std::int64_t inputs = 0;   // features that x must have; 0: the layers leave it open
  std::int64_t outputs = 0;  // values a row; 0: as x
  bool flat = false;         // the answer is [N], not [N, outputs]
};
// Do the layers fit the weights and each other? Invalid names the layer or the tensor.
[[nodiscard]] Result<NetworkShape> CheckLayers(const std::vector<Layer>& layers,
                                               const SafetensorsFile& weights);

}  // namespace penstock::sdk
