// Where a model comes from that is no artifact of the namespace: a URI with the digest that pins
// it. Operator (which mounts, which secrets) and launcher (what is fetched) read it alike. Pure.
//
//   https://host/path@sha256:<hex>          of the file's bytes; http too; a .tar, .tar.gz or .tgz
//                                           is unpacked
//   pvc://claim/path@sha256:<hex>           of a file's bytes, or of a folder as artifacts have it
//   oci://registry/repository[:tag]@sha256:<hex>   of the manifest
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock {

struct ModelSource {
  enum class Kind : std::uint8_t { kHttp, kClaim, kOci } kind = Kind::kHttp;
  std::string digest;    // "sha256:<hex>"
  std::string location;  // without the digest: a URL, or what an image is called
  std::string claim;     // of pvc://
  std::string path;      // of pvc://: in the claim, relative
};

// Where a model server's fetching container finds the key that the model must be signed by, and the
// exit code by which it says that the model is not.
inline constexpr const char* kModelKeyVariable = "PENSTOCK_MODEL_KEY";
inline constexpr int kNotSignedExit = 4;

// Whether the text is one of these, well-formed or not.
[[nodiscard]] bool IsModelUri(std::string_view text);

// Invalid says which part is wrong, and of a URI without a digest how to get one.
[[nodiscard]] Result<ModelSource> ParseModelSource(const std::string& uri);

}  // namespace penstock
