// Artifacts in a folder by content address. No database: what the folder holds is the truth.
//
//   <root>/<namespace>/blobs/ab/abcdef...        a blob; its name is its SHA-256
//   <root>/<namespace>/receipts/<run uid>/<pod>  a receipt
//   <root>/<namespace>/cache/ab/<cache key>      a cache entry
//   <root>/<namespace>/tmp/...                   blobs on their way in; leftovers of a crash
//   <root>/<namespace>/damaged/<hex>             blobs whose bytes no longer match their name
//
// A file artifact is one blob. A folder artifact is a manifest blob (manifest.h) and a blob a
// file; its digest is the manifest's. A blob appears by rename after fsync: a name that exists is
// whole. Everything is per namespace, so a tenant cannot read or poison another's.
// Thread-safe, and safe between processes on one file system.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/artifacts/room.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

// A blob on its way in: write, then Commit. Dropped without a Commit, it leaves nothing.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  [[nodiscard]] virtual Result<void> Write(std::string_view bytes) = 0;
  // Makes the blob visible and gives its digest; `expected` (when not empty) must match, else
  // Invalid and nothing is kept.
  [[nodiscard]] virtual Result<std::string> Commit(const std::string& expected) = 0;
};

class WholeFolders;

class Store {
 public:
  explicit Store(std::filesystem::path root, Room room = {});

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] const Room& room() const { return room_; }

  // Whether artifacts and predictions of so many bytes may still come in; kNoSpace.
  [[nodiscard]] Result<void> HasRoomFor(std::uint64_t bytes) const { return room_.For(bytes); }

  // --- blobs; kNoSpace when the volume is full, at the latest 1 MiB after it is
  [[nodiscard]] Result<std::unique_ptr<BlobWriter>> NewBlob(const std::string& ns) const;
  // The blob's path on this machine; kNotFound. Its content is not verified here.
  [[nodiscard]] Result<std::filesystem::path> BlobPath(const std::string& ns,
                                                       const std::string& digest) const;
  [[nodiscard]] Result<std::uint64_t> BlobSize(const std::string& ns,
                                               const std::string& digest) const;

  // Reads the whole blob. False when its bytes no longer match its name; it is then set aside, so
  // that the name is free and the producer, run again, repairs it. kNotFound when there is none.
  [[nodiscard]] Result<bool> Verify(const std::string& ns, const std::string& digest) const;
  // Removes what crashed writers left for longer than `age`, in all namespaces: in tmp/ files, and
  // folders of what was fetched, read-only or not; beside receipts, cache entries and prediction
  // logs their temporary files. How many.
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
  // What a digest stands for here, a file or a folder; kNotFound.
  [[nodiscard]] Result<ArtifactRef> Find(const std::string& ns, const std::string& digest) const;
  // True when every blob of the artifact is there with its recorded size.
  // True when every blob of the artifact is there with its recorded size. Invalid, with its name,
  // for what is recorded as a folder and is none. Memory does not grow with the folder; one that
  // was whole is looked at again after a minute.
  [[nodiscard]] Result<bool> Exists(const std::string& ns, const ArtifactRef& artifact) const;

  // --- receipts
  [[nodiscard]] Result<void> PutReceipt(const std::string& ns, const Receipt& receipt) const;
  [[nodiscard]] Result<Receipt> GetReceipt(const std::string& ns, const std::string& run_uid,
                                           const std::string& pod) const;  // kNotFound

  // --- cache entries: what a step gave for a key (plan/cache_key.h)
  [[nodiscard]] Result<void> PutCacheEntry(const std::string& ns, const std::string& key,
                                           const Receipt& receipt) const;
  [[nodiscard]] Result<Receipt> GetCacheEntry(const std::string& ns, const std::string& key) const;
  [[nodiscard]] Result<void> DropCacheEntry(const std::string& ns, const std::string& key) const;

 private:
  std::filesystem::path root_;
  Room room_;
  std::shared_ptr<WholeFolders> whole_;
};

}  // namespace penstock::artifacts
