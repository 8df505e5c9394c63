#include "operator/sources/http_head.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;

TEST(HttpHead, AUrlThatHoldsASecondRequestIsNotAsked) {
  HeadOptions options;
  options.allow_local = true;
  for (const char* url : {"http://127.0.0.1:1/x HTTP/1.1\r\nHost: h\r\n\r\nDELETE /y",
                          "http://127.0.0.1:1/a b", "http://127.0.0.1:1/\x7f"}) {
    const auto reply = HttpHead(url, options);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(reply.error().message, HasSubstr("control character"));
  }
}

HeadOptions Here() {
  HeadOptions options;
  options.allow_local = true;
  return options;
}

TEST(HttpHead, FollowsARedirectThatStaysOnTheHost) {
  std::vector<std::string> lines;
  net::FakeServer server([&](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    lines.push_back(request.substr(0, request.find("\r\n")));
    if (lines.size() == 1) return c.Answer(302, "", "Location: other?v=2\r\n");
    c.Send("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 7\r\n\r\n");
  });
  const auto reply = HttpHead(server.url() + "/data/file", Here());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->Header("etag"), "\"v1\"");
  EXPECT_EQ(reply->Header("content-length"), "7");
  EXPECT_THAT(lines,
              testing::ElementsAre("HEAD /data/file HTTP/1.1", "HEAD /data/other?v=2 HTTP/1.1"));
}

TEST(HttpHead, GivesUpACircleAndDoesNotLeaveForALocalAddress) {
  net::FakeServer server([](net::FakeConnection& c) {
    c.ReadRequest();
    c.Answer(302, "", "Location: /again\r\n");
  });
  const auto circle = HttpHead(server.url(), Here());
  ASSERT_FALSE(circle);
  EXPECT_THAT(circle.error().message, HasSubstr("more than five times"));
  EXPECT_EQ(server.connections(), 6);
  const auto local = HttpHead(server.url(), {});
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(server.connections(), 6);
}

}  // namespace
}  // namespace penstock::sources
