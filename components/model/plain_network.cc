#include "components/model/plain_network.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "operator/base/try.h"

namespace penstock::model {
namespace {

constexpr std::size_t kRowsAtOnce = 4;  // that share one reading of the weights

template <typename T>
T Load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// IEEE 754 half precision: 1 sign bit, 5 of exponent, 10 of fraction.
float FromHalf(std::uint16_t half) {
  const std::uint32_t fraction = half & 0x3FFU;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const float sign = (half & 0x8000U) != 0 ? -1.0F : 1.0F;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  const std::uint32_t wide = exponent == 31 ? 0xFFU : exponent + 112;
  return sign * std::bit_cast<float>(wide << 23U | fraction << 13U);
}

// sdk::CheckLayers has seen that it is there and holds floats.
std::vector<float> Values(const sdk::TensorView& view) {
  std::vector<float> values(view.bytes.size() / sdk::SizeOf(view.type));
  const std::byte* at = view.bytes.data();
  for (float& value : values) {
    switch (view.type) {
      case sdk::TensorType::kF64:
        value = static_cast<float>(Load<double>(at));
        break;
      case sdk::TensorType::kF16:
        value = FromHalf(Load<std::uint16_t>(at));
        break;
      case sdk::TensorType::kBf16:
        value = std::bit_cast<float>(std::uint32_t{Load<std::uint16_t>(at)} << 16U);
        break;
      default:
        value = Load<float>(at);
    }
    at += sdk::SizeOf(view.type);
  }
  return values;
}

float Activate(sdk::LayerOp op, float x) {
  switch (op) {
    case sdk::LayerOp::kRelu:
      return x < 0 ? 0 : x;  // NaN stays
    case sdk::LayerOp::kTanh:
      return std::tanh(x);
    case sdk::LayerOp::kGelu:
      return 0.5F * x * (1 + std::erf(x * 0.70710678F));
    case sdk::LayerOp::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case sdk::LayerOp::kExp:
      return std::exp(x);
    default:
      return x;
  }
}

void Softmax(float* row, std::size_t width) {
  const float highest = *std::max_element(row, row + width);
  double sum = 0;
  for (std::size_t i = 0; i < width; ++i) {
    row[i] = std::exp(row[i] - highest);
    sum += static_cast<double>(row[i]);
  }
  for (std::size_t i = 0; i < width; ++i)
    row[i] = static_cast<float>(static_cast<double>(row[i]) / sum);
}

// out[r, o] += in[r, i] * weight[i, o], for each group of inputs and outputs by its own weight;
// `in` has groups * inputs values a row, `out` groups * outputs.
void Multiply(const float* weight, const float* in, std::size_t rows, std::size_t groups,
              std::size_t inputs, std::size_t outputs, float* out) {
  for (std::size_t first = 0; first < rows; first += kRowsAtOnce) {
    const std::size_t last = std::min(first + kRowsAtOnce, rows);
    for (std::size_t i = 0; i < groups * inputs; ++i) {
      const float* column = weight + i * outputs;
      const std::size_t group = i / inputs;
      for (std::size_t r = first; r < last; ++r) {
        const float x = in[r * groups * inputs + i];
        float* sums = out + (r * groups + group) * outputs;
        for (std::size_t o = 0; o < outputs; ++o) sums[o] += x * column[o];
      }
    }
  }
}

std::int64_t MultiplyAdds(const std::vector<sdk::Layer>& layers, const sdk::SafetensorsFile& file) {
  std::int64_t total = 0;
  for (const sdk::Layer& layer : layers) {
    if (layer.op != sdk::LayerOp::kLinear && layer.op != sdk::LayerOp::kGroupedLinear) continue;
    std::int64_t values = 1;
    for (const std::int64_t size : file.Find(layer.weight)->shape) values *= size;
    total += values;
  }
  return total;
}

}  // namespace

Result<PlainNetwork::Step> PlainNetwork::MakeStep(const sdk::Layer& layer,
                                                  const sdk::SafetensorsFile& file,
                                                  std::int64_t width) {
  Step step;
  step.op = layer.op;
  step.outputs = width;
  step.numbers = layer.numbers;
  step.scale = static_cast<float>(layer.scale);
  step.offset = static_cast<float>(layer.offset);
  if (layer.op == sdk::LayerOp::kLinear || layer.op == sdk::LayerOp::kGroupedLinear) {
    const sdk::TensorView& weight = *file.Find(layer.weight);
    const std::size_t last = weight.shape.size() - 1;
    const std::int64_t outputs = weight.shape[last - 1];
    step.inputs = weight.shape[last];
    step.groups = last == 2 ? weight.shape[0] : 1;
    step.outputs = step.groups * outputs;
    const std::vector<float> given = Values(weight);
    step.weight.resize(given.size());
    for (std::int64_t at = 0; at < std::int64_t(given.size()); ++at) {
      const std::int64_t i = at % step.inputs;
      const std::int64_t o = at / step.inputs % outputs;
      const std::int64_t group = at / (step.inputs * outputs);
      step.weight[std::size_t((group * step.inputs + i) * outputs + o)] = given[std::size_t(at)];
    }
    if (!layer.bias.empty()) step.bias = Values(*file.Find(layer.bias));
  }
  if (layer.op == sdk::LayerOp::kFeatures) {
    step.outputs = std::int64_t(layer.numbers.size());
    for (const sdk::EmbeddingLookup& e : layer.embeddings) {
      const sdk::TensorView& table = *file.Find(e.weight);
      step.tables.push_back({e.feature, e.count, table.shape[0], table.shape[1], Values(table)});
      step.outputs += table.shape[1];
    }
  }
  return step;
}

Result<std::optional<PlainNetwork>> PlainNetwork::Load(const std::string& folder,
                                                       const std::string& weights,
                                                       std::int64_t most) {
  PENSTOCK_ASSIGN(const auto layers, sdk::LoadLayers(folder + "/" + sdk::kNetworkFile));
  PENSTOCK_ASSIGN(const auto file, sdk::SafetensorsFile::Open(folder + "/" + weights));
  auto shape = sdk::CheckLayers(layers, *file);
  if (!shape) return Wrap(folder, shape.error());
  if (MultiplyAdds(layers, *file) > most) return std::optional<PlainNetwork>();
  PlainNetwork network;
  network.shape_ = *shape;
  std::int64_t width = 0;  // 0: as the input
  for (const sdk::Layer& layer : layers) {
    PENSTOCK_ASSIGN(Step step, MakeStep(layer, *file, width));
    width = step.outputs;
    network.steps_.push_back(std::move(step));
  }
  return std::optional(std::move(network));
}

// The row of an id, or the mean of those of a bag.
Result<void> PlainNetwork::AppendRow(const Table& table, const float* row, std::size_t number,
                                     std::vector<float>* out) {
  const auto width = std::size_t(table.width);
  const std::size_t begin = out->size();
  out->resize(begin + width, 0);
  float* sums = out->data() + begin;
  float found = 0;
  const std::int64_t last = table.feature + std::max<std::int64_t>(table.count, 1);
  for (std::int64_t feature = table.feature; feature < last; ++feature) {
    const float id = row[feature];
    if (!(id >= 0 && id < static_cast<float>(table.rows))) {
      return Invalid("feature " + std::to_string(feature) + " of row " +
                     std::to_string(number + 1) + " is no row of its embedding, which has " +
                     std::to_string(table.rows));
    }
    const auto place = std::int64_t(id);
    if (table.count > 0 && place == 0) continue;
    const float* values = table.values.data() + place * table.width;
    for (std::size_t i = 0; i < width; ++i) sums[i] += values[i];
    ++found;
  }
  for (std::size_t i = 0; i < width && found > 1; ++i) sums[i] /= found;
  return {};
}

Result<void> PlainNetwork::RunStep(const Step& step, const std::vector<float>& in, std::size_t rows,
                                   std::vector<float>* out) {
  const std::size_t given = in.size() / rows;
  const std::size_t width = step.outputs == 0 ? given : std::size_t(step.outputs);
  switch (step.op) {
    case sdk::LayerOp::kFeatures:
      out->reserve(rows * width);
      for (std::size_t r = 0; r < rows; ++r) {
        const float* row = in.data() + r * given;
        for (const std::int64_t number : step.numbers) out->push_back(row[number]);
        for (const Table& table : step.tables) {
          PENSTOCK_TRY(AppendRow(table, row, r, out));
        }
      }
      return {};
    case sdk::LayerOp::kLinear:
    case sdk::LayerOp::kGroupedLinear:
      out->resize(rows * width);
      for (std::size_t r = 0; r < rows && !step.bias.empty(); ++r)
        std::copy(step.bias.begin(), step.bias.end(), out->begin() + std::ptrdiff_t(r * width));
      Multiply(step.weight.data(), in.data(), rows, std::size_t(step.groups),
               std::size_t(step.inputs), width / std::size_t(step.groups), out->data());
      return {};
    case sdk::LayerOp::kSoftmax:
      *out = in;
      for (std::size_t r = 0; r < rows; ++r) Softmax(out->data() + r * width, width);
      return {};
    case sdk::LayerOp::kAffine:
      *out = in;
      for (float& value : *out) value = value * step.scale + step.offset;
      return {};
    case sdk::LayerOp::kSqueeze:
      *out = in;
      return {};
    case sdk::LayerOp::kRelu:
    case sdk::LayerOp::kTanh:
    case sdk::LayerOp::kGelu:
    case sdk::LayerOp::kSigmoid:
    case sdk::LayerOp::kExp:
      *out = in;
      for (float& value : *out) value = Activate(step.op, value);
      return {};
  }
  return Internal("a layer that nothing computes");
}

// A layer of features picks from at least as many; any other first layer takes exactly so many.
bool PlainNetwork::Takes(std::int64_t features) const {
  return steps_.front().op == sdk::LayerOp::kFeatures ? features >= shape_.inputs
                                                      : features == shape_.inputs;
}

Result<Tensor> PlainNetwork::Run(const Tensor& x) const {
  const auto* values = std::get_if<std::vector<float>>(&x.data);
  if (values == nullptr || x.shape.size() != 2 || x.shape[0] < 1 || x.shape[1] < 1 ||
      (shape_.inputs != 0 && !Takes(x.shape[1]))) {
    return Invalid("the network takes one FP32 input of [N, " +
                   (shape_.inputs == 0 ? "F" : std::to_string(shape_.inputs)) + "], not " +
                   Name(x.datatype) + " " + FormatShape(x.shape));
  }
  const auto rows = static_cast<std::size_t>(x.shape[0]);
  std::vector<float> now = *values;
  for (const Step& step : steps_) {
    std::vector<float> next;
    PENSTOCK_TRY(RunStep(step, now, rows, &next));
    now = std::move(next);
  }
  Tensor answer;
  answer.shape = {x.shape[0]};
  if (!shape_.flat) answer.shape.push_back(std::int64_t(now.size() / rows));
  answer.data = std::move(now);
  return answer;
}

}  // namespace penstock::model
