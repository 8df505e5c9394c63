#include "operator/artifacts/store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/leftovers.h"
#include "operator/artifacts/manifest.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/artifacts/pack.h"
#include "operator/artifacts/whole_folders.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/protocol/step_metrics.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLookedAtOnce = 1024;  // files of a folder

// A name that stands as one part of a path: what Kubernetes allows in names and UIDs.
Result<void> CheckPart(const char* what, const std::string& text) {
  const bool good =
      !text.empty() && text.size() <= 253 && text[0] != '.' &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  if (good) return {};
  return Invalid(std::string(what) + " '" + text.substr(0, 80) +
                 "' is not made of a-z, 0-9, '-' and '.'");
}

Result<std::string> KeyOfBlob(const std::string& ns, const std::string& digest) {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  if (!IsDigest(digest))
    return Invalid("'" + digest.substr(0, 80) + "' is no digest (sha256:<64 hex>)");
  return BlobKey(ns, digest);
}

Result<std::string> FolderOfReceipts(const std::string& ns, const std::string& run_uid) {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  PENSTOCK_TRY(CheckPart("run UID", run_uid));
  return ns + "/receipts/" + run_uid;
}

Result<std::string> KeyOfReceipt(const std::string& ns, const std::string& run_uid,
                                 const std::string& pod) {
  auto folder = FolderOfReceipts(ns, run_uid);
  if (!folder) return folder;
  PENSTOCK_TRY(CheckPart("pod name", pod));
  return *folder + "/" + pod;
}

Result<std::string> KeyOfMetrics(const std::string& ns, const std::string& run_uid,
                                 const std::string& pod) {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  PENSTOCK_TRY(CheckPart("run UID", run_uid));
  PENSTOCK_TRY(CheckPart("pod name", pod));
  return ns + "/metrics/" + run_uid + "/" + pod;
}

Result<std::string> KeyOfCacheEntry(const std::string& ns, const std::string& key) {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  const std::string hex = key.rfind("sha256:", 0) == 0 ? key.substr(7) : key;
  if (!IsDigest("sha256:" + hex)) return Invalid("'" + key.substr(0, 80) + "' is no cache key");
  return ns + "/cache/" + hex.substr(0, 2) + "/" + hex;
}

Error NoBlob(const std::string& ns, const std::string& digest) {
  return NotFound("the store has no " + digest + " in namespace " + ns);
}

Result<Receipt> ReadReceipt(const Objects& objects, const std::string& key) {
  PENSTOCK_ASSIGN(const std::string text, objects.Get(key, kMaxReceiptBytes));
  auto receipt = ParseReceipt(text);
  if (!receipt) return Wrap(key, receipt.error());
  return receipt;
}

}  // namespace

Store::Store(fs::path root, Room room)
    : root_(std::move(root)),
      room_(std::move(room)),
      is_volume_(true),
      objects_(std::make_shared<FolderObjects>(root_, room_)),
      whole_(std::make_shared<WholeFolders>()) {}

Store::Store(fs::path root, Room room, std::shared_ptr<const Objects> objects)
    : root_(std::move(root)),
      room_(std::move(room)),
      is_volume_(false),
      objects_(std::move(objects)),
      whole_(std::make_shared<WholeFolders>()) {}

Result<void> Store::HasRoomFor(const std::string& ns, std::uint64_t bytes) const {
  return objects_->HasRoomFor(ns, bytes);
}

Result<void> Store::PutBlob(const std::string& ns, const std::string& digest,
                            std::optional<std::uint64_t> bytes, const ByteSource& source) const {
  PENSTOCK_TRY(KeyOfBlob(ns, digest));
  return objects_->PutBlob(ns, digest, bytes, source);
}

Result<fs::path> Store::BlobPath(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  if (!is_volume_) {
    Error error = Invalid("the store is no folder of this machine");
    error.kind = ErrorKind::kUnsupported;
    return error;
  }
  PENSTOCK_ASSIGN(const auto size, objects_->Size(key));
  if (!size) return NoBlob(ns, digest);
  return root_ / key;
}

