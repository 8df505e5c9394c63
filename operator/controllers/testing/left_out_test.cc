// A cluster that drops what it does not know of a pod: pod-level resources say.
#include "operator/controllers/tables/left_out.h"

#include <gmock/gmock.h>

#include "operator/controllers/testing/one_step_runs.h"
#include "operator/kube/forwarding_client.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Lost(const char* sent, const char* made) {
  return LeftOut(Json::parse(sent), Json::parse(made), "spec");
}

TEST(LeftOut, NamesWhatIsNotThereAndNothingElse) {
  EXPECT_THAT(Lost(R"({"resources": {"limits": {"cpu": "1"}}, "hostUsers": false})",
                   R"({"schedulerName": "default-scheduler"})"),
              ElementsAre("spec.resources"));
  EXPECT_THAT(Lost(R"({"a": {"b": 1, "c": 2}})", R"({"a": {"c": 3}})"), ElementsAre("spec.a.b"));
  EXPECT_THAT(Lost(R"({"priority": 0, "dnsPolicy": "", "x": [], "y": {}, "z": null})", "{}"),
              IsEmpty());
}

TEST(LeftOut, FindsEntriesByNameAmongThoseThatOthersPutIn) {
  const char* sent =
      R"({"containers": [{"name": "step", "resources": {"claims": [{"name": "gpu"}]},
          "volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "x"},
                           {"name": "v", "mountPath": "/b"}]}],
          "tolerations": [{"key": "a"}]})";
  const char* made =
      R"({"containers": [{"name": "istio"}, {"name": "step", "resources": {},
          "volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "x"},
                           {"name": "v", "mountPath": "/b"}, {"name": "t", "mountPath": "/t"}]}],
          "tolerations": [{"key": "z"}, {"key": "a"}]})";
  EXPECT_THAT(Lost(sent, made), ElementsAre("spec.containers[step].resources.claims"));
  EXPECT_THAT(Lost(R"({"resourceClaims": [{"name": "gpu"}]})", R"({"resourceClaims": []})"),
              ElementsAre("spec.resourceClaims[gpu]"));
}

// What changes pods on ordinary clusters: a secrets' injector puts its program before the step's, a
// mesh asks its own port in place of a probe by TCP.
TEST(LeftOut, IsNothingThatAWebhookHasReplaced) {
  EXPECT_THAT(Lost(R"({"containers": [{"name": "step", "command": ["sh", "-c", "x"], "args": ["a"],
                       "env": [{"name": "A", "value": "b"}],
                       "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1}}]})",
                   R"({"containers": [{"name": "step", "command": ["/inject"],
                       "args": ["sh", "-c", "x", "a"],
                       "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}],
                       "readinessProbe": {"httpGet": {"port": 1}, "periodSeconds": 1}}]})"),
              IsEmpty());
  EXPECT_THAT(Lost(R"({"c": [{"name": "s", "readinessProbe": {"tcpSocket": {"port": 80}}}]})",
                   R"({"c": [{"name": "s", "readinessProbe": {"periodSeconds": 1}}]})"),
              ElementsAre("spec.c[s].readinessProbe.tcpSocket"));
}

TEST(LeftOut, IsBounded) {
  Json sent = Json::object();
  for (int i = 0; i < 100; ++i) sent["f" + std::to_string(i)] = 1;
  EXPECT_THAT(LeftOut(sent, Json::object(), "spec"), SizeIs(10));
}

// Of an older Kubernetes.
class ForgetfulClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call) override {
    Json known = object;
    if (std::string_view(type.kind) == "Pod") known["spec"].erase("resources");
    return ForwardingClient::Create(type, ns, known, call);
  }

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
};

class PodsOfAnOlderCluster : public OneStepRuns {
 protected:
  ForgetfulClient client_{cluster_};
};

TEST_F(PodsOfAnOlderCluster, AreToldOfByAConditionThatStays) {
  StartEngine(&client_);
  CreateRun("r", "pod: {resources: {limits: {memory: 1Gi}}}");
  const Json run = AwaitFinished("r");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run["status"].dump();
  EXPECT_EQ(ConditionOf(run, "PodsAsAsked"), "False");
  for (const Json& c : run["status"]["conditions"]) {
    if (c["type"] != "PodsAsAsked") continue;
    EXPECT_EQ(c["reason"], "FieldsLeftOut");
    EXPECT_THAT(c["message"].get<std::string>(), HasSubstr("(step work: spec.resources)"));
  }
  EXPECT_TRUE(AwaitThat("an event tells of it", [&] {
    const std::lock_guard lock(log_mutex_);
    return log_.find("event FieldsLeftOut r: ") != std::string::npos;
  }));
  const std::lock_guard lock(log_mutex_);
  EXPECT_EQ(log_.find("event FieldsLeftOut"), log_.rfind("event FieldsLeftOut")) << "one event";
}

TEST_F(PodsOfAnOlderCluster, AreNotToldOfWhereNothingWasLeftOut) {
  StartEngine(&client_);
  CreateRun("r", "pod: {labels: {a: b}}, nodeSelector: {disk: ssd}");
  const Json run = AwaitFinished("r");
  EXPECT_EQ(ConditionOf(run, "PodsAsAsked"), "") << run["status"].dump();
}

}  // namespace
}  // namespace penstock::controllers
