// A socket of a worker's event loop. Events are edge-triggered: what the kernel has said stands in
// readable() and writable() until a call finds the contrary, so that no call is made in vain.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace penstock::router {

// What the loop calls. Lives until the end of the round of events in which it is retired.
class Pollable {
 public:
  Pollable() = default;
  virtual ~Pollable() = default;
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;
  virtual void OnEvents(std::uint32_t events) = 0;
};

class Stream {
 public:
  explicit Stream(int fd) : fd_(fd) {}
  ~Stream() { Close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  enum class Got : std::uint8_t { kSome, kNothing, kEnd, kBroken };
  [[nodiscard]] Got Read(char* to, std::size_t size, std::size_t* got);
  [[nodiscard]] Got Write(const iovec* parts, int count, std::size_t* written);

  void Note(std::uint32_t events);  // of epoll
  void AssumeWritable() { writable_ = true; }
  [[nodiscard]] bool readable() const { return readable_; }
  [[nodiscard]] bool writable() const { return writable_; }
  // The peer has closed its side, or the connection is broken.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  // 0, or the errno of a connection that did not come about.
  [[nodiscard]] int ConnectError() const;
  void ShutdownWrite();
  void Close();

 private:
  int fd_;
  bool readable_ = false;
  bool writable_ = false;
  bool ended_ = false;
};

}  // namespace penstock::router
