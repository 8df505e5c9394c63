// A model from outside the store, for a server's pod: streamed, bounded, resumed, and verified
// against the digest that pins it. Blocks; any thread.
//
//   http[s]://host/path/name       a file: the folder holds it as `name`; a .tar, .tar.gz or .tgz
//                                  is unpacked into the folder
//   s3://bucket/path/name          the same, and of gs://, az://, webhdfs:// and swebhdfs://, with
//                                  the keys of the environment (operator/remote)
//   s3://bucket/path/              all objects below it
//   oci://registry/repository:tag  the files of an artifact or image (operator/oci/model_image.h)
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "operator/archive/unpack.h"
#include "operator/base/result.h"
#include "operator/net/download.h"

namespace penstock::launcher {

struct ModelFetch {
  std::string source;  // without its digest
  // "sha256:<hex>" of the file's bytes, of the manifest, or of a folder as artifacts have it.
  std::string digest;
  std::filesystem::path registry_auth;  // a folder of dockerconfigjson files; empty: none
  archive::UnpackLimits limits;
  net::DownloadOptions download;
};

// Writes the folder `target`, which must not be there, read-only; leaves nothing after an error.
// kDamaged where the bytes are not the digest's. Trusts what SSL_CERT_FILE and SSL_CERT_DIR name,
// and goes through HTTPS_PROXY. Messages hold no query of the URL.
[[nodiscard]] Result<void> FetchModel(const ModelFetch& fetch, const std::filesystem::path& target,
                                      const std::stop_token& stop);

}  // namespace penstock::launcher
