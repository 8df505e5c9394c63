// Where a model comes from that is no artifact of the namespace: a URI with the digest that pins
// it. Operator (which mounts, which secrets) and launcher (what is fetched) read it alike. Pure.
//
//   https://host/path@sha256:<hex>          of the file's bytes; http too; a .tar, .tar.gz or .tgz
//                                           is unpacked
//   pvc://claim/path@sha256:<hex>           of a file's bytes, or of a folder as artifacts have it
//   oci://registry/repository[:tag]@sha256:<hex>   of the manifest
//   s3://bucket/key@sha256:<hex>            of the file's bytes; a .tar, .tar.gz or .tgz is
//   unpacked s3://bucket/folder/@sha256:<hex>        of the folder, as artifacts have it; gs, az,
//   webhdfs and
//                                           swebhdfs too
//
// A version may be the image of its server instead, which no pod fetches:
// image://<image>@sha256:... stands for it where a URI would, in status and in what is remembered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock {

struct ModelSource {
  enum class Kind : std::uint8_t { kHttp, kClaim, kOci, kBucket } kind = Kind::kHttp;
  std::string digest;    // "sha256:<hex>"
  std::string location;  // without the digest: a URL, a bucket's URI, or what an image is called
  std::string claim;     // of pvc://
  std::string path;      // of pvc://: in the claim, relative
};

// Where a model server's fetching container finds the key that the model must be signed by, and the
// exit code by which it says that the model is not.
inline constexpr const char* kModelKeyVariable = "PENSTOCK_MODEL_KEY";
inline constexpr int kNotSignedExit = 4;

// Whether the text is one of these, well-formed or not; image:// is none.
[[nodiscard]] bool IsModelUri(std::string_view text);

// Invalid says which part is wrong, and of a URI without a digest how to get one.
[[nodiscard]] Result<ModelSource> ParseModelSource(const std::string& uri);

// Whether it is s3://, gs://, az://, webhdfs:// or swebhdfs://.
[[nodiscard]] bool IsBucketUri(std::string_view text);

// "image://" and the image, which is named by its digest.
[[nodiscard]] std::string SourceOfImage(const std::string& image);
// The image of such a source, or "" of any other.
[[nodiscard]] std::string ImageOfSource(const std::string& source);
// "sha256:<hex>" of name@sha256:<hex>, or "" where it is not named so.
[[nodiscard]] std::string DigestOfImage(const std::string& image);

}  // namespace penstock
