// The digest that pins a model: of a file or folder here, of what a URL gives, of what a registry
// calls by a tag, of an object of a bucket or a folder of them. Reads all of it, keeps nothing.
#pragma once

#include <string>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct ModelDigestOptions {
  std::string model;          // a path, http[s]://..., oci://..., s3://... and its like
  std::string registry_auth;  // a dockerconfigjson; empty: ~/.docker/config.json where it is there
};

// penstock model digest: prints "sha256:<hex>" of a path, "<URI>@sha256:<hex>" of a URI.
int ModelDigest(const ModelDigestOptions& options, Session& session);

}  // namespace penstock::cli
