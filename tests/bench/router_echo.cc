// The cheapest server that a router can stand before: reads each request whole and answers with the
// same bytes, from one epoll loop a thread. What is left of a measurement is the way there.
//
//   router-echo --threads 1 --body-bytes 300        prints its port
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// The bytes of the first request in `text`, 0 while it is not whole.
std::size_t WholeRequest(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view kName = "content-length:";
  std::size_t length = 0;
  for (std::size_t line = 0; (line = text.find('\n', line)) < end;) {
    ++line;
    if (strncasecmp(text.data() + line, kName.data(), kName.size()) == 0)
      length = std::strtoul(text.data() + line + kName.size(), nullptr, 10);
  }
  return text.size() < end + 4 + length ? 0 : end + 4 + length;
}

void Serve(int listener, const std::string& answer) {
  const int epoll = epoll_create1(0);
  const auto add = [epoll](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  };
  add(listener);
  std::map<int, std::string> pending;
  std::array<epoll_event, 64> events;
  std::array<char, 65536> piece;
  while (true) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        const int on = 1;
        if (client >= 0) {
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          add(client);
        }
        continue;
      }
      const ssize_t n = recv(fd, piece.data(), piece.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) {
        pending.erase(fd);
        close(fd);
        continue;
      }
      std::string& text = pending[fd];
      if (n > 0) text.append(piece.data(), static_cast<std::size_t>(n));
      while (const std::size_t whole = WholeRequest(text)) {
        text.erase(0, whole);
        if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1;
  std::size_t bytes = 300;
  CLI::App app("Answers every request with the same bytes.", "router-echo");
  app.add_option("--threads", threads)->check(CLI::Range(1, 64));
  app.add_option("--body-bytes", bytes);
  CLI11_PARSE(app, argc, argv);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1024) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("router-echo");
    return 1;
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
  std::vector<std::thread> all;
  for (int i = 1; i < threads; ++i) all.emplace_back([&] { Serve(listener, answer); });
  Serve(listener, answer);
}
