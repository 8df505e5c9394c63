// Keeps those who put a namespace's blobs to use apart from who removes unused ones, in all
// processes of a volume: a lock of one file, shared by users, and held for moments only. It ends
// with its process. Used by one thread.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <utility>

#include "operator/base/result.h"

namespace penstock::artifacts {

class UseLock {
 public:
  enum class Kind : std::uint8_t { kUse, kRemove };

  // `folder`: <root>/<namespace>, which must be there. Waits for its turn. On a file system without
  // such locks nothing can be removed (kUnsupported), and who uses need not wait.
  [[nodiscard]] static Result<UseLock> Take(const std::filesystem::path& folder, Kind kind);
  UseLock(UseLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UseLock& operator=(UseLock&&) = delete;
  ~UseLock() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }  // of the lock's file

 private:
  explicit UseLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace penstock::artifacts
