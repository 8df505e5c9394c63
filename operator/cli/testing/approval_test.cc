// Approval steps in local runs and by `penstock approve`.
#include "operator/api/approval.h"

#include <algorithm>
#include <thread>

#include "operator/cli/objects/object_table.h"
#include "operator/cli/testing/cluster_fixture.h"

namespace penstock::cli {
namespace {

const char* const kAsked =
    "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: asked}\nspec:\n"
    "  runPolicy: Manual\n  steps:\n"
    "  - {name: go, approval: {message: \"Ship it?\", approvers: [{group: leads}], need: 2, "
    "values: "
    "[{name: to, enum: [a, b]}, {name: share, type: integer, default: 5, maximum: 9}]}}\n"
    "  - name: deploy\n    parameters: {to: $(steps.go.results.to)}\n"
    "    container: {image: example.com/shell:1, command: [sh, -c, 'test \"$TO\" = b'], "
    "env: [{name: TO, value: $(parameters.to)}]}\n";

class ApprovalRunTest : public CliTest {
 protected:
  ApprovalRunTest() { Write("p.yaml", kAsked); }
  int Run(std::vector<std::string> more) {
    std::vector<std::string> words = {"run", "p.yaml", "--isolation", "process"};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  }
  int asked_ = 0;
  bool interrupt_ = false;
  Json Go() {
    const Json run = State(folder_ / ".penstock").FindRun("asked").value();
    for (const Json& step : run["status"]["steps"])
      if (step["name"] == "go") return step;
    return {};
  }
};

TEST_F(ApprovalRunTest, TakesWhatTheFlagSays) {
  ASSERT_EQ(Run({"--approve", "go=to=b", "--approve", "go=share=7"}), kOk) << err_.str();
  EXPECT_EQ(Go()["results"], Json({{"to", "b"}, {"share", 7}}));
  EXPECT_EQ(Go()["reason"], "Approved");
}

TEST_F(ApprovalRunTest, IsRefusedWhereNobodyCanBeAsked) {
  EXPECT_EQ(Run({}), kInvalidSpec);
  EXPECT_NE(err_.str().find("step go waits for an approval, and nobody is here to give it: say "
                            "--approve go=name=value, or run it on a terminal"),
            std::string::npos)
      << err_.str();
}

TEST_F(ApprovalRunTest, NamesWhatIsWrongWithTheFlag) {
  EXPECT_EQ(Run({"--approve", "stop", "--approve", "go=share=x"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("there is no approval step 'stop'; there is go"), std::string::npos);
  EXPECT_NE(err_.str().find("--approve go: "), std::string::npos) << err_.str();
}

// It was refused by the engine, when the steps before had run.
TEST_F(ApprovalRunTest, RefusesAValueThatTheStepDoesNotTakeBeforeAnythingRuns) {
  EXPECT_EQ(Run({"--approve", "go=to=moon"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("--approve go: the value 'to': "), std::string::npos) << err_.str();
  EXPECT_EQ(Run({"--approve", "go=share=7"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("--approve go: the value 'to' (string) is not given"),
            std::string::npos)
      << err_.str();
  EXPECT_FALSE(State(folder_ / ".penstock").FindRun("asked"));
}

// The second run was refused for its name after the first had run; and the first for the second's.
TEST_F(ApprovalRunTest, LooksAtTheNamesOfAllRunsBeforeTheFirstStarts) {
  const auto run = [](const std::string& name, const std::string& steps) {
    return "apiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: " + name +
           "}\nspec:\n  pipelineSpec:\n    runPolicy: Manual\n    steps:\n" + steps;
  };
  Write("p.yaml", run("one",
                      "    - {name: go, approval: {message: first}}\n    - {name: a, dependsOn: "
                      "[{step: go}], container: {image: i, command: [\"true\"]}}\n") +
                      "---\n" + run("two", "    - {name: then, approval: {message: second}}\n"));
  EXPECT_EQ(Run({"--approve", "go"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("step then waits for an approval, and nobody is here"),
            std::string::npos)
      << err_.str();
  EXPECT_FALSE(State(folder_ / ".penstock").FindRun("one"));
  EXPECT_EQ(Run({"--approve", "go", "--approve", "then"}), kOk) << out_.str() << err_.str();
}

// The prompt held off both until somebody pressed Return.
TEST_F(ApprovalRunTest, AnOpenQuestionHoldsOffNeitherATimeOutNorCtrlC) {
  session_.asks = true;
  session_.read_line = [this](const std::function<bool()>& go_on) -> Result<std::string> {
    ++asked_;
    if (interrupt_) first_.request_stop();
    while (go_on()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Cancelled("nobody waits for the line any more");
  };
  Write("p.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: asked}\nspec:\n"
        "  runPolicy: Manual\n  steps:\n"
        "  - {name: go, approval: {timeout: 2s, onTimeout: Skip}}\n");
  EXPECT_EQ(Run({}), kOk) << out_.str() << err_.str();
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(Go()["phase"], "Skipped");
  EXPECT_NE(err_.str().find("step go: no answer is needed any more"), std::string::npos);
  Write("p.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: asked}\nspec:\n"
        "  runPolicy: Manual\n  steps:\n  - {name: go, approval: {message: hm}}\n");
  interrupt_ = true;
  EXPECT_EQ(Run({}), kFailed);
  EXPECT_EQ(Go()["phase"], "Cancelled");
}

TEST_F(ApprovalRunTest, AsksAtTheTerminal) {
  session_.asks = true;
  in_.str("y\nb\nmany\n6\n");
  ASSERT_EQ(Run({}), kOk) << out_.str() << err_.str();
  EXPECT_NE(err_.str().find("step go: Ship it?"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("share (integer; default 5): "), std::string::npos) << err_.str();
  EXPECT_EQ(Go()["results"], Json({{"to", "b"}, {"share", 6}}));
}

TEST_F(ApprovalRunTest, TakesANoForARejection) {
  session_.asks = true;
  in_.str("n\n");
  EXPECT_EQ(Run({}), kFailed);
  EXPECT_EQ(Go()["reason"], "Rejected");
}

// No step's status names a run of an item: the run waited for a decision that nobody was asked for.
TEST_F(ApprovalRunTest, AsksForDecisionsInTheRunsOfALoop) {
  Write("p.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\nspec:\n"
        "  steps:\n  - {name: go, approval: {values: [{name: to}]}}\n"
        "  results: [{name: to, value: $(steps.go.results.to)}]\n---\n"
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: outer}\nspec:\n"
        "  steps:\n  - {name: each, pipeline: {name: inner}, forEach: {range: {to: 2}}}\n"
        "  results: [{name: to, value: $(steps.each.results.to)}]\n");
  ASSERT_EQ(Run({"--approve", "go=to=b"}), kOk) << out_.str() << err_.str();
  const Json run = State(folder_ / ".penstock").FindRun("outer").value();
  EXPECT_EQ(run["status"]["results"]["to"], Json({"b", "b"}));
}

// They were read by what one of the two asks for.
TEST_F(ApprovalRunTest, ReadsValuesByTheStepOfTheRunThatAsks) {
  Write("p.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\nspec:\n"
        "  steps:\n  - {name: go, approval: {values: [{name: to, type: integer}]}}\n"
        "  results: [{name: to, value: $(steps.go.results.to)}]\n---\n"
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: outer}\nspec:\n"
        "  steps:\n  - {name: go, approval: {values: [{name: to}]}}\n"
        "  - {name: call, pipeline: {name: inner}, dependsOn: [{step: go}]}\n"
        "  results: [{name: text, value: $(steps.go.results.to)}, {name: number, value: "
        "$(steps.call.results.to)}]\n");
  ASSERT_EQ(Run({"--approve", "go=to=7"}), kOk) << out_.str() << err_.str();
  const Json run = State(folder_ / ".penstock").FindRun("outer").value();
  EXPECT_EQ(run["status"]["results"], Json({{"text", "7"}, {"number", 7}}));
}

// Says who asks, as an API server does.
class KnowingClient : public PassingClient {
 public:
  using PassingClient::PassingClient;
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call) override {
    if (type != kube::kSelfSubjectReviews) return PassingClient::Create(type, ns, object, call);
    return Json{
        {"status", {{"userInfo", {{"username", user}, {"groups", {"leads", "everybody"}}}}}}};
  }
  Result<Json> Get(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                   const kube::Call& call) override {
    if (type == kube::kControllerRevisions && !reads_revisions)
      return Error{ErrorKind::kForbidden, "controllerrevisions.apps is forbidden"};
    return PassingClient::Get(type, ns, name, call);
  }
  std::string user = "alice";
  bool reads_revisions = true;
};

class ApproveTest : public ClusterTest {
 protected:
  ApproveTest() {
    session_.connect = [this](const GlobalFlags&) -> Result<Cluster> {
      Cluster cluster;
      auto client = std::make_unique<KnowingClient>(cluster_->client());
      client->user = user_;
      client->reads_revisions = reads_revisions_;
      cluster.client = std::move(client);
      cluster.namespace_ = kLocalNamespace;
      return cluster;
    };
    Write("p.yaml", kAsked);
    Create(kube::kPipelines, "p.yaml");
    Write("r.yaml",
          "apiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: asked-1}\n"
          "spec: {pipelineRef: {name: asked}}\n");
    Create(kube::kPipelineRuns, "r.yaml");
    const auto waits = [](const Json& run) {
      for (const Json& step : run.value("status", Json::object()).value("steps", Json::array()))
        if (step.value("reason", "") == "AwaitingApproval") return true;
      return false;
    };
    for (int i = 0; i < 400 && !waits(RunObject()); ++i)
      std::this_thread::sleep_for(Milliseconds(25));
    EXPECT_TRUE(waits(RunObject()));
  }
  Json RunObject() {
    auto run = cluster_->client().Get(kube::kPipelineRuns, kLocalNamespace, "asked-1");
    return run ? *run : Json();
  }
  std::size_t Made() {
    const auto made = cluster_->client().List(kube::kApprovals, kLocalNamespace, {});
    return made ? made->items.size() : 99;
  }
  std::string user_ = "alice";
  bool reads_revisions_ = true;
  std::string ConditionOfRun() { return ConditionStatus(RunObject(), "Succeeded"); }
};

TEST_F(ApproveTest, MakesAnApprovalInTheNameOfWhoAsks) {
  ASSERT_EQ(
      Penstock({"approve", "asked-1", "go", "--cluster", "--value", "to=b", "--comment", "fine"}),
      kOk)
      << err_.str();
  EXPECT_NE(out_.str().find(" created: approved by alice"), std::string::npos) << out_.str();
  const auto made = cluster_->client().List(kube::kApprovals, kLocalNamespace, {});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->items.size(), 1U);
  const Json& spec = made->items[0]["spec"];
  EXPECT_EQ(spec["approver"], Json({{"user", "alice"}, {"groups", {"leads", "everybody"}}}));
  EXPECT_EQ(spec["values"], Json({{"to", "b"}}));
  EXPECT_EQ(spec["run"]["uid"], RunObject()["metadata"]["uid"]);
  EXPECT_EQ(made->items[0]["metadata"]["ownerReferences"][0]["name"], "asked-1");
  ASSERT_EQ(Penstock({"get", "approvals", "--cluster"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("asked-1   go     Approve    alice"), std::string::npos) << out_.str();
}

TEST_F(ApproveTest, RefusesWhatDoesNotWaitAndWhatTheStepDoesNotAskFor) {
  EXPECT_EQ(Penstock({"approve", "asked-1", "deploy", "--cluster"}), kFailed);
  EXPECT_NE(err_.str().find("step deploy waits for no approval"), std::string::npos) << err_.str();
  EXPECT_EQ(Penstock({"approve", "asked-1", "nothing", "--cluster"}), kFailed);
  EXPECT_NE(err_.str().find("there is go"), std::string::npos) << err_.str();
  EXPECT_EQ(Penstock({"approve", "asked-1", "go", "--cluster", "--value", "other=1"}), kUsage);
  EXPECT_EQ(Penstock({"approve", "asked-1", "go", "--cluster", "--reject", "--value", "to=b"}),
            kUsage);
}

// It said "approved by alice", and the run that the decision did not count.
TEST_F(ApproveTest, RefusesWhatWouldNotCount) {
  EXPECT_EQ(Penstock({"approve", "asked-1", "go", "--cluster"}), kFailed);
  EXPECT_NE(err_.str().find("step go: your decision would not count: it gives no value 'to'"),
            std::string::npos)
      << err_.str();
  EXPECT_EQ(Penstock({"approve", "asked-1", "go", "--cluster", "--value", "to=moon"}), kFailed);
  EXPECT_NE(err_.str().find("the value 'to': "), std::string::npos) << err_.str();
  EXPECT_EQ(Made(), 0U);
}

// Whoever may only approve has no right to read ControllerRevisions.
TEST_F(ApproveTest, SendsValuesAlsoWhereTheStepMayNotBeRead) {
  reads_revisions_ = false;
  ASSERT_EQ(
      Penstock({"approve", "asked-1", "go", "--cluster", "--value", "to=b", "--value", "share=7"}),
      kOk)
      << err_.str();
  EXPECT_NE(err_.str().find("note: you may not read"), std::string::npos) << err_.str();
  const auto made = cluster_->client().List(kube::kApprovals, kLocalNamespace, {});
  ASSERT_EQ(made->items.size(), 1U);
  EXPECT_EQ(made->items[0]["spec"]["values"], Json({{"to", "b"}, {"share", 7}}));
}

TEST_F(ApproveTest, ApplyLeavesWhoHasStartedARun) {
  const auto by = [&](const std::string& run) {
    return cluster_->client()
        .Get(kube::kPipelineRuns, kLocalNamespace, run)
        .value()["metadata"]
        .value("annotations", Json::object())
        .value(api::kSubmittedBy, "");
  };
  Write("r2.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: asked-2}\n"
        "spec: {pipelineRef: {name: asked}}\n");
  ASSERT_EQ(Penstock({"apply", "r2.yaml", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(by("asked-2"), "alice");
  user_ = "bob";
  ASSERT_EQ(Penstock({"apply", "r2.yaml", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(by("asked-2"), "alice");
  Write("r1.yaml", *ReadFile(folder_ / "r.yaml"));  // made without penstock: nobody is named
  ASSERT_EQ(Penstock({"apply", "r1.yaml", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(by("asked-1"), "");
}

TEST_F(ApproveTest, BackfillSaysWhoStartsItsRuns) {
  Write("q.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: quiet}\nspec:\n"
        "  runPolicy: Manual\n  steps:\n  - {name: pause, wait: {duration: 1s}}\n");
  Create(kube::kPipelines, "q.yaml");
  ASSERT_EQ(Penstock({"backfill", "quiet", "--cluster", "--every", "24h", "--from", "2026-01-01",
                      "--to", "2026-01-02"}),
            kOk)
      << out_.str() << err_.str();
  const auto runs = cluster_->client().List(kube::kPipelineRuns, kLocalNamespace, {});
  int of_quiet = 0;
  for (const Json& run : runs->items) {
    if (run["spec"]["pipelineRef"]["name"] != "quiet") continue;
    ++of_quiet;
    EXPECT_EQ(run["metadata"]["annotations"].value(api::kSubmittedBy, ""), "alice");
  }
  EXPECT_GT(of_quiet, 0);
}

TEST_F(ApproveTest, RejectsOnceAPerson) {
  ASSERT_EQ(Penstock({"approve", "asked-1", "go", "--cluster", "--reject", "--comment", "no"}), kOk)
      << err_.str();
  EXPECT_NE(out_.str().find("rejected by alice"), std::string::npos) << out_.str();
  for (int i = 0; i < 400 && ConditionOfRun() != "False"; ++i)
    std::this_thread::sleep_for(Milliseconds(25));
  EXPECT_EQ(ConditionOfRun(), "False");
  EXPECT_EQ(Penstock({"approve", "asked-1", "go", "--cluster"}), kFailed);
}

TEST_F(ApproveTest, WhoStartsARunOrChangesAPipelineIsNamedByIt) {
  const auto submitted_by = [this](const kube::ResourceType& type, const std::string& name) {
    const auto object = cluster_->client().Get(type, kLocalNamespace, name);
    return object ? (*object)["metadata"]
                        .value("annotations", Json::object())
                        .value("penstock.dev/submitted-by", "")
                  : "";
  };
  std::string text = kAsked;
  text.replace(text.find("asked"), 5, "other");
  Write("other.yaml", text);
  ASSERT_EQ(Penstock({"apply", "-f", "other.yaml"}), kOk) << err_.str();
  EXPECT_EQ(submitted_by(kube::kPipelines, "other"), "alice");
  CreateWords();
  const auto before = RunNames();
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  for (const std::string& name : RunNames()) {
    if (std::find(before.begin(), before.end(), name) != before.end()) continue;
    EXPECT_EQ(submitted_by(kube::kPipelineRuns, name), "alice");
  }
  EXPECT_EQ(RunNames().size(), before.size() + 1);
}

}  // namespace
}  // namespace penstock::cli
