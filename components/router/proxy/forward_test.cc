// What clients see of well-behaved servers.
#include <map>

#include "components/router/proxy/testing/router_fixture.h"

namespace penstock::router {
namespace {

class Forwarding : public RouterTest {};

TEST_F(Forwarding, AnswersWithTheServersAnswerAndNamesTheVersion) {
  FakeServer server(Echo("a"));
  Serve(server);
  const std::string answer = Ask(Post("/v2/models/m/infer", "{}"));
  EXPECT_EQ(answer.find("HTTP/1.1 200 OK\r\n"), 0U) << answer;
  EXPECT_NE(answer.find("penstock-version: 1\r\n"), std::string::npos) << answer;
  EXPECT_EQ(BodyOf(answer), "a POST /v2/models/m/infer {}");
}

TEST_F(Forwarding, KeepsConnectionsOpenOnBothSides) {
  FakeServer server(Echo("a"));
  Serve(server);
  const auto client = Client();
  for (int i = 0; i < 50; ++i) {
    client->Send(Get("/" + std::to_string(i)));
    EXPECT_EQ(BodyOf(client->Read()), "a GET /" + std::to_string(i) + " ");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_TRUE(Eventually([&] { return Totals(1).ok == 50; }));
  EXPECT_EQ(Totals(1).ok, 50);
}

TEST_F(Forwarding, AnswersPipelinedRequestsInTheirOrder) {
  FakeServer server(Echo("a"));
  Serve(server);
  const auto client = Client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += Post("/" + std::to_string(i), std::to_string(i));
  client->Send(all);
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(BodyOf(client->Read()), "a POST /" + number + " " + number);
  }
}

TEST_F(Forwarding, PassesLargeBodiesThroughBothWays) {
  FakeServer server(Echo("a"));
  Serve(server);
  std::string body(3'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000)
    body[i] = static_cast<char>('a' + i / 1000 % 26);
  const auto client = Client();
  std::thread sender([&] { client->Send(Post("/", body)); });
  const std::string answer = client->Read();
  sender.join();
  EXPECT_EQ(BodyOf(answer), "a POST / " + body);
}

TEST_F(Forwarding, PassesChunksThroughAndLeavesTrailersBehind) {
  FakeServer server([](Connection& connection) {
    const std::string request = connection.Read();
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n" +
                    std::string("abc") + "\r\n0\r\nTrailer-Field: 1\r\n\r\n");
    (void)connection.IsClosed();
    EXPECT_EQ(BodyOf(request), "2\r\nhi\r\n0\r\n\r\n");
  });
  Serve(server);
  const std::string answer =
      Ask("POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n2;e\r\nhi\r\n0\r\nA: "
          "b\r\n\r\n");
  EXPECT_EQ(BodyOf(answer), "3\r\nabc\r\n0\r\n\r\n");
}

TEST_F(Forwarding, SendsEventsOnAsTheyCome) {
  std::atomic<int> allowed{0};
  FakeServer server([&](Connection& connection) {
    (void)connection.Read();
    connection.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      connection.Send("data: " + std::to_string(i) + "\n\n");
      EXPECT_TRUE(Eventually([&] { return allowed > i; }));
    }
  });
  Serve(server);
  const auto client = Client();
  client->Send(Get("/events"));
  EXPECT_NE(client->ReadHead().find("Connection: close\r\n"), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client->ReadBytes(9),
              "data: " + std::to_string(i) + "\n\n");  // before the next is made
    ++allowed;
  }
  EXPECT_TRUE(client->IsClosed());
}

TEST_F(Forwarding, RelaysContinueAndTheBodyAfterIt) {
  FakeServer server([](Connection& connection) {
    const std::string head = connection.ReadHead();
    EXPECT_NE(head.find("Expect: 100-continue"), std::string::npos);
    connection.Send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.Send(Ok(connection.ReadBytes(4)));
  });
  Serve(server);
  const auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client->ReadHead(), "HTTP/1.1 100 Continue\r\n\r\n");
  client->Send("body");
  EXPECT_EQ(BodyOf(client->Read()), "body");
}

TEST_F(Forwarding, LeavesHopByHopFieldsBehind) {
  std::string seen;
  FakeServer server([&](Connection& connection) {
    seen = connection.Read();
    connection.Send(Ok(
        "",
        "Keep-Alive: timeout=5\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\n"));
    (void)connection.IsClosed();
  });
  Serve(server);
  const std::string answer = Ask(
      Get("/", "Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-End: 2\r\n"));
  EXPECT_EQ(seen, "GET / HTTP/1.1\r\nHost: model\r\nX-End: 2\r\n\r\n");
  EXPECT_EQ(answer.find("Keep-Alive"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("X-Mine"), std::string::npos) << answer;
  EXPECT_NE(answer.find("X-Other: 2\r\n"), std::string::npos) << answer;
}

TEST_F(Forwarding, SpeaksToClientsOfHttp10) {
  FakeServer server([](Connection& connection) {
    EXPECT_EQ(connection.Read(), "GET / HTTP/1.1\r\nHost: m\r\n\r\n");
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    (void)connection.IsClosed();
  });
  Serve(server);
  const auto client = Client();
  client->Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(BodyOf(client->ReadAll()), "abc");
}

TEST_F(Forwarding, SharesRequestsExactlyByWeightOverManyConnections) {
  FakeServer a(Echo("a"));
  FakeServer b(Echo("b"));
  Use({{.version = 1, .weight = 9'900, .endpoints = {a.endpoint()}},
       {.version = 2, .weight = 100, .endpoints = {b.endpoint()}}});
  constexpr int kRequests = 2'000;
  std::vector<std::unique_ptr<Connection>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Client());
  for (int i = 0; i < kRequests / 20; ++i) {
    for (const auto& client : clients) client->Send(Get("/"));
    for (const auto& client : clients) (void)client->Read();
  }
  EXPECT_TRUE(Eventually([&] { return Totals(1).ok == 1'980; }));
  EXPECT_EQ(Totals(1).ok, 1'980);
  EXPECT_TRUE(Eventually([&] { return Totals(2).ok == 20; }));
  EXPECT_EQ(Totals(2).ok, 20);
}

TEST_F(Forwarding, SendsPinnedRequestsToTheirVersion) {
  FakeServer a(Echo("a"));
  FakeServer b(Echo("b"));
  Use({{.version = 7, .weight = kWhole, .endpoints = {a.endpoint()}},
       {.version = 8, .weight = 0, .endpoints = {b.endpoint()}}});
  EXPECT_EQ(BodyOf(Ask(Get("/x", "Penstock-Version: 8\r\n"))), "b GET /x ");
  // The server is not told of our versions: it may have others.
  EXPECT_EQ(BodyOf(Ask(Get("/v2/models/m/versions/8/infer?q"))), "b GET /v2/models/m/infer?q ");
  EXPECT_EQ(BodyOf(Ask(Get("/v1/models/m/versions/8:predict"))), "b GET /v1/models/m:predict ");
  EXPECT_EQ(BodyOf(Ask(Get("/v1/models/m/versions/3:predict"))),
            "a GET /v1/models/m/versions/3:predict ");
  EXPECT_EQ(Ask(Get("/v2/models/m/versions/9/infer")).find("HTTP/1.1 404"), 0U);
  EXPECT_EQ(Ask(Get("/x", "penstock-version: 9\r\n")).find("HTTP/1.1 404"), 0U);
  EXPECT_EQ(Ask(Get("/x", "penstock-version: x\r\n")).find("HTTP/1.1 400"), 0U);
}

}  // namespace
}  // namespace penstock::router
