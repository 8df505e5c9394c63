#include "operator/runtime/health_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "operator/net/stream.h"

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

TEST(HealthServer, OneAddressCannotKeepTheProbesOut) {
  HealthChecks checks;
  checks.ready = []() -> Result<void> { return {}; };
  checks.metrics = [] { return std::string(); };
  auto server = StartHealthServer("127.0.0.1", 0, checks);
  ASSERT_TRUE(server) << server.error().message;
  std::vector<net::Stream> held;
  const auto connect = [&] {
    held.push_back(net::Stream::Make().value());
    held.back().Limit({.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20)});
    ASSERT_TRUE(held.back().Connect({"127.0.0.1"}, (*server)->port()));
  };
  for (int i = 0; i < 17; ++i) connect();
  char byte = 0;
  const auto closed = held.back().Read(&byte, 1);
  ASSERT_TRUE(closed) << closed.error().message;
  EXPECT_EQ(*closed, 0u);
  EXPECT_LE((*server)->connections(), 16);
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

// A check that comes back when it is told to.
class HeldCheck {
 public:
  std::string Run() {
    std::unique_lock lock(mutex_);
    begun_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return ended_; });
    return "penstock_leader 1\n";
  }
  void AwaitBegin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_; });
  }
  void End() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool ended_ = false;
};

TEST(HealthServer, ALockThatIsHeldForAWhileMakesItUnreadyAndNotDead) {
  HeldCheck held;
  HealthChecks checks;
  checks.metrics = [&] { return held.Run(); };
  checks.wait = std::chrono::milliseconds(1);
  auto server = StartHealthServer("127.0.0.1", 0, checks);
  ASSERT_TRUE(server) << server.error().message;
  const auto port = (*server)->port();
  std::string metrics;
  std::jthread asking([&] { metrics = Ask(port, "GET /metrics"); });
  held.AwaitBegin();
  EXPECT_NE(Ask(port, "GET /livez").find("200 OK"), std::string::npos);
  EXPECT_NE(Ask(port, "GET /readyz").find("503"), std::string::npos);
  held.End();
  asking.join();
  EXPECT_NE(metrics.find("penstock_leader 1"), std::string::npos);
  EXPECT_NE(Ask(port, "GET /readyz").find("200 OK"), std::string::npos);
}

TEST(HealthServer, ACheckThatNeverComesBackEndsTheProcess) {
  HeldCheck held;
  HealthChecks checks;
  checks.metrics = [&] { return held.Run(); };
  checks.stuck = std::chrono::milliseconds(0);
  auto server = StartHealthServer("127.0.0.1", 0, checks);
  ASSERT_TRUE(server) << server.error().message;
  const auto port = (*server)->port();
  EXPECT_NE(Ask(port, "GET /livez").find("200 OK"), std::string::npos);
  std::jthread asking([&] { Ask(port, "GET /metrics"); });
  held.AwaitBegin();
  const std::string dead = Ask(port, "GET /livez");
  EXPECT_NE(dead.find("503"), std::string::npos);
  EXPECT_NE(dead.find("has not come back for"), std::string::npos);
  held.End();
  asking.join();
  EXPECT_NE(Ask(port, "GET /livez").find("200 OK"), std::string::npos);
}

TEST(HealthServer, SaysWhichAddressItCannotListenOn) {
  const auto server = StartHealthServer("not-an-address", 0, HealthChecks{});
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("not-an-address"), std::string::npos);
}

}  // namespace
}  // namespace penstock::runtime
