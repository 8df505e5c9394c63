#include "components/router/proxy/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "components/router/http1/rewrite.h"

namespace penstock::router {

namespace {

constexpr int kBacklog = 4096;
constexpr auto kOutOfDescriptors = std::chrono::milliseconds(50);
// In one go for one port, so that no flood keeps the others waiting.
constexpr int kMostAtOnce = 64;

bool SockAddress(const std::string& text, std::uint16_t port, sockaddr_storage* address,
                 socklen_t* size) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *size = sizeof *v4;
    return true;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  *size = sizeof *v6;
  return true;
}

}  // namespace

Acceptor::Acceptor(std::string address, int most_connections, std::vector<Worker*> workers)
    : address_(std::move(address)),
      most_connections_(most_connections),
      workers_(std::move(workers)) {}

Acceptor::~Acceptor() {
  stopping_ = true;
  const std::uint64_t one = 1;
  if (wake_ >= 0) (void)!write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  StopListening();
  if (epoll_ >= 0) close(epoll_);
  if (wake_ >= 0) close(wake_);
}

Result<void> Acceptor::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    return Transient(std::string("cannot make an event loop: ") + std::strerror(errno));
  thread_ = std::thread([this] { Run(); });
  return {};
}

Result<int> Acceptor::Bind(std::uint16_t port) const {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (!SockAddress(address_, port, &address, &size))
    return Invalid("'" + address_ + "' is no IP address");
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(fd, kBacklog) != 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    return Transient("cannot listen on " + address_ + ":" + std::to_string(port) + ": " +
                     std::strerror(error));
  }
  return fd;
}

std::map<std::uint16_t, std::string> Acceptor::Listen(const std::vector<std::uint16_t>& ports) {
  std::map<std::uint16_t, std::string> failed;
  std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [&](const auto& one) {
    if (std::find(ports.begin(), ports.end(), one.first) != ports.end()) return false;
    AcceptAll(one.second, one.first);  // they are told what has become of the port
    close(one.second);
    return true;
  });
  for (const std::uint16_t port : ports) {
    if (listeners_.count(port) != 0) continue;
    const auto fd = Bind(port);
    if (!fd) {
      failed[port] = fd.error().message;
      continue;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = port;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, *fd, &event) != 0) {
      failed[port] = std::string("cannot wait for connections: ") + std::strerror(errno);
      close(*fd);
      continue;
    }
    listeners_[port] = *fd;
  }
  return failed;
}

void Acceptor::StopListening() {
  std::lock_guard lock(mutex_);
  for (const auto& [port, fd] : listeners_) {
    AcceptAll(fd, port);  // who is in the queue would be cut off
    close(fd);
  }
  listeners_.clear();
}

void Acceptor::Run() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count && !stopping_; ++i) {
      const auto port = static_cast<std::uint16_t>(events[static_cast<std::size_t>(i)].data.u64);
      if (port == 0) continue;
      std::lock_guard lock(mutex_);  // so that nobody closes the listener meanwhile
      const auto found = listeners_.find(port);
      if (found != listeners_.end()) AcceptAll(found->second, port);
    }
  }
}

void Acceptor::AcceptAll(int listener, std::uint16_t port) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Hand(fd, port);
      continue;
    }
    // Out of descriptors or memory: asking again at once would only burn the processor.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      std::this_thread::sleep_for(kOutOfDescriptors);
    return;
  }
}

void Acceptor::Hand(int fd, std::uint16_t port) {
  int all = 0;
  Worker* fewest = workers_.front();
  for (Worker* worker : workers_) {
    all += worker->connections();
    if (worker->connections() < fewest->connections()) fewest = worker;
  }
  if (all >= most_connections_) {
    ++turned_away_;
    const std::string answer = http1::OwnAnswer(503, "too many connections", false, false, 1);
    (void)!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(fd);
    return;
  }
  fewest->Expect();
  fewest->Post([fd, port](Worker& worker) { worker.Adopt(fd, port); });
}

}  // namespace penstock::router
