// A regular file that is open for reading, closed with its owner. Not shared between threads.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/result.h"

namespace penstock::artifacts {

class OpenFile {
 public:
  // kNotFound where there is none, kInvalid for a folder, link, device or pipe; other errors are
  // the disk's or this process's, and say nothing of the file.
  [[nodiscard]] static Result<OpenFile> Open(const std::filesystem::path& path) {
    OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.fd_ < 0 && errno == ELOOP) return Invalid(path.string() + " is no regular file");
    if (file.fd_ < 0) return FromErrno("opening " + path.string(), errno);
    struct stat st {};
    if (::fstat(file.fd_, &st) != 0) return FromErrno("looking at " + path.string(), errno);
    if (!S_ISREG(st.st_mode)) return Invalid(path.string() + " is no regular file");
    file.size_ = static_cast<std::uint64_t>(st.st_size);
    return file;
  }
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  // when it was opened

 private:
  explicit OpenFile(int fd) : fd_(fd) {}
  int fd_;
  std::uint64_t size_ = 0;
};

}  // namespace penstock::artifacts
