// The elements of one tensor's "data", read from simdjson's on-demand values. Internal to the
// decoder: included by infer_decode.cc and json_data.cc only.
#pragma once

#include "components/serve/protocol/json_read.h"

namespace penstock::serve {

// Fills input->data and input->nulls from `data`, flat or nested as input->shape says. The datatype
// and the shape are set and `count` is their product; of a text of this size there cannot be more
// than `most` elements, whatever the shape claims. Strings are borrowed from the parser. A
// complaint does not name the input.
[[nodiscard]] Complaint ReadData(simdjson::ondemand::value data, std::int64_t count,
                                 std::int64_t most, InputTensor* input);

}  // namespace penstock::serve
