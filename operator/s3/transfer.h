// Files to and from a bucket: large ones in parts, several at once, gone on with where they broke.
// Memory of one piece a part under way. Block; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/s3/client.h"

namespace penstock::s3 {

// Reads a part of a file in pieces. Not shared between threads.
class FilePart {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FilePart>> Open(const std::filesystem::path& path,
                                                              std::uint64_t offset,
                                                              std::uint64_t size);
  ~FilePart();
  FilePart(const FilePart&) = delete;
  FilePart& operator=(const FilePart&) = delete;
  // Invalid where the file ends before.
  [[nodiscard]] Result<std::string_view> Next();
  void Rewind() { done_ = 0; }
  // Which this must outlive.
  [[nodiscard]] Body AsBody();
  [[nodiscard]] Result<std::string> Crc32cBase64();

 private:
  FilePart(int fd, std::filesystem::path path, std::uint64_t offset, std::uint64_t size);
  int fd_;
  std::filesystem::path path_;
  std::uint64_t offset_;
  std::uint64_t size_;
  std::uint64_t done_ = 0;
  std::string piece_;
};

struct TransferOptions {
  std::uint64_t part_bytes = 16ULL << 20;  // larger where the file has over 10,000 of them
  int workers = 4;
  bool only_new = false;     // Abilities::conditional_put
  bool with_crc32c = false;  // Abilities::keeps_crc32c
  std::string sha256 = {};   // of the whole, 64 hex; held against a file of one part by the store
  std::stop_token stop = {};
};

// True where it was put, false where the key was taken (only_new). A file of over one part is put
// in parts: those that an upload of the same key, cut off before, has brought are compared with the
// file and not sent again. After an error that would come again nothing is left of the upload;
// after one that passes by itself the next call goes on with it.
[[nodiscard]] Result<bool> PutFile(const Client& client, const std::string& key,
                                   const std::filesystem::path& file,
                                   const TransferOptions& options);

// Writes `target`, which must not exist, read in ranges at once; nothing stays there after an
// error. The bytes are the store's word: who asked holds them against their digest.
[[nodiscard]] Result<void> GetFile(const Client& client, const std::string& key, std::uint64_t size,
                                   const std::filesystem::path& target,
                                   const TransferOptions& options);

}  // namespace penstock::s3
