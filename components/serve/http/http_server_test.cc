// What a client can make the server hold is bounded. Real sockets, a handler that counts.
#include "components/serve/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include "components/serve/testing/server_process.h"

namespace penstock::serve {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class EchoHandler : public HttpHandler {
 public:
  void Handle(HttpRequest request, Respond respond) override {
    if (request.target == "/no-memory") throw std::bad_alloc();
    if (request.target == "/throw") throw std::runtime_error("as asked");
    if (request.target == "/stay") {  // and does not return before it is told to
      std::unique_lock lock(mutex_);
      ++staying_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return released_; });
    }
    if (request.target == "/wait") {
      std::lock_guard lock(mutex_);
      held_ = std::move(respond);
      held_cancelled_ = request.cancelled;
      changed_.notify_all();
      return;
    }
    const int status = request.target == "/not-here" ? 404 : 200;
    respond(HttpResponse{status, request.body, "text/plain", ""});
  }
  // Answers "/wait" only when told.
  Respond TakeHeld(CancelFlag* cancelled) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ != nullptr; });
    *cancelled = held_cancelled_;
    return std::exchange(held_, nullptr);
  }
  bool WaitForStaying(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return staying_ >= count; });
  }
  void Release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void CountRefused(int status) override {
    std::lock_guard lock(mutex_);
    refused_.push_back(status);
    changed_.notify_all();
  }
  bool HasRefused(int status) {
    std::lock_guard lock(mutex_);
    return std::count(refused_.begin(), refused_.end(), status) > 0;
  }
  bool WaitForRefused(int status, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::count(refused_.begin(), refused_.end(), status) >= times;
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> refused_;
  Respond held_;
  CancelFlag held_cancelled_;
  int staying_ = 0;
  bool released_ = false;
};

bool IsCancelledSoon(const CancelFlag& flag) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!IsCancelled(flag) && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  return IsCancelled(flag);
}

