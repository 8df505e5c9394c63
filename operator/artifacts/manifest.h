// A folder artifact's manifest: its files sorted by path, each with size and digest, and a digest
// per 8 MiB block for files larger than one block, so that a part can be verified and fetched
// again alone. The folder's digest is the SHA-256 of the manifest's canonical JSON. Value types.
//
//   {"files":[{"path":"a/b.csv","size":3,"sha256":"<hex>","executable":true,"blocks":["<hex>",...]}],
//    "version":1}
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {

inline constexpr std::uint64_t kBlockBytes = 8ULL << 20;

struct ManifestFile {
  std::string path;  // relative, "/" between parts, no "." or ".." part, no leading "/"
  std::uint64_t size = 0;
  std::string sha256;  // 64 hex
  bool executable = false;
  std::vector<std::string> blocks;  // 64 hex each; empty when size <= kBlockBytes
};

struct Manifest {
  std::vector<ManifestFile> files;  // sorted by path, unique
  [[nodiscard]] std::uint64_t Bytes() const;
};

[[nodiscard]] std::string FormatManifest(const Manifest& m);
// Refuses what a hostile writer could put in: absolute or climbing paths, duplicates, a file that
// is also a folder, sizes or block counts that do not agree, more than 1,000,000 files.
inline constexpr std::uint64_t kMaxManifestBytes = 512ULL << 20;
inline constexpr std::uint64_t kMaxManifestFiles = 1'000'000;
[[nodiscard]] Result<Manifest> ParseManifest(const std::string& text);

struct FileDigest {
  std::uint64_t size = 0;
  std::string sha256;
  std::vector<std::string> blocks;  // empty when size <= kBlockBytes
};

// Digests bytes as they stream by. Used by one thread.
class BlockHasher {
 public:
  // `with_blocks` false saves the second digest where the size is known to be one block at most.
  explicit BlockHasher(bool with_blocks = true) : with_blocks_(with_blocks) {}
  void Update(std::string_view bytes);
  // Of the blocks that are whole by now, and the bytes seen (sha256 still empty).
  [[nodiscard]] const FileDigest& so_far() const { return digest_; }
  // The object may not be used after it.
  [[nodiscard]] FileDigest Finish();

 private:
  bool with_blocks_;
  Sha256 whole_;
  Sha256 block_;
  FileDigest digest_;
};

// Reads the file once.
[[nodiscard]] Result<FileDigest> DigestFile(const std::filesystem::path& path);

// "sha256:<hex>" that a file: source is known by: of a file's bytes, or of a folder's file names
// and digests.
[[nodiscard]] Result<std::string> ContentFingerprint(const std::filesystem::path& path);

}  // namespace penstock::artifacts
