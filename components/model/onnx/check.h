// Looks through an ONNX file before the runtime opens it. The file's bytes count, not its name:
//
//   external data   weights in other files: relative names of regular files within the model
//                   file's folder, links resolved, and long enough; anything else is refused
//   operators       of ai.onnx, ai.onnx.ml and com.microsoft (which the runtime has built in), and
//                   functions that the file itself defines; others need a library of their author's
//
// Reads protobuf's wire format with a small reader of its own: bounded in depth, by the file in
// length. No LibTorch, no runtime.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::model {

// What a tensor says of the file that holds it; numbers as the text that they are.
struct ExternalData {
  std::string location;
  std::string offset;
  std::string length;
};

// Pure: the external data that the model names, in the file's order. Invalid: `what` is no ONNX
// model, or uses an operator that is not run.
[[nodiscard]] Result<std::vector<ExternalData>> ReadOnnx(std::string_view bytes,
                                                         const std::string& what);

// Of the file at `path`, and of the files that it names.
[[nodiscard]] Result<void> CheckOnnx(const std::string& path);

}  // namespace penstock::model
