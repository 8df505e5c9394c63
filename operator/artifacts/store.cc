#include "operator/artifacts/store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "operator/artifacts/blob_writer.h"
#include "operator/artifacts/leftovers.h"
#include "operator/artifacts/manifest.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/artifacts/open_file.h"
#include "operator/artifacts/pack.h"
#include "operator/artifacts/tree.h"
#include "operator/artifacts/whole_folders.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

// A name that stands as one part of a path: what Kubernetes allows in names and UIDs.
Result<void> CheckPart(const char* what, const std::string& text) {
  const bool good =
      !text.empty() && text.size() <= 253 && text[0] != '.' &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  if (good) return {};
  return Invalid(std::string(what) + " '" + text.substr(0, 80) +
                 "' is not made of a-z, 0-9, '-' and '.'");
}

Result<fs::path> NamespaceFolder(const fs::path& root, const std::string& ns) {
  if (auto ok = CheckPart("namespace", ns); !ok) return ok.error();
  return root / ns;
}

Result<fs::path> BlobName(const fs::path& root, const std::string& ns, const std::string& digest) {
  auto folder = NamespaceFolder(root, ns);
  if (!folder) return folder;
  if (!IsDigest(digest))
    return Invalid("'" + digest.substr(0, 80) + "' is no digest (sha256:<64 hex>)");
  const std::string hex = digest.substr(7);
  return *folder / "blobs" / hex.substr(0, 2) / hex;
}

Result<fs::path> ReceiptName(const fs::path& root, const std::string& ns,
                             const std::string& run_uid, const std::string& pod) {
  auto folder = NamespaceFolder(root, ns);
  if (!folder) return folder;
  if (auto ok = CheckPart("run UID", run_uid); !ok) return ok.error();
  if (auto ok = CheckPart("pod name", pod); !ok) return ok.error();
  return *folder / "receipts" / run_uid / pod;
}

Result<fs::path> CacheName(const fs::path& root, const std::string& ns, const std::string& key) {
  auto folder = NamespaceFolder(root, ns);
  if (!folder) return folder;
  const std::string hex = key.rfind("sha256:", 0) == 0 ? key.substr(7) : key;
  if (!IsDigest("sha256:" + hex)) return Invalid("'" + key.substr(0, 80) + "' is no cache key");
  return *folder / "cache" / hex.substr(0, 2) / hex;
}

