#include "components/grpc/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace penstock {
namespace {

using std::chrono::milliseconds;

// Looking at a thousand descriptors takes a moment that a flood of connections must not multiply.
constexpr milliseconds kBetweenLooks{20};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

// A bound socket that listens. Transient says where it could not.
Result<int> Listen(const addrinfo& address, const std::string& where) {
  const int listener = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
      bind(listener, address.ai_addr, address.ai_addrlen) == 0 && listen(listener, SOMAXCONN) == 0)
    return listener;
  const int error = errno;
  if (listener >= 0) close(listener);
  return Transient("cannot listen on " + where + " for gRPC: " + std::strerror(error));
}

std::uint16_t PortOf(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// Accepts on a thread of its own.
class BoundedListener : public GrpcListener {
 public:
  BoundedListener(int listener, int stop, std::size_t connections)
      : listener_(listener), stop_(stop), port_(PortOf(listener)), connections_(connections) {}
  ~BoundedListener() override {
    BoundedListener::Stop();
    close(listener_);
    close(stop_);
  }
  BoundedListener(const BoundedListener&) = delete;
  BoundedListener& operator=(const BoundedListener&) = delete;

  std::uint16_t port() const override { return port_; }
  void AddTo(grpc::ServerBuilder* builder,
             const std::shared_ptr<grpc::ServerCredentials>& credentials) override {
    using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
    acceptor_ = builder->experimental().AddExternalConnectionAcceptor(Type::FROM_FD, credentials);
  }
  void Start(std::function<void()> refused) override {
    refused_ = std::move(refused);
    thread_ = std::thread([this] { Run(); });
  }
  void Stop() override {
    if (!thread_.joinable()) return;
    eventfd_write(stop_, 1);
    thread_.join();
    shutdown(listener_, SHUT_RDWR);  // who comes now is refused, not kept waiting
  }
  std::size_t open() override {
    const std::lock_guard lock(mutex_);
    ForgetClosed();
    return accepted_.size();
  }

 private:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;
  // A connection that gRPC owns. It is open while its descriptor still is this socket.
  struct Accepted {
    int descriptor = -1;
    dev_t device = 0;
    ino_t inode = 0;
    [[nodiscard]] bool IsOpen() const;
  };

  void Run();
  void Admit(int connection);
  [[nodiscard]] bool HasRoom();
  void ForgetClosed();

  const int listener_;
  const int stop_;  // an eventfd
  const std::uint16_t port_;
  const std::size_t connections_;
  std::unique_ptr<Acceptor> acceptor_;
  std::function<void()> refused_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<Accepted> accepted_;  // guarded by mutex_
  std::chrono::steady_clock::time_point
      looked_{};  // of the thread: when for the last time, for those closed
};

void BoundedListener::Run() {
  pollfd waited[2] = {{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
  while (true) {
    poll(waited, 2, -1);
    if (waited[0].revents != 0) return;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
      Admit(connection);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      // Out of file descriptors, most likely: trying again at once would only burn the processor.
      poll(waited, 1, 100);
    }
  }
}

void BoundedListener::Admit(int connection) {
  struct stat file {};
  std::unique_lock lock(mutex_);
  if (!HasRoom() || fstat(connection, &file) != 0) {
    close(connection);
    return refused_();
  }
  accepted_.push_back({connection, file.st_dev, file.st_ino});
  lock.unlock();
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Acceptor::NewConnectionParameters parameters;
  parameters.listener_fd = listener_;
  parameters.fd = connection;
  acceptor_->HandleNewConnection(&parameters);
}

bool BoundedListener::HasRoom() {
  if (accepted_.size() < connections_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kBetweenLooks) return false;
  looked_ = now;
  ForgetClosed();
  return accepted_.size() < connections_;
}

void BoundedListener::ForgetClosed() {
  std::erase_if(accepted_, [](const Accepted& one) { return !one.IsOpen(); });
}

bool BoundedListener::Accepted::IsOpen() const {
  struct stat file {};
  return fstat(descriptor, &file) == 0 && file.st_dev == device && file.st_ino == inode;
}

}  // namespace

Result<std::unique_ptr<GrpcListener>> GrpcListener::Bind(const std::string& address,
                                                         std::uint16_t port,
                                                         std::size_t connections) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return Invalid("'" + address + "' is no IP address");
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  auto listener = Listen(*addresses, address + ":" + std::to_string(port));
  if (!listener) return listener.error();
  const int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) {
    close(*listener);
    return Transient("cannot make an eventfd for gRPC: " + std::string(std::strerror(errno)));
  }
  return std::unique_ptr<GrpcListener>(
      std::make_unique<BoundedListener>(*listener, stop, connections));
}

}  // namespace penstock
