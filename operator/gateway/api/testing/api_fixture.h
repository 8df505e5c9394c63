// The API over a cluster in memory, with people and rights that a test chooses. For tests only.
//
// In namespace team: Pipeline flights with steps ingest and train, its run flights-1, and flights-0
// whose object is deleted; ModelDeployment delays that serves what train made.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/json.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/gateway/api/cluster_access.h"
#include "operator/gateway/api/cluster_acting.h"
#include "operator/gateway/api/people_access.h"
#include "operator/gateway/login/testing/issuer.h"
#include "operator/kube/forwarding_client.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/net/http_client.h"
#include "operator/net/http_server.h"
#include "operator/views/cluster_place.h"

namespace penstock::gateway {

// An API server that knows tokens and rights.
class ReviewingClient : public kube::ForwardingClient {
 public:
  explicit ReviewingClient(kube::Client& below) : ForwardingClient(below) {}
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call = {}) override;

  std::map<std::string, std::string> people;  // token -> user
  std::map<std::string, std::string> pods;    // token for us alone -> user
  std::set<std::string> rights;               // "alice team": all verbs
  std::set<std::string> readers;              // "bob team": get and list
  std::set<std::string> makers;               // "carol team": create
  bool looks_at_audiences = true;
  std::atomic<int> token_reviews = 0, access_reviews = 0;
  Json extra_of_the_last, groups_of_the_last;  // access review

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
};

class ApiTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Starts the server over what is there by now.
  void Start();

  net::HttpResponse Ask(const std::string& method, const std::string& target,
                        const std::string& token = "alice-token", const Json& body = {},
                        net::Headers headers = {}) const;
  // Before Start: people can log in at issuer_, and show certificates.
  void AddLogin();
  // What a browser sends that is logged in as this person: the header Cookie.
  std::string SessionOf(const std::string& user, std::vector<std::string> groups = {}) const;
  // Of a Set-Cookie what a browser sends back.
  static std::string Sent(const std::string& set_cookie) {
    return set_cookie.substr(0, set_cookie.find(';'));
  }
  // Run ship-1 in team, whose step go waits for people.
  void MakeWaitingRun();
  // Of a GET that must succeed.
  Json Get(const std::string& path) const;
  static Json BodyOf(const net::HttpResponse& reply);

  const std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("api_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  ReviewingClient client_{cluster_};
  std::unique_ptr<artifacts::Store> store_;
  std::unique_ptr<metadata::BatchRecorder> recorder_;
  std::unique_ptr<views::ClusterPlace> place_;
  ClusterAccess access_{client_, clock_};
  std::unique_ptr<ClusterActing> acting_;
  BodyBudget bodies_{64 << 20};
  std::unique_ptr<EventHub> events_;
  retention::StoreKeeper* keeper_ = nullptr;
  std::unique_ptr<login::Issuer> issuer_;
  std::unique_ptr<login::Provider> provider_;
  std::unique_ptr<login::Sessions> sessions_;
  std::unique_ptr<PeopleAccess> people_;
  net::TlsSource tls_;  // none: plain
  login::Signer signer_ = login::Signer::kCluster;
  ApiParts parts_;
  Router router_;
  std::unique_ptr<net::HttpServer> server_;

  std::mutex audit_mutex_;
  std::string audit_;
  std::string dataset_, model_, report_;  // digests
  std::vector<std::string> tokens_used_;  // of writes
  std::vector<net::Headers> acted_as_;    // of writes without a token

 private:
  void MakeArtifacts();
  void MakeObjects();
  void MakeHistory();
};

}  // namespace penstock::gateway
