// The one way a blob comes into a folder store: temporary file, digest, fsync, rename.
#pragma once

#include <filesystem>
#include <memory>

#include "operator/artifacts/store.h"

namespace penstock::artifacts {

// `folder` is <root>/<namespace>; the blob will stand in <folder>/blobs/ab/<hex>.
[[nodiscard]] Result<std::unique_ptr<BlobWriter>> NewFileBlob(const std::filesystem::path& folder);

}  // namespace penstock::artifacts
