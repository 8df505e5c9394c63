#include "components/train/mlp/adamw.h"

#include <torch/torch.h>

namespace penstock::train {
namespace {

constexpr double kSquareMomentum = 0.99;  // fastai's second beta
constexpr double kEpsilon = 1e-5;         // and its epsilon
constexpr double kTableDecay = 0.1;

}  // namespace

AdamW::AdamW(const sdk::Network& network, double weight_decay) {
  groups_.push_back({network.weights(), {}, {}, weight_decay});
  groups_.push_back({network.tables(), {}, {}, weight_decay * kTableDecay});
  groups_.push_back({network.biases(), {}, {}, 0});
  for (Group& g : groups_) {
    std::erase_if(g.parameters, [](const torch::Tensor& p) { return !p.requires_grad(); });
  }
  std::erase_if(groups_, [](const Group& g) { return g.parameters.empty(); });
  for (Group& g : groups_) {
    for (const auto& p : g.parameters) {
      g.means.push_back(torch::zeros_like(p.detach()));
      g.squares.push_back(torch::zeros_like(p.detach()));
    }
  }
  steps_ = torch::zeros({}, network.weights()[0].options().requires_grad(false));
}

void AdamW::Step(const Pace& pace, double clip) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> all;
  for (const Group& g : groups_) {
    for (const auto& p : g.parameters) all.push_back(p.grad());
  }
  const auto norm = torch::stack(at::_foreach_norm(all)).norm();
  const auto scale = torch::clamp_min(norm / clip, 1);
  steps_ += 1;
  for (Group& g : groups_) {
    std::vector<torch::Tensor> gradients;
    for (const auto& p : g.parameters) gradients.push_back(p.grad());
    const std::vector<torch::Tensor> steps(gradients.size(), steps_);
    at::_fused_adamw_(g.parameters, gradients, g.means, g.squares, {}, steps, pace.rate,
                      pace.momentum, kSquareMomentum, g.decay, kEpsilon, false, false, scale);
    for (const auto& p : g.parameters) p.mutable_grad().reset();
  }
}

void AdamW::Save(Snapshot* to) const {
  std::size_t i = 0;
  for (const Group& g : groups_) {
    for (std::size_t j = 0; j < g.parameters.size(); ++j, ++i) {
      const std::string index = std::to_string(i);
      to->tensors["p" + index] = g.parameters[j].detach().cpu().clone();
      to->tensors["m" + index] = g.means[j].cpu().clone();
      to->tensors["v" + index] = g.squares[j].cpu().clone();
    }
  }
  to->numbers["optimizerSteps"] = std::int64_t(steps_.item<double>());
}

bool AdamW::Load(const Snapshot& from) {
  torch::NoGradGuard no_grad;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> pairs;
  std::size_t i = 0;
  for (const Group& g : groups_) {
    for (std::size_t j = 0; j < g.parameters.size(); ++j, ++i) {
      for (const auto& [name, tensor] :
           {std::pair<const char*, torch::Tensor>{"p", g.parameters[j]},
            {"m", g.means[j]},
            {"v", g.squares[j]}}) {
        const auto at = from.tensors.find(name + std::to_string(i));
        if (at == from.tensors.end() || at->second.sizes() != tensor.sizes()) return false;
        pairs.emplace_back(tensor, at->second);
      }
    }
  }
  for (auto& [tensor, value] : pairs) tensor.copy_(value);
  steps_.fill_(double(from.numbers.value("optimizerSteps", std::int64_t{0})));
  return true;
}

std::vector<torch::Tensor> AdamW::Copy() const {
  std::vector<torch::Tensor> out;
  for (const Group& g : groups_) {
    for (const auto& p : g.parameters) out.push_back(p.detach().clone());
  }
  return out;
}

void AdamW::Assign(const std::vector<torch::Tensor>& parameters) {
  torch::NoGradGuard no_grad;
  std::size_t i = 0;
  for (Group& g : groups_) {
    for (auto& p : g.parameters) p.copy_(parameters[i++]);
  }
}

void AdamW::Reset() {
  for (Group& g : groups_) {
    for (auto& m : g.means) m.zero_();
    for (auto& v : g.squares) v.zero_();
  }
  steps_.zero_();
}

}  // namespace penstock::train
