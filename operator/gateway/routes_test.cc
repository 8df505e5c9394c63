// Routing, ranges and token reviews: what needs no server.
#include <gtest/gtest.h>

#include "operator/base/json.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/router.h"
#include "operator/gateway/token_review.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

class FakeExchange : public Exchange {
 public:
  FakeExchange(std::string method, std::string path)
      : method_(std::move(method)), path_(std::move(path)) {}
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string&) const override { return ""; }
  std::optional<std::uint64_t> ContentLength() const override { return std::nullopt; }
  bool ExpectsContinue() const override { return false; }
  std::stop_token stop() const override { return {}; }
  Result<std::string_view> ReadBody() override { return std::string_view(); }
  void Respond(int s, const std::string&, const std::string& b, const Headers& h) override {
    status = s;
    body = b;
    headers = h;
  }
  void RespondFile(int s, const std::filesystem::path&, std::uint64_t, std::uint64_t,
                   const Headers&) override {
    status = s;
  }
  void RespondStream(int s, std::uint64_t, const Headers&,
                     const std::function<Result<void>(const Take&)>&) override {
    status = s;
  }
  bool BeginStream(int s, const std::string&, const Headers&) override {
    status = s;
    return true;
  }
  bool SendPiece(std::string_view bytes) override {
    body += bytes;
    return true;
  }
  int status = 0;
  std::string body;
  Headers headers;

 private:
  std::string method_, path_, query_;
};

TEST(Router, FindsTheRouteAndItsParameters) {
  Router router;
  std::string seen;
  router.Add("GET", "/a/{x}/b",
             [&](Exchange&, const PathParameters& p) { seen = "b:" + p.at("x"); });
  router.Add("PUT", "/a/{x}/b", [&](Exchange&, const PathParameters&) { seen = "put"; });
  router.Add("GET", "/ui/{file...}",
             [&](Exchange&, const PathParameters& p) { seen = "ui:" + p.at("file"); });
  const auto go = [&](const char* method, const char* path) {
    FakeExchange x(method, path);
    seen.clear();
    router.Dispatch(x);
    return x.status;
  };
  go("GET", "/a/1/b");
  EXPECT_EQ(seen, "b:1");
  go("PUT", "/a/1/b");
  EXPECT_EQ(seen, "put");
  go("HEAD", "/a/1/b");
  EXPECT_EQ(seen, "b:1");
  go("GET", "/ui/js/app.js");
  EXPECT_EQ(seen, "ui:js/app.js");
  EXPECT_EQ(go("GET", "/a//b"), 404);
  EXPECT_EQ(go("GET", "/a/1/b/c"), 404);
  EXPECT_EQ(go("GET", "/"), 404);
  EXPECT_EQ(go("GET", "*"), 404);
  EXPECT_EQ(go("DELETE", "/a/1/b"), 405);
}

TEST(RespondError, GivesKindsTheirStatus) {
  const auto status = [](const Error& e) {
    FakeExchange x("GET", "/");
    RespondError(x, e);
    return x.status;
  };
  Error full = Transient("disk");
  full.kind = ErrorKind::kNoSpace;
  EXPECT_EQ(status(full), 507);
  EXPECT_EQ(status(Transient("later")), 503);
  EXPECT_EQ(status(NotFound("no")), 404);
  EXPECT_EQ(status(Invalid("bad")), 400);
  EXPECT_EQ(status(Internal("bug")), 500);
}

TEST(ParseRange, TakesOneRange) {
  const auto range = [](const char* text) {
    auto r = ParseRange(text, 10);
    return r ? std::to_string(r->offset) + "+" + std::to_string(r->length) : "416";
  };
  EXPECT_EQ(range(""), "0+10");
  EXPECT_EQ(range("bytes=0-"), "0+10");
  EXPECT_EQ(range("bytes=3-5"), "3+3");
  EXPECT_EQ(range("bytes=3-99"), "3+7");
  EXPECT_EQ(range("bytes=-4"), "6+4");
  EXPECT_EQ(range("bytes=-99"), "0+10");
  EXPECT_EQ(range("bytes=10-"), "416");
  EXPECT_EQ(range("bytes=-0"), "416");
  for (const char* odd : {"bytes=5-3", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2",
                          "bytes=1-2,4-5", "bytes=99999999999999999999-"})
    EXPECT_EQ(range(odd), "0+10") << odd;
}

Json Review() {
  return {{"status",
           {{"authenticated", true},
            {"audiences", {"penstock"}},
            {"user",
             {{"username", "system:serviceaccount:ns:runner"},
              {"extra",
               {{"authentication.kubernetes.io/pod-name", {"pod-1"}},
                {"authentication.kubernetes.io/pod-uid", {"uid-1"}}}}}}}}};
}

TEST(IdentityOf, ReadsNamespaceAccountAndPod) {
  auto identity = IdentityOf(Review());
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->namespace_, "ns");
  EXPECT_EQ(identity->service_account, "runner");
  EXPECT_EQ(identity->pod_name, "pod-1");
  EXPECT_EQ(identity->pod_uid, "uid-1");
}

TEST(IdentityOf, RefusesOthers) {
  Json no = Review();
  no["status"]["authenticated"] = false;
  Json audience = Review();
  audience["status"]["audiences"] = {"https://kubernetes.default.svc"};
  Json person = Review();
  person["status"]["user"]["username"] = "kubernetes-admin";
  Json none = Json::object();
  for (const auto& review : {no, audience, person, none})
    EXPECT_EQ(IdentityOf(review).error().kind, ErrorKind::kForbidden) << review.dump();
  Json odd = Review();
  odd["status"]["authenticated"] = "yes";
  EXPECT_EQ(IdentityOf(odd).error().kind, ErrorKind::kInternal);
}

