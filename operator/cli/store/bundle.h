// Artifacts on their way from one store to another: a tar archive of blobs, by the same names as in
// a store, over whatever Transport reaches it, a state folder or a gateway before a volume or
// buckets.
//
//   penstock-artifacts.json   {"version": 1, "artifacts": [{"name", "digest", "folder", "bytes"}]}
//   blobs/<sha256>            a file; a folder's files first, then its manifest
//
// A blob that several artifacts hold stands once. A file at a time lies in `scratch`, verified
// against its digest on either side. A manifest comes in when all its files are there: whoever sees
// the folder sees it whole, and an import that broke off goes on where it was, as what is there is
// not sent again. Block; the command's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/artifacts/transport.h"
#include "operator/base/result.h"

namespace penstock::cli {

struct BundledArtifact {
  std::string name;  // by which it was asked for
  ArtifactRef artifact;
};

struct Bundled {
  std::vector<BundledArtifact> artifacts;
  std::uint64_t files = 0, bytes = 0;  // blobs
};

// Writes the archive to `to`, which appears whole or not at all, and is not there before; `scratch`
// is of the same file system. What the digests stand for, and how large they are, is found out
// here, by the one time that each is fetched.
[[nodiscard]] Result<Bundled> Export(artifacts::Transport& transport,
                                     std::vector<BundledArtifact> artifacts,
                                     const std::filesystem::path& to,
                                     const std::filesystem::path& scratch,
                                     const std::stop_token& stop);

// Invalid for what is no such archive, kDamaged, with its name, for a blob with other bytes.
[[nodiscard]] Result<Bundled> Import(artifacts::Transport& transport,
                                     const std::filesystem::path& from,
                                     const std::filesystem::path& scratch,
                                     const std::stop_token& stop);

}  // namespace penstock::cli
