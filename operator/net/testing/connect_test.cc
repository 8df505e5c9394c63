// Ways to a server: dead addresses, and proxies.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "operator/base/base64.h"
#include "operator/net/http_client.h"
#include "operator/net/http_server.h"
#include "operator/net/resolver.h"
#include "operator/net/testing/fake_server.h"
#include "operator/os/fd.h"

namespace penstock::net {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Limits kLimits{.idle = std::chrono::seconds(20)};

// An address of loopback whose port is taken by a listener that accepts nothing more: a connection
// to it neither comes to be nor is refused.
class DeadAddress {
 public:
  explicit DeadAddress(std::uint16_t port) : listener_(Socket()) {
    const sockaddr_in at = Address(port);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(listen(listener_.get(), 0), 0);
    for (int i = 0; i < 4; ++i) {  // its queue is full then
      waiting_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(
          connect(waiting_.back().get(), reinterpret_cast<const sockaddr*>(&at), sizeof at));
    }
  }
  static constexpr const char* kText = "127.0.0.77";

 private:
  static int Socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return fd;
  }
  static sockaddr_in Address(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, kText, &at.sin_addr);
    return at;
  }
  Fd listener_;
  std::vector<Fd> waiting_;
};

std::uint16_t PortOf(const FakeServer& server) { return ParseUrl(server.url()).value().port; }

TEST(Stream, OneDeadAddressOfTwoDoesNotEatTheDeadline) {
  FakeServer server([](FakeConnection& c) { c.WaitClosed(); });
  const DeadAddress dead(PortOf(server));
  auto stream = Stream::Make();
  ASSERT_TRUE(stream);
  stream->Limit({.deadline = steady_clock::now() + std::chrono::seconds(2)});
  const auto reached = stream->Connect({DeadAddress::kText, "127.0.0.1"}, PortOf(server));
  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(*reached, "127.0.0.1");
}

TEST(Stream, TriesTheFamiliesInTurn) {
  const auto v6 = Listener::Open("::1", 0);
  if (!v6) GTEST_SKIP() << "this machine has no IPv6: " << v6.error().message;
  const auto v4 = Listener::Open("127.0.0.2", v6->port());
  ASSERT_TRUE(v4) << v4.error().message;
  auto stream = Stream::Make();
  ASSERT_TRUE(stream);
  stream->Limit({.deadline = steady_clock::now() + std::chrono::seconds(20)});
  // The first one refuses at once.
  const auto reached = stream->Connect({"127.0.0.3", "127.0.0.2", "::1"}, v6->port());
  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_EQ(*reached, "::1") << "the other family's turn comes before the first one's second";
}

std::unique_ptr<HttpServer> ServerAt(const std::string& address, std::uint16_t port) {
  HttpServerOptions options;
  options.address = address;
  options.port = port;
  options.keep_alive = false;
  auto server = HttpServer::Start(std::move(options), [address](Exchange& exchange) {
    exchange.Respond(200, "text/plain", address);
  });
  EXPECT_TRUE(server) << server.error().message;
  return server ? *std::move(server) : nullptr;
}

TEST(HttpClient, BeginsWithTheAddressThatAnsweredLast) {
  const auto names = ResolveHost("localhost", steady_clock::now() + std::chrono::seconds(20), {});
  if (!names || std::find(names->begin(), names->end(), "::1") == names->end())
    GTEST_SKIP() << "localhost has no IPv6 address here";
  const auto v6 = ServerAt("::1", 0);
  ASSERT_TRUE(v6);
  const std::string port = std::to_string(v6->port());
  const auto client = HttpClient::Make("http://localhost:" + port, {}).value();
  HttpRequest request;
  request.target = "/";
  EXPECT_EQ(client->Send(request, kLimits).value().body, "::1");  // 127.0.0.1 refused
  const auto v4 = ServerAt("127.0.0.1", v6->port());
  ASSERT_TRUE(v4);
  EXPECT_EQ(client->Send(request, kLimits).value().body, "::1");
}

