// Clients and servers that break off, lie, stall or send too much.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <vector>

#include "components/router/proxy/testing/router_fixture.h"

namespace penstock::router {
namespace {

class Hostile : public RouterTest {
 protected:
  // The status line that a request gets, and that the connection ends after it.
  [[nodiscard]] std::string Refusal(const std::string& request) const {
    const auto client = Client();
    client->Send(request);
    const std::string answer = client->ReadAll();
    return answer.substr(0, 12);
  }
};

TEST_F(Hostile, RefusesWhatTwoReadersCouldReadDifferently) {
  FakeServer server(Echo("a"));
  Serve(server);
  const std::string line = "POST / HTTP/1.1\r\nHost: m\r\n";
  for (const char* fields : {
           "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "Content-Length: +3\r\n\r\nabc",
           "Content-Length : 3\r\n\r\nabc",
           "Content-Length: 3, 3\r\n\r\nabc",
           "Content-Length: 99999999999999999999\r\n\r\n",
           "X: a\r\n folded\r\n\r\n",
           "X: a\nY: b\r\n\r\n",
           "X: a\rY: b\r\n\r\n",
           "Host: other\r\n\r\n",
           ": x\r\n\r\n",
           "penstock-version: 1\r\npenstock-version: 2\r\n\r\n",
       })
    EXPECT_EQ(Refusal(line + fields), "HTTP/1.1 400") << fields;
  EXPECT_EQ(Refusal(line + "Transfer-Encoding: gzip, chunked\r\n\r\n"), "HTTP/1.1 501");
  EXPECT_EQ(Refusal(line + "Transfer-Encoding: xchunked\r\n\r\n"), "HTTP/1.1 501");
  EXPECT_EQ(Refusal(line + "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n"),
            "HTTP/1.1 400");
  EXPECT_EQ(Refusal(line + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(Refusal("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(Refusal("GET /a b HTTP/1.1\r\nHost: m\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(Refusal("GET / HTTP/2.0\r\nHost: m\r\n\r\n"), "HTTP/1.1 505");
  EXPECT_EQ(Refusal("CONNECT m:80 HTTP/1.1\r\nHost: m\r\n\r\n"), "HTTP/1.1 405");
  EXPECT_EQ(Refusal("\x16\x03\x01 this is TLS"), "HTTP/1.1 400");
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Hostile, TakesNoBodyOfARefusedRequestForTheNextOne) {
  FakeServer server(Echo("a"));
  Serve(server);
  const auto client = Client();
  client->Send(Post("/v2/models/m/versions/9/infer", Get("/smuggled")));
  const std::string all = client->ReadAll();
  EXPECT_EQ(all.find("HTTP/1.1 404"), 0U);
  EXPECT_EQ(all.find("smuggled"), std::string::npos);
}

TEST_F(Hostile, BoundsHeads) {
  FakeServer server(Echo("a"));
  Serve(server);
  EXPECT_EQ(Refusal(Get("/", "X: " + std::string(20'000, 'x') + "\r\n")), "HTTP/1.1 431");
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_EQ(Refusal(Get("/", many)), "HTTP/1.1 431");
  EXPECT_EQ(Ask(Get("/", "X: " + std::string(14'000, 'x') + "\r\n")).find("HTTP/1.1 200"), 0U);
}

TEST_F(Hostile, GivesUpOnHeadsAndBodiesThatDoNotCome) {
  options_.limits.head_time = options_.limits.body_idle = std::chrono::milliseconds(200);
  FakeServer server(Echo("a"));
  Serve(server);
  EXPECT_EQ(Refusal("GET / HTTP/1.1\r\nHost"), "HTTP/1.1 408");
  EXPECT_EQ(Refusal("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 10\r\n\r\nabc"), "HTTP/1.1 408");
}

TEST_F(Hostile, CancelsAtTheServerWhatItsClientGaveUp) {
  std::atomic<bool> cancelled{false};
  FakeServer server([&](Connection& connection) {
    (void)connection.Read();
    cancelled = connection.IsClosed();
  });
  Serve(server);
  auto client = Client();
  client->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] { return server.connections() == 1; }));
  client = nullptr;
  EXPECT_TRUE(Eventually([&] { return cancelled.load(); }));
  EXPECT_TRUE(Eventually([&] { return Totals(1).client_gone == 1; }));
  EXPECT_EQ(Totals(1).requests, 0);
}

TEST_F(Hostile, ShowsTheClientThatAnAnswerBrokeOff) {
  FakeServer server([](Connection& connection) {
    (void)connection.Read();
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  Serve(server);
  const auto client = Client();
  client->Send(Get("/"));
  EXPECT_EQ(BodyOf(client->ReadAll()), "half");
  EXPECT_TRUE(Eventually([&] { return Totals(1).server_errors == 1; }));
  EXPECT_EQ(Totals(1).server_errors, 1);
}

TEST_F(Hostile, AnswersForServersThatDoNotSpeakHttp) {
  const std::vector<std::string> texts = {
      "SSH-2.0-OpenSSH\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "HTTP/1.1 99 Low\r\n\r\n",
      "HTTP/3.0 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"};
  std::atomic<std::size_t> said = 0;  // the server answers on threads of its own
  FakeServer server([&](Connection& connection) {
    (void)connection.Read();
    connection.Send(texts[said]);
    (void)connection.IsClosed();
  });
  Serve(server);
  for (; said < texts.size() - 1; ++said)
    EXPECT_EQ(Ask(Get("/")).find("HTTP/1.1 502"), 0U) << texts[said];
  EXPECT_EQ(Ask(Get("/")).find("HTTP/1.1 502"), 0U) << "a head that is too long";
}

TEST_F(Hostile, DoesNotWaitLongerThanTheDeploymentsTime) {
  FakeServer server([](Connection& connection) {
    (void)connection.Read();
    (void)connection.IsClosed();
  });
  route_.timeout = std::chrono::milliseconds(200);
  Serve(server);
  EXPECT_EQ(Ask(Get("/")).find("HTTP/1.1 504"), 0U);
  EXPECT_TRUE(Eventually([&] { return Totals(1).timeouts == 1; }));
  EXPECT_EQ(Totals(1).timeouts, 1);
}

TEST_F(Hostile, PassesAnAnswerOnThatCameBeforeTheBodyWasRead) {
  FakeServer server([](Connection& connection) {
    (void)connection.ReadHead();
    connection.Send(
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
  });
  Serve(server);
  const auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 100000000\r\n\r\n" +
               std::string(1'000, 'x'));
  const std::string answer = client->Read();
  EXPECT_EQ(BodyOf(answer), "big");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(Hostile, HoldsLittleForAClientThatDoesNotRead) {
  std::atomic<std::size_t> sent{0};
  FakeServer server([&](Connection& connection) {
    (void)connection.Read();
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 1'000 && connection.Send(piece); ++i) sent += piece.size();
  });
  Serve(server);
  auto client = Client();
  client->Send(Get("/"));
  EXPECT_TRUE(Eventually([&] { return sent > 0; }));
  std::size_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  } while (before != sent);
  EXPECT_LT(sent, 30'000'000U);  // what the kernel's buffers take on both hops
  client = nullptr;
}

TEST_F(Hostile, RefusesConnectionsAndRequestsBeyondItsBounds) {
  options_.limits.connections = 2;
  FakeServer server(Echo("a"));
  Serve(server);
  const auto first = Client();
  const auto second = Client();
  first->Send(Get("/"));
  second->Send(Get("/"));
  EXPECT_EQ(BodyOf(first->Read()), "a GET / ");
  EXPECT_EQ(BodyOf(second->Read()), "a GET / ");
  EXPECT_EQ(Client()->ReadAll().find("HTTP/1.1 503"), 0U);
  EXPECT_TRUE(Eventually([&] { return router_->Look().turned_away == 1; }));
}

std::size_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

TEST_F(Hostile, KeepsTenThousandIdleConnectionsInLittleMemory) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  // Both ends are this process's: of 20,000 descriptors not quite ten thousand connections, as each
  // thread of the router keeps some to the server, whose ends are here too.
  const std::size_t idle = std::min<std::size_t>(10'000, (limit.rlim_cur - 1200) / 2);
  if (idle < 9'000) GTEST_SKIP() << "only " << limit.rlim_cur << " descriptors";
  FakeServer server(Echo("a"));
  Serve(server);
  (void)Ask(Get("/"));
  const std::size_t before = ResidentBytes();
  std::vector<std::unique_ptr<Connection>> clients;
  // A hundred at a time: each request that is under way needs descriptors behind the router, too.
  while (clients.size() < idle) {
    const std::size_t first = clients.size();
    for (std::size_t i = first; i < std::min(first + 100, idle); ++i) {
      clients.push_back(Client());
      ASSERT_TRUE(clients.back());
      clients.back()->Send(Get("/"));
    }
    for (std::size_t i = first; i < clients.size(); ++i)
      ASSERT_EQ(BodyOf(clients[i]->Read()), "a GET / ");
  }
  EXPECT_GE(router_->Look().connections, static_cast<int>(idle));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what is freed
  // With what the test's own side of them takes.
  EXPECT_LT(ResidentBytes() - before, 16U << 20);
#else
  (void)before;
#endif
}

}  // namespace
}  // namespace penstock::router
