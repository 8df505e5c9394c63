// The one way a blob comes into a folder store: temporary file, digest, sync, rename.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "operator/artifacts/room.h"
#include "operator/base/result.h"

namespace penstock::artifacts {

// A blob on its way in: write, then Commit. Dropped without a Commit, it leaves nothing.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  [[nodiscard]] virtual Result<void> Write(std::string_view bytes) = 0;
  // Makes the blob visible and gives its digest; `expected` (when not empty) must match, else
  // kDamaged and nothing is kept.
  [[nodiscard]] virtual Result<std::string> Commit(const std::string& expected) = 0;
};

// `folder` is <root>/<namespace>; the blob will stand in <folder>/blobs/ab/<hex>.
[[nodiscard]] Result<std::unique_ptr<BlobWriter>> NewFileBlob(const std::filesystem::path& folder,
                                                              const Room& room);

// Many blobs made visible together: two syncs of the file system instead of two a file (10,000
// files take seconds instead of minutes). Dropped without a Commit, it leaves nothing. Add is
// thread-safe.
class BlobBatch {
 public:
  explicit BlobBatch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~BlobBatch();
  BlobBatch(const BlobBatch&) = delete;
  BlobBatch& operator=(const BlobBatch&) = delete;

  // Takes a blob that is written, under its digest's 64 hex digits.
  [[nodiscard]] Result<void> Add(std::unique_ptr<BlobWriter> blob, const std::string& hex);
  [[nodiscard]] Result<void> Commit();

 private:
  struct Pending {
    std::filesystem::path temporary;
    std::string hex;
  };

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::vector<Pending> pending_;
};

}  // namespace penstock::artifacts
