// Key sets from an issuer's server, over real sockets.
#include "components/router/edge/key_fetcher.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "components/router/edge/testing/signing.h"
#include "operator/base/json.h"
#include "operator/net/http_server.h"

namespace penstock::router {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// An issuer's server that says what a test wants.
class Issuer {
 public:
  Issuer() {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    server_ = *net::HttpServer::Start(options, [this](net::Exchange& x) {
      ++asked;
      const std::lock_guard lock(mutex_);
      x.Respond(status_, "application/json", body_);
    });
    uri = "http://127.0.0.1:" + std::to_string(server_->port()) + "/keys";
  }
  ~Issuer() { server_->Stop(); }
  void Say(int status, const std::string& body) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    body_ = body;
  }
  void Give(const std::vector<std::pair<std::string, const TestKey*>>& keys) {
    Json set = Json::array();
    for (const auto& [id, key] : keys) set.push_back(JwkOf(*key, id));
    Say(200, Json{{"keys", set}}.dump());
  }

  std::string uri;
  std::atomic<int> asked{0};

 private:
  std::mutex mutex_;
  int status_ = 503;
  std::string body_;
  std::unique_ptr<net::HttpServer> server_;
};

class Fetching : public ::testing::Test {
 protected:
  Fetching() {
    options_.renewal = 20ms;
    options_.first_pause = 5ms;
    options_.longest_pause = 20ms;
    options_.least_between = 5ms;
  }
  KeyFetcher::Fetched Look() {
    if (!fetcher_) fetcher_ = std::make_unique<KeyFetcher>(options_);
    return fetcher_->Look({issuer_.uri, ""});
  }
  template <typename Holds>
  static bool Eventually(const Holds& holds) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  [[nodiscard]] bool Knows(const std::string& id) {
    const auto fetched = Look();
    return fetched.keys && fetched.keys->Find(*FormOf("ES256"), id) != nullptr;
  }

  Issuer issuer_;
  std::atomic<int> hours_{0};  // of a clock that a test may use
  KeyFetcherOptions options_;
  std::unique_ptr<KeyFetcher> fetcher_;
  const TestKey one_ = NewEcKey(), two_ = NewEcKey();
};

TEST_F(Fetching, KeysThatAreRotatedAreTakenUpWithoutAnybodyDoingAThing) {
  issuer_.Give({{"one", &one_}});
  const auto first = Look();
  EXPECT_EQ(first.trouble, "") << "the first answer is waited for";
  ASSERT_TRUE(Eventually([&] { return Knows("one"); }));
  const auto same = Look().keys;
  const int before = issuer_.asked;
  ASSERT_TRUE(Eventually([&] { return issuer_.asked > before + 2; }));
  EXPECT_EQ(Look().keys, same) << "what says the same is the same, whoever goes by it";
  issuer_.Give({{"two", &two_}});
  EXPECT_TRUE(Eventually([&] { return Knows("two"); }));
  EXPECT_FALSE(Knows("one"));
}

TEST_F(Fetching, AnIssuerThatNeverAnsweredLeavesNoKeysAndIsTold) {
  ASSERT_TRUE(Eventually([&] { return !Look().trouble.empty(); }));
  EXPECT_EQ(Look().keys, nullptr);
  EXPECT_THAT(Look().trouble, HasSubstr("the issuer's server answers 503"));
  issuer_.Give({{"one", &one_}});
  EXPECT_TRUE(Eventually([&] { return Knows("one"); }));
  EXPECT_EQ(Look().trouble, "");
}

TEST_F(Fetching, WhatIsNoKeySetIsNone) {
  for (const char* body : {"<html>", "{}", R"({"keys": []})",
                           R"({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]})"}) {
    issuer_.Say(200, body);
    fetcher_ = nullptr;
    ASSERT_TRUE(Eventually([&] { return !Look().trouble.empty(); })) << body;
    EXPECT_EQ(Look().keys, nullptr) << body;
  }
  issuer_.Say(302, "");
  EXPECT_TRUE(Eventually([&] { return Look().trouble.find("answers 302") != std::string::npos; }));
}

