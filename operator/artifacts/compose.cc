#include "operator/artifacts/compose.h"

#include <algorithm>
#include <utility>

#include "operator/artifacts/manifest.h"
#include "operator/artifacts/pack.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

Result<void> AddFile(const Store& store, const std::string& ns, const FolderEntry& entry,
                     Manifest& out) {
  ManifestFile file;
  file.path = entry.name;
  file.size = entry.artifact.bytes;
  file.sha256 = entry.artifact.digest.substr(std::string("sha256:").size());
  if (file.size > kBlockBytes) {
    BlockHasher hasher;
    PENSTOCK_TRY(store.ReadBlob(ns, entry.artifact.digest, 0, UINT64_MAX,
                                [&](std::string_view bytes) -> Result<void> {
                                  hasher.Update(bytes);
                                  return {};
                                }));
    FileDigest digest = hasher.Finish();
    if (digest.sha256 != file.sha256) return DigestMismatch(entry.name, file.sha256, digest.sha256);
    file.blocks = std::move(digest.blocks);
  }
  out.files.push_back(std::move(file));
  return {};
}

Result<void> AddFolder(const Store& store, const std::string& ns, const FolderEntry& entry,
                       Manifest& out) {
  PENSTOCK_ASSIGN(const LocalObject blob, store.LocalBlob(ns, entry.artifact.digest));
  auto text = ReadFile(blob.path());
  if (!text) return text.error();
  const std::string actual = "sha256:" + Sha256Hex(*text);
  if (actual != entry.artifact.digest)
    return DigestMismatch("the manifest of " + entry.name, entry.artifact.digest, actual);
  auto manifest = ParseManifest(*text);
  if (!manifest) return Wrap(entry.name, manifest.error());
  for (ManifestFile& file : manifest->files) {
    file.path = entry.name + "/" + file.path;
    out.files.push_back(std::move(file));
  }
  return {};
}

Result<void> Put(const Store& store, const std::string& ns, const std::string& bytes,
                 const std::string& digest) {
  return store.PutBlob(ns, digest, bytes.size(), [&, sent = false]() mutable {
    return Result<std::string_view>(std::exchange(sent, true) ? std::string_view() : bytes);
  });
}

}  // namespace

Result<ArtifactRef> ComposeFolder(const Store& store, const std::string& ns,
                                  const std::vector<FolderEntry>& entries) {
  Manifest manifest;
  for (const FolderEntry& entry : entries) {
    auto added = entry.artifact.folder ? AddFolder(store, ns, entry, manifest)
                                       : AddFile(store, ns, entry, manifest);
    if (!added) return added.error();
    if (manifest.files.size() > kMaxManifestFiles)
      return Invalid("the folder would have over " + std::to_string(kMaxManifestFiles) + " files");
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  const std::string text = FormatManifest(manifest);
  // What no reader would take is not written.
  if (auto whole = ParseManifest(text); !whole) return whole.error();
  const std::string digest = "sha256:" + Sha256Hex(text);
  if (auto put = Put(store, ns, text, digest); !put) return put.error();
  return ArtifactRef{digest, true, manifest.Bytes()};
}

Result<ArtifactRef> PutBytes(const Store& store, const std::string& ns, const std::string& bytes) {
  const std::string digest = "sha256:" + Sha256Hex(bytes);
  if (auto put = Put(store, ns, bytes, digest); !put) return put.error();
  return ArtifactRef{digest, false, bytes.size()};
}

}  // namespace penstock::artifacts
