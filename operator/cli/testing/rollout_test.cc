// penstock rollout on a cluster. No operator acts here: what it would do is what status says.
#include <gmock/gmock.h>

#include "operator/cli/testing/cluster_fixture.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/plan/model/rollout_report.h"

namespace penstock::cli {
namespace {

using ::testing::HasSubstr;

// Says who asks, as an API server does.
class AliceClient : public PassingClient {
 public:
  using PassingClient::PassingClient;
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call) override {
    if (type != kube::kSelfSubjectReviews) return PassingClient::Create(type, ns, object, call);
    return Json{{"status", {{"userInfo", {{"username", "alice"}, {"groups", {"leads"}}}}}}};
  }
};

class OfARollout : public CliTest {
 protected:
  OfARollout() : nodes_(folder_ / "nodes") {
    EXPECT_TRUE(nodes_.Create());
    auto made = LocalCluster::Make(session_, nodes_, *LoadLibrary(session_), {});
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    cluster_ = *std::move(made);  // not started
    session_.connect = [this](const GlobalFlags&) -> Result<Cluster> {
      Cluster cluster;
      cluster.client = std::make_unique<AliceClient>(cluster_->client());
      cluster.namespace_ = kLocalNamespace;
      return cluster;
    };
  }

  void Put(const Json& status, const Json& rollout = Json::object()) {
    const Json object{{"apiVersion", "penstock.dev/v1alpha1"},
                      {"kind", "ModelDeployment"},
                      {"metadata", {{"name", "flights"}, {"namespace", kLocalNamespace}}},
                      {"spec", {{"model", "$(pipelines.p.outputs.o)"}, {"rollout", rollout}}}};
    auto made = cluster_->client().Create(kube::kModelDeployments, kLocalNamespace, object);
    ASSERT_TRUE(made) << made.error().message;
    Json with = *made;
    with["status"] = status;
    const auto written = cluster_->client().Update(kube::kModelDeployments, kLocalNamespace,
                                                   "flights", with, "status", {});
    ASSERT_TRUE(written) << written.error().message;
  }
  std::string Annotation(const std::string& name) {
    const auto object = cluster_->client().Get(kube::kModelDeployments, kLocalNamespace, "flights");
    EXPECT_TRUE(object);
    return object->at("metadata").value("annotations", Json::object()).value(name, "");
  }
  static Json Candidate() {
    return Json::parse(R"({"observedGeneration": 1,
      "stable": {"version": 7, "digest": "sha256:aaaaaaaaaaaaaaaa", "weight": "95%"},
      "candidate": {"version": 8, "weight": "5%", "phase": "Paused", "step": 2, "gates": [
        {"name": "errorRate", "verdict": "Inconclusive", "value": "0.5%", "samples": 400}]},
      "history": [{"version": 7, "outcome": "Promoted"}, {"version": 5, "outcome": "Promoted"},
                  {"version": 6, "outcome": "RolledBack", "reason": "errorRate is 4%"}]})");
  }

  const State nodes_;
  std::unique_ptr<LocalCluster> cluster_;
};

TEST_F(OfARollout, StatusShowsVersionsGatesAndHistory) {
  Put(Candidate());
  ASSERT_EQ(Penstock({"rollout", "status", "flights", "--cluster"}), kOk) << err_.str();
  for (const char* part : {"95%", "Paused", "errorRate", "0.5%", "400", "errorRate is 4%"})
    EXPECT_THAT(out_.str(), HasSubstr(part));
  ASSERT_EQ(Penstock({"rollout", "status", "flights", "--cluster", "-o", "json"}), kOk);
  EXPECT_EQ(Json::parse(out_.str())["candidate"]["step"], 2);
}

