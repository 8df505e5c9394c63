#include "operator/protocol/model_source.h"

#include <algorithm>
#include <array>

#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/protocol/span_uri.h"

namespace penstock {
namespace {

constexpr std::string_view kClaim = "pvc://";
constexpr std::string_view kOci = "oci://";
constexpr std::string_view kImage = "image://";
// Of abfss:// there is none: it has an '@' of its own, and az:// is the same.
constexpr std::array<std::string_view, 5> kBuckets{"s3://", "gs://", "az://", "webhdfs://",
                                                   "swebhdfs://"};

bool IsHttp(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

// What the kubelet takes as a subPath: relative, without a part "..".
bool IsPathInside(const std::string& path) {
  return !path.empty() && path.front() != '/' && path.find("..") == std::string::npos;
}

}  // namespace

bool IsModelUri(std::string_view text) {
  return IsHttp(text) || text.starts_with(kClaim) || text.starts_with(kOci) || IsBucketUri(text);
}

bool IsBucketUri(std::string_view text) {
  return std::any_of(kBuckets.begin(), kBuckets.end(),
                     [&](std::string_view scheme) { return text.starts_with(scheme); });
}

std::string SourceOfImage(const std::string& image) { return std::string(kImage) + image; }

std::string ImageOfSource(const std::string& source) {
  return source.starts_with(kImage) ? source.substr(kImage.size()) : "";
}

std::string DigestOfImage(const std::string& image) {
  const auto at = image.rfind('@');
  if (at == std::string::npos || at == 0) return "";
  std::string digest = image.substr(at + 1);
  return IsDigest(digest) ? digest : "";
}

Result<ModelSource> ParseModelSource(const std::string& uri) {
  const std::string shown = ShownUri(uri);
  if (!IsModelUri(uri))
    return Invalid("'" + plan::Shown(shown) +
                   "' is no https, oci, pvc, s3, gs, az or webhdfs URI of a model");
  ModelSource source;
  const auto at = uri.rfind('@');
  if (at == std::string::npos || !IsDigest(std::string_view(uri).substr(at + 1)))
    return Invalid("the URI " + plan::Shown(shown) +
                   " needs the digest that pins it, as in https://host/model.onnx@sha256:<64 "
                   "hexadecimal digits>: `penstock model digest <URI>` prints it");
  source.digest = uri.substr(at + 1);
  source.location = uri.substr(0, at);
  if (source.location.find('@') != std::string::npos)
    return Invalid("the URI " + plan::Shown(shown) + " holds a user: leave it out");
  if (IsHttp(source.location)) return source;
  if (source.location.starts_with(kOci)) {
    source.kind = ModelSource::Kind::kOci;
    source.location.erase(0, kOci.size());
    return source;
  }
  if (IsBucketUri(source.location)) {
    source.kind = ModelSource::Kind::kBucket;
    if (IsSpanUri(source.location) || source.location.find_first_of("?#") != std::string::npos)
      return Invalid("the URI " + plan::Shown(shown) +
                     " must name one object, or a folder by a / at its end: without ?, # and {");
    return source;
  }
  source.kind = ModelSource::Kind::kClaim;
  source.location.erase(0, kClaim.size());
  const auto slash = source.location.find('/');
  source.claim = source.location.substr(0, slash);
  source.path = slash == std::string::npos ? "" : source.location.substr(slash + 1);
  if (source.claim.empty() || !IsPathInside(source.path))
    return Invalid("'" + plan::Shown(shown) + "' is not pvc://<claim>/<path>, the path inside it");
  return source;
}

}  // namespace penstock
