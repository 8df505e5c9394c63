#include "components/model/torch_rewrite.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/library.h>

#include <optional>
#include <vector>

namespace penstock::model {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;

constexpr std::int64_t kMostElements = 4 << 20;  // of a weight that may be held twice: 16 MiB

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const at::Tensor& transposed) {
  if (x.dim() == 2 && x.scalar_type() == transposed.scalar_type())
    return at::addmm(bias, x, transposed);
  return at::linear(x, weight, bias);
}

TORCH_LIBRARY_FRAGMENT(penstock, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor bias, Tensor transposed) -> Tensor", &Linear);
}

std::optional<at::Tensor> ConstantMatrix(torch::jit::Value* value, std::int64_t dim) {
  const auto constant = torch::jit::toIValue(value);
  if (!constant || !constant->isTensor()) return std::nullopt;
  at::Tensor tensor = constant->toTensor();
  if (tensor.dim() != dim || tensor.scalar_type() != at::kFloat || !tensor.device().is_cpu() ||
      tensor.layout() != at::kStrided || tensor.numel() > kMostElements)
    return std::nullopt;
  return tensor;
}

void Rewrite(Block* block, Graph* graph) {
  std::vector<Node*> linear;
  for (Node* node : block->nodes()) {
    for (Block* inner : node->blocks()) Rewrite(inner, graph);
    if (node->kind() == c10::aten::linear) linear.push_back(node);
  }
  for (Node* node : linear) {
    const auto weight = ConstantMatrix(node->input(1), 2);
    if (!weight || !ConstantMatrix(node->input(2), 1)) continue;
    const torch::jit::WithInsertPoint before(node);
    torch::jit::Value* transposed = graph->insertConstant(weight->t().contiguous());
    Node* quick = graph->create(c10::Symbol::fromQualString("penstock::linear"),
                                {node->input(0), node->input(1), node->input(2), transposed});
    graph->insertNode(quick);
    quick->output()->setType(node->output()->type());
    node->output()->replaceAllUsesWith(quick->output());
    node->destroy();
  }
}

}  // namespace

void TransposeWeights(torch::jit::Module* frozen) {
  const auto graph = frozen->get_method("forward").graph();
  Rewrite(graph->block(), graph.get());
}

}  // namespace penstock::model
