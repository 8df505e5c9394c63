#include "components/model/torch/program.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/library.h>

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace penstock::model {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

namespace {

bool IsOperator(const Node& node) {
  const std::string ns = node.kind().ns().toUnqualString();
  return (ns == "aten" || ns == "penstock") && node.blocks().empty() &&
         node.maybeOperator() != nullptr;
}

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

std::optional<TorchProgram> TorchProgram::Make(const torch::jit::Module& frozen) {
  const auto graph = frozen.get_method("forward").graph();
  TorchProgram program;
  std::unordered_map<const Value*, Place> places;
  const auto new_register = [&](const Value* value) {
    return places[value] = static_cast<Place>(program.registers_++);
  };
  if (graph->inputs().empty() || graph->inputs()[0]->hasUses() || graph->outputs().size() != 1)
    return std::nullopt;
  for (std::size_t i = 1; i < graph->inputs().size(); ++i) new_register(graph->inputs()[i]);
  program.inputs_ = program.registers_;
  const auto& arguments = frozen.get_method("forward").function().getSchema().arguments();
  for (std::size_t i = 0; i < program.inputs_; ++i) {
    const bool known = i + 1 < arguments.size();  // the first is self
    program.defaults_.push_back(known ? arguments[i + 1].default_value() : std::nullopt);
  }

  const Node* result = graph->outputs()[0]->node();
  program.tuple_ = result->kind() == c10::prim::TupleConstruct;
  for (Node* node : graph->nodes()) {
    if (node->kind() == c10::prim::Constant) {
      auto constant = torch::jit::toIValue(node->output());
      if (!constant) return std::nullopt;
      program.constants_.push_back(std::move(*constant));
      places[node->output()] = -static_cast<Place>(program.constants_.size());
      continue;
    }
    if (node == result && program.tuple_) continue;
    if (!IsOperator(*node)) return std::nullopt;
    Step step{node->getOperation(), {}, {}, {}};
    for (const Value* input : node->inputs()) {
      const auto place = places.find(input);
      if (place == places.end()) return std::nullopt;
      step.inputs.push_back(place->second);
    }
    for (const Value* output : node->outputs()) step.outputs.push_back(new_register(output));
    program.steps_.push_back(std::move(step));
  }
  if (program.tuple_) {
    for (const Value* element : result->inputs()) program.answer_.push_back(places.at(element));
  } else {
    program.answer_.push_back(places.at(graph->outputs()[0]));
  }

  std::unordered_set<Place> read_later(program.answer_.begin(), program.answer_.end());
  for (auto step = program.steps_.rbegin(); step != program.steps_.rend(); ++step) {
    for (const Place place : step->inputs)
      if (place >= 0 && read_later.insert(place).second) step->done_with.push_back(place);
  }
  return program;
}

c10::IValue TorchProgram::Run(const std::vector<c10::IValue>& inputs) const {
  if (inputs.size() > inputs_ || (inputs.size() < inputs_ && !defaults_[inputs.size()]))
    throw std::invalid_argument("the network takes " + std::to_string(inputs_) + " inputs, not " +
                                std::to_string(inputs.size()));
  std::vector<c10::IValue> registers(registers_);
  std::copy(inputs.begin(), inputs.end(), registers.begin());
  for (std::size_t i = inputs.size(); i < inputs_; ++i) registers[i] = defaults_[i].value();
  const auto at = [&](Place place) -> const c10::IValue& {
    return place >= 0 ? registers[static_cast<std::size_t>(place)]
                      : constants_[static_cast<std::size_t>(-1 - place)];
  };
  torch::jit::Stack stack;
  stack.reserve(16);
  for (const Step& step : steps_) {
    for (const Place place : step.inputs) stack.push_back(at(place));
    for (const Place place : step.done_with) registers[static_cast<std::size_t>(place)] = {};
    step.run(stack);
    for (auto output = step.outputs.rbegin(); output != step.outputs.rend(); ++output) {
      registers[static_cast<std::size_t>(*output)] = std::move(stack.back());
      stack.pop_back();
    }
  }
  if (!tuple_) return at(answer_.front());
  std::vector<c10::IValue> elements;
  for (const Place place : answer_) elements.push_back(at(place));
  return c10::ivalue::Tuple::create(std::move(elements));
}

}  // namespace penstock::model
