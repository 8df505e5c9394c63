// A run's story (views/run_story.h) for people. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::cli {

[[nodiscard]] std::string StoryText(const Json& story, TimePoint now);

}  // namespace penstock::cli
