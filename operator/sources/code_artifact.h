// A step's own program as an artifact: the content of a ConfigMap stored as a folder, or an
// artifact that was uploaded before. Blocks on the store; thread-safe.
#pragma once

#include <filesystem>
#include <string>

#include "operator/api/pipeline.h"
#include "operator/artifacts/store.h"
#include "operator/base/json_fwd.h"

namespace penstock::sources {

// Stores data and binaryData as files of one folder. Invalid for a key that is no file name, or
// when there is none.
[[nodiscard]] Result<ArtifactRef> StoreConfigMap(const artifacts::Store& store,
                                                 const Json& config_map);

// The folder artifact that `digest` names in the namespace; Invalid when it is a single file or was
// never uploaded.
[[nodiscard]] Result<ArtifactRef> FindCode(const artifacts::Store& store, const std::string& ns,
                                           const std::string& digest);

// The file of a folder that is the lock of its packages (api::CodeSpec::Requirements). Invalid
// where the folder has no such file, or it is no lock: every line that is none is named.
[[nodiscard]] Result<ArtifactRef> FindLock(const artifacts::Store& store, const std::string& ns,
                                           const ArtifactRef& folder, const std::string& file);

}  // namespace penstock::sources
