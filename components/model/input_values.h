// What the values of an input mean, whatever protocol or file they came by: docs/models.md has the
// table, "Missing, infinite, exact". Pure.
#pragma once

#include <optional>

#include "components/model/signature.h"
#include "operator/base/result.h"

namespace penstock::model {

// Of an input whose datatype and shape fit. Marks as null what is missing by its value:
//
//   NaN                     anywhere
//   an infinity             in a column, as training took it; a tensor takes none
//   spec.null_texts         in a column of text, also from a file
//   NaT                     in a column of times that come as text
//
// Invalid names the input and the first element that is null where none is taken, infinite, text
// that is not UTF-8, an integer that can be no time in microseconds, or beyond its bounds.
[[nodiscard]] std::optional<Error> TakeValues(const InputSpec& spec, InputTensor* input);

}  // namespace penstock::model