// Hands a regular file's bytes to `sink` in pieces.
template <typename Sink>
Result<void> ReadThrough(const fs::path& path, Sink sink) {
  const auto file = OpenFile::Open(path);
  if (!file) return file.error();
  // No larger than the file: a folder of many small ones would spend its time on clearing memory.
  std::string chunk(std::clamp<std::uint64_t>(file->size(), 4096, 1 << 20), '\0');
  while (true) {
    const ssize_t n = ::read(file->fd(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("reading " + path.string(), errno);
    if (n == 0) return {};
    auto taken = sink(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
    if (!taken) return taken;
  }
}

// True where a regular file of that size is there.
Result<bool> HasSize(const std::string& path, std::uint64_t bytes) {
  const auto size = SizeOfFile(path);
  if (!size) return size.error();
  return *size == bytes;
}

Result<FileDigest> PutFile(const fs::path& folder, const Room& room, const fs::path& file,
                           BlobBatch& batch) {
  auto writer = NewFileBlob(folder, room);
  if (!writer) return writer.error();
  BlockHasher hasher;
  auto copied = ReadThrough(file, [&](std::string_view bytes) {
    hasher.Update(bytes);
    return (*writer)->Write(bytes);
  });
  if (!copied) return copied.error();
  FileDigest digest = hasher.Finish();
  if (auto added = batch.Add(std::move(*writer), digest.sha256); !added) return added.error();
  return digest;
}

// What the reserve is for; on a volume that is full to its last byte it is refused by name too.
Result<void> WriteSmall(const fs::path& path, const Receipt& receipt) {
  return OnVolume(WriteFileAtomically(path, Json(receipt).dump()));
}

Result<Receipt> ReadReceipt(const fs::path& path) {
  auto text = ReadFile(path, kMaxReceiptBytes);
  if (!text) return text.error();
  auto receipt = ParseReceipt(*text);
  if (!receipt) return Wrap(path.string(), receipt.error());
  return receipt;
}

}  // namespace

Store::Store(fs::path root, Room room)
    : root_(std::move(root)), room_(std::move(room)), whole_(std::make_shared<WholeFolders>()) {}

Result<std::unique_ptr<BlobWriter>> Store::NewBlob(const std::string& ns) const {
  auto folder = NamespaceFolder(root_, ns);
  if (!folder) return folder.error();
  return NewFileBlob(*folder, room_);
}

Result<fs::path> Store::BlobPath(const std::string& ns, const std::string& digest) const {
  auto path = BlobName(root_, ns, digest);
  if (!path) return path;
  const auto size = SizeOfFile(*path);
  if (!size) return size.error();
  if (!*size) return NotFound("the store has no " + digest + " in namespace " + ns);
  return path;
}

Result<std::uint64_t> Store::BlobSize(const std::string& ns, const std::string& digest) const {
  auto path = BlobPath(ns, digest);
  if (!path) return path.error();
  const auto size = SizeOfFile(*path);
  if (!size) return size.error();
  if (!*size) return NotFound("the store has no " + digest + " in namespace " + ns + " any more");
  return **size;
}

Result<bool> Store::Verify(const std::string& ns, const std::string& digest) const {
  auto path = BlobPath(ns, digest);
  if (!path) return path.error();
  Sha256 hasher;
  auto read = ReadThrough(*path, [&](std::string_view bytes) -> Result<void> {
    hasher.Update(bytes);
    return {};
  });
  if (!read) return read.error();
  if ("sha256:" + hasher.HexDigest() == digest) return true;
  whole_->Forget();
  std::error_code ec;
  const fs::path aside = root_ / ns / "damaged";
  fs::create_directories(aside, ec);
  if (!ec) fs::rename(*path, aside / digest.substr(7), ec);
  if (ec) return FromErrno("setting aside the damaged " + path->string(), ec.value());
  return false;
}

Result<int> Store::RemoveLeftovers(std::chrono::seconds age) const {
  return RemoveLeftoversUnder(root_, age);
}

Result<ArtifactRef> Store::Put(const std::string& ns, const fs::path& source) const {
  auto folder = NamespaceFolder(root_, ns);
  if (!folder) return folder.error();
  BlobBatch files(*folder);
  PackSink sink;
  sink.put_file = [&](int, const fs::path& file) { return PutFile(*folder, room_, file, files); };
  sink.put_manifest = [&](const std::string& text, const std::string& digest) -> Result<void> {
    // A manifest that is there has all its files.
    if (auto done = files.Commit(); !done) return done;
    auto writer = NewFileBlob(*folder, room_);
    if (!writer) return writer.error();
    if (auto written = (*writer)->Write(text); !written) return written;
    if (auto done = (*writer)->Commit(digest); !done) return done.error();
    return {};
  };
  auto packed = Pack(source, sink);
  if (!packed) return packed;
  if (auto done = files.Commit(); !done) return done.error();
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
    auto blob = BlobPath(ns, digest);
    if (!blob) return blob.error();
    auto file = TargetFile::Create(path, f, check_size);
    if (!file) return file.error();
    auto copied = ReadThrough(*blob, [&](std::string_view bytes) { return (*file)->Write(bytes); });
    if (copied) copied = (*file)->Finish();
    return checked(std::move(copied), digest);
  };
  source.get_manifest = [&](const std::string& digest) -> Result<std::string> {
    auto blob = BlobPath(ns, digest);
    if (!blob) return blob.error();
    return ReadFile(*blob, kMaxManifestBytes);
  };
  return checked(Unpack(artifact, target, source), artifact.digest);
}

Result<ArtifactRef> Store::Find(const std::string& ns, const std::string& digest) const {
  const auto path = BlobPath(ns, digest);
  if (!path) return path.error();
  return FileOrFolder(*path, digest);
}

Result<bool> Store::Exists(const std::string& ns, const ArtifactRef& artifact) const {
  auto name = BlobName(root_, ns, artifact.digest);
  if (!name) return name.error();
  if (!artifact.folder) return HasSize(*name, artifact.bytes);
  return whole_->Look(ns + " " + artifact.digest, [&]() -> Result<bool> {
    const std::string blobs = name->parent_path().parent_path().string() + "/";
    auto read = ReadManifestFile(*name, [&](ManifestFile&& f) -> Result<void> {
      auto there = HasSize(blobs + f.sha256.substr(0, 2) + "/" + f.sha256, f.size);
      if (there && *there) return {};
      return there ? NotFound("a file of the folder is not there") : there.error();
    });
    if (!read && read.error().kind == ErrorKind::kNotFound) return false;
    if (!read && read.error().kind == ErrorKind::kInvalid)
      return Wrap(artifact.digest + " is named as a folder and is none", read.error());
    if (!read) return read.error();
    return read->digest == artifact.digest;
  });
}

Result<void> Store::PutReceipt(const std::string& ns, const Receipt& receipt) const {
  auto path = ReceiptName(root_, ns, receipt.run_uid, receipt.pod);
  if (!path) return path.error();
  return WriteSmall(*path, receipt);
}

Result<Receipt> Store::GetReceipt(const std::string& ns, const std::string& run_uid,
                                  const std::string& pod) const {
  auto path = ReceiptName(root_, ns, run_uid, pod);
  if (!path) return path.error();
  return ReadReceipt(*path);
}

Result<void> Store::PutCacheEntry(const std::string& ns, const std::string& key,
                                  const Receipt& receipt) const {
  auto path = CacheName(root_, ns, key);
  if (!path) return path.error();
  return WriteSmall(*path, receipt);
}

Result<Receipt> Store::GetCacheEntry(const std::string& ns, const std::string& key) const {
  auto path = CacheName(root_, ns, key);
  if (!path) return path.error();
  return ReadReceipt(*path);
}

Result<void> Store::DropCacheEntry(const std::string& ns, const std::string& key) const {
  auto path = CacheName(root_, ns, key);
  if (!path) return path.error();
  std::error_code ec;
  fs::remove(*path, ec);
  if (ec) return FromErrno("removing " + path->string(), ec.value());
  return {};
}

}  // namespace penstock::artifacts
