// A file as it is sent. Used by one thread.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/result.h"

namespace penstock::artifacts {

// Reads a file in pieces, from its start at each Rewind.
class FileReader {
 public:
  static Result<std::unique_ptr<FileReader>> Open(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return FromErrno("opening " + path.string(), errno);
    return std::unique_ptr<FileReader>(new FileReader(fd, path));
  }
  ~FileReader() { ::close(fd_); }
  void Rewind() { offset_ = 0; }
  Result<std::string_view> Next(std::uint64_t size) {
    const std::uint64_t left = size - std::min<std::uint64_t>(size, offset_);
    if (piece_.empty()) piece_.resize(std::clamp<std::uint64_t>(size, 1, 256 * 1024));
    for (;;) {
      const ssize_t n = ::pread(fd_, piece_.data(), std::min<std::uint64_t>(left, piece_.size()),
                                static_cast<off_t>(offset_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("reading " + path_.string(), errno);
      if (n == 0 && left > 0) return Invalid(path_.string() + " shrank while it was uploaded");
      offset_ += static_cast<std::uint64_t>(n);
      return std::string_view(piece_.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  FileReader(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::filesystem::path path_;
  std::string piece_;
  std::uint64_t offset_ = 0;
};

}  // namespace penstock::artifacts
