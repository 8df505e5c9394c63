// A copy of an artifact: from the state folder of this machine, or through the gateway of a
// cluster.
#pragma once

#include <filesystem>

#include "operator/cli/commands.h"

namespace penstock::cli {

// Of `options` its source (sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT or PIPELINE) and the way to
// the gateway. `to` must not exist; what is there afterwards may be deleted by whoever asked.
[[nodiscard]] Result<void> CopyArtifact(const ArtifactOptions& options,
                                        const std::filesystem::path& to, Session& session);

}  // namespace penstock::cli
