// The API client against a server that misbehaves.
#include "operator/kube/api_client.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::kube {
namespace {

using net::FakeConnection;
using net::FakeIdentity;
using net::FakeServer;
using net::MakeFakeIdentity;

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class MovableClock : public SystemClock {
 public:
  [[nodiscard]] steady_clock::time_point Steady() const override {
    return steady_clock::now() + milliseconds(offset_ms.load());
  }
  std::atomic<std::int64_t> offset_ms{0};
};

MovableClock& TestClock() {
  static MovableClock clock;
  return clock;
}

std::unique_ptr<ApiClient> ClientOf(const FakeServer& server, ClusterConfig config = {}) {
  config.server = server.url();
  auto client = ApiClient::Make(std::move(config), TestClock());
  EXPECT_TRUE(client) << client.error().message;
  return *std::move(client);
}

Call Within(milliseconds timeout, std::stop_token stop = {}) {
  return {std::move(stop), timeout, {}};
}

const char* const kPod = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}})";
const char* const kStatus410 = R"({"kind":"Status","reason":"Expired","message":"old","code":410})";

Result<void> WatchAll(ApiClient& client, std::vector<std::string>* names = nullptr,
                      WatchOptions options = {}, std::stop_token stop = {}) {
  return client.Watch(
      kPods, "ns", options,
      [&](WatchEvent& event) {
        if (names) names->push_back((*event.object)["metadata"].value("name", ""));
        return true;
      },
      std::move(stop));
}

TEST(ApiClient, ReusesAConnectionForManyCalls) {
  FakeServer server([](FakeConnection& c) {
    while (!c.ReadRequest().empty()) c.Answer(200, kPod);
  });
  auto client = ClientOf(server);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(ApiClient, RepeatsAReadWhenTheKeptConnectionWasClosed) {
  // The server closes only after the second request has come: the client could not see it before.
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, kPod);
    if (c.index() > 0) {
      c.WaitClosed();
    } else {
      c.ReadRequest();
    }
  });
  auto client = ClientOf(server);
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  EXPECT_EQ(server.connections(), 2);
}

TEST(ApiClient, DoesNotRepeatACreateThatMayHaveHappened) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, kPod);
    c.ReadRequest();
  });
  auto client = ClientOf(server);
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  const auto created = client->Create(kPods, "ns", Json::parse(kPod));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(server.connections(), 1);
}

TEST(ApiClient, ASecondFailureIsNotRepeated) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() == 0) {
      c.Answer(200, kPod);
      c.ReadRequest();
    }
  });
  auto client = ClientOf(server);
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  const auto got = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(server.connections(), 2);
}

TEST(ApiClient, WaitsAsLongAsRetryAfterSays) {
  int calls = 0;
  FakeServer server([&](FakeConnection& c) {
    while (!c.ReadRequest().empty()) {
      if (calls++ == 0) {
        c.Answer(429, "slow down", "Retry-After: 1\r\n");
      } else {
        c.Answer(200, kPod);
      }
    }
  });
  auto client = ClientOf(server);
  const auto begin = steady_clock::now();
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  const auto took = steady_clock::now() - begin;
  EXPECT_GE(took, seconds(1));
  EXPECT_LT(took, seconds(2));
}

TEST(ApiClient, ActsAsWhomTheKubeconfigNamesInWatchesToo) {
  std::promise<std::string> got, watched;
  FakeServer server([&](FakeConnection& c) {
    (c.index() == 0 ? got : watched).set_value(c.ReadRequest());
    c.Answer(200, kPod, "Connection: close\r\n");
  });
  ClusterConfig config;
  config.impersonation = {{"Impersonate-User", "ada"}, {"Impersonate-Group", "team a"}};
  auto client = ClientOf(server, config);
  static_cast<void>(client->Get(kPods, "ns", "p"));
  static_cast<void>(WatchAll(*client));
  for (const std::string& request : {got.get_future().get(), watched.get_future().get()}) {
    EXPECT_NE(request.find("Impersonate-User: ada\r\n"), std::string::npos) << request;
    EXPECT_NE(request.find("Impersonate-Group: team a\r\n"), std::string::npos) << request;
  }
}

