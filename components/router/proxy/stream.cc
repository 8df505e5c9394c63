#include "components/router/proxy/stream.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace penstock::router {

Stream::Got Stream::Read(char* to, std::size_t size, std::size_t* got) {
  if (secure_) return ReadSecure(to, size, got);
  while (true) {
    const ssize_t n = recv(fd_, to, size, 0);
    if (n > 0) {
      *got = static_cast<std::size_t>(n);
      // Less than asked for: the rest comes with an event of its own. The end does not.
      if (*got < size && !ended_) readable_ = false;
      return Got::kSome;
    }
    if (n == 0) return Got::kEnd;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Got::kBroken;
    readable_ = false;
    return Got::kNothing;
  }
}

Stream::Got Stream::Write(const iovec* parts, int count, std::size_t* written) {
  if (secure_) return WriteSecure(parts, count, written);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<std::size_t>(count);
  while (true) {
    const ssize_t n = count == 1 ? send(fd_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                                 : sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) {
      *written = static_cast<std::size_t>(n);
      return Got::kSome;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Got::kBroken;
    writable_ = false;
    return Got::kNothing;
  }
}

void Stream::Note(std::uint32_t events) {
  const bool in = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool out = (events & EPOLLOUT) != 0;
  if (in || (out && read_waits_to_write_)) readable_ = true;
  if (out || (in && write_waits_to_read_)) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
}

int Stream::ConnectError() const {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void Stream::ShutdownWrite() {
  if (agreed_ && !fatal_) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
  }
  (void)shutdown(fd_, SHUT_WR);
}

void Stream::Close() {
  ssl_ = nullptr;
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

// --- TLS

Stream::Stream(int fd, SSL_CTX* context) : fd_(fd), secure_(context != nullptr) {
  if (!secure_) return;
  ssl_.reset(SSL_new(context));
  if (ssl_ && SSL_set_fd(ssl_.get(), fd) == 1) {
    SSL_set_accept_state(ssl_.get());
  } else {
    ssl_ = nullptr;
  }
}

Stream::Got Stream::Failed(int returned, bool reading) {
  const int error = SSL_get_error(ssl_.get(), returned);
  if (error == SSL_ERROR_WANT_READ) {
    readable_ = false;
    if (!reading) {
      writable_ = false;
      write_waits_to_read_ = true;
    }
    return Got::kNothing;
  }
  if (error == SSL_ERROR_WANT_WRITE) {
    writable_ = false;
    if (reading) {
      readable_ = false;
      read_waits_to_write_ = true;
    }
    return Got::kNothing;
  }
  if (error == SSL_ERROR_ZERO_RETURN) return Got::kEnd;
  fatal_ = true;
  met_plain_http_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  return Got::kBroken;
}

Stream::Got Stream::Handshake() {
  if (!ssl_) return Got::kBroken;
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_.get());
  if (returned != 1) return Failed(returned, true) == Got::kNothing ? Got::kNothing : Got::kBroken;
  read_waits_to_write_ = false;
  agreed_ = true;
  return Got::kSome;
}

void Stream::TurnPlain() {
  ssl_ = nullptr;
  secure_ = false;
  readable_ = true;
}

// OpenSSL may have bytes that the kernel has not: readable until it says that it wants more.
Stream::Got Stream::ReadSecure(char* to, std::size_t size, std::size_t* got) {
  if (!ssl_ || fatal_) return Got::kBroken;
  ERR_clear_error();
  read_waits_to_write_ = false;
  const int returned = SSL_read_ex(ssl_.get(), to, size, got);
  return returned == 1 ? Got::kSome : Failed(returned, true);
}

// One record for a head and the beginning of its body. What was refused is offered again, first and
// unchanged, by every caller, as OpenSSL wants it.
Stream::Got Stream::WriteSecure(const iovec* parts, int count, std::size_t* written) {
  if (!ssl_ || fatal_) return Got::kBroken;
  thread_local std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> record;
  const void* from = parts->iov_base;
  std::size_t size = parts->iov_len;
  if (count > 1) {
    size = 0;
    for (int i = 0; i < count; ++i) {
      const std::size_t part = std::min(parts[i].iov_len, record.size() - size);
      std::memcpy(record.data() + size, parts[i].iov_base, part);
      size += part;
    }
    from = record.data();
  }
  ERR_clear_error();
  write_waits_to_read_ = false;
  const int returned = SSL_write_ex(ssl_.get(), from, size, written);
  return returned == 1 ? Got::kSome : Failed(returned, false);
}

}  // namespace penstock::router
