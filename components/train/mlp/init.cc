#include "components/train/mlp/init.h"

#include <fnmatch.h>
#include <torch/script.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "components/model/catch_torch.h"
#include "components/model/torch/pickle_check.h"
#include "components/model_format/safetensors.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

std::string ShapeText(const torch::Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes()) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

std::string Join(const std::vector<std::string>& texts, const char* between) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : between) + text;
  return all;
}

Result<Tensors> ReadTorchScript(const std::string& path,
                                std::optional<torch::Tensor>& number_columns) {
  PENSTOCK_TRY(model::RefusePickle(path));
  return model::CatchTorch("input init: " + path, [&]() -> Result<Tensors> {
    Tensors tensors;
    const auto module = torch::jit::load(path, torch::kCPU);
    for (const auto& p : module.named_parameters()) {
      tensors[p.name] = p.value.detach();
    }
    for (const auto& b : module.named_buffers()) {
      if (b.name == "number_columns" && b.value.scalar_type() == torch::kLong) {
        number_columns = b.value.detach();
      } else {  // such as a batch norm's means: what the answers depend on and nothing here takes
        tensors.emplace(b.name, b.value.detach());
      }
    }
    return tensors;
  });
}

Result<Tensors> ReadSafetensors(const std::string& path) {
  PENSTOCK_ASSIGN(const auto file, sdk::SafetensorsFile::Open(path));
  const std::map<sdk::TensorType, torch::ScalarType> kTypes = {
      {sdk::TensorType::kF64, torch::kDouble},
      {sdk::TensorType::kF32, torch::kFloat},
      {sdk::TensorType::kF16, torch::kHalf},
      {sdk::TensorType::kBf16, torch::kBFloat16}};
  // A shape of no values may still have sides that no tensor takes.
  return model::CatchTorch("input init: " + path, [&]() -> Result<Tensors> {
    Tensors tensors;
    for (const auto& [name, view] : file->tensors()) {
      const auto type = kTypes.find(view.type);
      if (type == kTypes.end()) continue;
      auto tensor = torch::empty(view.shape, type->second);
      if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
      tensors[name] = std::move(tensor);
    }
    return tensors;
  });
}

// The network's parameters by name, those of its last layer apart.
struct Parameter {
  std::string name;
  torch::Tensor value;
  bool last = false;
};
std::vector<Parameter> ParametersOf(const sdk::Network& network) {
  const std::string last = std::to_string(network.spec().hidden.size());
  std::vector<Parameter> parameters;
  for (const auto& p : network.named_parameters(false)) {
    const bool is_last = p.key() == "w" + last || p.key() == "b" + last ||
                         (network.spec().hidden.empty() && p.key().front() == 'e');
    parameters.push_back({p.key(), p.value(), is_last});
  }
  return parameters;
}

// As the network holds it what the file holds, [O, I] or [G, O, I]; not defined where it does not
// fit. The last layer is the mean over G networks (sdk/network.h).
torch::Tensor AsHeld(const Parameter& p, const torch::Tensor& given, std::int64_t networks) {
  const bool answers = p.last && p.name.front() != 'e';
  if (!answers) {
    const bool same = given.sizes() == p.value.sizes();
    const bool one = p.value.dim() == 3 && p.value.size(0) == 1 && given.dim() == 2 &&
                     given.sizes() == p.value.sizes().slice(1);
    return same || one ? given.view(p.value.sizes()) : torch::Tensor();
  }
  if (p.name.front() == 'b') {
    const bool fits = given.dim() == 1 && given.size(0) == p.value.size(1);
    return fits ? given.unsqueeze(0).expand_as(p.value) : torch::Tensor();
  }
  const std::int64_t outputs = p.value.size(1);
  const std::int64_t width = p.value.size(2);
  const bool fits =
      given.dim() == 2 && given.size(0) == outputs && given.size(1) == networks * width;
  if (!fits) return {};
  return given.reshape({outputs, networks, width}).permute({1, 0, 2}) * double(networks);
}

}  // namespace

Json InitReport::ToJson() const {
  return {{"taken", taken}, {"fresh", fresh}, {"unused", unused}, {"frozen", frozen}};
}

std::string Init::NameOf(const std::string& own) const {
  const auto at = options_.names.find(own);
  return at == options_.names.end() ? own : at->second;
}

const torch::Tensor* Init::Find(const std::string& own) const {
  const auto at = tensors_.find(NameOf(own));
  return at == tensors_.end() ? nullptr : &at->second;
}

std::optional<InitShape> Init::ShapeOf() const {
  InitShape shape;
  std::vector<const torch::Tensor*> weights;
  while (const auto* w = Find("w" + std::to_string(weights.size()))) {
    if (w->dim() < 2 || w->dim() > 3 || w->numel() == 0) return std::nullopt;
    weights.push_back(w);
  }
  if (weights.empty() || weights.front()->dim() != 2) return std::nullopt;
  for (const auto* w : weights) {
    if (w->dim() == 3) shape.networks = w->size(0);
  }
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    const std::int64_t size = i == 0 ? weights[0]->size(0) / shape.networks : weights[i]->size(-2);
    if (i == 0 && size * shape.networks != weights[0]->size(0)) return std::nullopt;
    shape.hidden.push_back(size);
  }
  return shape;
}

