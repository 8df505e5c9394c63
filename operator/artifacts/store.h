// Artifacts by content address, in a folder of a volume or in buckets (objects.h). No database:
// what stands there is the truth.
//
//   <namespace>/blobs/ab/abcdef...        a blob; its name is its SHA-256
//   <namespace>/receipts/<run uid>/<pod>  a receipt
//   <namespace>/metrics/<run uid>/<pod>   what a step said of itself
//   <namespace>/cache/ab/<cache key>      a cache entry
//
// A file artifact is one blob. A folder artifact is a manifest blob (manifest.h) and a blob a
// file; its digest is the manifest's. A name that exists is whole. Everything is per namespace, so
// a tenant cannot read or poison another's. Thread-safe, and safe between processes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/artifacts/objects.h"
#include "operator/artifacts/room.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

class WholeFolders;
using EachFile = std::function<Result<void>(ManifestFile&& file)>;  // manifest_reader.h

class Store {
 public:
  // On the volume below `root`.
  explicit Store(std::filesystem::path root, Room room = {});
  // In what `objects` are; below `root` is what stays on this machine's volume (predictions, and
  // what is on its way).
  Store(std::filesystem::path root, Room room, std::shared_ptr<const Objects> objects);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] const Room& room() const { return room_; }
  // For files on their way; what stays there is swept as a leftover.
  [[nodiscard]] std::filesystem::path Scratch(const std::string& ns) const {
    return root_ / ns / "tmp";
  }

  // --- blobs; kNoSpace when the store is full
  // Whether artifacts of so many bytes may still come in; kNoSpace.
  [[nodiscard]] Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const;
  // The same of the volume alone, for what is no blob; a bucket has room.
  [[nodiscard]] Result<void> HasVolumeRoomFor(std::uint64_t bytes) const {
    return is_volume_ ? room_.For(bytes) : Result<void>();
  }
  // See Objects::PutBlob.
  [[nodiscard]] Result<void> PutBlob(const std::string& ns, const std::string& digest,
                                     std::optional<std::uint64_t> bytes,
                                     const ByteSource& source) const;
  // The blob's path on this machine, where the store is a volume; kNotFound, kUnsupported. Its
  // content is not verified here.
  [[nodiscard]] Result<std::filesystem::path> BlobPath(const std::string& ns,
                                                       const std::string& digest) const;
  // A file of this machine with the blob's bytes, unverified: a manifest, or what is small;
  // kNotFound.
  [[nodiscard]] Result<LocalObject> LocalBlob(const std::string& ns,
                                              const std::string& digest) const;
  [[nodiscard]] Result<void> ReadBlob(const std::string& ns, const std::string& digest,
                                      std::uint64_t offset, std::uint64_t length,
                                      const ByteSink& sink) const;
  // See Objects.
  [[nodiscard]] Result<std::optional<Link>> LinkToRead(const std::string& ns,
                                                       const std::string& digest) const;
  [[nodiscard]] Result<std::optional<Link>> LinkToWrite(const std::string& ns,
                                                        const std::string& digest,
                                                        std::uint64_t bytes) const;
  [[nodiscard]] Result<std::uint64_t> BlobSize(const std::string& ns,
                                               const std::string& digest) const;

  // Reads the whole blob. False when its bytes no longer match its name; it is then set aside, so
  // that the name is free and the producer, run again, repairs it. kNotFound when there is none.
  [[nodiscard]] Result<bool> Verify(const std::string& ns, const std::string& digest) const;
  // Removes what crashed writers left for longer than `age`, in all namespaces, here and in the
  // store. How many.
  [[nodiscard]] Result<int> RemoveLeftovers(std::chrono::seconds age) const;

  // --- whole artifacts
  // Stores a file or a folder (regular files only; a link or device inside is Invalid by name).
  [[nodiscard]] Result<ArtifactRef> Put(const std::string& ns,
                                        const std::filesystem::path& source) const;
  // Writes a read-only copy (never a link) to `target`, which must not exist, and verifies every
  // byte against its digest; a mismatch is kDamaged and leaves no
  // target.
  [[nodiscard]] Result<void> Get(const std::string& ns, const ArtifactRef& artifact,
                                 const std::filesystem::path& target) const;
  // See Objects.
  [[nodiscard]] Result<std::string> Look() const { return objects_->Look(); }
  // What a digest stands for here, a file or a folder; kNotFound.
  [[nodiscard]] Result<ArtifactRef> Find(const std::string& ns, const std::string& digest) const;
  // True when every blob of the artifact is there with its recorded size. Invalid, with its name,
  // for what is recorded as a folder and is none. Memory does not grow with the folder; one that
  // was whole is looked at again after a minute.
  [[nodiscard]] Result<bool> Exists(const std::string& ns, const ArtifactRef& artifact) const;

  // Hands on the files of a folder; false where the blob is no folder's manifest, or is not there.
  [[nodiscard]] Result<bool> EachMember(const std::string& ns, const std::string& digest,
                                        const EachFile& each) const;

  // --- use: what is used is not collected for a while, whatever refers to it (gc/collection.h).
  // Whoever begins to refer to what he found in the store asks these first.
  // False where the artifact is not there whole, and must not be referred to.
  [[nodiscard]] Result<bool> Use(const std::string& ns, const ArtifactRef& artifact) const;
  // The same of one blob: its size, or nothing.
  [[nodiscard]] Result<std::optional<std::uint64_t>> UseBlob(const std::string& ns,
                                                             const std::string& digest) const;
  // Find, of what is put to use.
  [[nodiscard]] Result<ArtifactRef> FindToUse(const std::string& ns,
                                              const std::string& digest) const;
  [[nodiscard]] const Objects& objects() const { return *objects_; }
  [[nodiscard]] std::shared_ptr<const Objects> shared_objects() const { return objects_; }
  // The same store with `objects` before those that it has: they ask these, or refuse.
  [[nodiscard]] Store Behind(std::shared_ptr<const Objects> objects) const {
    Store behind = *this;
    behind.objects_ = std::move(objects);
    return behind;
  }

  // Invalid where the digest stands for what is no folder's manifest; reads its beginning only.
  [[nodiscard]] Result<void> CheckFolder(const std::string& ns, const std::string& digest) const;

  // --- receipts
  [[nodiscard]] Result<void> PutReceipt(const std::string& ns, const Receipt& receipt) const;
  [[nodiscard]] Result<Receipt> GetReceipt(const std::string& ns, const std::string& run_uid,
                                           const std::string& pod) const;  // kNotFound
  // The pods of a run that have written one, sorted.
  [[nodiscard]] Result<std::vector<std::string>> Receipts(const std::string& ns,
                                                          const std::string& run_uid) const;
  // And the metrics of its pods.
  [[nodiscard]] Result<void> RemoveReceipts(const std::string& ns,
                                            const std::string& run_uid) const;
  // The UIDs of runs that have receipts.
  [[nodiscard]] Result<std::vector<std::string>> RunsWithReceipts(const std::string& ns) const;
  [[nodiscard]] Result<std::vector<std::string>> Namespaces() const;

  // --- what a step said of itself while it runs (protocol/step_metrics.h), the newest text
  [[nodiscard]] Result<void> PutMetrics(const std::string& ns, const std::string& run_uid,
                                        const std::string& pod, const std::string& text) const;
  [[nodiscard]] Result<std::string> GetMetrics(const std::string& ns, const std::string& run_uid,
                                               const std::string& pod) const;  // kNotFound

  // --- cache entries: what a step gave for a key (plan/cache_key.h)
  [[nodiscard]] Result<void> PutCacheEntry(const std::string& ns, const std::string& key,
                                           const Receipt& receipt) const;
  // Puts the entry to use.
  [[nodiscard]] Result<Receipt> GetCacheEntry(const std::string& ns, const std::string& key) const;
  [[nodiscard]] Result<void> DropCacheEntry(const std::string& ns, const std::string& key) const;

 private:
  [[nodiscard]] Result<bool> MayBeManifest(const std::string& ns, const std::string& digest) const;

  std::filesystem::path root_;
  Room room_;
  bool is_volume_;
  std::shared_ptr<const Objects> objects_;
  std::shared_ptr<WholeFolders> whole_;
};

}  // namespace penstock::artifacts
