#include "operator/artifacts/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "operator/artifacts/blob_writer.h"
#include "operator/artifacts/manifest.h"
#include "operator/artifacts/pack.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxReceiptBytes = kMaxTaskConfigBytes;

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
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return FromErrno("opening " + path.string(), errno);
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    ::close(fd);
    return Invalid(path.string() + " is no regular file");
  }
  // No larger than the file: a folder of many small ones would spend its time on clearing memory.
  std::string chunk(std::clamp<std::size_t>(static_cast<std::size_t>(st.st_size), 4096, 1 << 20),
                    '\0');
  Result<void> done;
  while (done) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    done = n < 0 ? Result<void>(FromErrno("reading " + path.string(), errno))
                 : sink(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
  }
  ::close(fd);
  return done;
}

Result<FileDigest> PutFile(const fs::path& folder, const fs::path& file, BlobBatch& batch) {
  auto writer = NewFileBlob(folder);
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

Result<Receipt> ReadReceipt(const fs::path& path) {
  auto text = ReadFile(path, kMaxReceiptBytes);
  if (!text) return text.error();
  auto receipt = ParseReceipt(*text);
  if (!receipt) return Wrap(path.string(), receipt.error());
  return receipt;
}

}  // namespace

Store::Store(fs::path root) : root_(std::move(root)) {}

Result<std::unique_ptr<BlobWriter>> Store::NewBlob(const std::string& ns) const {
  auto folder = NamespaceFolder(root_, ns);
  if (!folder) return folder.error();
  return NewFileBlob(*folder);
}

Result<fs::path> Store::BlobPath(const std::string& ns, const std::string& digest) const {
  auto path = BlobName(root_, ns, digest);
  if (!path) return path;
  std::error_code ec;
  if (!fs::is_regular_file(*path, ec))
    return NotFound("the store has no " + digest + " in namespace " + ns);
  return path;
}

Result<std::uint64_t> Store::BlobSize(const std::string& ns, const std::string& digest) const {
  auto path = BlobPath(ns, digest);
  if (!path) return path.error();
  std::error_code ec;
  const std::uintmax_t size = fs::file_size(*path, ec);
  if (ec) return FromErrno("looking at " + path->string(), ec.value());
  return std::uint64_t{size};
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
  std::error_code ec;
  const fs::path aside = root_ / ns / "damaged";
  fs::create_directories(aside, ec);
  if (!ec) fs::rename(*path, aside / digest.substr(7), ec);
  if (ec) return FromErrno("setting aside the damaged " + path->string(), ec.value());
  return false;
}

Result<int> Store::RemoveLeftovers(std::chrono::seconds age) const {
  int removed = 0;
  std::error_code ec;
  const auto before = fs::file_time_type::clock::now() - age;
  for (const auto& ns : fs::directory_iterator(root_, ec)) {
    std::error_code missing;  // a namespace without tmp/ has no leftovers
    for (const auto& file : fs::directory_iterator(ns.path() / "tmp", missing)) {
      std::error_code gone;  // its writer may have finished meanwhile
      if (file.last_write_time(gone) > before || gone) continue;
      if (fs::remove(file.path(), gone)) ++removed;
    }
  }
  if (ec && ec != std::errc::no_such_file_or_directory)
    return FromErrno("reading folder " + root_.string(), ec.value());
  return removed;
}

Result<ArtifactRef> Store::Put(const std::string& ns, const fs::path& source) const {
  auto folder = NamespaceFolder(root_, ns);
  if (!folder) return folder.error();
  BlobBatch files(*folder);
  PackSink sink;
  sink.put_file = [&](int, const fs::path& file) { return PutFile(*folder, file, files); };
  sink.put_manifest = [&](const std::string& text, const std::string& digest) -> Result<void> {
    // A manifest that is there has all its files.
    if (auto done = files.Commit(); !done) return done;
    auto writer = NewFileBlob(*folder);
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

Result<bool> Store::Exists(const std::string& ns, const ArtifactRef& artifact) const {
  const auto has = [&](const std::string& digest, std::uint64_t bytes) -> Result<bool> {
    auto size = BlobSize(ns, digest);
    if (size) return *size == bytes;
    if (size.error().kind == ErrorKind::kNotFound) return false;
    return size.error();
  };
  if (!artifact.folder) return has(artifact.digest, artifact.bytes);
  auto blob = BlobPath(ns, artifact.digest);
  if (!blob && blob.error().kind == ErrorKind::kNotFound) return false;
  if (!blob) return blob.error();
  auto text = ReadFile(*blob, kMaxManifestBytes);
  if (!text) return text.error();
  if ("sha256:" + Sha256Hex(*text) != artifact.digest) return false;
  auto manifest = ParseManifest(*text);
  if (!manifest) return manifest.error();
  for (const auto& f : manifest->files) {
    auto there = has("sha256:" + f.sha256, f.size);
    if (!there || !*there) return there;
  }
  return true;
}

Result<void> Store::PutReceipt(const std::string& ns, const Receipt& receipt) const {
  auto path = ReceiptName(root_, ns, receipt.run_uid, receipt.pod);
  if (!path) return path.error();
  return WriteFileAtomically(*path, Json(receipt).dump());
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
  return WriteFileAtomically(*path, Json(receipt).dump());
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
