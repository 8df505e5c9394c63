// Reads a folder's manifest as it streams by, file after file, in memory that does not grow with
// it: a folder of 1,000,000 files has a manifest of hundreds of megabytes. Whoever reads a manifest
// of others reads it here. Functions of their arguments alone; they block on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "operator/artifacts/manifest.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

// Called in the order of the paths; an error ends the reading and is what comes out of it.
using EachFile = std::function<Result<void>(ManifestFile&& file)>;

struct ManifestTotals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of the files
  std::string digest;       // "sha256:<64 hex>" of the text
};

// Invalid for what is no manifest, with the first thing that is wrong; what comes behind that is
// not read. The digest is of all that was read: who asked for another throws the files away.
[[nodiscard]] Result<ManifestTotals> ReadManifestText(std::string_view text, const EachFile& each);
// Of a file, whose digests of blocks are counted and not kept.
[[nodiscard]] Result<ManifestTotals> ReadManifestFile(const std::filesystem::path& path,
                                                      const EachFile& each);

// What the blob of a digest stands for, which the digest alone does not say: a folder, where the
// file at `blob` is a folder's manifest, else a file. kNotFound where it is not there; what cannot
// be read is an error, and neither.
[[nodiscard]] Result<ArtifactRef> FileOrFolder(const std::filesystem::path& blob,
                                               const std::string& digest);

// Reads the beginning only: Invalid where that is the beginning of no manifest.
[[nodiscard]] Result<void> CheckManifestHead(const std::filesystem::path& path);

}  // namespace penstock::artifacts
