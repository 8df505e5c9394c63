// Files: whole reads, atomic durable writes. Every function gives an Error that names the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock {

// The file's bytes; Invalid when larger than `limit`.
[[nodiscard]] Result<std::string> ReadFile(const std::filesystem::path& path,
                                           std::uint64_t limit = 64ULL << 20);

// The size of the regular file at `path`; nothing where there is none (no such name, or a folder, a
// device). A disk that does not say is an error: what cannot be looked at is not absent.
[[nodiscard]] Result<std::optional<std::uint64_t>> SizeOfFile(const std::filesystem::path& path);

// A file that is written piece by piece and appears whole: a temporary one beside `path`, which
// Commit syncs and renames over it. A reader sees the old bytes or the new ones; after a crash too.
// Dropped without a Commit, it leaves nothing. Used by one thread.
class AtomicFile {
 public:
  // Creates missing folders.
  [[nodiscard]] static Result<AtomicFile> Create(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  [[nodiscard]] Result<void> Write(std::string_view bytes);
  [[nodiscard]] Result<void> Commit();

 private:
  AtomicFile(int fd, std::filesystem::path path, std::string temporary);
  int fd_;
  std::filesystem::path path_;
  std::string temporary_;
};

// Whether a file of that name is the temporary one of an AtomicFile, of any process: one that is
// old was left by a process that was killed.
[[nodiscard]] bool IsTemporary(std::string_view name);

// A file as a whole, of bytes that are there already.
[[nodiscard]] Result<void> WriteFileAtomically(const std::filesystem::path& path,
                                               std::string_view bytes);

// Syncs a folder, so that a rename in it survives a crash.
[[nodiscard]] Result<void> SyncFolder(const std::filesystem::path& folder);

// "context: strerror(errno)"; a full disk (ENOSPC, EDQUOT) is kNoSpace, what a process or a machine
// has too few of (EMFILE, ENFILE, EAGAIN) and EINTR kTransient, ENOENT kNotFound, EACCES, EPERM and
// EROFS kForbidden, EEXIST kAlreadyExists, the rest kInternal.
[[nodiscard]] Error FromErrno(const std::string& context, int error_number);

}  // namespace penstock
