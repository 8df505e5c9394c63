// What the gateway's tests do not ask of the server.
#include "operator/net/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "operator/net/stream.h"
#include "operator/os/fd.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using ::testing::StartsWith;

class Server {
 public:
  explicit Server(HttpServerOptions options) {
    options.address = "127.0.0.1";
    options.on_error = [this](const std::string& what) {
      const std::lock_guard lock(mutex_);
      told_ += what + "\n";
      changed_.notify_all();
    };
    auto started = HttpServer::Start(std::move(options), [](Exchange& x) {
      if (x.Header("Token") == "good") x.CallerIsKnown();
      x.Respond(200, "text/plain", "here\n");
    });
    EXPECT_TRUE(started);
    server_ = *std::move(started);
  }
  Stream Connect() const {
    Stream stream = Stream::Make().value();
    stream.Limit({.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20)});
    EXPECT_TRUE(stream.Connect({"127.0.0.1"}, server_->port()));
    return stream;
  }
  std::uint16_t port() const { return server_->port(); }
  std::string Told(int lines) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::count(told_.begin(), told_.end(), '\n') >= lines; });
    return told_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string told_;
  std::unique_ptr<HttpServer> server_;
};

// What the server sends to one who asks; empty when it closes instead.
std::string Answer(Stream& stream,
                   const std::string& request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
  if (!request.empty()) static_cast<void>(stream.Write(request));
  std::string bytes(4096, '\0');
  const auto got = stream.Read(bytes.data(), bytes.size());
  return got ? bytes.substr(0, *got) : "";
}

TEST(HttpServer, OneAddressCannotTakeAllConnections) {
  HttpServerOptions options;
  options.max_connections_a_peer = 2;
  Server server(std::move(options));
  {
    Stream first = server.Connect();
    Stream second = server.Connect();
    EXPECT_THAT(Answer(first), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(Answer(second), StartsWith("HTTP/1.1 200"));
    for (int i = 0; i < 3; ++i) {
      Stream third = server.Connect();
      EXPECT_EQ(Answer(third), "");
    }
    EXPECT_EQ(server.Told(1), "127.0.0.1 has 2 connections; more of it are closed\n");
    EXPECT_THAT(Answer(first), StartsWith("HTTP/1.1 200")) << "those that it has stay";
  }
  // Until the server has seen both go, a new one is closed.
  std::string answer;
  while (answer.empty()) {
    Stream again = server.Connect();
    answer = Answer(again);
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

// A connection that comes from another address of this machine.
class Caller {
 public:
  Caller(const Server& server, const char* from)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Reach(from, 0, [this](const sockaddr* a, socklen_t n) { return ::bind(fd_.get(), a, n); });
    Reach("127.0.0.1", server.port(),
          [this](const sockaddr* a, socklen_t n) { return ::connect(fd_.get(), a, n); });
  }
  // The status of the answer; 0 where it is closed instead.
  int Ask(const std::string& token) const {
    const std::string request = "GET / HTTP/1.1\r\nHost: h\r\nToken: " + token + "\r\n\r\n";
    static_cast<void>(::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL));
    std::string bytes(4096, '\0');
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    return got < 12 ? 0 : std::stoi(bytes.substr(9, 3));
  }

 private:
  template <typename Call>
  static void Reach(const char* address, std::uint16_t port, Call call) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ASSERT_EQ(::inet_pton(AF_INET, address, &to.sin_addr), 1);
    ASSERT_EQ(call(reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << address;
  }
  Fd fd_;
};

TEST(HttpServer, StrangersTogetherCannotTakeWhatIsKeptForThoseWhoAreKnown) {
  HttpServerOptions options;
  options.max_connections = 30;
  options.reserve = 20;
  const Server server(std::move(options));
  std::deque<Caller> callers;
  const auto ask = [&](const char* from, const char* token) {
    return callers.emplace_back(server, from).Ask(token);
  };
  EXPECT_EQ(ask("127.0.0.2", "good"), 200);
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(ask(i % 2 == 0 ? "127.0.0.3" : "127.0.0.4", "bad"), 200) << i;
  EXPECT_EQ(ask("127.0.0.5", "good"), 503) << "he has not been known before";
  for (int i = 0; i < 7; ++i) EXPECT_EQ(ask("127.0.0.2", "good"), 200) << i;
  EXPECT_EQ(ask("127.0.0.2", "good"), 503) << "nor may one who is known take all";
}

TEST(HttpServer, WhoIsNotKnownIsClosedSoonerThanWhoIs) {
  HttpServerOptions options;
  options.stranger_timeout = milliseconds(200);
  options.idle_timeout = std::chrono::seconds(60);
  Server server(std::move(options));
  const std::string known = "GET / HTTP/1.1\r\nHost: h\r\nToken: good\r\n\r\n";
  Stream silent = server.Connect();
  EXPECT_EQ(Answer(silent, ""), "");
  Stream dripping = server.Connect();
  EXPECT_EQ(Answer(dripping, "GET / HT"), "") << "a head that does not come on";
  Stream speaking = server.Connect();
  ASSERT_THAT(Answer(speaking, known), StartsWith("HTTP/1.1 200"));
  Stream refused = server.Connect();
  ASSERT_THAT(Answer(refused), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(Answer(refused, ""), "") << "its time has passed while the other was left alone";
  EXPECT_THAT(Answer(speaking), StartsWith("HTTP/1.1 200")) << "it was known";
}

}  // namespace
}  // namespace penstock::net
