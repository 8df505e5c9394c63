// The API client against a server that misbehaves.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "operator/kube/testing/api_client_fixture.h"

namespace penstock::kube {
namespace {

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

}  // namespace
}  // namespace penstock::kube
