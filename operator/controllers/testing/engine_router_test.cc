// The engine's ModelDeployments that go through routers, over the in-memory cluster: a test says
// when pods are Ready and what routers answer.
#include <gmock/gmock.h>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EngineRouters : public EngineTest {
 protected:
  EngineRouters() {
    ask_router_ = [this](const routers::RouterPod&) -> Result<std::string> {
      const std::lock_guard lock(mutex_);
      return answer_.dump();
    };
  }
  ~EngineRouters() override { StopEngine(); }

  void Serve(const std::string& name) {
    Create(kube::kModelDeployments,
           "metadata: {name: " + name + "}\nspec: {model: \"" + Digest() +
               "\", replicas: 1, rollout: {strategy: Canary, steps: [{weight: 10%}]}}\n");
    MakeAvailable(name + "-v1");
  }
  std::string Digest() {
    const auto folder = folder_ / "model";
    std::filesystem::create_directories(folder);
    auto stored = store_->Put("team", folder);
    EXPECT_TRUE(stored);
    return stored ? stored->digest : "";
  }
  Json AwaitThere(const kube::ResourceType& type, const std::string& name) {
    return Await(type, name, "there", [](const Json&) { return true; });
  }
  void AwaitGone(const kube::ResourceType& type, const std::string& name) {
    AwaitThat(name + " is gone", [&] { return Get(type, name).is_null(); });
  }
  void MakeAvailable(const std::string& deployment) {
    const Json d = AwaitThere(kube::kDeployments, deployment);
    auto written = cluster_.MergePatch(kube::kDeployments, "team", deployment,
                                       {{"status",
                                         {{"observedGeneration", d["metadata"]["generation"]},
                                          {"updatedReplicas", 1},
                                          {"readyReplicas", 1},
                                          {"availableReplicas", 1}}}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }
  void MakeRouterReady(const std::string& name) {
    Create(kube::kPods, "metadata: {name: " + name +
                            ", labels: {penstock.dev/router: \"true\"}}\n"
                            "spec: {containers: [{name: router, image: i}]}\n");
    const Json status{{"phase", "Running"},
                      {"podIP", "10.9.9.9"},
                      {"hostIP", "10.0.0.1"},
                      {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    auto written = cluster_.MergePatch(kube::kPods, "team", name, {{"status", status}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }
  // From now on routers go by any state of the ModelDeployment and know a server of version 1.
  void Acknowledge(const std::string& name) {
    const std::lock_guard lock(mutex_);
    answer_["generation"][name] = "999999999";
    answer_["deployments"][name]["versions"]["1"]["endpoints"] = 1;
  }

  std::mutex mutex_;
  Json answer_ = Json::parse(R"({"startedAt": "t", "generation": {}, "deployments": {}})");
};

TEST_F(EngineRouters, AreMadeInTheNamespaceAndTakeTheServiceWhenTheyKnowTheModel) {
  StartEngine();
  Serve("flights");
  for (const auto& type : {kube::kServiceAccounts, kube::kRoles, kube::kRoleBindings,
                           kube::kDisruptionBudgets, kube::kDeployments})
    AwaitThere(type, "penstock-router");
  const Json service = AwaitThere(kube::kServices, "flights");
  EXPECT_EQ(service["spec"]["selector"]["penstock.dev/model-version"], "1");
  EXPECT_EQ(AwaitThere(kube::kServices, "flights-v1")["spec"]["clusterIP"], "None");
  MakeRouterReady("router-1");
  Await(kube::kModelDeployments, "flights", "has a port and traffic", [](const Json& md) {
    return md["status"].contains("traffic") && md["status"]["router"]["port"] == 20001;
  });
  Acknowledge("flights");
  const Json moved = Await(kube::kServices, "flights", "to routers", [](const Json& s) {
    return s["spec"]["selector"].contains("penstock.dev/router");
  });
  EXPECT_FALSE(moved["spec"]["selector"].contains("penstock.dev/model-version"));
  EXPECT_EQ(moved["spec"]["ports"][0]["targetPort"], 20001);
  EXPECT_EQ(moved["metadata"]["annotations"]["penstock.dev/model-version"], "1");
}

// Else the API server refuses their Role.
TEST_F(EngineRouters, MayDoNothingThatTheOperatorMayNot) {
  StartEngine();
  Serve("flights");
  const Json role = AwaitThere(kube::kRoles, "penstock-router");
  ASSERT_FALSE(role["rules"].empty());
  for (const Json& rule : role["rules"])
    for (const Json& verb : rule["verbs"])
      for (const Json& resource : rule["resources"])
        EXPECT_TRUE(role_->Grants(verb, rule["apiGroups"][0], resource)) << rule;
}

TEST_F(EngineRouters, ListenOnAnotherPortForEachModel) {
  StartEngine();
  Serve("first");
  Serve("second");
  std::set<int> ports;
  for (const char* name : {"first", "second"})
    ports.insert(Await(kube::kModelDeployments, name, "has a port",
                       [](const Json& md) {
                         return md.contains(Json::json_pointer("/status/router/port"));
                       })["status"]["router"]["port"]
                     .get<int>());
  EXPECT_EQ(ports, (std::set<int>{20001, 20002}));
}

TEST_F(EngineRouters, ComeBackWhereSomebodyDeletesTheirObjects) {
  StartEngine();
  Serve("flights");
  for (const auto& type : {kube::kRoles, kube::kDeployments, kube::kServiceAccounts}) {
    const Json uid = AwaitThere(type, "penstock-router")["metadata"]["uid"];
    ASSERT_TRUE(cluster_.Delete(type, "team", "penstock-router"));
    Await(type, "penstock-router", "another",
          [&](const Json& o) { return o["metadata"]["uid"] != uid; });
  }
}

TEST_F(EngineRouters, ThatTheApiServerRefusesAreToldByTheModelDeploymentAndMadeWhenItIsCured) {
  std::atomic<bool> refusing = true;
  const Interception refused(cluster_, [&](const local::Request& r) -> std::optional<Error> {
    if (!refusing || r.verb != "apply" || r.type != kube::kRoles) return std::nullopt;
    return Error{ErrorKind::kForbidden, "attempting to grant RBAC permissions not currently held"};
  });
  StartEngine();
  Serve("flights");
  const Json told = Await(kube::kModelDeployments, "flights", "Forbidden", [](const Json& md) {
    return md.dump().find("Role penstock-router: attempting to grant") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(told, "Ready"), "False");
  refusing = false;
  AwaitThere(kube::kRoles, "penstock-router");
  Await(kube::kModelDeployments, "flights", "told no more",
        [](const Json& md) { return md.dump().find("attempting to grant") == std::string::npos; });
  StopEngine();
}

TEST_F(EngineRouters, TakeOverNoObjectOfAnother) {
  Create(kube::kServiceAccounts, "metadata: {name: penstock-router}\n");
  StartEngine();
  Serve("flights");
  Await(kube::kModelDeployments, "flights", "NameTaken", [](const Json& md) {
    return md.dump().find("ServiceAccount penstock-router: it exists") != std::string::npos;
  });
  EXPECT_FALSE(Get(kube::kServiceAccounts, "penstock-router")["metadata"].contains("labels"));
}

// A model under TLS is never served by its pods, before routers are there, nor when they are gone.
TEST_F(EngineRouters, AloneServeAModelUnderTlsAndShowItsSecret) {
  StartEngine();
  Create(kube::kModelDeployments, "metadata: {name: flights}\nspec: {model: \"" + Digest() +
                                      "\", replicas: 1, expose: {tls: {secretName: my-tls}}}\n");
  MakeAvailable("flights-v1");
  const Json service = AwaitThere(kube::kServices, "flights");
  EXPECT_TRUE(service["spec"]["selector"].contains("penstock.dev/router"));
  EXPECT_EQ(service["spec"]["ports"][0]["port"], 443);
  const Json routers = AwaitThere(kube::kDeployments, "penstock-router");
  EXPECT_THAT(routers["spec"]["template"]["spec"]["volumes"].dump(), HasSubstr("my-tls"));
  const auto is = [](const char* reason) {
    return [reason](const Json& md) {
      for (const Json& c : md["status"]["conditions"])
        if (c["type"] == "Ready" && c["reason"] == reason) return true;
      return false;
    };
  };
  Await(kube::kModelDeployments, "flights", "NoRouter", is("NoRouter"));
  {
    const std::lock_guard lock(mutex_);
    answer_["deployments"]["flights"]["certificate"] = {
        {"inUse", false}, {"trouble", "Secret my-tls: tls.crt is not there"}};
  }
  Acknowledge("flights");
  MakeRouterReady("router-1");
  const Json told = Await(kube::kModelDeployments, "flights", "told", is("CertificateUnusable"));
  EXPECT_THAT(told.dump(), HasSubstr("Secret my-tls: tls.crt is not there"));
  EXPECT_EQ(ConditionOf(told, "Available"), "False");
  {
    const std::lock_guard lock(mutex_);
    answer_["deployments"]["flights"]["certificate"] = {{"inUse", true}};
  }
  Await(kube::kModelDeployments, "flights", "Ready", is("Available"));
  // Another Secret, and the routers have it too.
  ASSERT_TRUE(cluster_.MergePatch(kube::kModelDeployments, "team", "flights",
                                  {{"spec", {{"expose", {{"tls", {{"secretName", "next"}}}}}}}},
                                  {}));
  Await(kube::kDeployments, "penstock-router", "the other Secret", [](const Json& d) {
    const std::string volumes = d["spec"]["template"]["spec"]["volumes"].dump();
    return volumes.find("next") != std::string::npos && volumes.find("my-tls") == std::string::npos;
  });
}

class EngineScaling : public EngineRouters {
 protected:
  // A Deployment's pods are there as soon as they are asked for, and gone as soon.
  void FollowReplicas(const std::string& deployment, int replicas) {
    const Json d =
        Await(kube::kDeployments, deployment, "of " + std::to_string(replicas) + " replicas",
              [&](const Json& object) { return object["spec"]["replicas"] == replicas; });
    auto written = cluster_.MergePatch(kube::kDeployments, "team", deployment,
                                       {{"status",
                                         {{"observedGeneration", d["metadata"]["generation"]},
                                          {"replicas", replicas},
                                          {"updatedReplicas", replicas},
                                          {"readyReplicas", replicas},
                                          {"availableReplicas", replicas}}}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }
  void Say(const std::string& what, const Json& value) {
    const std::lock_guard lock(mutex_);
    answer_[Json::json_pointer(what)] = value;
  }
  static std::string ReasonOf(const Json& md) {
    for (const Json& c : md["status"]["conditions"])
      if (c["type"] == "Ready") return c["reason"];
    return "";
  }
};

TEST_F(EngineScaling, LetServersGoWhenNobodyAsksAndWakeThemForAHeldRequest) {
  StartEngine();
  Create(kube::kModelDeployments,
         "metadata: {name: flights}\nspec: {model: \"" + Digest() +
             "\", autoscaling: {minReplicas: 0, maxReplicas: 2, idleAfter: 5s}}\n");
  FollowReplicas("flights-v1", 1);
  MakeRouterReady("router-1");
  Say("/sampledSeconds", 100);
  Acknowledge("flights");
  Await(kube::kServices, "flights", "to routers",
        [](const Json& s) { return s["spec"]["selector"].contains("penstock.dev/router"); });
  FollowReplicas("flights-v1", 0);
  const Json idle =
      Await(kube::kModelDeployments, "flights", "Idle, of no replica",
            [](const Json& md) { return ReasonOf(md) == "Idle" && md["status"]["replicas"] == 0; });
  EXPECT_EQ(ConditionOf(idle, "Ready"), "True");
  const auto began = std::chrono::steady_clock::now();
  Say("/deployments/flights/held", 1);
  Await(kube::kDeployments, "flights-v1", "woken",
        [](const Json& d) { return d["spec"]["replicas"] == 1; });
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
  StopEngine();
}

class AheadClock : public SystemClock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return SystemClock::Steady() + ahead_.load();
  }
  void Jump(Milliseconds time) { ahead_ = ahead_.load() + time; }

 private:
  std::atomic<Milliseconds> ahead_{Milliseconds{0}};
};

// Nothing else would look at a model that sleeps.
TEST_F(EngineScaling, WakeServersWhenARouterStopsAnswering) {
  AheadClock clock;
  engine_clock_ = &clock;
  std::atomic<bool> silent = false;
  ask_router_ = [this, &silent](const routers::RouterPod&) -> Result<std::string> {
    if (silent) return Error{ErrorKind::kTransient, "no route to host"};
    const std::lock_guard lock(mutex_);
    return answer_.dump();
  };
  StartEngine();
  Create(kube::kModelDeployments,
         "metadata: {name: flights}\nspec: {model: \"" + Digest() +
             "\", autoscaling: {minReplicas: 0, maxReplicas: 2, idleAfter: 5s}}\n");
  FollowReplicas("flights-v1", 1);
  MakeRouterReady("router-1");
  Say("/sampledSeconds", 100);
  Acknowledge("flights");
  Await(kube::kServices, "flights", "to routers",
        [](const Json& s) { return s["spec"]["selector"].contains("penstock.dev/router"); });
  FollowReplicas("flights-v1", 0);
  Await(kube::kModelDeployments, "flights", "Idle, of no replica",
        [](const Json& md) { return ReasonOf(md) == "Idle" && md["status"]["replicas"] == 0; });
  Create(kube::kModelDeployments, "metadata: {name: another}\nspec: {model: \"" + Digest() +
                                      "\", replicas: 1, rollout: {strategy: Canary, steps: "
                                      "[{weight: 10%}]}}\n");
  silent = true;
  int jumps = 0;
  AwaitThat("a server is asked for", [&] {
    clock.Jump(std::chrono::seconds(4));
    // Wakes what is due by the clock, and not this model.
    Patch(kube::kModelDeployments, "another",
          {{"metadata", {{"annotations", {{"jumps", std::to_string(++jumps)}}}}}});
    std::this_thread::sleep_for(Milliseconds(200));
    return Get(kube::kDeployments, "flights-v1")["spec"]["replicas"] == 1;
  });
  EXPECT_GE(jumps, 3);  // not before it has been silent for ten seconds
  StopEngine();
}

TEST_F(EngineRouters, AreNotMadeForAModelThatNeedsNone) {
  StartEngine();
  Create(kube::kModelDeployments,
         "metadata: {name: flights}\nspec: {model: \"" + Digest() + "\", replicas: 1}\n");
  MakeAvailable("flights-v1");
  AwaitThere(kube::kServices, "flights");
  EXPECT_THAT(ListAll(kube::kRoles), IsEmpty());
  EXPECT_TRUE(Get(kube::kServices, "flights-v1").is_null());
}

}  // namespace
}  // namespace penstock::controllers
