#include "operator/sources/code_artifact.h"

#include "operator/api/codec.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/protocol/requirements.h"
#include "operator/sources/scratch_folder.h"

namespace penstock::sources {
namespace {

Result<void> WriteEntries(const Json& config_map, const char* field, bool base64,
                          const std::filesystem::path& folder, int& written) {
  const auto entries = config_map.find(field);
  if (entries == config_map.end() || !entries->is_object()) return {};
  for (const auto& [name, value] : entries->items()) {
    const std::string what = std::string("the ConfigMap's ") + field + "[" + name + "]";
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        !value.is_string()) {
      return Invalid(what + " cannot be a file");
    }
    std::string bytes = value.get<std::string>();
    if (base64) {
      auto decoded = DecodeBase64(bytes);
      if (!decoded) return Invalid(what + " is no base64");
      bytes = std::move(*decoded);
    }
    if (auto ok = WriteFileAtomically(folder / name, bytes); !ok) return ok;
    ++written;
  }
  return {};
}

}  // namespace

Result<ArtifactRef> StoreConfigMap(const artifacts::Store& store, const Json& config_map) {
  const auto meta = api::DecodeMeta(config_map);
  const std::filesystem::path parent = store.Scratch(meta.namespace_);
  const ScratchFolder scratch(parent);
  if (scratch.path().empty()) return Transient("making a folder in " + parent.string());
  int written = 0;
  for (const auto& [field, base64] : {std::pair{"data", false}, std::pair{"binaryData", true}}) {
    if (auto ok = WriteEntries(config_map, field, base64, scratch.path(), written); !ok) {
      return ok.error();
    }
  }
  if (written == 0) return Invalid("the ConfigMap " + meta.name + " holds no files");
  return store.Put(meta.namespace_, scratch.path());
}

Result<ArtifactRef> FindCode(const artifacts::Store& store, const std::string& ns,
                             const std::string& digest) {
  if (!IsDigest(digest))
    return Invalid("'" + digest + "' is no digest (sha256: and 64 hex digits)");
  if (const auto used = store.UseBlob(ns, digest); !used) return used.error();
  auto blob = store.LocalBlob(ns, digest);
  if (!blob && blob.error().kind != ErrorKind::kNotFound) return blob.error();
  if (!blob) {
    return Invalid("no artifact " + digest + " was uploaded to namespace " + ns +
                   "; upload the folder with `penstock artifact put`");
  }
  auto folder = artifacts::ReadManifestFile(
      blob->path(), [](artifacts::ManifestFile&&) -> Result<void> { return {}; });
  if (!folder && folder.error().kind != ErrorKind::kInvalid) return folder.error();
  if (!folder)
    return Invalid("the artifact " + digest + " is a single file; code and models are folders");
  return ArtifactRef{digest, true, folder->bytes};
}

Result<ArtifactRef> FindLock(const artifacts::Store& store, const std::string& ns,
                             const ArtifactRef& folder, const std::string& file) {
  PENSTOCK_ASSIGN(const artifacts::LocalObject manifest, store.LocalBlob(ns, folder.digest));
  const std::string wanted = std::filesystem::path(file).lexically_normal().generic_string();
  std::optional<ArtifactRef> lock;
  auto read = artifacts::ReadManifestFile(
      manifest.path(), [&](artifacts::ManifestFile&& one) -> Result<void> {
        if (one.path == wanted) lock = ArtifactRef{"sha256:" + one.sha256, false, one.size};
        return {};
      });
  if (!read) return read.error();
  const std::string what = "requirements.file: '" + file + "'";
  if (!lock) return Invalid(what + ": the code has no such file");
  if (lock->bytes > kMaxRequirementsBytes)
    return Invalid(what + " has over " + std::to_string(kMaxRequirementsBytes / 1024) + " KiB");
  PENSTOCK_ASSIGN(const artifacts::LocalObject blob, store.LocalBlob(ns, lock->digest));
  PENSTOCK_ASSIGN(const std::string text, ReadFile(blob.path(), kMaxRequirementsBytes));
  const auto wrong = CheckRequirements(text);
  if (!wrong.empty()) return Invalid(what + ": " + Describe(wrong));
  return *lock;
}

}  // namespace penstock::sources
