// A model that is kept in a registry, as a folder.
//
//   an image             the files under /models of its layers (KServe's "modelcar" form)
//   an artifact          its layers: a file under its title (org.opencontainers.image.title or
//                        org.cncf.model.filepath), or a tar archive, under gzip or not, unpacked
//                        where its type or ORAS's annotation says that it is one
//
// Of an index that of linux and this machine's architecture is taken, else its first.
#pragma once

#include <filesystem>
#include <string>

#include "operator/archive/unpack.h"
#include "operator/base/result.h"
#include "operator/oci/registry.h"

namespace penstock::oci {

// Writes the files below `folder`, which must be there and empty. The manifest's bytes must be
// those of `digest`, each blob's those that the manifest names. Invalid for what is no model; else
// as Registry and Unpacker.
[[nodiscard]] Result<void> FetchModelImage(Registry& registry, const std::string& digest,
                                           const std::filesystem::path& folder,
                                           const archive::UnpackLimits& limits);

}  // namespace penstock::oci
