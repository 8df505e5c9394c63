// What a store's objects stand in: a folder of a volume (folder_objects.h), or buckets (s3/). The
// whole difference between the two is behind this; what artifacts are made of is Store's.
//
// A key is a path whose first part is a namespace: "ns/blobs/ab/<hex>", "ns/receipts/<uid>/<pod>".
// An object appears whole or not at all. Thread-safe, and safe between processes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/artifacts/manifest.h"
#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::artifacts {

// The next bytes on their way in; empty at their end.
using ByteSource = std::function<Result<std::string_view>()>;
// Takes the next bytes on their way out; its error ends the reading.
using ByteSink = std::function<Result<void>(std::string_view)>;

// Many files of one namespace on their way in as blobs, visible at the latest when committed.
// Dropped without a Commit, it leaves nothing that anybody would see. Put is thread-safe.
class ObjectBatch {
 public:
  virtual ~ObjectBatch() = default;
  [[nodiscard]] virtual Result<FileDigest> Put(const std::filesystem::path& file) = 0;
  [[nodiscard]] virtual Result<void> Commit() = 0;
};

// An object's bytes as a file of this machine, for as long as this lives.
class LocalObject {
 public:
  explicit LocalObject(std::filesystem::path path, bool temporary = false)
      : path_(std::move(path)), temporary_(temporary) {}
  LocalObject(LocalObject&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)) {}
  LocalObject& operator=(LocalObject&&) = delete;
  ~LocalObject() {
    std::error_code kept;  // a leftover of the scratch folder, which is swept
    if (temporary_) std::filesystem::remove(path_, kept);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool temporary_;
};

// A URL of the store itself, good for one thing and for a while.
struct Link {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // to be sent exactly so
  std::string ca_pem;  // trusted for it; empty: the system's roots
  std::chrono::seconds lifetime{0};
};

struct ObjectSize {
  std::string key;
  std::uint64_t bytes = 0;
};

// An object, and when it was put to use last: written, or touched since.
struct ObjectUse {
  std::string name;  // directly below the folder that was asked for
  std::uint64_t bytes = 0;
  TimePoint used;  // by the store's own clock
};

class Objects {
 public:
  virtual ~Objects() = default;

  // Whether blobs of so many bytes may still come in; kNoSpace.
  [[nodiscard]] virtual Result<void> HasRoomFor(const std::string& ns,
                                                std::uint64_t bytes) const = 0;
  // A blob by its digest: kDamaged, and nothing is kept, where the bytes have another. `bytes` is
  // their number where it is known, which a bucket needs. One that is there stays or is replaced by
  // the same.
  [[nodiscard]] virtual Result<void> PutBlob(const std::string& ns, const std::string& digest,
                                             std::optional<std::uint64_t> bytes,
                                             const ByteSource& source) const = 0;
  [[nodiscard]] virtual std::unique_ptr<ObjectBatch> NewBatch(const std::string& ns) const = 0;
  // Moves a blob whose bytes are damaged away from its name.
  [[nodiscard]] virtual Result<void> SetAside(const std::string& ns,
                                              const std::string& digest) const = 0;

  // A small object, over the one that is there; also where blobs are refused for want of room.
  [[nodiscard]] virtual Result<void> Put(const std::string& key, const std::string& text) const = 0;
  [[nodiscard]] virtual Result<std::string> Get(const std::string& key,
                                                std::uint64_t limit) const = 0;  // kNotFound
  // Nothing where there is none; who cannot look does not say so.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> Size(const std::string& key) const = 0;
  // Whether all are there with these sizes.
  [[nodiscard]] virtual Result<bool> Have(const std::vector<ObjectSize>& objects) const = 0;
  // `length` bytes from `offset`, or fewer where the object ends before; kNotFound.
  [[nodiscard]] virtual Result<void> Read(const std::string& key, std::uint64_t offset,
                                          std::uint64_t length, const ByteSink& sink) const = 0;
  [[nodiscard]] virtual Result<LocalObject> Local(const std::string& key) const = 0;  // kNotFound
  // What is not there is success.
  [[nodiscard]] virtual Result<void> Remove(const std::string& key) const = 0;
  // All objects below a folder.
  [[nodiscard]] virtual Result<void> RemoveBelow(const std::string& folder) const = 0;
  // The names directly below a folder, of objects and of folders, sorted; "": the namespaces.
  [[nodiscard]] virtual Result<std::vector<std::string>> Names(const std::string& folder) const = 0;

  // --- what is old and unused goes (gc/collection.h)
  // The object is put to use as of now, by the store's clock; false where it is not there.
  [[nodiscard]] virtual Result<bool> Touch(const std::string& key) const = 0;
  // The objects directly below a folder, by name; none where there is no such folder.
  [[nodiscard]] virtual Result<std::vector<ObjectUse>> Uses(const std::string& folder) const = 0;
  // Removes the object, unless it was put to use at `before` or later: that is looked at here once
  // more, and neither a Touch nor the end of a PutBlob comes between that look and the removal.
  // Whether it is gone.
  [[nodiscard]] virtual Result<bool> RemoveUnused(const std::string& key,
                                                  TimePoint before) const = 0;
  // What time it is where the namespace's objects stand, by which their uses are told.
  [[nodiscard]] virtual Result<TimePoint> Now(const std::string& ns) const = 0;

  // Removes what killed writers left longer than `age` ago; how many.
  [[nodiscard]] virtual Result<int> RemoveLeftovers(std::chrono::seconds age) const = 0;

  // Asks the stores a little, and says in a line what they keep: what is wrong with keys or names
  // is told at the start, and not by the first step that ends.
  [[nodiscard]] virtual Result<std::string> Look() const { return std::string(); }

  // A way past us for whoever may read or write this blob: of `bytes` bytes, which the store itself
  // holds to the digest. Nothing where there is none: then the bytes go through us.
  [[nodiscard]] virtual Result<std::optional<Link>> LinkToRead(const std::string& ns,
                                                               const std::string& digest) const {
    static_cast<void>(ns), static_cast<void>(digest);
    return std::optional<Link>();
  }
  [[nodiscard]] virtual Result<std::optional<Link>> LinkToWrite(const std::string& ns,
                                                                const std::string& digest,
                                                                std::uint64_t bytes) const {
    static_cast<void>(ns), static_cast<void>(digest), static_cast<void>(bytes);
    return std::optional<Link>();
  }
};

// "ns/blobs/ab/<hex>" of "sha256:<hex>", which must be a digest.
[[nodiscard]] inline std::string BlobKey(const std::string& ns, const std::string& digest) {
  const std::string hex = digest.substr(7);
  return ns + "/blobs/" + hex.substr(0, 2) + "/" + hex;
}

}  // namespace penstock::artifacts
