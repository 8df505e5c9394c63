#include "operator/sources/http_head.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;

TEST(HttpHead, AUrlThatHoldsASecondRequestIsNotAsked) {
  const HeadOptions options;
  for (const char* url : {"http://127.0.0.1:1/x HTTP/1.1\r\nHost: h\r\n\r\nDELETE /y",
                          "http://127.0.0.1:1/a b", "http://127.0.0.1:1/\x7f"}) {
    const auto reply = HttpHead(url, options);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(reply.error().message, HasSubstr("control character"));
  }
}

HeadOptions Here() { return {}; }

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

TEST(HttpHead, AUrlThatWasSignedForGetOnlyIsAskedForItsFirstByte) {
  std::vector<std::string> requests;
  net::FakeServer server([&](net::FakeConnection& c) {
    requests.push_back(c.ReadRequest());
    if (requests.back().starts_with("HEAD")) return c.Answer(403, "");
    c.Send(
        "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 0-0/4711\r\n"
        "Content-Length: 1\r\n\r\nx");
  });
  const auto reply = HttpHead(server.url() + "/x?sig=GET-only", Here());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->Header("etag"), "\"v1\"");
  EXPECT_EQ(reply->Header("content-length"), "4711");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_TRUE(requests[1].starts_with("GET /x?sig=GET-only HTTP/1.1"));
  EXPECT_THAT(requests[1], HasSubstr("Range: bytes=0-0\r\n"));
}

TEST(HttpHead, AServerThatSendsTheWholeInPlaceOfItsFirstByteIsCutOff) {
  net::FakeServer server([](net::FakeConnection& c) {
    if (c.ReadRequest().starts_with("HEAD")) return c.Answer(405, "");
    c.Send("HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 1000000000000\r\n\r\nx");
    c.WaitClosed();
  });
  const auto reply = HttpHead(server.url(), Here());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->Header("content-length"), "1000000000000");
}

TEST(HttpHead, AnEmptyFileHasNoFirstByteAndWhatIsRefusedBothWaysSaysSo) {
  net::FakeServer server([](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (request.find("/closed") != std::string::npos || request.starts_with("HEAD"))
      return c.Answer(403, "");
    c.Answer(416, "no", "ETag: \"0\"\r\nContent-Range: bytes */0\r\n");
  });
  const auto empty = HttpHead(server.url() + "/empty", Here());
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->status, 200);
  EXPECT_EQ(empty->Header("content-length"), "0");
  EXPECT_EQ(HttpHead(server.url() + "/closed", Here())->status, 403);
}

TEST(HttpHead, GivesUpACircle) {
  net::FakeServer server([](net::FakeConnection& c) {
    c.ReadRequest();
    c.Answer(302, "", "Location: /again\r\n");
  });
  const auto circle = HttpHead(server.url(), Here());
  ASSERT_FALSE(circle);
  EXPECT_THAT(circle.error().message, HasSubstr("more than five times"));
  EXPECT_EQ(server.connections(), 6);
}

TEST(HttpHead, ARedirectIsHeldToTheSamePolicyAsTheFirstAddress) {
  net::FakeServer inside([](net::FakeConnection& c) { c.WaitClosed(); });
  net::FakeServer server([&](net::FakeConnection& c) {
    c.ReadRequest();
    c.Answer(
        302, "",
        "Location: http://localhost:" + inside.url().substr(inside.url().rfind(':') + 1) + "/\r\n");
  });
  HeadOptions options;
  options.may_ask = [](const std::string& host, const std::string&) -> Result<void> {
    if (host == "127.0.0.1") return {};
    Error e = Invalid("not " + host);
    e.kind = ErrorKind::kForbidden;
    return e;
  };
  const auto reply = HttpHead(server.url(), options);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kForbidden);
  EXPECT_THAT(reply.error().message, HasSubstr("not localhost"));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(inside.connections(), 0);
}

}  // namespace
}  // namespace penstock::sources
