// A frozen TorchScript made cheaper to run, with the same answers. Works on TorchScript's own form
// of a program, and is left out with PENSTOCK_TORCH_REWRITE=OFF (plain.cc). Includes
// LibTorch.
#pragma once

#include <torch/script.h>

#include <optional>
#include <vector>

namespace penstock::model {

// Every linear layer with a constant weight gets its weight transposed once, as the matrix product
// wants it: for rows of few columns (batch x features) it then takes half the time, alone and in
// batches. Inputs of another rank are computed as before. The weights are held twice.
void TransposeWeights(torch::jit::Module* frozen);

// One without control flow, as the list of its operators: run without TorchScript's interpreter,
// whose bookkeeping takes as long as a small network's arithmetic.
class TorchProgram {
 public:
  // Nothing when the method has branches, loops, calls, attributes that were not frozen, or
  // anything else but operators on tensors and constants: then the interpreter is to run it.
  [[nodiscard]] static std::optional<TorchProgram> Make(const torch::jit::Module& frozen);

  // What forward answers, with its default arguments for what is not given; throws what its
  // operators throw. Thread-safe.
  [[nodiscard]] c10::IValue Run(const std::vector<c10::IValue>& inputs) const;

 private:
  // Where a value is: at or above 0 a register, below 0 the constant -1 - place.
  using Place = int;
  struct Step {
    mutable torch::jit::Operation run;  // calling it changes nothing
    std::vector<Place> inputs;
    std::vector<Place> outputs;
    std::vector<Place> done_with;  // registers that no later step reads
  };

  std::vector<c10::IValue> constants_;
  std::size_t inputs_ = 0;                            // the first registers
  std::vector<std::optional<c10::IValue>> defaults_;  // of each input
  std::size_t registers_ = 0;                         // of a run
  std::vector<Step> steps_;
  std::vector<Place> answer_;
  bool tuple_ = false;  // the answer is a tuple of `answer_`, else its one value
};

}  // namespace penstock::model
