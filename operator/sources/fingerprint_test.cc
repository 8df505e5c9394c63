#include "operator/sources/fingerprint.h"

#include <gmock/gmock.h>

#include <atomic>

#include "operator/base/file.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MovingClock : public Clock {
 public:
  TimePoint Now() const override { return {}; }
  std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
};

TEST(Fingerprint, AnAddressThatMayNotBeAskedIsToldAndNotAsked) {
  net::FakeServer server([](net::FakeConnection& c) { c.WaitClosed(); });
  const auto taken = TakeFingerprint(server.url() + "/x?sig=secret", {});
  EXPECT_EQ(taken.value, "");
  EXPECT_TRUE(taken.refused);
  EXPECT_FALSE(taken.silent);
  EXPECT_THAT(taken.why_none, HasSubstr("127.0.0.1: it is a loopback address"));
  EXPECT_THAT(taken.why_none, Not(HasSubstr("secret")));
  EXPECT_EQ(server.connections(), 0);
}

TEST(Fingerprint, ASignatureStandsInNoMessage) {
  net::FakeServer server([](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (request.find("/403") != std::string::npos) return c.Answer(403, "");
    c.Answer(302, "", "Location: /again?sig=secret\r\n");
  });
  for (const char* path : {"/403?sig=secret", "/circle?sig=secret"}) {
    const auto taken = TakeFingerprint(server.url() + path, {.local_files = true});
    EXPECT_THAT(taken.why_none, HasSubstr("?..."));
    EXPECT_THAT(taken.why_none, Not(HasSubstr("secret")));
  }
}

TEST(Fingerprint, ThereIsAlwaysAReasonWhereThereIsNone) {
  net::FakeServer server([](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (request.find("/404") != std::string::npos) return c.Answer(404, "");
    c.Send("HTTP/1.1 200 OK\r\nETag: W/\"1\"\r\nContent-Length: 7\r\n\r\n");
  });
  for (const auto& [uri, said] :
       {std::pair{server.url() + "/404", std::string("answered with status 404")},
        {server.url() + "/weak", "without a strong ETag"},
        {"s3://bucket/x", "sources of s3: tell nothing"},
        {"delta+s3://bucket/x?version=1", "?version=NUMBER&table=ID names one for good"},
        {"iceberg+s3://bucket/x", "?snapshot=ID names one for good"},
        {"file:///no/such/file", "/no/such/file"},
        {"file://host/x", "absolute path"}}) {
    const auto taken = TakeFingerprint(uri, {.local_files = true});
    EXPECT_EQ(taken.value, "") << uri;
    EXPECT_THAT(taken.why_none, HasSubstr(said)) << uri;
  }
  EXPECT_THAT(TakeFingerprint("file:///data/x", {}).why_none, HasSubstr("read by the step's pod"));
}

TEST(Fingerprint, AFileIsFoundByAUriWithEscapesAndTheNameOfThisMachine) {
  const std::string folder = ::testing::TempDir();
  ASSERT_TRUE(WriteFileAtomically(folder + "/a b.csv", "1\n"));
  const auto plain = TakeFingerprint(folder + "/a b.csv", {.local_files = true});
  ASSERT_NE(plain.value, "");
  for (const char* host : {"", "localhost"})
    EXPECT_EQ(TakeFingerprint("file://" + std::string(host) + folder + "/a%20b.csv",
                              {.local_files = true})
                  .value,
              plain.value);
}

TEST(Fingerprints, AServerThatDidNotAnswerIsLeftAloneForAWhile) {
  std::atomic<bool> answers = false;
  net::FakeServer server([&](net::FakeConnection& c) {
    c.ReadRequest();
    if (answers) c.Send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 7\r\n\r\n");
  });
  MovingClock clock;
  Fingerprints all({.local_files = true}, clock);
  const std::string uri = server.url() + "/x";
  const auto first = all.Take("team", uri);
  EXPECT_TRUE(first.silent);
  EXPECT_EQ(all.Take("team", server.url() + "/other").why_none, first.why_none);
  EXPECT_EQ(server.connections(), 1) << "the same server was asked at once";
  EXPECT_TRUE(all.Take("rival", uri).silent);
  EXPECT_EQ(server.connections(), 2) << "a namespace learned of another's server";

  clock.now += std::chrono::milliseconds(1'001);
  EXPECT_TRUE(all.Take("team", uri).silent);
  EXPECT_EQ(server.connections(), 3);
  clock.now += std::chrono::milliseconds(1'001);  // two seconds by now
  EXPECT_TRUE(all.Take("team", uri).silent);
  EXPECT_EQ(server.connections(), 3);
  clock.now += std::chrono::seconds(1);
  answers = true;
  EXPECT_EQ(all.Take("team", uri).value, "etag:\"1\" length:7");
  EXPECT_EQ(all.Take("team", uri).value, "etag:\"1\" length:7");
  EXPECT_EQ(server.connections(), 5) << "an answer is no silence";
}

TEST(Fingerprint, OfATableIsTheStateThatItsUriNamesForGood) {
  const auto of = [](const char* uri) { return TakeFingerprint(uri, {}).value; };
  EXPECT_EQ(of("delta+s3://bucket/x?version=1&table=a-b"), "delta:a-b:1");
  EXPECT_EQ(of("iceberg+s3://bucket/x?snapshot=7"), "iceberg:7");
}

}  // namespace
}  // namespace penstock::sources
