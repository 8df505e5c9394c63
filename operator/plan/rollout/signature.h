// What a version of a model accepts and answers, as its server tells it, and whether whoever sends
// requests to one version can send them to another. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::rollout {

struct SignatureTensor {
  std::string name;
  std::string datatype;             // V2's: FP32, BYTES ...
  std::vector<std::int64_t> shape;  // -1: any size
  // parameters.nullable of an input, which Penstock's own server tells; nothing: not told.
  std::optional<bool> nullable = std::nullopt;
  bool optional = false;  // an input that may be left out (Triton's `optional`)
};

struct Signature {
  std::vector<SignatureTensor> inputs;
  std::vector<SignatureTensor> outputs;
};

// The answer to V2's GET /v2/models/<name>. Invalid for what is no such answer, or tells neither
// inputs nor outputs, as servers do whose author left them out.
[[nodiscard]] Result<Signature> ParseSignature(std::string_view body);

// What a request or a reader of answers that fits `stable` finds lacking or changed in `candidate`,
// each with the field, old and new, in the order of `stable`: an input that is gone, of another
// datatype, of sizes that it does not take any more, or that takes no null any more; an input that
// is new and must be sent; an output that is gone, of another datatype or of other sizes. More
// outputs, and inputs that take more than before, are no change. Empty: compatible.
[[nodiscard]] std::vector<std::string> SignatureBreaks(const Signature& stable,
                                                       const Signature& candidate);

}  // namespace penstock::rollout