TEST(ApiClient, ReachesTheServerThroughTheProxyOfItsConfig) {
  std::promise<std::string> asked;
  FakeServer proxy([&](FakeConnection& c) {
    asked.set_value(c.ReadRequest());
    c.Answer(200, kPod);
  });
  ClusterConfig config;
  config.server = "http://api.invalid:8080";
  config.proxy = net::ParseProxy(proxy.url()).value();
  auto client = ApiClient::Make(config, TestClock());
  ASSERT_TRUE(client);
  EXPECT_TRUE((*client)->Get(kPods, "ns", "p"));
  EXPECT_EQ(asked.get_future().get().rfind("GET http://api.invalid:8080/api/v1/", 0), 0U);
}

TEST(ApiClient, SendsNoWriteAgainOnceWhatAllowedItHasPassed) {
  std::atomic<int> calls = 0;
  FakeServer server([&](FakeConnection& c) {
    while (!c.ReadRequest().empty()) {
      ++calls;
      c.Answer(429, "slow down", "Retry-After: 1\r\n");
    }
  });
  auto client = ClientOf(server);
  Call call;
  call.allowed = [] { return false; };  // leadership was lost during the wait
  const auto created = client->Create(kPods, "ns", Json::parse(kPod), call);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(ApiClient, TellsTheServersTimeFromItsAnswers) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, kPod, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  });
  ClusterConfig config;
  config.server = server.url();
  std::string date;
  auto client = ApiClient::Make(config, TestClock(), [&](std::string_view d) { date = d; });
  ASSERT_TRUE(client);
  EXPECT_TRUE((*client)->Get(kPods, "ns", "p"));
  EXPECT_EQ(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(ApiClient, GivesBackARetryAfterThatIsBeyondItsTime) {
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(503, "", "Retry-After: 60\r\n");
  });
  auto client = ClientOf(server);
  const auto got = client->Get(kPods, "ns", "p", Within(seconds(5)));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(got.error().retry_after, seconds(60));
}

TEST(ApiClient, AServerErrorWithoutRetryAfterIsTheCallersToRepeat) {
  std::atomic<int> calls = 0;
  FakeServer server([&](FakeConnection& c) {
    while (!c.ReadRequest().empty()) {
      ++calls;
      c.Answer(500, R"({"kind":"Status","message":"etcdserver: leader changed"})");
    }
  });
  auto client = ClientOf(server);
  const auto got = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_NE(got.error().message.find("leader changed"), std::string::npos);
  EXPECT_EQ(calls, 1);
}

TEST(ApiClient, ASilentServerCostsTheTimeoutAndNoMore) {
  FakeServer server([](FakeConnection& c) { c.WaitClosed(); });
  auto client = ClientOf(server);
  const auto begin = steady_clock::now();
  const auto got = client->Get(kPods, "ns", "p", Within(milliseconds(300)));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_LT(steady_clock::now() - begin, seconds(2));
}

TEST(ApiClient, ABodyThatDripsEndsAtTheDeadline) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\"");
    c.WaitClosed();
  });
  auto client = ClientOf(server);
  const auto begin = steady_clock::now();
  const auto got = client->Get(kPods, "ns", "p", Within(milliseconds(300)));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_LT(steady_clock::now() - begin, seconds(2));
}

TEST(ApiClient, AStopEndsAHangingCallWithinASecond) {
  std::promise<void> arrived;
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    arrived.set_value();
    c.WaitClosed();
  });
  auto client = ClientOf(server);
  std::stop_source stop;
  auto call = std::async(std::launch::async, [&] {
    return client->Get(kPods, "ns", "p", Within(seconds(60), stop.get_token()));
  });
  arrived.get_future().wait();
  const auto begin = steady_clock::now();
  stop.request_stop();
  const auto got = call.get();
  EXPECT_LT(steady_clock::now() - begin, seconds(1));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kCancelled);
}

TEST(ApiClient, GarbageForHttpIsTransient) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Send("220 mail.example.com ESMTP\r\n\r\n");
  });
  auto client = ClientOf(server);
  const auto got = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
}

TEST(ApiClient, AnAnswerThatIsNoJsonIsInternal) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "<html>");
  });
  auto client = ClientOf(server);
  const auto got = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kInternal);
}

