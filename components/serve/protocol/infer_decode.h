// The V2 inference request, JSON with or without binary tensors behind it -> typed tensors (Open
// Inference Protocol, inference_rest.md; the binary tensor data extension).
//
// Pure: knows no model. Every error is Invalid, names the input and the element, and says what was
// expected. Data may be flat or nested; keys may come in any order; unknown keys are ignored but
// must be JSON. A decoder is used by one thread at a time; its answer borrows its strings and is
// good until the next Decode.
#pragma once

#include <memory>
#include <string>

#include "components/serve/engine/infer_request.h"
#include "components/serve/engine/model_names.h"
#include "operator/base/result.h"

namespace penstock::serve {

class InferDecoder {
 public:
  InferDecoder();
  ~InferDecoder();

  // The body may grow in capacity, its text stays. The first `json_size` bytes are JSON, what comes
  // after them are the tensors that name a binary_data_size, in their order.
  [[nodiscard]] Result<InferRequest> Decode(std::string* body,
                                            std::size_t json_size = std::string::npos);
  // Ends the use of the last answer: what is large of its buffers is freed.
  void GiveBack();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A body that is one tensor and nothing else, for a model with one input: a batch of one, at most
// one further dimension left open (it is what the size says), BYTES one text. All outputs are asked
// for as binary.
[[nodiscard]] Result<InferRequest> DecodeRaw(const Signature& signature, std::string_view body);

}  // namespace penstock::serve
