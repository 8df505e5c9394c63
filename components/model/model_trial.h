// The trial of a loaded model: is a row in a batch answered as it is alone? A network that was
// exported for a fixed number of rows answers others without a word, and wrong. Called by
// CheckExamples, which has looked at the examples' answers.
#pragma once

#include <cstdint>
#include <vector>

#include "components/model/model.h"
#include "operator/base/result.h"

namespace penstock::model {

// Rows by the signature alone, each as the inputs of a request of one row: one of zeros, then some
// that are like no other, within their bounds. The same at each call.
[[nodiscard]] std::vector<std::vector<InputTensor>> MadeUpRows(const Signature& signature);

// Runs each of the rows alone, and `full_batch` of them together (fewer where their inputs would
// take more than 64 MiB; those given over and over). `rows` are prepared and not empty; a model
// that is not batched only runs each. Invalid says which answer is of another number of rows than
// was asked, or of another value or shape than alone.
[[nodiscard]] Result<void> TryRows(const Model& model, const std::vector<std::vector<Tensor>>& rows,
                                   std::int64_t full_batch);

}  // namespace penstock::model