Result<LocalObject> Store::LocalBlob(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  auto local = objects_->Local(key);
  if (!local && local.error().kind == ErrorKind::kNotFound) return NoBlob(ns, digest);
  return local;
}

Result<void> Store::ReadBlob(const std::string& ns, const std::string& digest, std::uint64_t offset,
                             std::uint64_t length, const ByteSink& sink) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  auto read = objects_->Read(key, offset, length, sink);
  if (!read && read.error().kind == ErrorKind::kNotFound) return NoBlob(ns, digest);
  return read;
}

Result<std::optional<Link>> Store::LinkToRead(const std::string& ns,
                                              const std::string& digest) const {
  PENSTOCK_TRY(KeyOfBlob(ns, digest));
  return objects_->LinkToRead(ns, digest);
}

Result<std::optional<Link>> Store::LinkToWrite(const std::string& ns, const std::string& digest,
                                               std::uint64_t bytes) const {
  PENSTOCK_TRY(KeyOfBlob(ns, digest));
  return objects_->LinkToWrite(ns, digest, bytes);
}

Result<std::uint64_t> Store::BlobSize(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  PENSTOCK_ASSIGN(const auto size, objects_->Size(key));
  if (!size) return NoBlob(ns, digest);
  return *size;
}

Result<bool> Store::Verify(const std::string& ns, const std::string& digest) const {
  Sha256 hasher;
  PENSTOCK_TRY(ReadBlob(ns, digest, 0, UINT64_MAX, [&](std::string_view bytes) -> Result<void> {
    hasher.Update(bytes);
    return {};
  }));
  if ("sha256:" + hasher.HexDigest() == digest) return true;
  whole_->Forget();
  PENSTOCK_TRY(objects_->SetAside(ns, digest));
  return false;
}

Result<int> Store::RemoveLeftovers(std::chrono::seconds age) const {
  auto removed = objects_->RemoveLeftovers(age);
  if (is_volume_) return removed;
  const auto here = RemoveLeftoversUnder(root_, age);
  if (!removed || !here) return removed ? here : removed;
  return *removed + *here;
}

Result<ArtifactRef> Store::Put(const std::string& ns, const fs::path& source) const {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  const auto files = objects_->NewBatch(ns);
  PackSink sink;
  sink.put_file = [&](int, const fs::path& file) { return files->Put(file); };
  sink.put_manifest = [&](const std::string& text, const std::string& digest) -> Result<void> {
    // A manifest that is there has all its files.
    PENSTOCK_TRY(files->Commit());
    return objects_->PutBlob(ns, digest, text.size(), [&, sent = false]() mutable {
      return Result<std::string_view>(std::exchange(sent, true) ? std::string_view() : text);
    });
  };
  auto packed = Pack(source, sink);
  if (!packed) return packed;
  PENSTOCK_TRY(files->Commit());
  return packed;
}

Result<void> Store::Get(const std::string& ns, const ArtifactRef& artifact,
                        const fs::path& target) const {
  // A damaged blob is set aside, so that its producer can be run again to repair it.
  const auto checked = [&](Result<void> done, const std::string& digest) {
    if (!done && done.error().kind == ErrorKind::kDamaged) (void)Verify(ns, digest);
    return done;
  };
  UnpackSource source;
  source.get_file = [&](int, const ManifestFile& f, const fs::path& path,
                        bool check_size) -> Result<void> {
    const std::string digest = "sha256:" + f.sha256;
    auto file = TargetFile::Create(path, f, check_size);
    if (!file) return file.error();
    auto copied = ReadBlob(ns, digest, 0, UINT64_MAX,
                           [&](std::string_view bytes) { return (*file)->Write(bytes); });
    if (copied) copied = (*file)->Finish();
    return checked(std::move(copied), digest);
  };
  source.get_manifest = [&](const std::string& digest) -> Result<std::string> {
    PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
    auto text = objects_->Get(key, kMaxManifestBytes);
    if (!text && text.error().kind == ErrorKind::kNotFound) return NoBlob(ns, digest);
    return text;
  };
  return checked(Unpack(artifact, target, source), artifact.digest);
}

