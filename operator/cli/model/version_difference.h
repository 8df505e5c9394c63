// How two versions of a model differ, field by field. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/registry/registered_model.h"

namespace penstock::cli {

struct VersionDifference {
  std::string field;          // "parameters/rate"
  std::string before, after;  // JSON on one line; "-" where there is none
};

[[nodiscard]] std::vector<VersionDifference> DifferencesOf(const api::RegisteredVersion& before,
                                                           const api::RegisteredVersion& after);

}  // namespace penstock::cli
