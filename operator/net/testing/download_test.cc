// Large bodies from servers that misbehave.
#include "operator/net/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::net {
namespace {

using testing::HasSubstr;

class DownloadTest : public testing::Test {
 protected:
  // What was taken, or the error.
  Result<std::string> Get(const std::string& url, const Headers& login = {}) {
    std::string got;
    const FollowOptions follow;
    const Send send = [&](const HttpRequest& r) { return SendFollowing(url, r, login, follow); };
    const TakeBytes take = [&](std::string_view bytes) -> Result<void> {
      got += bytes;
      return {};
    };
    auto reply = Download(send, take, options_);
    if (!reply) return reply.error();
    return got;
  }

  DownloadOptions options_{.first_pause = std::chrono::milliseconds(1)};
};

constexpr const char* kBody = "0123456789";

TEST_F(DownloadTest, GoesOnWithTheByteThatIsMissing) {
  FakeServer server([](FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (c.index() == 0) return c.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
    if (request.find("Range: bytes=4-\r\n") == std::string::npos) return;
    c.Send(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n"
        "456789");
  });
  const auto got = Get(server.url() + "/m");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, kBody);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(DownloadTest, PassesOverWhatItHasWhereTheServerKnowsNoRanges) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() == 0) return c.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
    c.Answer(200, kBody);
  });
  const auto got = Get(server.url() + "/m");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, kBody);
}

TEST_F(DownloadTest, TakesNoRangeThatItDidNotAskFor) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() == 0) return c.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
    c.Send(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n"
        "0123456789");
  });
  const auto got = Get(server.url() + "/m");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("a range that was not asked for"));
}

TEST_F(DownloadTest, ShowsALoginToTheFirstServerAlone) {
  std::string elsewhere;
  FakeServer other([&](FakeConnection& c) {
    elsewhere = c.ReadRequest();
    c.Answer(200, kBody);
  });
  FakeServer server([&](FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (request.find("Authorization: Basic x") != std::string::npos)
      c.Answer(307, "", "Location: " + other.url() + "/blob\r\n");
  });
  const auto got = Get(server.url() + "/m", {{"Authorization", "Basic x"}});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, kBody);
  EXPECT_EQ(elsewhere.find("Authorization"), std::string::npos) << elsewhere;
}

TEST_F(DownloadTest, GivesUpAfterSomeTriesWithoutAByteAndNotBefore) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(503, "");
  });
  options_.tries = 3;
  const auto got = Get(server.url() + "/m");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(DownloadTest, TriesNoMissingFileTwice) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(404, "");
  });
  const auto got = Get(server.url() + "/m");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(DownloadTest, RefusesABodyAboveItsBoundByWhatItSaysAndByWhatItSends) {
  FakeServer server([](FakeConnection& c) {
    if (c.ReadRequest().find("/said") != std::string::npos) return c.Answer(200, kBody);
    c.BeginChunked();
    for (int i = 0; i < 3; ++i) c.SendChunk("0123");
    c.SendChunk("");
  });
  options_.max_bytes = 9;
  for (const char* path : {"/said", "/sent"}) {
    const auto got = Get(server.url() + path);
    ASSERT_FALSE(got) << path;
    EXPECT_EQ(got.error().kind, ErrorKind::kTooLarge) << got.error().message;
  }
  options_.max_bytes = 12;
  EXPECT_TRUE(Get(server.url() + "/sent"));
}

TEST_F(DownloadTest, GivesUpOnABodyThatHardlyComesOn) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 1000; ++i) c.Send("x");
  });
  options_.tries = 1;
  options_.least_in = std::chrono::milliseconds(0);
  const auto got = Get(server.url() + "/m");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("sends less than"));
}

TEST_F(DownloadTest, FollowsNoRedirectsForEver) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(302, "", "Location: /again\r\n");
  });
  const auto got = Get(server.url() + "/m");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("more than five times"));
}

TEST_F(DownloadTest, EndsAtOnceWithWhatItsTakerSays) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, kBody);
  });
  const Send send = [&](const HttpRequest& r) {
    return SendFollowing(server.url() + "/m", r, {}, {});
  };
  const auto reply = Download(
      send, [](std::string_view) -> Result<void> { return Transient("the disk says no"); }, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message, "the disk says no");
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace penstock::net
