// TensorFlow Serving's REST predict request -> typed tensors (api_rest.md of that project).
//
//   row form     {"instances": [ROW, ...]}   ROW: {"input": value, ...}, or the value of the one
//   input column form  {"inputs": {"input": tensor, ...}}, or the tensor of the one input
//
// Untyped: the signature says what the values become; shapes are what the lists say. Bytes may come
// as {"b64": "..."}. Errors are Invalid and name the row and the input. One thread at a time; the
// answer borrows its strings and is good until the next Decode.
#pragma once

#include <memory>
#include <string>

#include "components/serve/engine/infer_request.h"
#include "components/serve/engine/model_names.h"
#include "operator/base/result.h"

namespace penstock::serve {

struct PredictRequest {
  InferRequest infer;
  bool rows = true;  // the answer has the request's form
};

class PredictDecoder {
 public:
  PredictDecoder();
  ~PredictDecoder();
  [[nodiscard]] Result<PredictRequest> Decode(const Signature& signature, std::string* body);
  // Ends the use of the last answer: what is large of its buffers is freed.
  void GiveBack();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// {"predictions": [...]} or {"outputs": ...}: bare values of one output, objects of several.
// Texts of outputs whose name ends in _bytes are {"b64": ...}. Errors as EncodeInferResponse's.
[[nodiscard]] Result<std::string> EncodePredictions(const std::vector<Tensor>& outputs, bool rows);

}  // namespace penstock::serve