Result<ArtifactRef> Store::Find(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::uint64_t bytes, BlobSize(ns, digest));
  // What is larger is no manifest, and need not come here to be looked at.
  if (bytes > kMaxManifestBytes) return ArtifactRef{digest, false, bytes};
  PENSTOCK_ASSIGN(const bool may_be, MayBeManifest(ns, digest));
  if (!may_be) return ArtifactRef{digest, false, bytes};
  PENSTOCK_ASSIGN(const LocalObject blob, LocalBlob(ns, digest));
  return FileOrFolder(blob.path(), digest);
}

Result<void> Store::CheckFolder(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::uint64_t bytes, BlobSize(ns, digest));
  PENSTOCK_ASSIGN(const bool may_be, MayBeManifest(ns, digest));
  if (!may_be || bytes > kMaxManifestBytes) return Invalid("it is no folder's manifest");
  PENSTOCK_ASSIGN(const LocalObject blob, LocalBlob(ns, digest));
  return CheckManifestHead(blob.path());
}

// By its first letter: a bucket's object of gigabytes is not fetched to be found no manifest.
Result<bool> Store::MayBeManifest(const std::string& ns, const std::string& digest) const {
  if (is_volume_) return true;
  char first = '\0';
  PENSTOCK_TRY(ReadBlob(ns, digest, 0, 1, [&](std::string_view bytes) -> Result<void> {
    if (!bytes.empty()) first = bytes[0];
    return {};
  }));
  return first == '{';
}

Result<bool> Store::EachMember(const std::string& ns, const std::string& digest,
                               const EachFile& each) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  PENSTOCK_ASSIGN(const auto bytes, objects_->Size(key));
  if (!bytes || *bytes > kMaxManifestBytes) return false;
  const auto absent = [](const Error& e) { return e.kind == ErrorKind::kNotFound; };
  const auto may_be = MayBeManifest(ns, digest);
  if (!may_be && !absent(may_be.error())) return may_be.error();
  if (!may_be || !*may_be) return false;
  const auto blob = LocalBlob(ns, digest);
  if (!blob && !absent(blob.error())) return blob.error();
  if (!blob) return false;
  const auto read = ReadManifestFile(blob->path(), each);
  if (read || read.error().kind == ErrorKind::kInvalid) return read.has_value();
  if (absent(read.error())) return false;
  return read.error();
}

// The touch comes first: who collects looks whether it is there after it has decided.
Result<bool> Store::Use(const std::string& ns, const ArtifactRef& artifact) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, artifact.digest));
  PENSTOCK_ASSIGN(const bool there, objects_->Touch(key));
  if (!there) return false;
  return Exists(ns, artifact);
}

Result<std::optional<std::uint64_t>> Store::UseBlob(const std::string& ns,
                                                    const std::string& digest) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, digest));
  PENSTOCK_ASSIGN(const bool there, objects_->Touch(key));
  if (!there) return std::optional<std::uint64_t>();
  return objects_->Size(key);
}

Result<ArtifactRef> Store::FindToUse(const std::string& ns, const std::string& digest) const {
  PENSTOCK_ASSIGN(const auto bytes, UseBlob(ns, digest));
  if (!bytes) return NoBlob(ns, digest);
  return Find(ns, digest);
}

