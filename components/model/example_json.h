// A model's examples (examples.jsonl) as tensors, and its answers as the examples' JSON. Pure.
#pragma once

#include <span>
#include <vector>

#include "components/model/model_loader.h"
#include "components/model/signature.h"

namespace penstock::model {

// The examples as rows of one call; of a model without a batch axis the first one alone. Texts are
// borrowed from the examples. Invalid names the input and the element.
[[nodiscard]] Result<std::vector<InputTensor>> InputsOf(const Signature& signature,
                                                        std::span<const Example> examples);

// One row of the outputs as {output: value}, or all of them where there are no rows.
[[nodiscard]] Json RowOf(const std::vector<Tensor>& outputs, bool batched, std::size_t row);

}  // namespace penstock::model
