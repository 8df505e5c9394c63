#include "operator/plan/router/router_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/router/router_objects.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlanOfRouters : public ::testing::Test {
 protected:
  PlanOfRouters() {
    o_.ns = "team";
    o_.needed = true;
    settings_.image = "penstock/router:1";
  }
  // What the plan does, as done.
  std::vector<std::string> Step() {
    plan_ = PlanRouters(o_, settings_);
    std::vector<std::string> did;
    for (const auto& action : plan_.actions) {
      if (const auto* apply = std::get_if<ApplyRouterObject>(&action)) {
        did.push_back(std::string("apply ") + KindOf(apply->kind));
        Json object = apply->object;
        object["metadata"]["uid"] = std::string(KindOf(apply->kind)) + "-uid";
        o_.objects[apply->kind] = DecodeRouterObject(object);
        made_[apply->kind] = apply->object;
      } else {
        const auto& gone = std::get<DeleteRouterObject>(action);
        EXPECT_EQ(gone.uid, std::string(KindOf(gone.kind)) + "-uid");
        did.push_back(std::string("delete ") + KindOf(gone.kind));
        o_.objects.erase(gone.kind);
      }
    }
    return did;
  }

  RoutersObserved o_;
  RouterSettings settings_;
  RouterPlan plan_;
  std::map<RouterObject, Json> made_;
};

TEST_F(PlanOfRouters, MakesThemOnceRightsFirst) {
  EXPECT_THAT(Step(), ElementsAre("apply ServiceAccount", "apply Role", "apply RoleBinding",
                                  "apply PodDisruptionBudget", "apply Deployment"));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_FALSE(plan_.requeue_after);
}

TEST_F(PlanOfRouters, WhatSomebodyDeletedComesBack) {
  Step();
  o_.objects[RouterObject::kRole].deleting = true;
  EXPECT_THAT(Step(), IsEmpty());  // its name is taken until it is gone
  o_.objects.erase(RouterObject::kRole);
  EXPECT_THAT(Step(), ElementsAre("apply Role"));
}

TEST_F(PlanOfRouters, AnotherReleaseMakesTheDeploymentAnew) {
  Step();
  settings_.image = "penstock/router:2";
  EXPECT_THAT(Step(), ElementsAre("apply Deployment"));
  EXPECT_EQ(made_[RouterObject::kDeployment]["spec"]["template"]["spec"]["containers"][0]["image"],
            "penstock/router:2");
  o_.image_pull_secrets = {{{"name", "key"}}};
  EXPECT_THAT(Step(), ElementsAre("apply Deployment"));
}

TEST_F(PlanOfRouters, AreToldWhichAddressesAreNotAskedWhereTheyFetchKeys) {
  settings_.source_deny = {"10.0.0.0/8", "fd00::/8"};
  settings_.source_allow = {"10.1.2.3"};
  Step();
  const auto args = [&] {
    return made_[RouterObject::kDeployment]["spec"]["template"]["spec"]["containers"][0]["args"]
        .dump();
  };
  EXPECT_EQ(args().find("source"), std::string::npos) << "others are as before";
  o_.fetches_keys = true;
  EXPECT_THAT(Step(), ElementsAre("apply Deployment"));
  EXPECT_THAT(args(),
              testing::HasSubstr(R"("--source-deny","10.0.0.0/8","--source-deny","fd00::/8",)"
                                 R"("--source-allow","10.1.2.3")"));
}

TEST_F(PlanOfRouters, HaveTheCertificatesAndKeysThatAreNamedAndStartWithoutThem) {
  Step();
  EXPECT_EQ(made_[RouterObject::kDeployment].dump().find("edge"), std::string::npos);
  o_.tls_secrets = {"a-tls", "b-tls"};
  o_.key_maps = {{"issuer", "jwks.json"}};
  EXPECT_THAT(Step(), ElementsAre("apply Deployment"));
  const Json pod = made_[RouterObject::kDeployment]["spec"]["template"]["spec"];
  const Json volume = pod["volumes"].back();
  EXPECT_EQ(volume["name"], "edge");
  const Json sources = volume["projected"]["sources"];
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[1]["secret"], Json::parse(R"({"name": "b-tls", "optional": true, "items": [
    {"key": "tls.crt", "path": "secrets/b-tls/tls.crt"},
    {"key": "tls.key", "path": "secrets/b-tls/tls.key"}]})"));
  EXPECT_EQ(sources[2]["configMap"], Json::parse(R"({"name": "issuer", "optional": true, "items": [
    {"key": "jwks.json", "path": "configmaps/issuer/jwks.json"}]})"));
  EXPECT_EQ(pod["containers"][0]["volumeMounts"].back(),
            Json::parse(R"({"name": "edge", "mountPath": "/edge", "readOnly": true})"));
  EXPECT_THAT(pod["containers"][0]["args"], testing::Contains("--edge"));
  EXPECT_THAT(Step(), IsEmpty());
  for (const Json& rule : made_[RouterObject::kRole]["rules"])
    EXPECT_EQ(rule.dump().find("secrets"), std::string::npos) << "no right to read any Secret";
  o_.tls_secrets.clear();
  EXPECT_THAT(Step(), ElementsAre("apply Deployment"));
}

TEST_F(PlanOfRouters, GoAWhileAfterTheLastOneThatNeededThem) {
  Step();
  o_.needed = false;
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.requeue_after, Milliseconds(30'000));
  o_.unneeded_for = Milliseconds(30'000);
  EXPECT_THAT(Step(), ElementsAre("delete Deployment", "delete PodDisruptionBudget",
                                  "delete RoleBinding", "delete Role", "delete ServiceAccount"));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_FALSE(plan_.requeue_after);
}

TEST_F(PlanOfRouters, AnothersObjectOfTheirNameIsAskedForAndNeverDeleted) {
  o_.objects[RouterObject::kRole] = DecodeRouterObject({{"metadata", {{"uid", "x"}}}});
  EXPECT_THAT(Step(), testing::Contains("apply Role"));  // whoever carries it refuses
  o_.objects = {{RouterObject::kRole, DecodeRouterObject({{"metadata", {{"uid", "x"}}}})}};
  o_.needed = false;
  o_.unneeded_for = Milliseconds(60'000);
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(PlanOfRouters, ThePodsAreRestrictedSpreadAndReadByThemselves) {
  Step();
  const Json pod = made_[RouterObject::kDeployment]["spec"]["template"]["spec"];
  EXPECT_EQ(pod["serviceAccountName"], "penstock-router");
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  const Json router = pod["containers"][0];
  EXPECT_EQ(router["securityContext"]["readOnlyRootFilesystem"], true);
  EXPECT_EQ(router["readinessProbe"]["httpGet"]["path"], "/readyz");
  const Json spread = pod["topologySpreadConstraints"];
  EXPECT_EQ(spread[0]["topologyKey"], "topology.kubernetes.io/zone");
  EXPECT_EQ(spread[1]["topologyKey"], "kubernetes.io/hostname");
  for (const Json& one : spread) EXPECT_EQ(one["whenUnsatisfiable"], "ScheduleAnyway");
  const Json strategy = made_[RouterObject::kDeployment]["spec"]["strategy"]["rollingUpdate"];
  EXPECT_EQ(strategy["maxUnavailable"], 0);
  for (const Json& rule : made_[RouterObject::kRole]["rules"])
    EXPECT_EQ(rule["verbs"], Json({"get", "list", "watch"}));
}

}  // namespace
}  // namespace penstock::plan
