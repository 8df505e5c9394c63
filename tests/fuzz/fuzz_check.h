// What every decoder promises of what it accepts. For fuzz targets.
#pragma once

#include <string>
#include <variant>

#include "components/serve/engine/infer_request.h"
#include "components/serve/engine/model_names.h"
#include "tests/fuzz/require.h"

namespace penstock::serve {

using fuzz::Require;

// As many elements as the shape says, and nulls for all or for none.
inline void CheckTensors(const InferRequest& request) {
  for (const InputTensor& input : request.inputs) {
    const auto count = ElementCount(input.shape);
    const auto size = std::visit([](const auto& values) { return values.size(); }, input.data);
    Require(count && static_cast<std::size_t>(*count) == size);
    Require(input.nulls.empty() || input.nulls.size() == size);
    if (const auto* texts = std::get_if<std::vector<std::string_view>>(&input.data)) {
      std::size_t bytes = 0;  // touches every text
      for (std::string_view text : *texts)
        for (char c : text) bytes += c != 0 ? 1 : 0;
      Require(bytes < (std::size_t{1} << 40));
    }
  }
}

inline Signature MixedSignature() {
  Signature s;
  s.inputs = {{"text", Datatype::kBytes, {-1}, true, true},
              {"number", Datatype::kFp64, {-1}, true, true},
              {"count", Datatype::kInt32, {-1}, true, false},
              {"truth", Datatype::kBool, {-1}, true, false},
              {"x", Datatype::kFp32, {-1, 2}, false, false}};
  return s;
}

}  // namespace penstock::serve