// The parameter: for how long the server's threads look for more before they sleep.
class HttpServerTest : public testing::TestWithParam<std::chrono::microseconds> {
 protected:
  int Start(HttpLimits limits, int threads = 2) {
    HttpServer::Options options{"127.0.0.1", 0, threads, limits, false, GetParam()};
    auto started = HttpServer::Start(options, &handler_, nullptr);
    EXPECT_TRUE(started);
    server_ = std::move(*started);
    return server_->port();
  }
  // One thread reads for both clients. While it would be held up by what is done with the body of
  // `large`, the other client could not be answered.
  void HoldsUpNoOtherRequest(const std::string& header, const std::string& body) {
    const int port = Start({}, 1);
    ClientConnection large(port);
    large.Send("POST /stay HTTP/1.1\r\nHost: a\r\n" + header +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    ASSERT_TRUE(handler_.WaitForStaying(1));
    ClientConnection small(port);
    EXPECT_EQ(small.Post("/", "small").body, "small");
    handler_.Release();
    EXPECT_EQ(large.Receive().body, body);
    EXPECT_EQ(large.Post("/", "next").body, "next");
  }
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_P(HttpServerTest, ClosesAConnectionWhoseHeaderDoesNotArriveInTime) {
  ClientConnection client(Start({.header_time = milliseconds(30)}));
  client.Send("GET / HTTP/1.1\r\nHost");
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(handler_.WaitForRefused(408));
}

TEST_P(HttpServerTest, SaysThatARequestDidNotArriveInTime) {
  ClientConnection client(Start({.header_time = milliseconds(30)}));
  client.Send("GET / HTTP/1.1\r\nHost");
  EXPECT_EQ(client.Receive().status, 408);
}

TEST_P(HttpServerTest, EndsABodyThatTricklesInForTooLong) {
  ClientConnection client(
      Start({.body_idle = std::chrono::hours(1), .request_time = milliseconds(60)}));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  // Never idle for long, and never whole. Sending ends when the server has closed.
  while (!handler_.HasRefused(408)) client.Send("x");
  EXPECT_EQ(client.Receive().status, 408);
}

TEST_P(HttpServerTest, NoticesAClientThatLeavesWhileItsAnswerIsComputed) {
  const int port = Start({});
  auto client = std::make_unique<ClientConnection>(port);
  client->Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  CancelFlag cancelled;
  Respond respond = handler_.TakeHeld(&cancelled);
  EXPECT_FALSE(IsCancelled(cancelled));
  client.reset();
  EXPECT_TRUE(IsCancelledSoon(cancelled));
  respond(HttpResponse{499, "", "text/plain", ""});
  respond = nullptr;  // it keeps the connection
  EXPECT_TRUE(server_->WaitUntilIdle(std::chrono::seconds(20)));
}

TEST_P(HttpServerTest, KeepsAClientThatSendsItsNextRequestEarly) {
  ClientConnection client(Start({}));
  client.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n");
  CancelFlag cancelled;
  const Respond respond = handler_.TakeHeld(&cancelled);
  client.Send("Content-Length: 2\r\n\r\nab");
  respond(HttpResponse{200, "first", "text/plain", ""});
  EXPECT_EQ(client.Receive().body, "first");
  EXPECT_EQ(client.Receive().body, "ab");
  EXPECT_FALSE(IsCancelled(cancelled));
}

TEST_P(HttpServerTest, ClosesAConnectionWhoseBodyStops) {
  ClientConnection client(Start({.body_idle = milliseconds(30)}));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(handler_.WaitForRefused(408));
}

TEST_P(HttpServerTest, ClosesAnIdleConnectionAfterItsResponse) {
  ClientConnection client(Start({.keep_alive_idle = milliseconds(30)}));
  EXPECT_EQ(client.Post("/", "hello").body, "hello");
  EXPECT_TRUE(client.AtEnd());
}

TEST_P(HttpServerTest, ClosesAConnectionSoonThatOnlyAskedForWhatIsNotHere) {
  const int port =
      Start({.keep_alive_idle = std::chrono::hours(1), .stranger_idle = milliseconds(30)});
  ClientConnection served(port);
  EXPECT_EQ(served.Post("/", "hello").status, 200);
  EXPECT_EQ(served.Post("/not-here", "").status, 404);
  ClientConnection stranger(port);
  EXPECT_EQ(stranger.Post("/not-here", "").status, 404);
  EXPECT_TRUE(stranger.AtEnd());
  EXPECT_EQ(served.Post("/", "again").body, "again") << "it was served before";
}

TEST_P(HttpServerTest, TurnsAwayConnectionsAboveItsLimitAndRecovers) {
  const int port = Start({.connections = 1});
  {
    ClientConnection first(port);
    EXPECT_EQ(first.Post("/", "a").status, 200);
    ClientConnection second(port);
    const Reply reply = second.Receive();
    EXPECT_EQ(reply.status, 503);
    EXPECT_THAT(reply.head, HasSubstr("Retry-After: 1"));
    EXPECT_TRUE(second.AtEnd());
  }
  EXPECT_TRUE(server_->WaitUntilIdle(std::chrono::seconds(20)));
  ClientConnection third(port);
  EXPECT_EQ(third.Post("/", "b").status, 200);
}

TEST_P(HttpServerTest, BoundsTheBodiesOfAllRequestsTogether) {
  const int port = Start({.held_body_bytes = 1000});
  ClientConnection first(port);
  ClientConnection second(port);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n";
  // Whichever passes the bound is refused; the other is answered.
  first.Send(head + std::string(800, 'x'));
  second.Send(head + std::string(800, 'y'));
  ASSERT_TRUE(handler_.WaitForRefused(503));
  first.Send(std::string(100, 'x'));
  second.Send(std::string(100, 'y'));
  const int a = first.Receive().status;
  const int b = second.Receive().status;
  EXPECT_THAT((std::vector<int>{a, b}), testing::UnorderedElementsAre(200, 503));
}

// Both threads that read count at once, again and again: exactly one body of many has room.
TEST_P(HttpServerTest, LetsNoBodyPastTheBoundWhenManyComeAtOnce) {
  constexpr int kClients = 8;
  constexpr int kRounds = 30;
  const int port = Start({.held_body_bytes = 1000});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n";
  for (int round = 1; round <= kRounds; ++round) {
    std::vector<std::unique_ptr<ClientConnection>> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(std::make_unique<ClientConnection>(port));
    for (auto& client : clients) client->Send(head + std::string(800, 'x'));
    ASSERT_TRUE(handler_.WaitForRefused(503, round * (kClients - 1)));
    int answered = 0;
    for (auto& client : clients) client->Send(std::string(100, 'x'));
    for (auto& client : clients) answered += client->Receive().status == 200 ? 1 : 0;
    ASSERT_EQ(answered, 1);
  }
}

TEST_P(HttpServerTest, HoldsUpNoOtherRequestWithALargeBody) {
  HoldsUpNoOtherRequest("", std::string(100'000, 'x'));
}

TEST_P(HttpServerTest, HoldsUpNoOtherRequestWithACompressedBody) {
  HoldsUpNoOtherRequest("Content-Encoding: gzip\r\n", std::string(10, 'x'));
}

TEST_P(HttpServerTest, DoesNothingForALargeBodyWhoseClientLeftWhileItWaited) {
  const int port = Start({}, 1);
  const std::string rest = "Host: a\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x');
  ClientConnection first(port);
  first.Send("POST /stay HTTP/1.1\r\n" + rest);
  ASSERT_TRUE(handler_.WaitForStaying(1));
  auto second = std::make_unique<ClientConnection>(port);
  second->Send("POST /stay HTTP/1.1\r\n" + rest);
  second.reset();
  // Small ones are answered meanwhile.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ClientConnection(port).Post("/", "a").status, 200);
  handler_.Release();
  EXPECT_EQ(first.Receive().status, 200);
  EXPECT_TRUE(handler_.WaitForRefused(499));
}

TEST_P(HttpServerTest, NoticesAClientThatLeavesWhileItsLargeBodyIsAnswered) {
  const int port = Start({});
  auto client = std::make_unique<ClientConnection>(port);
  client->Send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" +
               std::string(300'000, 'x'));
  CancelFlag cancelled;
  const Respond respond = handler_.TakeHeld(&cancelled);
  EXPECT_FALSE(IsCancelled(cancelled));
  client.reset();
  EXPECT_TRUE(IsCancelledSoon(cancelled));
  respond(HttpResponse{499, "", "text/plain", ""});
}

TEST_P(HttpServerTest, ClosesAConnectionWhoseLargeBodyStops) {
  ClientConnection client(Start({.body_idle = milliseconds(30)}));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(300'000, 'x'));
  EXPECT_EQ(client.Receive().status, 408);
  EXPECT_TRUE(client.AtEnd());
}

TEST_P(HttpServerTest, EndsABodyWithoutLengthOrEnd) {
  ClientConnection client(Start({.body_bytes = 500'000}));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
  while (!handler_.HasRefused(413)) client.Send(chunk);
  EXPECT_EQ(client.Receive().status, 413);
}

// A large body is read elsewhere than what comes before it and behind it on its connection.
TEST_P(HttpServerTest, AnswersLargeAndSmallBodiesInTurnUntilItStops) {
  constexpr std::size_t kLarge = 200'000;
  const int port = Start({});
  const auto post = [](std::size_t size) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
           std::string(size, 'x');
  };
  std::atomic<int> pairs{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      ClientConnection client(port);
      // False when the server closes, as it may between two requests when it stops.
      const auto is_answered = [&](std::size_t size) {
        const Reply reply = client.Receive();
        if (reply.status != 0 && (reply.status != 200 || reply.body.size() != size)) ++wrong;
        return reply.status != 0 && reply.head.find("Connection: close") == std::string::npos;
      };
      do {
        client.Send(post(kLarge) + post(5));
        ++pairs;
      } while (is_answered(kLarge) && is_answered(5));
    });
  }
  while (pairs < 200) std::this_thread::yield();
  server_->StopAccepting();
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(server_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_EQ(wrong, 0);
}

TEST_P(HttpServerTest, LeavesNoDescriptorOpenAfterLargeBodies) {
  const int port = Start({});
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = descriptors();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ClientConnection(port).Post("/", std::string(300'000, 'x')).status, 200);
  }
  server_->StopAccepting();
  EXPECT_TRUE(server_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_LE(descriptors(), before);
}

TEST_P(HttpServerTest, AnswersAnExceptionAboutALargeBodyWith500) {
  ClientConnection client(Start({}));
  const Reply reply = client.Post("/throw", std::string(100'000, 'x'));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("as asked"));
}

TEST_P(HttpServerTest, SaysThatItsMemoryDoesNotSufficeAndWhenToTryAgain) {
  for (const std::size_t size : {1UL, 100'000UL}) {
    ClientConnection client(server_ ? server_->port() : Start({}));
    const Reply reply = client.Post("/no-memory", std::string(size, 'x'));
    EXPECT_EQ(reply.status, 503);
    EXPECT_THAT(reply.head, HasSubstr("Retry-After: 1"));
    EXPECT_THAT(reply.body, HasSubstr("out of memory"));
  }
}

TEST_P(HttpServerTest, AnswersAnExceptionOfTheHandlerWith500AndCloses) {
  ClientConnection client(Start({}));
  const Reply reply = client.Get("/throw");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("as asked"));
  EXPECT_TRUE(client.AtEnd());
}

// The client's fault, so no 5xx, which would say that the server has one.
TEST_P(HttpServerTest, RefusesAVersionThatItDoesNotSpeakWith400) {
  ClientConnection client(Start({}));
  client.Send("GET / HTTP/3.0\r\nHost: a\r\n\r\n");
  const Reply reply = client.Receive();
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("only HTTP/1.0 and HTTP/1.1"));
}

TEST_P(HttpServerTest, LetsAClientReadItsRefusalWhileItStillSends) {
  ClientConnection client(Start({.body_bytes = 1000}));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1'000'000, 'x'));
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_P(HttpServerTest, AnswersAHeadWithoutABody) {
  ClientConnection client(Start({}));
  client.Send("HEAD /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  CancelFlag cancelled;
  handler_.TakeHeld (&cancelled)(HttpResponse{200, "five!", "text/plain", ""});
  EXPECT_THAT(client.Receive(false).head, HasSubstr("Content-Length: 5"));
  EXPECT_EQ(client.Post("/", "next").body, "next");
}

TEST_P(HttpServerTest, SaysWhichAddressItCannotListenOn) {
  const int port = Start({});
  auto second =
      HttpServer::Start({"127.0.0.1", static_cast<std::uint16_t>(port), 1, {}}, &handler_, nullptr);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_FALSE(HttpServer::Start({"nowhere", 0, 1, {}}, &handler_, nullptr));
}

INSTANTIATE_TEST_SUITE_P(BusyPoll, HttpServerTest,
                         testing::Values(std::chrono::microseconds(0),
                                         std::chrono::microseconds(50)));

}  // namespace
}  // namespace penstock::serve
