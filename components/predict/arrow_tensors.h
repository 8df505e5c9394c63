// Columns of Arrow <-> tensors of the model server, so that a batch goes the way that a request
// goes. Borrowed texts live as long as the batch.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>

#include "components/model/signature.h"
#include "components/model/tensor.h"
#include "operator/base/result.h"

namespace penstock::predict {

// A column (string, number, bool, timestamp as microseconds) or, for several values a row, a list
// whose every row has as many as the signature says. Invalid names the column and the row.
[[nodiscard]] Result<model::InputTensor> ToInput(const arrow::Array& array,
                                                 const model::InputSpec& spec);

// What a dataset's column of this output is: float64, int64, bool, string; several values a row are
// a fixed-size list of float64 or int64.
[[nodiscard]] std::shared_ptr<arrow::DataType> TypeOf(const model::OutputSpec& spec);
[[nodiscard]] Result<std::shared_ptr<arrow::Array>> ToArrow(const model::Tensor& tensor,
                                                            const model::OutputSpec& spec);

}  // namespace penstock::predict
