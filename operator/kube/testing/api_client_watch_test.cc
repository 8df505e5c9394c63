// Streams of the ApiClient: watches and logs, against a fake server.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "operator/kube/testing/api_client_fixture.h"

namespace penstock::kube {
namespace {

void Stream(FakeConnection& c, const std::string& bytes) {
  c.ReadRequest();
  c.BeginChunked();
  c.SendChunk(bytes);
}

std::string Event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

TEST(ApiClientWatch, GivesEventsThatArriveInPieces) {
  FakeServer server([](FakeConnection& c) {
    const std::string event = Event("ADDED", kPod);
    Stream(c, event.substr(0, 10));
    c.SendChunk(event.substr(10) + event);
    c.SendChunk("");
  });
  auto client = ClientOf(server);
  std::vector<std::string> names;
  EXPECT_TRUE(WatchAll(*client, &names));
  EXPECT_EQ(names, (std::vector<std::string>{"p", "p"}));
}

TEST(ApiClientWatch, AnEventThatIsNestedTooDeepIsCut) {
  FakeServer server([](FakeConnection& c) {
    Stream(c, Event("ADDED", kDeepPod.c_str()) + Event("ADDED", kPod));
    c.SendChunk("");
  });
  std::vector<std::string> names;
  EXPECT_TRUE(WatchAll(*ClientOf(server), &names));
  EXPECT_EQ(names, (std::vector<std::string>{"deep", "p"}));
}

TEST(ApiClientWatch, Status410IsExpired) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(410, kStatus410);
  });
  const auto outcome = WatchAll(*ClientOf(server));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kExpired);
}

TEST(ApiClientWatch, A410InsideTheStreamIsExpired) {
  FakeServer server([](FakeConnection& c) {
    Stream(c, Event("ADDED", kPod) + Event("ERROR", kStatus410));
    c.WaitClosed();
  });
  std::vector<std::string> names;
  const auto outcome = WatchAll(*ClientOf(server), &names);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kExpired);
  EXPECT_EQ(names.size(), 1U);
}

TEST(ApiClientWatch, ACutInsideALineIsTransientAndKeepsWhatCameBefore) {
  for (const bool clean : {true, false}) {
    FakeServer server([clean](FakeConnection& c) {
      Stream(c, Event("ADDED", kPod) + R"({"type":"ADD)");
      if (clean) c.SendChunk("");
    });
    std::vector<std::string> names;
    const auto outcome = WatchAll(*ClientOf(server), &names);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::kTransient);
    EXPECT_EQ(names.size(), 1U);
  }
}

TEST(ApiClientWatch, GarbageChunksAreTransientAndGarbageLinesInternal) {
  FakeServer chunks([](FakeConnection& c) {
    c.ReadRequest();
    c.BeginChunked();
    c.Send("zz\r\nnonsense\r\n");
  });
  auto outcome = WatchAll(*ClientOf(chunks));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kTransient);
  FakeServer lines([](FakeConnection& c) {
    Stream(c, "nonsense\n");
    c.WaitClosed();
  });
  outcome = WatchAll(*ClientOf(lines));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kInternal);
}

TEST(ApiClientWatch, ASilentConnectionIsGivenUpAfterTheIdleTimeout) {
  FakeServer server([](FakeConnection& c) {
    Stream(c, Event("ADDED", kPod));
    c.WaitClosed();
  });
  WatchOptions options;
  options.idle_timeout = seconds(1);
  const auto begin = steady_clock::now();
  const auto outcome = WatchAll(*ClientOf(server), nullptr, options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kTransient);
  EXPECT_GE(steady_clock::now() - begin, seconds(1));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
}

TEST(ApiClientWatch, AsksTheServerToEndAQuietWatchBeforeTheIdleGuard) {
  FakeServer* self = nullptr;
  FakeServer server([&](FakeConnection& c) {
    self->Record(c.ReadRequest());
    c.BeginChunked();
    c.SendChunk("");
  });
  self = &server;
  EXPECT_TRUE(WatchAll(*ClientOf(server)));
  EXPECT_NE(server.requests()[0].find("timeoutSeconds=50 "), std::string::npos)
      << server.requests()[0];
}

TEST(ApiClientWatch, A429CarriesItsRetryAfterToTheCaller) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(429, "", "Retry-After: 7\r\n");
  });
  const auto outcome = WatchAll(*ClientOf(server));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(outcome.error().retry_after, seconds(7));
}

TEST(ApiClientLogs, StreamPiecesUntilTheSinkHasEnough) {
  FakeServer server([](FakeConnection& c) {
    Stream(c, "one\n");
    c.WaitClosed();
  });
  std::string text;
  LogOptions options;
  options.follow = true;
  const auto outcome = ClientOf(server)->Logs("ns", "p", options,
                                              [&](std::string_view piece) {
                                                text += piece;
                                                return false;
                                              },
                                              {});
  EXPECT_TRUE(outcome);
  EXPECT_EQ(text, "one\n");
}

// --- TLS and credentials

}  // namespace
}  // namespace penstock::kube
