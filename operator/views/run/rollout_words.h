// What people say to a rollout, as annotations of its ModelDeployment. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "operator/api/model_deployment.h"
#include "operator/base/result.h"

namespace penstock::views {

// What to annotate for promote, pause, resume, abort or undo (`to`: the version; 0: the one
// before), by name; null takes one away. Invalid: why the word makes no sense now.
[[nodiscard]] Result<Json> RolloutWords(const api::ModelDeployment& md, const std::string& what,
                                        std::int64_t to = 0);

}  // namespace penstock::views
