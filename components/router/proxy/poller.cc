#include "components/router/proxy/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace penstock::router {

Poller::~Poller() {
  if (epoll_ >= 0) close(epoll_);
  if (wake_ >= 0) close(wake_);
}

Result<void> Poller::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    return Transient(std::string("cannot make an event loop: ") + std::strerror(errno));
  return {};
}

bool Poller::Add(int fd, Pollable* who) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = who;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::Round(int timeout) {
  std::array<epoll_event, kMostEvents> events;
  const int count = epoll_wait(epoll_, events.data(), kMostEvents, timeout);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) {
      static_cast<Pollable*>(event.data.ptr)->OnEvents(event.events);
      continue;
    }
    std::uint64_t ignored = 0;
    (void)!read(wake_, &ignored, sizeof ignored);
  }
}

void Poller::Wake() {
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);  // full: it is awake
}

}  // namespace penstock::router
