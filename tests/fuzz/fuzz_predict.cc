// TensorFlow Serving's predict, for a model of many columns and for one of one tensor.
#include <cstdint>
#include <string>

#include "components/serve/protocol/predict_decode.h"
#include "tests/fuzz/fuzz_check.h"

using namespace penstock::serve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static PredictDecoder decoder;
  static const Signature mixed = MixedSignature();
  static const Signature matrix = [] {
    Signature s;
    s.inputs = {mixed.inputs[4]};
    return s;
  }();
  for (const Signature* signature : {&mixed, &matrix}) {
    std::string body(reinterpret_cast<const char*>(data), size);
    auto request = decoder.Decode(*signature, &body);
    if (!request) continue;
    CheckTensors(request->infer);
    (void)FitInputs(*signature, &request->infer.inputs);
  }
  return 0;
}
