#include "operator/runtime/health_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::runtime {
namespace {

// The whole answer to one request; the server closes the connection after it.
std::string Ask(std::uint16_t port, const std::string& request_line) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  const std::string request = request_line + " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer(65536, '\0');
  std::size_t used = 0;
  for (ssize_t n = 0; (n = ::recv(fd, answer.data() + used, answer.size() - used, 0)) > 0;)
    used += static_cast<std::size_t>(n);
  ::close(fd);
  answer.resize(used);
  return answer;
}

TEST(HealthServer, SaysWhyItIsNotReadyAndGivesMetrics) {
  HealthChecks checks;
  checks.ready = []() -> Result<void> { return Transient("caches are not filled"); };
  checks.metrics = [] { return std::string("penstock_leader 1\n"); };
  auto server = StartHealthServer("127.0.0.1", 0, checks);
  ASSERT_TRUE(server) << server.error().message;
  const auto port = (*server)->port();
  EXPECT_NE(Ask(port, "GET /livez").find("200 OK"), std::string::npos);
  const std::string unready = Ask(port, "GET /readyz");
  EXPECT_NE(unready.find("503"), std::string::npos);
  EXPECT_NE(unready.find("caches are not filled"), std::string::npos);
  EXPECT_NE(Ask(port, "GET /metrics").find("penstock_leader 1"), std::string::npos);
  EXPECT_NE(Ask(port, "GET /nothing").find("404"), std::string::npos);
  EXPECT_NE(Ask(port, "POST /livez").find("405"), std::string::npos);
}

TEST(HealthServer, SaysWhichAddressItCannotListenOn) {
  const auto server = StartHealthServer("not-an-address", 0, HealthChecks{});
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("not-an-address"), std::string::npos);
}

}  // namespace
}  // namespace penstock::runtime
