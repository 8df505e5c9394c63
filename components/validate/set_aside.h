// A dataset parted into the rows that broke something and the rest, in one more pass over it. What
// is set aside has one column more, `_broken`: which rules, by name, and "schema". Both keep the
// order and the stored types.
#pragma once

#include <arrow/type_fwd.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::validate {

inline constexpr const char* kBrokenColumn = "_broken";

struct SetAsidePlan {
  std::string dataset;              // read
  sdk::Schema described;            // of the outputs
  std::optional<std::string> rest;  // folders; nothing: not written
  std::optional<std::string> quarantine;
  // The names of what a row broke; empty: nothing.
  std::function<std::vector<std::string>(std::int64_t row)> broken;
};

// Gives the number of rows set aside. Invalid where the dataset has a column `_broken` already.
[[nodiscard]] Result<std::int64_t> Part(const SetAsidePlan& plan);

}  // namespace penstock::validate
