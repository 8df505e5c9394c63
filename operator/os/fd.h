// A file descriptor that is closed with its owner. Not shared between threads.
#pragma once

#include <unistd.h>

#include <utility>

namespace penstock {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Close();
    fd_ = other.Release();
    return *this;
  }
  ~Fd() { Close(); }

  [[nodiscard]] int get() const { return fd_; }  // -1: none
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace penstock
