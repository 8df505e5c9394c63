// A folder artifact taken apart into blobs and put together again, whatever carries the blobs.
//
// Store and the HTTPS transport share this, so that both verify alike. Work on single files is
// done by up to kWorkers threads; callbacks get the number of the worker (0 .. kWorkers-1) that
// calls them, so that each may keep a connection of its own. The first error ends the work.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "operator/artifacts/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

inline constexpr int kWorkers = 4;

// kDamaged.
[[nodiscard]] Error DigestMismatch(const std::string& what, const std::string& expected,
                                   const std::string& actual);

// A delivered file: created new, verified as it is written, read-only at the end. Dropped without
// a Finish, it removes the file. Used by one thread.
class TargetFile {
 public:
  // `expected.sha256` must be set; blocks are checked one by one where they are known, and the
  // size where `check_size` says that it is known.
  [[nodiscard]] static Result<std::unique_ptr<TargetFile>> Create(const std::filesystem::path& path,
                                                                  const ManifestFile& expected,
                                                                  bool check_size);
  ~TargetFile();
  TargetFile(const TargetFile&) = delete;
  TargetFile& operator=(const TargetFile&) = delete;

  [[nodiscard]] Result<void> Write(std::string_view bytes);
  [[nodiscard]] Result<void> Finish();
  // Begins again from the first byte.
  [[nodiscard]] Result<void> Restart();
  [[nodiscard]] std::uint64_t written() const { return hasher_.so_far().size; }

 private:
  TargetFile(int fd, std::filesystem::path path, ManifestFile expected, bool check_size);
  [[nodiscard]] Result<void> CheckBlocks();

  int fd_;
  std::filesystem::path path_;
  ManifestFile expected_;
  bool check_size_;
  BlockHasher hasher_;
  std::size_t checked_blocks_ = 0;
  bool finished_ = false;
};

struct PackSink {
  std::function<Result<FileDigest>(int worker, const std::filesystem::path& file)> put_file;
  std::function<Result<void>(const std::string& manifest, const std::string& digest)> put_manifest;
};
// Stores a file or a folder; Invalid names what is neither.
[[nodiscard]] Result<ArtifactRef> Pack(const std::filesystem::path& source, const PackSink& sink);

struct UnpackSource {
  // Writes the file, verified (TargetFile).
  std::function<Result<void>(int worker, const ManifestFile&, const std::filesystem::path& target,
                             bool check_size)>
      get_file;
  std::function<Result<std::string>(const std::string& digest)> get_manifest;  // bytes, unverified
};
// Writes the artifact to `target`, which must not exist; leaves nothing there after an error.
[[nodiscard]] Result<void> Unpack(const ArtifactRef& artifact, const std::filesystem::path& target,
                                  const UnpackSource& source);

}  // namespace penstock::artifacts
