// Built instead of program.cc with PENSTOCK_TORCH_REWRITE=OFF:
// TorchScript's interpreter runs the program as it was exported.
#include "components/model/torch/program.h"

namespace penstock::model {

std::optional<TorchProgram> TorchProgram::Make(const torch::jit::Module&) { return std::nullopt; }

c10::IValue TorchProgram::Run(const std::vector<c10::IValue>&) const { return {}; }  // none is made

void TransposeWeights(torch::jit::Module*) {}

}  // namespace penstock::model
