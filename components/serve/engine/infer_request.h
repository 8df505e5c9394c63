// An inference request as every dialect gives it: V2 JSON, V2 binary, TF Serving's predict, gRPC.
// A value that borrows its strings from whoever decoded it.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "components/serve/engine/model_names.h"

namespace penstock::serve {

struct AskedOutput {
  std::string name;
  std::optional<bool> binary;
};

struct InferRequest {
  std::string id;  // empty when the client gave none
  std::vector<InputTensor> inputs;
  std::vector<AskedOutput> outputs;                  // empty: all
  bool binary_outputs = false;                       // where an output does not say
  std::optional<std::chrono::microseconds> timeout;  // the parameter of that name
  std::deque<std::string> decoded = {};  // texts of inputs that are no part of the body; moves keep
                                         // them where they are
};

}  // namespace penstock::serve
