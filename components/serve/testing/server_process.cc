#include "components/serve/testing/server_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace penstock::serve {

ClientConnection::ClientConnection(int port) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd_);
    throw std::runtime_error("cannot connect");
  }
}

ClientConnection::~ClientConnection() { close(fd_); }

void ClientConnection::Send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;  // the server has answered and closed; Receive tells
    sent += static_cast<std::size_t>(n);
  }
}

bool ClientConnection::Fill() {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (poll(&poll_fd, 1, 30'000) != 1) throw std::runtime_error("no bytes from the server in 30 s");
  char chunk[65536];
  const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
  if (n <= 0) return false;
  buffer_.append(chunk, static_cast<std::size_t>(n));
  return true;
}

Reply ClientConnection::Receive(bool has_body) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  Reply reply;
  reply.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  reply.status = std::stoi(reply.head.substr(9, 3));
  const std::size_t at = reply.head.find("Content-Length: ");
  const std::size_t length =
      at == std::string::npos || !has_body ? 0 : std::stoul(reply.head.substr(at + 16));
  while (buffer_.size() < length) {
    if (!Fill()) return {};
  }
  reply.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return reply;
}

Reply ClientConnection::Get(const std::string& target) {
  Send("GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n");
  return Receive();
}

Reply ClientConnection::Post(const std::string& target, const std::string& body,
                             const std::string& headers) {
  Send("POST " + target +
       " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
  return Receive();
}

bool ClientConnection::AtEnd() {
  while (Fill()) {
  }
  return true;
}

Collector::Collector() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd_, 1) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
}

Collector::~Collector() { close(fd_); }

std::string Collector::Receive() {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (poll(&poll_fd, 1, 30'000) != 1) throw std::runtime_error("no connection in 30 s");
  const int connection = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  std::string request;
  char chunk[4096];
  while (true) {
    const std::size_t head = request.find("\r\n\r\n");
    const std::size_t at = request.find("Content-Length: ");
    if (head != std::string::npos && at != std::string::npos &&
        request.size() >= head + 4 + std::stoul(request.substr(at + 16)))
      break;
    const ssize_t n = recv(connection, chunk, sizeof(chunk), 0);
    if (n <= 0) break;
    request.append(chunk, static_cast<std::size_t>(n));
  }
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  if (send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) request += "(not answered)";
  close(connection);
  return request;
}

ServerProcess::ServerProcess(const std::string& program,
                             const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  std::vector<std::string> all = {program, "--address", "127.0.0.1", "--port", "0"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& one : all) argv.push_back(one.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  log_fd_ = ends[0];
  const std::string line = WaitForLog("port ");
  const std::size_t at = line.find("port ");
  if (at == std::string::npos) throw std::runtime_error("the server said no port: " + line);
  port_ = std::stoi(line.substr(at + 5));
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(log_fd_);
}

std::string ServerProcess::WaitForLog(const std::string& text) {
  while (true) {
    std::size_t end = 0;
    while ((end = log_.find('\n')) != std::string::npos) {
      std::string line = log_.substr(0, end);
      log_.erase(0, end + 1);
      if (line.find(text) != std::string::npos) return line;
    }
    char chunk[4096];
    const ssize_t n = read(log_fd_, chunk, sizeof(chunk));
    if (n <= 0) return log_;
    log_.append(chunk, static_cast<std::size_t>(n));
  }
}

void ServerProcess::Signal(int signal) const { kill(pid_, signal); }

int ServerProcess::Wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace penstock::serve
