// ONNX files, before the runtime opens them: what a field says of its length is never believed.
#include "components/model/onnx/check.h"
#include "tests/fuzz/require.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = model::ReadOnnx(fuzz::Text(data, size), "model.onnx");
  if (!read) {
    fuzz::Require(read.error().message.starts_with("model.onnx"));
    return 0;
  }
  std::size_t bytes = 0;
  for (const model::ExternalData& file : *read) {
    fuzz::Require(!file.location.empty() || !file.offset.empty());
    bytes += file.location.size();
  }
  // each location is the file's own; one more character for each that says that it is empty
  fuzz::Require(bytes <= size);
  return 0;
}
