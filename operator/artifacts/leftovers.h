// What killed writers left in a store's folder. Works on the disk alone; thread-safe.
#pragma once

#include <chrono>
#include <filesystem>

#include "operator/base/result.h"

namespace penstock::artifacts {

// Removes what is older than `age` of tmp/ and of the temporary files beside receipts, metrics,
// logs, cache entries and prediction logs, in all namespaces below `root`; how many. What cannot be
// removed keeps no other, and is the error.
[[nodiscard]] Result<int> RemoveLeftoversUnder(const std::filesystem::path& root,
                                               std::chrono::seconds age);

}  // namespace penstock::artifacts