Result<bool> Store::Exists(const std::string& ns, const ArtifactRef& artifact) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfBlob(ns, artifact.digest));
  if (!artifact.folder) return objects_->Have({{key, artifact.bytes}});
  return whole_->Look(ns + " " + artifact.digest, [&]() -> Result<bool> {
    const auto manifest = LocalBlob(ns, artifact.digest);
    if (!manifest && manifest.error().kind == ErrorKind::kNotFound) return false;
    if (!manifest) return manifest.error();
    std::vector<ObjectSize> files;
    const auto look = [&]() -> Result<void> {
      PENSTOCK_ASSIGN(const bool there, objects_->Have(files));
      files.clear();
      return there ? Result<void>{} : NotFound("a file of the folder is not there");
    };
    auto read = ReadManifestFile(manifest->path(), [&](ManifestFile&& f) -> Result<void> {
      files.push_back({BlobKey(ns, "sha256:" + f.sha256), f.size});
      return files.size() < kLookedAtOnce ? Result<void>{} : look();
    });
    Result<void> rest;
    if (read && !files.empty()) rest = look();
    const Error* error = !read ? &read.error() : !rest ? &rest.error() : nullptr;
    if (error == nullptr) return read->digest == artifact.digest;
    if (error->kind == ErrorKind::kNotFound) return false;
    if (error->kind == ErrorKind::kInvalid)
      return Wrap(artifact.digest + " is named as a folder and is none", *error);
    return *error;
  });
}

Result<void> Store::PutReceipt(const std::string& ns, const Receipt& receipt) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfReceipt(ns, receipt.run_uid, receipt.pod));
  return objects_->Put(key, Json(receipt).dump());
}

Result<Receipt> Store::GetReceipt(const std::string& ns, const std::string& run_uid,
                                  const std::string& pod) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfReceipt(ns, run_uid, pod));
  return ReadReceipt(*objects_, key);
}

Result<std::vector<std::string>> Store::Receipts(const std::string& ns,
                                                 const std::string& run_uid) const {
  PENSTOCK_ASSIGN(const std::string folder, FolderOfReceipts(ns, run_uid));
  return objects_->Names(folder);
}

Result<void> Store::RemoveReceipts(const std::string& ns, const std::string& run_uid) const {
  PENSTOCK_ASSIGN(const std::string folder, FolderOfReceipts(ns, run_uid));
  PENSTOCK_TRY(objects_->RemoveBelow(ns + "/metrics/" + run_uid));
  return objects_->RemoveBelow(folder);
}

Result<std::vector<std::string>> Store::RunsWithReceipts(const std::string& ns) const {
  PENSTOCK_TRY(CheckPart("namespace", ns));
  return objects_->Names(ns + "/receipts");
}

Result<void> Store::PutMetrics(const std::string& ns, const std::string& run_uid,
                               const std::string& pod, const std::string& text) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfMetrics(ns, run_uid, pod));
  return objects_->Put(key, text);
}

Result<std::string> Store::GetMetrics(const std::string& ns, const std::string& run_uid,
                                      const std::string& pod) const {
  PENSTOCK_ASSIGN(const std::string key, KeyOfMetrics(ns, run_uid, pod));
  return objects_->Get(key, kMaxMetricsBytes);
}

Result<std::vector<std::string>> Store::Namespaces() const { return objects_->Names(""); }

Result<void> Store::PutCacheEntry(const std::string& ns, const std::string& key,
                                  const Receipt& receipt) const {
  PENSTOCK_ASSIGN(const std::string name, KeyOfCacheEntry(ns, key));
  return objects_->Put(name, Json(receipt).dump());
}

Result<Receipt> Store::GetCacheEntry(const std::string& ns, const std::string& key) const {
  PENSTOCK_ASSIGN(const std::string name, KeyOfCacheEntry(ns, key));
  auto entry = ReadReceipt(*objects_, name);
  if (!entry) return entry;
  PENSTOCK_ASSIGN(const bool there, objects_->Touch(name));
  if (!there) return NotFound("the cache has no entry " + key);
  return entry;
}

Result<void> Store::DropCacheEntry(const std::string& ns, const std::string& key) const {
  PENSTOCK_ASSIGN(const std::string name, KeyOfCacheEntry(ns, key));
  return objects_->Remove(name);
}

}  // namespace penstock::artifacts
