// V2 requests: JSON up to the first zero byte, binary tensors behind it; and the whole as a raw
// body.
#include <cstdint>
#include <string>

#include "components/serve/protocol/binary_tensor.h"
#include "components/serve/protocol/infer_decode.h"
#include "tests/fuzz/fuzz_check.h"

using namespace penstock::serve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static InferDecoder decoder;
  static const Signature signature = MixedSignature();
  std::string body(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = body.find('\0');
  std::size_t json_size = std::string::npos;
  if (zero != std::string::npos) {
    body.erase(zero, 1);
    json_size = zero;
  }
  auto request = decoder.Decode(&body, json_size);
  if (request) {
    CheckTensors(*request);
    (void)FitInputs(signature, &request->inputs);
  }
  Signature one;
  one.inputs = {signature.inputs[4]};
  if (auto raw = DecodeRaw(one, body)) CheckTensors(*raw);
  one.inputs = {{"t", Datatype::kBytes, {-1, -1}, false, false}};
  if (auto raw = DecodeRaw(one, body)) CheckTensors(*raw);
  return 0;
}