Result<HttpResponse> Through(const FakeServer& proxy, const std::string& url,
                             const HttpClientOptions& more = {}, const std::string& user = "") {
  HttpClientOptions options = more;
  options.proxy = ParseProxy(proxy.url().insert(proxy.url().find("//") + 2, user)).value();
  HttpRequest request;
  request.target = "/x";
  return HttpClient::Make(url, options).value()->Send(request, kLimits);
}

TEST(HttpClient, AsksAProxyForThePlainServersWholeUrl) {
  std::string asked;
  FakeServer proxy([&](FakeConnection& c) {
    asked = c.ReadRequest();
    c.Answer(200, "far");
  });
  const auto answer = Through(proxy, "http://far.invalid:81/base", {}, "me:secret@");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "far");
  EXPECT_THAT(asked, StartsWith("GET http://far.invalid:81/base/x HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("Host: far.invalid:81\r\n"));
  EXPECT_THAT(asked, HasSubstr("Proxy-Authorization: Basic " + EncodeBase64("me:secret")));
}

TEST(HttpClient, ReachesAServerThroughAPlainProxyAndThroughOneUnderTls) {
  const FakeIdentity identity = MakeFakeIdentity();
  for (const bool tls : {false, true}) {
    std::string asked;
    FakeServer origin(
        [&](FakeConnection& c) {
          while (!c.ReadRequest().empty()) c.Answer(200, std::string(100'000, 'x'));
        },
        &identity);
    FakeServer proxy(
        [&](FakeConnection& c) {
          asked = c.ReadRequest();
          c.Send("HTTP/1.1 200 Connection established\r\n\r\n");
          c.PassOn(PortOf(origin));
        },
        tls ? &identity : nullptr);
    HttpClientOptions options;
    options.tls.ca_pem = identity.certificate_pem;
    options.proxy = ParseProxy(proxy.url()).value();
    const auto client = HttpClient::Make(origin.url(), options).value();
    for (int i = 0; i < 2; ++i) {
      const auto answer = client->Send({}, kLimits);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(answer->body, std::string(100'000, 'x'));
    }
    EXPECT_EQ(proxy.connections(), 1) << "a tunnel is kept as a connection is";
    EXPECT_THAT(asked, StartsWith("CONNECT 127.0.0.1:" + std::to_string(PortOf(origin))));
    EXPECT_THAT(asked, Not(HasSubstr("Authorization")));
  }
}

TEST(HttpClient, VerifiesTheServerBehindAProxy) {
  const FakeIdentity identity = MakeFakeIdentity();
  const FakeIdentity other = MakeFakeIdentity();
  FakeServer origin([](FakeConnection& c) { c.WaitClosed(); }, &other);
  FakeServer proxy([&](FakeConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    c.PassOn(PortOf(origin));
  });
  HttpClientOptions options;
  options.tls.ca_pem = identity.certificate_pem;
  const auto answer = Through(proxy, origin.url(), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUntrusted);
}

TEST(HttpClient, AProxyThatRefusesIsNamedAndItsPasswordIsNot) {
  for (const int status : {407, 403, 502}) {
    std::string asked;
    FakeServer proxy([&](FakeConnection& c) {
      asked = c.ReadRequest();
      c.Answer(status, "no");
      c.WaitClosed();
    });
    const auto answer = Through(proxy, "https://far.invalid:6443", {}, "me:secret@");
    ASSERT_FALSE(answer);
    EXPECT_THAT(asked, StartsWith("CONNECT far.invalid:6443 HTTP/1.1\r\n"));
    EXPECT_THAT(asked, HasSubstr("Proxy-Authorization: Basic " + EncodeBase64("me:secret")));
    EXPECT_EQ(answer.error().kind, status == 502 ? ErrorKind::kTransient : ErrorKind::kForbidden);
    EXPECT_THAT(answer.error().message, HasSubstr(std::to_string(status)));
    EXPECT_THAT(answer.error().message, Not(HasSubstr("secret")));
    EXPECT_THAT(answer.error().message, Not(HasSubstr(EncodeBase64("me:secret"))));
  }
}

}  // namespace
}  // namespace penstock::net
