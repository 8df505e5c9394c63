// Folders as artifacts see them: regular files only. Pure file system work; thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::artifacts {

struct TreeFile {
  std::string path;  // relative to the root, "/" between parts
  std::uint64_t size = 0;
  bool executable = false;
};

// The regular files under `root`, sorted by path. A link, device, pipe or socket is Invalid and
// named; so is a name that is not UTF-8. Empty folders are not recorded.
[[nodiscard]] Result<std::vector<TreeFile>> ListTree(const std::filesystem::path& root);

// Takes the write permission from everything at and under `root`.
[[nodiscard]] Result<void> MakeReadOnly(const std::filesystem::path& root);

// Removes `root` and all under it, read-only folders too. A missing root is success.
[[nodiscard]] Result<void> RemoveTree(const std::filesystem::path& root);

}  // namespace penstock::artifacts