TEST_F(Fetching, KeysThatCannotBeRenewedCountOnForSoLongAndNoLonger) {
  options_.now = [this] { return std::chrono::steady_clock::time_point(1h * hours_.load()); };
  issuer_.Give({{"one", &one_}});
  ASSERT_TRUE(Eventually([&] { return Knows("one"); }));
  issuer_.Say(503, "");
  ASSERT_TRUE(Eventually([&] { return !Look().trouble.empty(); }));
  hours_ = 24;
  EXPECT_TRUE(Knows("one")) << "told, and used still";
  hours_ = 25;
  EXPECT_FALSE(Knows("one"));
  EXPECT_EQ(Look().keys, nullptr);
  issuer_.Give({{"one", &one_}});
  EXPECT_TRUE(Eventually([&] { return Knows("one"); }));
}

// A key that was stolen would have been taken for a day more.
TEST_F(Fetching, KeysThatTheIssuerHasTakenBackCountNoLonger) {
  issuer_.Give({{"one", &one_}});
  ASSERT_TRUE(Eventually([&] { return Knows("one"); }));
  issuer_.Say(200, R"({"keys": []})");
  EXPECT_TRUE(Eventually([&] { return Look().keys == nullptr; }));
  EXPECT_THAT(Look().trouble, HasSubstr("no key of it is for signatures"));
  issuer_.Give({{"one", &one_}});
  ASSERT_TRUE(Eventually([&] { return Knows("one"); }));
  issuer_.Say(200, "<html>maintenance</html>");
  ASSERT_TRUE(Eventually([&] { return !Look().trouble.empty(); }));
  EXPECT_TRUE(Knows("one")) << "that is no word of its keys";
}

TEST_F(Fetching, AKeyThatIsNotKnownIsAskedForAtOnceAndNotByEachToken) {
  options_.renewal = 1h;
  options_.least_between = 200ms;
  issuer_.Give({{"one", &one_}});
  ASSERT_TRUE(Eventually([&] { return Knows("one"); }));
  issuer_.Give({{"one", &one_}, {"two", &two_}});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] {
    Look().unknown_key();
    return Knows("two");
  }));
  while (std::chrono::steady_clock::now() < begun + 500ms) Look().unknown_key();
  const auto most = 2 + (std::chrono::steady_clock::now() - begun) / options_.least_between;
  EXPECT_GE(issuer_.asked, 2);
  EXPECT_LE(issuer_.asked, most) << "not by each of thousands";
}

TEST_F(Fetching, AnAddressThatThePolicyForbidsIsNotAsked) {
  options_.may_connect = [](const std::string& host, const std::string& address) -> Result<void> {
    return Error{ErrorKind::kForbidden, "nobody asks " + host + " (" + address + ")"};
  };
  issuer_.Give({{"one", &one_}});
  ASSERT_TRUE(Eventually([&] { return !Look().trouble.empty(); }));
  EXPECT_THAT(Look().trouble, HasSubstr("nobody asks 127.0.0.1"));
  EXPECT_EQ(issuer_.asked, 0);
}

TEST_F(Fetching, AnIssuerThatDoesNotAnswerInTimeHoldsNobodyUpAtTheEnd) {
  options_.deadline = 1h;
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  std::atomic<bool> asked = false, ended = false;
  const auto server = *net::HttpServer::Start(options, [&](net::Exchange& x) {
    asked = true;
    asked.notify_all();
    ended.wait(false);
    x.Respond(200, "text/plain", "late");
  });
  {
    KeyFetcher fetcher(options_);
    const auto fetched =
        fetcher.Look({"http://127.0.0.1:" + std::to_string(server->port()) + "/", ""});
    asked.wait(false);
    fetcher.KeepOnly({});
    fetched.unknown_key();  // whoever still goes by it does no harm
  }
  ended = true;
  ended.notify_all();
  server->Stop();
}

TEST_F(Fetching, AuthoritiesThatAreNotThereAreToldAndNobodyIsAskedWithoutThem) {
  issuer_.Give({{"one", &one_}});
  KeyFetcher fetcher(options_);
  const KeyFetcher::Source source{issuer_.uri, "/nowhere/ca.crt"};
  ASSERT_TRUE(Eventually([&] { return !fetcher.Look(source).trouble.empty(); }));
  EXPECT_THAT(fetcher.Look(source).trouble, HasSubstr("the authorities of expose.jwt.jwks.ca: "));
  EXPECT_EQ(issuer_.asked, 0);
}

}  // namespace
}  // namespace penstock::router
