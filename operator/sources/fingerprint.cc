#include "operator/sources/fingerprint.h"

#include <filesystem>

#include "operator/artifacts/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/base/sha256.h"
#include "operator/protocol/task.h"
#include "operator/sources/http_head.h"

namespace penstock::sources {
namespace {

Fingerprint Unknown(std::string why) { return {"", std::move(why)}; }

Fingerprint OfHttp(const std::string& uri, const FingerprintOptions& options) {
  HeadOptions head;
  head.allow_local = options.local_files;
  head.stop = options.stop;
  auto reply = HttpHead(uri, head);
  if (!reply) return Unknown(reply.error().message);
  if (reply->status != 200) {
    return Unknown(uri + " answered HEAD with status " + std::to_string(reply->status));
  }
  const auto header = [&](const char* name) { return std::string(reply->Header(name)); };
  return {HttpFingerprint(header("x-amz-version-id"), header("etag"), header("content-length")),
          ""};
}

Fingerprint OfFolder(const std::filesystem::path& path) {
  auto files = artifacts::ListTree(path);
  if (!files) return Unknown(files.error().message);
  Sha256 all;
  for (const auto& file : *files) {
    auto digest = artifacts::DigestFile(path / file.path);
    if (!digest) return Unknown(digest.error().message);
    all.Update(file.path + '\0' + digest->sha256 + '\n');
  }
  return {"sha256:" + all.HexDigest(), ""};
}

Fingerprint OfFile(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return OfFolder(path);
  auto digest = artifacts::DigestFile(path);
  if (!digest) return Unknown(digest.error().message);
  return {"sha256:" + digest->sha256, ""};
}

}  // namespace

Fingerprint TakeFingerprint(const std::string& uri, const FingerprintOptions& options) {
  if (uri.rfind("http://", 0) == 0 || uri.rfind("https://", 0) == 0) return OfHttp(uri, options);
  const bool file = uri.rfind("file://", 0) == 0;
  if (file || uri.rfind('/', 0) == 0) {
    if (!options.local_files) return {};  // the step's pod reads it, and it is not known here
    return OfFile(file ? uri.substr(7) : uri);
  }
  return {};
}

}  // namespace penstock::sources
