#include "components/router/proxy/testing/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace penstock::router {

namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int Listen(std::uint16_t port, std::uint16_t* bound) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = Loopback(port);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 1024) != 0) {
    close(fd);
    return -1;
  }
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *bound = ntohs(address.sin_port);
  return fd;
}

}  // namespace

std::uint16_t FreePort() {
  std::uint16_t port = 0;
  close(Listen(0, &port));
  return port;
}

Connection::~Connection() { Close(); }

bool Connection::Send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool Connection::HasInput(std::chrono::milliseconds within) {
  pollfd one{fd_, POLLIN, 0};
  return !pending_.empty() || poll(&one, 1, static_cast<int>(within.count())) > 0;
}

bool Connection::More() {
  pollfd one{fd_, POLLIN, 0};
  if (poll(&one, 1, 10'000) <= 0) return false;
  std::array<char, 65536> piece;
  const ssize_t n = recv(fd_, piece.data(), piece.size(), 0);
  if (n <= 0) return false;
  pending_.append(piece.data(), static_cast<std::size_t>(n));
  return true;
}

std::string Connection::ReadBytes(std::size_t size) {
  while (pending_.size() < size) {
    if (!More()) break;
  }
  std::string bytes = pending_.substr(0, size);
  pending_.erase(0, bytes.size());
  return bytes;
}

std::string Connection::ReadHead() {
  auto end = pending_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!More()) return "";
    end = pending_.find("\r\n\r\n");
  }
  return ReadBytes(end + 4);
}

std::string Connection::Read() {
  std::string head = ReadHead();
  const auto length = head.find("Content-Length: ");
  if (length != std::string::npos) return head + ReadBytes(std::stoul(head.substr(length + 16)));
  if (head.find("Transfer-Encoding: chunked") == std::string::npos) return head;
  auto end = pending_.find("0\r\n\r\n");
  while (end == std::string::npos) {
    if (!More()) return "";
    end = pending_.find("0\r\n\r\n");
  }
  return head + ReadBytes(end + 5);
}

std::string Connection::ReadAll() {
  while (More()) {
  }
  return ReadBytes(pending_.size());
}

bool Connection::IsClosed() {
  if (!pending_.empty()) return false;
  pollfd one{fd_, POLLIN, 0};
  char c = 0;
  return poll(&one, 1, 10'000) > 0 && recv(fd_, &c, 1, 0) <= 0;
}

void Connection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void Connection::Reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  Close();
}

void Connection::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

std::unique_ptr<Connection> ConnectTo(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return nullptr;
  }
  return std::make_unique<Connection>(fd);
}

FakeServer::FakeServer(Serve serve, std::uint16_t port)
    : serve_(std::move(serve)), listener_(Listen(port, &port_)), acceptor_([this] { Accept(); }) {}

FakeServer::~FakeServer() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  CloseConnections();
  for (std::thread& thread : threads_) thread.join();
}

void FakeServer::CloseConnections() {
  std::lock_guard lock(mutex_);
  for (const int fd : open_) shutdown(fd, SHUT_RDWR);
}

void FakeServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    {
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
    }
    threads_.emplace_back([this, fd] {
      Connection connection(dup(fd));
      serve_(connection);
      connection.Close();
      std::lock_guard lock(mutex_);
      open_.erase(std::find(open_.begin(), open_.end(), fd));
      close(fd);
    });
  }
}

FakeServer::Serve Echo(const std::string& name) {
  return [name](Connection& connection) {
    while (true) {
      const std::string request = connection.Read();
      if (request.empty()) return;
      const std::string line = request.substr(0, request.find(" HTTP/1.1"));
      connection.Send(Ok(name + " " + line + " " + BodyOf(request)));
    }
  };
}

std::string Ok(const std::string& body, const std::string& headers) {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string BodyOf(const std::string& message) {
  const auto end = message.find("\r\n\r\n");
  return end == std::string::npos ? "" : message.substr(end + 4);
}

std::string Get(const std::string& target, const std::string& headers) {
  return "GET " + target + " HTTP/1.1\r\nHost: model\r\n" + headers + "\r\n";
}

std::string Post(const std::string& target, const std::string& body, const std::string& headers) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: model\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

bool Eventually(const std::function<bool()>& is) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (is()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return is();
}

}  // namespace penstock::router