class FakeClient : public kube::Client {
 public:
  Result<Json> answer = Review();
  int calls = 0;
  Json asked;

  Result<Json> Create(const kube::ResourceType& type, const std::string&, const Json& object,
                      const kube::Call&) override {
    EXPECT_EQ(type, kube::kTokenReviews);
    ++calls;
    asked = object;
    return answer;
  }
  Result<Json> Get(const kube::ResourceType&, const std::string&, const std::string&,
                   const kube::Call&) override {
    return None();
  }
  Result<kube::ListPage> List(const kube::ResourceType&, const std::string&,
                              const kube::ListOptions&, const kube::Call&) override {
    return None();
  }
  Result<Json> Update(const kube::ResourceType&, const std::string&, const std::string&,
                      const Json&, const std::string&, const kube::Call&) override {
    return None();
  }
  Result<Json> Apply(const kube::ResourceType&, const std::string&, const std::string&, const Json&,
                     const kube::PatchOptions&, const kube::Call&) override {
    return None();
  }
  Result<Json> MergePatch(const kube::ResourceType&, const std::string&, const std::string&,
                          const Json&, const kube::PatchOptions&, const kube::Call&) override {
    return None();
  }
  Result<void> Delete(const kube::ResourceType&, const std::string&, const std::string&,
                      const kube::DeleteOptions&, const kube::Call&) override {
    return None();
  }
  Result<void> Watch(const kube::ResourceType&, const std::string&, const kube::WatchOptions&,
                     const kube::WatchSink&, std::stop_token) override {
    return None();
  }
  Result<void> Logs(const std::string&, const std::string&, const kube::LogOptions&,
                    const kube::LogSink&, std::stop_token) override {
    return None();
  }

 private:
  static Error None() { return NotFound("not part of this fake"); }
};

class MovingClock : public Clock {
 public:
  TimePoint Now() const override { return {}; }
  std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now;
};

TEST(TokenReviewAuthenticator, RemembersAYesForAMinute) {
  FakeClient client;
  MovingClock clock;
  TokenReviewAuthenticator authenticator(client, clock);
  ASSERT_TRUE(authenticator.Authenticate("t", {}));
  EXPECT_EQ(client.asked["spec"], (Json{{"token", "t"}, {"audiences", {"penstock"}}}));
  clock.now += std::chrono::seconds(59);
  ASSERT_TRUE(authenticator.Authenticate("t", {}));
  EXPECT_EQ(client.calls, 1);
  ASSERT_TRUE(authenticator.Authenticate("other", {}));
  EXPECT_EQ(client.calls, 2);
  clock.now += std::chrono::seconds(2);
  ASSERT_TRUE(authenticator.Authenticate("t", {}));
  EXPECT_EQ(client.calls, 3);
}

TEST(TokenReviewAuthenticator, RemembersANoForTenSeconds) {
  FakeClient client;
  MovingClock clock;
  TokenReviewAuthenticator authenticator(client, clock);
  client.answer = Json::object();
  const auto first = authenticator.Authenticate("t", {});
  EXPECT_EQ(first.error().kind, ErrorKind::kForbidden);
  client.answer = Review();
  clock.now += std::chrono::seconds(9);
  for (int i = 0; i < 100; ++i) {
    const auto again = authenticator.Authenticate("t", {});
    ASSERT_EQ(again.error().kind, ErrorKind::kForbidden);
    ASSERT_EQ(again.error().message, first.error().message);
  }
  EXPECT_EQ(client.calls, 1);
  clock.now += std::chrono::seconds(2);
  EXPECT_TRUE(authenticator.Authenticate("t", {}));
  EXPECT_TRUE(authenticator.Authenticate("t", {}));
  EXPECT_EQ(client.calls, 2);
}

TEST(TokenReviewAuthenticator, BadTokensPushOutNoGoodOne) {
  FakeClient client;
  MovingClock clock;
  TokenReviewAuthenticator authenticator(client, clock);
  ASSERT_TRUE(authenticator.Authenticate("good", {}));
  client.answer = Json::object();
  for (int i = 0; i < 20'001; ++i)
    ASSERT_FALSE(authenticator.Authenticate("bad " + std::to_string(i), {}));
  ASSERT_EQ(client.calls, 20'002);
  EXPECT_TRUE(authenticator.Authenticate("good", {}));
  EXPECT_EQ(client.calls, 20'002);
}

TEST(TokenReviewAuthenticator, AReviewThatFailedIsNoNo) {
  FakeClient client;
  MovingClock clock;
  TokenReviewAuthenticator authenticator(client, clock);
  client.answer = Transient("away");
  EXPECT_EQ(authenticator.Authenticate("t", {}).error().kind, ErrorKind::kTransient);
  client.answer = Review();
  EXPECT_TRUE(authenticator.Authenticate("t", {}));
}

TEST(TokenReviewAuthenticator, DoesNotBlameTheCallerForOurMissingRight) {
  FakeClient client;
  MovingClock clock;
  TokenReviewAuthenticator authenticator(client, clock);
  Error forbidden;
  forbidden.kind = ErrorKind::kForbidden;
  client.answer = forbidden;
  EXPECT_EQ(authenticator.Authenticate("t", {}).error().kind, ErrorKind::kTransient);
}

}  // namespace
}  // namespace penstock::gateway