TEST_F(OfARollout, AReportIsAskedForByItsVersionAndWhatIsMissingIsSaid) {
  Put(Candidate());
  EXPECT_EQ(Penstock({"rollout", "report", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the history of flights has no version that was rejected or "
                                    "rolled back with a report"));
  EXPECT_EQ(Penstock({"rollout", "report", "flights", "--cluster", "--version", "6"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("version 6 of flights was rolled back (errorRate is 4%) and "
                                    "has no report"));
  EXPECT_EQ(Penstock({"rollout", "report", "flights", "--cluster", "--version", "7"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("has no version 7 that was rejected or rolled back"));
  EXPECT_EQ(Penstock({"rollout", "report", "flights", "--cluster", "-o", "yaml"}), kUsage);
}

TEST_F(OfARollout, AReportIsFetchedThroughTheGatewayAndShown) {
  gateway::TestGateway gateway(folder_);
  gateway.authenticator.Know("good", {kLocalNamespace, "default", "pod-1", "uid"});
  gateway.Start();
  api::ModelDeployment md;
  md.meta.name = "flights";
  md.meta.namespace_ = kLocalNamespace;
  api::ModelHistoryEntry entry;
  entry.version = 6;
  entry.outcome = "RolledBack";
  entry.reason = "errorRate is 4%";
  entry.gates = {{"errorRate", "errorRate", "4%", "", "", "Fail", 4120, "165 of 4120 failed"}};
  const rollout::Report report = plan::BuildReport(md, entry, nullptr);
  Write("report/report.json", report.json);
  Write("report/report.html", report.page);
  const auto stored = gateway.store.Put(kLocalNamespace, folder_ / "report");
  ASSERT_TRUE(stored) << stored.error().message;
  Write("token", "good\n");
  Write("ca.pem", gateway.certificates->CaPem());
  Json status = Candidate();
  status["history"][2]["report"] = stored->digest;
  Put(status);
  const auto show = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"rollout",   "report",      "flights",      "--cluster",
                                   "--gateway", gateway.Url(), "--token-file", "token",
                                   "--ca-file", "ca.pem"};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  };
  ASSERT_EQ(show({}), kOk) << err_.str();
  for (const char* part :
       {"version 6: RolledBack", "errorRate is 4%", "Fail", "4120", "165 of 4120 failed"})
    EXPECT_THAT(out_.str(), HasSubstr(part));
  ASSERT_EQ(show({"-o", "html"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), report.page);
  ASSERT_EQ(show({"--version", "6", "-o", "json"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), report.json);
  gateway.server->Stop();
}

TEST_F(OfARollout, WordsNameTheVersionThatTheyAreMeantFor) {
  Put(Candidate());
  ASSERT_EQ(Penstock({"rollout", "pause", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/pause"), "8");
  ASSERT_EQ(Penstock({"rollout", "resume", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/pause"), "");
  EXPECT_EQ(Annotation("penstock.dev/resume"), "8/2");
  ASSERT_EQ(Penstock({"rollout", "promote", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/promote"), "8");
  ASSERT_EQ(Penstock({"rollout", "abort", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/abort"), "8");
  EXPECT_EQ(Penstock({"rollout", "undo", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("version 8 is coming in"));
}

TEST_F(OfARollout, UndoGoesToAVersionThatServed) {
  Json status = Candidate();
  status.erase("candidate");
  Put(status);
  EXPECT_EQ(Penstock({"rollout", "promote", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("no candidate"));
  EXPECT_EQ(Penstock({"rollout", "undo", "flights", "--to", "6", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("there is 5"));
  ASSERT_EQ(Penstock({"rollout", "undo", "flights", "--to", "5", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/undo"), "7/5");
  ASSERT_EQ(Penstock({"rollout", "undo", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Annotation("penstock.dev/undo"), "7");
}

TEST_F(OfARollout, ResumeSaysThatTheManifestHoldsIt) {
  Put(Candidate(), {{"paused", true}});
  EXPECT_EQ(Penstock({"rollout", "resume", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("spec.rollout.paused"));
  EXPECT_EQ(Penstock({"rollout", "status", "nothing", "--cluster"}), kFailed);
}

Json StepsWithApproval(const std::string& group) {
  return {
      {"strategy", "Canary"},
      {"steps", Json::array({{{"weight", "5%"}},
                             {{"approval", {{"approvers", Json::array({{{"group", group}}})}}}}})}};
}

TEST_F(OfARollout, ApproveMakesAnApprovalOfTheVersionAndItsStepInTheNameOfWhoAsks) {
  Put(Candidate(), StepsWithApproval("leads"));
  EXPECT_EQ(Penstock({"rollout", "resume", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("penstock rollout approve flights"));
  ASSERT_EQ(Penstock({"rollout", "approve", "flights", "--cluster", "--comment", "fine"}), kOk)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("version 8, step 2 approved by alice"));
  const auto made = cluster_->client().List(kube::kApprovals, kLocalNamespace, {});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->items.size(), 1U);
  const Json& spec = made->items[0]["spec"];
  EXPECT_EQ(spec["modelDeployment"]["name"], "flights");
  EXPECT_EQ(spec["modelDeployment"]["version"], 8);
  EXPECT_FALSE(spec["modelDeployment"]["uid"].get<std::string>().empty());
  EXPECT_EQ(spec["step"], "2");
  EXPECT_EQ(spec["decision"], "Approve");
  EXPECT_EQ(spec["approver"], Json({{"user", "alice"}, {"groups", {"leads"}}}));
  EXPECT_EQ(Penstock({"rollout", "reject", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("you have decided already"));
  ASSERT_EQ(Penstock({"get", "approvals", "--cluster"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("flights   2      Approve    alice"));
}

TEST_F(OfARollout, ApproveSaysWhatWouldNotCount) {
  Put(Candidate(), StepsWithApproval("others"));
  EXPECT_EQ(Penstock({"rollout", "approve", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("your decision would not count: nobody but group others"));
}

TEST_F(OfARollout, ApproveSaysWhatDoesNotWait) {
  Put(Candidate(), {{"strategy", "Canary"}, {"steps", Json::array({{{"weight", "5%"}}})}});
  EXPECT_EQ(Penstock({"rollout", "approve", "flights", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("version 8 waits for no approval: it is Paused, step 2"));
}

}  // namespace
}  // namespace penstock::cli
