// What cannot be looked at is an error, not absent.
#pragma once

#include <filesystem>

#include "operator/base/result.h"

namespace penstock {

// Whether there is a file, folder or anything else of this path, links followed. The error names
// the path where that cannot be told: a right is missing, the disk fails, links lead in a circle.
[[nodiscard]] Result<bool> IsThere(const std::filesystem::path& path);

}  // namespace penstock