Result<std::shared_ptr<const Init>> Init::Load(const InitOptions& options) {
  const auto init = std::make_shared<Init>();
  init->options_ = options;
  PENSTOCK_ASSIGN(init->tensors_, options.format == "safetensors"
                                      ? ReadSafetensors(options.file)
                                      : ReadTorchScript(options.file, init->number_columns_));
  return model::CatchTorch("input init", [&]() -> Result<std::shared_ptr<const Init>> {
    std::erase_if(init->tensors_,
                  [](const auto& entry) { return !entry.second.is_floating_point(); });
    for (auto& [name, tensor] : init->tensors_) {
      tensor = tensor.to(torch::kFloat32).contiguous();
      if (torch::isfinite(tensor).all().item<bool>()) continue;
      return Invalid("input init: '" + name + "' holds what is no finite number");
    }
    init->shape_ = init->ShapeOf();
    return std::shared_ptr<const Init>(init);
  });
}

Result<void> Init::Freeze(sdk::Network& network, InitReport& report) const {
  const auto parameters = ParametersOf(network);
  std::vector<std::string> names;
  for (const auto& p : parameters) names.push_back(p.name);
  const std::set<std::string> taken(report.taken.begin(), report.taken.end());
  std::set<std::string> frozen;
  for (const auto& pattern : options_.freeze) {
    bool any = false;
    for (const auto& p : parameters) {
      const bool own = fnmatch(pattern.c_str(), p.name.c_str(), 0) == 0;
      if (!own && fnmatch(pattern.c_str(), NameOf(p.name).c_str(), 0) != 0) continue;
      any = true;
      if (!taken.contains(p.name)) {
        return Invalid("freeze: '" + pattern + "' is " + p.name +
                       ", which is not taken over from init; frozen it would stay what chance made "
                       "of it");
      }
      if (p.last && p.name.front() != 'e' && !std::has_single_bit(std::uint64_t(p.value.size(0)))) {
        return Invalid("freeze: " + p.name + " is the mean of " + std::to_string(p.value.size(0)) +
                       " networks, which keeps its bits for a power of two only; leave it out");
      }
      frozen.insert(p.name);
    }
    if (!any) {
      return Invalid("freeze: no layer is named '" + pattern + "'; there are " + Join(names, ", "));
    }
  }
  if (frozen.size() == parameters.size()) {
    return Invalid("freeze: all layers are frozen, so that there is nothing to learn");
  }
  for (const auto& p : parameters) {
    if (frozen.contains(p.name)) p.value.requires_grad_(false);
  }
  report.frozen.assign(frozen.begin(), frozen.end());
  return {};
}

Result<InitReport> Init::Apply(sdk::Network& network) const {
  torch::NoGradGuard no_grad;
  if (number_columns_ && !torch::equal(*number_columns_, network.number_columns())) {
    return Invalid(
        "input init: its network takes other columns as numbers than the transform makes");
  }
  InitReport report;
  std::vector<std::string> problems;
  std::set<std::string> used;
  std::set<std::string> own;
  for (const auto& p : ParametersOf(network)) {
    own.insert(p.name);
    const torch::Tensor* given = Find(p.name);
    torch::Tensor value;
    if (given == nullptr) {
      problems.push_back(p.name + " is not there" +
                         (NameOf(p.name) == p.name ? "" : ", as '" + NameOf(p.name) + "'"));
    } else if (p.last && options_.fresh_answer) {
      problems.push_back(p.name + " answers other classes");
    } else if (value = AsHeld(p, *given, network.spec().members); !value.defined()) {
      problems.push_back(p.name + " is " + ShapeText(*given) + " there, where " +
                         ShapeText(p.value) + " is needed");
    }
    if (!value.defined()) {
      report.fresh.push_back(p.name);
      continue;
    }
    p.value.copy_(value);
    report.taken.push_back(p.name);
    used.insert(NameOf(p.name));
  }
  for (const auto& [name, given] : options_.names) {
    if (!own.contains(name)) return Invalid("initNames: the network has no '" + name + "'");
  }
  for (const auto& [name, tensor] : tensors_) {
    if (used.contains(name)) continue;
    report.unused.push_back(name);
    problems.push_back("nothing takes its '" + name + "' " + ShapeText(tensor));
  }
  if (!problems.empty() && !options_.fresh) {
    return Invalid("input init: " + Join(problems, "; ") +
                   ". initNames says what is called otherwise there; initUnmatched: fresh begins "
                   "what does not match anew");
  }
  if (report.taken.empty()) {
    return Invalid("input init: nothing of it can be taken over: " + Join(problems, "; ") +
                   ". Where it has no layer of the answer, hidden says how many values each of the "
                   "layers has");
  }
  PENSTOCK_TRY(Freeze(network, report));
  return report;
}

}  // namespace penstock::train
