// The model's vocabulary (components/model), as the server's code calls it.
#pragma once

#include "components/model/model.h"
#include "components/model/signature.h"
#include "components/model/tensor.h"

namespace penstock::serve {

using model::ConcatenateRows;
using model::Datatype;
using model::ElementCount;
using model::FitInputs;
using model::FormatShape;
using model::InputSpec;
using model::InputTensor;
using model::IntegerRange;
using model::IsExactDouble;
using model::IsFloat;
using model::IsInteger;
using model::kAboveInt64;
using model::kTimeUnit;
using model::Model;
using model::OutputSpec;
using model::ParseDatatype;
using model::RangeOf;
using model::SelectOutputs;
using model::Shape;
using model::Signature;
using model::SliceRows;
using model::Tensor;

}  // namespace penstock::serve
