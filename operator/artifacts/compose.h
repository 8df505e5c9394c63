// Folders made of artifacts that the store holds: their bytes stay where they are, only a manifest
// is written. Functions of their arguments; they block on the disk.
#pragma once

#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

struct FolderEntry {
  std::string name;      // a file's or a folder's, one part of a path
  ArtifactRef artifact;  // of the same namespace
};

// A folder with these entries: a file artifact is a file, a folder artifact a folder. Its digest
// depends on names, digests and modes only. kNotFound where the store lacks a folder's manifest or
// a file that is larger than one block, whose blocks are digested; Invalid where names meet or
// there are more files than a manifest holds.
[[nodiscard]] Result<ArtifactRef> ComposeFolder(const Store& store, const std::string& ns,
                                                const std::vector<FolderEntry>& entries);

// A file with these bytes.
[[nodiscard]] Result<ArtifactRef> PutBytes(const Store& store, const std::string& ns,
                                           const std::string& bytes);

}  // namespace penstock::artifacts
