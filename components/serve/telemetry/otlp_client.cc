#include "components/serve/telemetry/otlp_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace penstock::serve {
namespace {

using Steady = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

// False when `events` did not come in time.
bool Wait(int fd, short events, Steady::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
  if (left <= 0) return false;
  pollfd one{fd, events, 0};
  return poll(&one, 1, static_cast<int>(left)) == 1;
}

bool Connect(int fd, const addrinfo& address, Steady::time_point deadline) {
  if (connect(fd, address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS || !Wait(fd, POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool SendAll(int fd, const std::string& bytes, Steady::time_point deadline) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    } else if (!Wait(fd, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

// "HTTP/1.1 200" is all that matters of the answer.
std::string ReadStatusLine(int fd, Steady::time_point deadline) {
  constexpr std::size_t kEnough = 12;
  std::string line;
  char chunk[512];
  while (line.size() < kEnough && Wait(fd, POLLIN, deadline)) {
    const ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (n > 0) line.append(chunk, static_cast<std::size_t>(n));
  }
  return line.substr(0, kEnough);
}

}  // namespace

Result<OtlpEndpoint> ParseOtlpEndpoint(const std::string& url) {
  const std::string scheme = "http://";
  if (!url.starts_with(scheme))
    return Invalid("the OTLP endpoint must be http://host[:port][/path], not '" + url + "'");
  std::string rest = url.substr(scheme.size());
  OtlpEndpoint endpoint;
  const std::size_t slash = rest.find('/');
  if (slash != std::string::npos) {
    endpoint.path = rest.substr(slash);
    rest.resize(slash);
  }
  if (endpoint.path.empty() || endpoint.path == "/") endpoint.path = "/v1/traces";
  const std::size_t colon = rest.rfind(':');
  const bool bracket = !rest.empty() && rest.back() == ']';  // an IPv6 address without a port
  endpoint.port = colon == std::string::npos || bracket ? "4318" : rest.substr(colon + 1);
  endpoint.host = colon == std::string::npos || bracket ? rest : rest.substr(0, colon);
  if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  if (endpoint.host.empty() || endpoint.port.empty() ||
      endpoint.path.find_first_of(" \r\n") != std::string::npos)
    return Invalid("the OTLP endpoint must be http://host[:port][/path], not '" + url + "'");
  return endpoint;
}

Result<void> SendOtlp(const OtlpEndpoint& endpoint, const std::string& body,
                      std::chrono::milliseconds limit) {
  const auto deadline = Steady::now() + limit;
  const std::string where = endpoint.host + ":" + endpoint.port;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found))
    return Transient("the collector " + where + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  const std::string request = "POST " + endpoint.path + " HTTP/1.1\r\nHost: " + where +
                              "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                              "Content-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    const Socket socket(
        ::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol));
    if (socket.fd() < 0 || !Connect(socket.fd(), *a, deadline)) continue;
    if (!SendAll(socket.fd(), request, deadline))
      return Transient("the collector " + where + " did not take the spans");
    const std::string status = ReadStatusLine(socket.fd(), deadline);
    if (status.size() == 12 && status[9] == '2') return {};
    return Transient("the collector " + where + " answered '" + status + "'");
  }
  return Transient("the collector " + where + " cannot be reached");
}

}  // namespace penstock::serve
