// A run's story (views/run_story.h) for people. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::cli {

[[nodiscard]] std::string StoryText(const Json& story, TimePoint now);

// What a word of status.cacheMiss means, in a few more; "" where it says all, or is none.
[[nodiscard]] std::string CacheMeaning(const std::string& miss);

// What views::ExplainCache tells.
[[nodiscard]] std::string CacheText(const Json& told);

}  // namespace penstock::cli
