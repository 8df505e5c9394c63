// A socket of a worker's event loop, plain or under TLS as its server. Events are edge-triggered:
// what the kernel has said stands in readable() and writable() until a call finds the contrary, so
// that no call is made in vain.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>

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
  // Under TLS from its first byte on; plain where `context` is null. Where TLS cannot be set up it
  // is broken.
  Stream(int fd, SSL_CTX* context);
  ~Stream() { Close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  enum class Got : std::uint8_t { kSome, kNothing, kEnd, kBroken };
  [[nodiscard]] Got Read(char* to, std::size_t size, std::size_t* got);
  [[nodiscard]] Got Write(const iovec* parts, int count, std::size_t* written);

  // Under TLS, before anything else: kSome once both sides have agreed, kNothing while more must
  // come, kBroken for good.
  [[nodiscard]] Got Handshake();
  [[nodiscard]] bool is_secure() const { return secure_; }
  // Of the handshake: the client's first bytes are HTTP without TLS.
  [[nodiscard]] bool met_plain_http() const { return met_plain_http_; }
  // After such a handshake: so that the client can be told.
  void TurnPlain();

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
  // Under TLS the peer is told first, so that it knows that nothing was cut off.
  void ShutdownWrite();
  void Close();

 private:
  [[nodiscard]] Got ReadSecure(char* to, std::size_t size, std::size_t* got);
  [[nodiscard]] Got WriteSecure(const iovec* parts, int count, std::size_t* written);
  // What OpenSSL's call that came to nothing means.
  [[nodiscard]] Got Failed(int returned, bool reading);

  int fd_;
  bool secure_ = false;
  bool met_plain_http_ = false;
  bool agreed_ = false;
  bool fatal_ = false;  // nothing may be said any more (SSL_shutdown's rule)
  bool read_waits_to_write_ = false;
  bool write_waits_to_read_ = false;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool readable_ = false;
  bool writable_ = false;
  bool ended_ = false;
};

}  // namespace penstock::router
