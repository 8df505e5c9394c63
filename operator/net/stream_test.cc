// What the client's and the server's tests do not reach.
#include "operator/net/stream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "operator/net/address_policy.h"
#include "operator/net/http_client.h"
#include "operator/net/http_server.h"
#include "operator/os/fd.h"
#include "operator/os/testing/exhaustion.h"

namespace penstock::net {
namespace {

TEST(Listener, GoesOnAfterDescriptorsHadRunOut) {
  auto listener = Listener::Open("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(listener->port());
  ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  for (int spare = 0; spare < 3; ++spare) {  // a stream takes up to four
    const Exhaustion exhaustion(spare);
    const auto accepted = listener->Accept({});
    ASSERT_FALSE(accepted) << spare;
    EXPECT_EQ(accepted.error().kind, ErrorKind::kTransient);
  }
  EXPECT_TRUE(listener->Accept({}));
}

TEST(HttpClient, WithoutADescriptorLeftIsTransient) {
  auto listener = Listener::Open("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  const auto url = "http://127.0.0.1:" + std::to_string(listener->port());
  const auto client = HttpClient::Make(url, {}).value();
  const Exhaustion exhaustion(0);
  const auto answer = client->Send({}, {.idle = std::chrono::seconds(5)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kTransient);
}

TEST(HttpServer, SaysThatItClosesWhereItHasTooManyConnections) {
  HttpServerOptions options;
  options.address = "127.0.0.1";
  options.max_connections = 0;
  const auto server =
      HttpServer::Start(options, [](Exchange& x) { x.Respond(200, "text/plain", "ok"); }).value();
  const auto url = "http://127.0.0.1:" + std::to_string(server->port());
  const auto client = HttpClient::Make(url, {}).value();
  HttpRequest request;
  request.target = "/";
  const auto answer = client->Send(request, {.idle = std::chrono::seconds(5)});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->Header("retry-after"), "1");
  EXPECT_EQ(answer->Header("connection"), "close");
}

TEST(AddressPolicy, AsksNobodyWhileThisMachinesOwnAddressesAreNotKnown) {
  const AddressPolicy policy({});
  ASSERT_TRUE(policy.Check("h", "198.51.100.1"));
  const Exhaustion exhaustion(0);
  const auto may = policy.Check("h", "198.51.100.1");
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().kind, ErrorKind::kTransient);
}

}  // namespace
}  // namespace penstock::net