// One tenant's object must not make a list or a watch unreadable for all.
const std::string kDeepPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"deep"},"spec":)" +
    std::string(9'000, '[') + std::string(9'000, ']') + "}";

TEST(ApiClient, AnObjectThatIsNestedTooDeepIsCutAndTheOthersOfItsListStand) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, R"({"metadata":{},"apiVersion":"v1","items":[)" + kDeepPod + "," + kPod + "]}");
  });
  const auto page = ClientOf(server)->List(kPods, "ns", {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_LT(LevelsOf(page->items[0]), kMaxJsonDepth);
  EXPECT_GT(LevelsOf(page->items[0]), kMaxJsonDepth - 10);
  EXPECT_EQ(page->items[1]["metadata"]["name"], "p");
}

TEST(ApiClient, NobodyListeningIsTransient) {
  std::string url;
  {
    FakeServer server([](FakeConnection&) {});
    url = server.url();
  }
  ClusterConfig config;
  config.server = url;
  auto client = ApiClient::Make(config, TestClock());
  ASSERT_TRUE(client);
  const auto got = (*client)->Get(kPods, "ns", "p");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
}

TEST(ApiClient, ANameThatLeavesThePathIsNeverSent) {
  FakeServer server([](FakeConnection& c) { c.WaitClosed(); });
  auto client = ClientOf(server);
  for (const char* name : {"..", "a/b", "%2e%2e"}) {
    const auto got = client->Get(kPods, "ns", name);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_EQ(server.connections(), 0);
}

// --- watch

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

std::filesystem::path Scratch(const std::string& name, const std::string& content) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("penstock-" + std::to_string(getpid()) + "-" + name);
  std::ofstream(path) << content;
  return path;
}

void AnswerAll(FakeConnection& c) {
  while (!c.ReadRequest().empty()) c.Answer(200, kPod);
}

TEST(ApiClientTls, TrustsTheGivenAuthorityOnly) {
  const FakeIdentity ours = MakeFakeIdentity();
  const FakeIdentity other = MakeFakeIdentity();
  FakeServer server(AnswerAll, &ours);
  ClusterConfig config;
  config.ca.data = ours.certificate_pem;
  EXPECT_TRUE(ClientOf(server, config)->Get(kPods, "ns", "p"));
  config.ca.data = other.certificate_pem;
  const auto refused = ClientOf(server, config)->Get(kPods, "ns", "p");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("certificate"), std::string::npos)
      << refused.error().message;
  config.ca.data.clear();
  EXPECT_FALSE(ClientOf(server, config)->Get(kPods, "ns", "p")) << "not among the system's roots";
  config.insecure = true;
  EXPECT_TRUE(ClientOf(server, config)->Get(kPods, "ns", "p"));
}

TEST(ApiClientTls, RefusesACertificateOfAnotherName) {
  const FakeIdentity ours = MakeFakeIdentity();
  FakeServer server(AnswerAll, &ours);
  ClusterConfig config;
  config.ca.data = ours.certificate_pem;
  config.tls_server_name = "kubernetes.default.svc";
  EXPECT_FALSE(ClientOf(server, config)->Get(kPods, "ns", "p"));
}

TEST(ApiClientTls, ReadsARotatedAuthorityWithoutARestart) {
  const FakeIdentity first = MakeFakeIdentity();
  const FakeIdentity second = MakeFakeIdentity();
  FakeServer server(
      [](FakeConnection& c) {
        c.ReadRequest();
        c.Answer(200, kPod, "Connection: close\r\n");
      },
      &first);
  ClusterConfig config;
  config.ca.file = Scratch("ca.pem", first.certificate_pem);
  auto client = ClientOf(server, config);
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
  server.SetIdentity(second);
  EXPECT_FALSE(client->Get(kPods, "ns", "p"));
  Scratch("ca.pem", "");
  TestClock().offset_ms += 61'000;
  EXPECT_FALSE(client->Get(kPods, "ns", "p")) << "an empty file is a rotation under way";
  Scratch("ca.pem", second.certificate_pem);
  TestClock().offset_ms += 61'000;
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
}

TEST(ApiClientCredentials, A401MakesTheTokenFileBeReadAgain) {
  FakeServer server([](FakeConnection& c) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      const bool known = request.find("Authorization: Bearer new\r\n") != std::string::npos;
      c.Answer(known ? 200 : 401, known ? kPod : "{}");
    }
  });
  ClusterConfig config;
  config.token.file = Scratch("token", "old\n");
  auto client = ClientOf(server, config);
  const auto refused = client->Get(kPods, "ns", "p");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  Scratch("token", "new\n");
  EXPECT_TRUE(client->Get(kPods, "ns", "p"));
}

}  // namespace
}  // namespace penstock::kube
