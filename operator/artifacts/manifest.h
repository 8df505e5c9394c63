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
#include <vector>

#include "operator/base/result.h"

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
[[nodiscard]] Result<Manifest> ParseManifest(const std::string& text);

struct FileDigest {
  std::uint64_t size = 0;
  std::string sha256;
  std::vector<std::string> blocks;
};
// Reads the file once.
[[nodiscard]] Result<FileDigest> DigestFile(const std::filesystem::path& path);

}  // namespace penstock::artifacts
