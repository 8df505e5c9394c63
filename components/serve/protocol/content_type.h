// The parameter content_type, by which MLServer's clients say how they have written what they mean
// (mlserver/codecs): np, str, base64, datetime and pd_json of an input; pd, np and str of a
// request. Pure.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "components/serve/engine/infer_request.h"
#include "components/serve/protocol/json_read.h"

namespace penstock::serve {

// What is no content type of a request is refused by name.
[[nodiscard]] Complaint CheckRequestContentType(std::string_view type);

// Makes of a whole input what its content type says: base64 is decoded, pd_json's elements are read
// as the JSON that each is. Refused by name: another type, another datatype than it needs, an
// element that is none. What is decoded is kept in `texts`.
[[nodiscard]] Complaint ApplyContentType(std::string_view type, InputTensor* input,
                                         std::deque<std::string>* texts);

}  // namespace penstock::serve
