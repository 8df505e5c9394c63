// One repository of a registry, by the OCI distribution API: documents and blobs, with a token or a
// basic login where one is wanted. Blocks; used by one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/net/download.h"
#include "operator/oci/image_name.h"
#include "operator/oci/logins.h"

namespace penstock::oci {

inline constexpr std::size_t kMaxDocument = 4 << 20;
inline constexpr const char* kManifestTypes =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

struct RegistryOptions {
  net::SteadyTime deadline = net::SteadyTime::max();  // of all documents together
  net::AddressCheck may_ask = {};  // held against every address on the way; none: all
  std::function<Result<std::optional<net::Proxy>>(const net::Url&)> proxy_for = {};
  std::string ca_pem;  // trusted; empty: the system's
  Logins logins;
  net::DownloadOptions blobs;
  std::stop_token stop = {};
};

class Registry {
 public:
  Registry(ImageName name, RegistryOptions options);
  ~Registry();

  // The JSON object that `path` of the repository ("/manifests/latest") stands for. Where `digest`
  // is not empty its bytes must be the digest's; `found` gets their digest. NotFound where the
  // registry has none of the name; Forbidden where it wants a login that is not there or not
  // taken; Invalid for an answer that is no object or not the digest's; what may_ask returned;
  // Transient when it cannot be reached in time, or is in trouble.
  [[nodiscard]] Result<Json> Document(const std::string& path, const std::string& accept,
                                      const std::string& digest, std::string* found = nullptr);

  // The blob of the digest, of `size` bytes: handed to `take` as it arrives (net::Download),
  // verified at the end. kDamaged where the bytes are not the digest's.
  [[nodiscard]] Result<void> Blob(const std::string& digest, std::uint64_t size,
                                  const net::TakeBytes& take);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::oci
