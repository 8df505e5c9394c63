// The store's routes, which are of all namespaces: who may, and what becomes of what they begin.
#include <gmock/gmock.h>

#include <thread>

#include "operator/gateway/api/testing/api_fixture.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

class NothingRefers : public artifacts::References {
 public:
  Result<void> Each(const std::string&, const TextSink&, const std::stop_token&) override {
    return {};
  }
};

class ApiStore : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    kept_ = std::make_unique<retention::StoreKeeper>(*store_, references_, clock_,
                                                     retention::KeeperSettings(),
                                                     [](const artifacts::Collected&) {});
    keeper_ = kept_.get();
    client_.rights.insert("alice ");
    client_.readers.insert("bob ");
    Start();
  }
  void TearDown() override {
    server_.reset();
    kept_.reset();
    ApiTest::TearDown();
  }
  net::HttpResponse Post(const std::string& what, const std::string& token, const Json& body) {
    return Ask("POST", "/store/" + what, token, body, {{"X-Penstock-Request", "1"}});
  }
  Json Ended() {
    while (true) {
      Json job = Get("/store/job");
      if (job["state"] != "running") return job;
      std::this_thread::yield();
    }
  }

  NothingRefers references_;
  std::unique_ptr<retention::StoreKeeper> kept_;
};

TEST_F(ApiStore, ALookAtTheUseIsAJobWhoseReportIsAskedForLater) {
  EXPECT_EQ(Ask("GET", "/store/job").status, 404);
  const auto begun = Post("usage", "alice-token", Json::object());
  ASSERT_EQ(begun.status, 202) << begun.body;
  EXPECT_EQ(BodyOf(begun)["job"], "du");
  const Json job = Ended();
  EXPECT_EQ(job["state"], "done") << job.dump(1);
  EXPECT_EQ(job["id"], BodyOf(begun)["id"]);
  EXPECT_EQ(job["report"]["namespaces"][0]["namespace"], "team");
  EXPECT_GT(job["report"]["namespaces"][0]["recent"]["files"], 0);
}

TEST_F(ApiStore, WhoMayLookMayNotRemove) {
  EXPECT_EQ(Post("usage", "bob-token", Json::object()).status, 202);
  Ended();
  for (const char* what : {"collect", "verify"}) {
    const auto reply = Post(what, "bob-token", Json::object());
    EXPECT_EQ(reply.status, 403);
    EXPECT_THAT(reply.body, HasSubstr("bob may not delete stores in all namespaces"));
    EXPECT_EQ(Post(what, "alice-token", Json::object()).status, 202);
    Ended();
  }
}

TEST_F(ApiStore, ARightInANamespaceIsNoneInAllOfThem) {
  client_.rights = {"alice team"};
  for (const char* what : {"usage", "collect", "verify"})
    for (const char* query : {"", "?namespace=team", "?ns=team"})
      EXPECT_EQ(Post(std::string(what) + query, "alice-token", Json::object()).status, 403) << what;
  EXPECT_EQ(Ask("GET", "/store/job").status, 403);
  EXPECT_EQ(Post("collect", "", Json::object()).status, 401);
}

TEST_F(ApiStore, ADryRunIsOneOfACollectionAlone) {
  ASSERT_EQ(Post("collect", "alice-token", {{"dryRun", true}}).status, 202);
  EXPECT_EQ(Ended()["report"]["dryRun"], true);
  EXPECT_EQ(Post("collect", "alice-token", {{"dryRun", "yes"}}).status, 400);
  EXPECT_EQ(Post("collect", "alice-token", {{"dry", true}}).status, 400);
  EXPECT_EQ(Post("verify", "alice-token", {{"dryRun", true}}).status, 400);
  EXPECT_EQ(Ask("POST", "/store/collect", "alice-token", Json::object()).status, 403)
      << "without the header that no other page can send";
}

TEST_F(ApiStore, EachIsInTheDocumentAndInTheAudit) {
  const Json document = BodyOf(Ask("GET", "/openapi.json", ""));
  for (const char* path : {"/store/usage", "/store/collect", "/store/verify"})
    EXPECT_TRUE(document["paths"][path].contains("post")) << path;
  Post("collect", "bob-token", Json::object());
  const std::lock_guard lock(audit_mutex_);
  EXPECT_THAT(audit_, HasSubstr("collectStore"));
  EXPECT_THAT(audit_, HasSubstr("Forbidden"));
}

}  // namespace
}  // namespace penstock::gateway
