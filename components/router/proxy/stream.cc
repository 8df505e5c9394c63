#include "components/router/proxy/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace penstock::router {

Stream::Got Stream::Read(char* to, std::size_t size, std::size_t* got) {
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
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & EPOLLOUT) != 0) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
}

int Stream::ConnectError() const {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void Stream::ShutdownWrite() { (void)shutdown(fd_, SHUT_WR); }

void Stream::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace penstock::router
