// The JSON form of a V2 inference request -> typed tensors (Open Inference Protocol,
// inference_rest.md).
//
// Pure: knows no model. Every error is Invalid, names the input and the element, and says what was
// expected. Data may be flat or nested; keys may come in any order; unknown keys are ignored but
// must be JSON. A decoder is used by one thread at a time; its answer borrows its strings and is
// good until the next Decode.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/serve/tensor.h"
#include "operator/base/result.h"

namespace penstock::serve {

struct InferRequest {
  std::string id;  // empty when the client gave none
  std::vector<InputTensor> inputs;
  std::vector<std::string> outputs;  // empty: all
};

class InferDecoder {
 public:
  InferDecoder();
  ~InferDecoder();

  // The body may grow in capacity, its text stays.
  [[nodiscard]] Result<InferRequest> Decode(std::string* body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxRank = 16;

}  // namespace penstock::serve
