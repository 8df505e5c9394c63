// What a hostile writer could put into a manifest and must not: of one file, and of files together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/artifacts/manifest.h"

namespace penstock::artifacts {

inline constexpr std::uint64_t kMaxFolderBytes = 1ULL << 60;  // of all files together

// `where` names the file; `blocks` is how many it has, and all of those in file.blocks are looked
// at.
[[nodiscard]] Result<void> CheckManifestFile(const ManifestFile& file, std::uint64_t blocks,
                                             const std::string& where);
[[nodiscard]] bool IsHex64(std::string_view text);

// Paths one after the other: sorted and unique, and none the folder of another. Holds the last
// path, and the lengths of those before that are beginnings of it.
class PathOrder {
 public:
  [[nodiscard]] Result<void> Take(const std::string& path);

 private:
  std::string last_;
  std::vector<std::size_t> beginnings_;  // growing; the last is last_ itself
};

}  // namespace penstock::artifacts
