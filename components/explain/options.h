// The parameters of explain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "components/explain/explainer.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::explain {

struct Options {
  ExplainOptions explain;
  std::optional<std::int64_t> rows;  // at most so many, spread evenly
};
// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

}  // namespace penstock::explain
