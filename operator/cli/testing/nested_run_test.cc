// Pipelines in pipelines in a local run: which is run, what is kept, how it is shown.
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/cli/testing/cluster_fixture.h"
#include "operator/gateway/testing/gateway_fixture.h"

namespace penstock::cli {
namespace {

class NestedRunTest : public CliTest {
 protected:
  NestedRunTest() {
    Write("p.yaml",
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\nspec:\n"
          "  parameters: [{name: word, type: string}]\n  inputs: [{name: text, type: file}]\n"
          "  defaults: {cache: {trustTag: true}}\n  steps:\n  - name: add\n"
          "    container:\n      image: example.com/shell:1\n"
          "      command: [sh, -c, 'cat \"$IN\"; echo \"$W\" | cat \"$IN\" - > \"$OUT\"']\n"
          "      env: [{name: IN, value: $(inputs.t.path)}, {name: W, value: $(parameters.word)}, "
          "{name: OUT, value: $(outputs.text.path)}]\n"
          "    inputs: {t: $(inputs.text)}\n    outputs: [{name: text}]\n"
          "  outputs: {text: $(steps.add.outputs.text)}\n---\n"
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: outer}\nspec:\n"
          "  inputs: [{name: text, type: file}]\n  defaults: {cache: {trustTag: true}}\n  steps:\n"
          "  - {name: one, pipeline: {name: inner}, parameters: {word: first}, inputs: {text: "
          "$(inputs.text)}}\n"
          "  - name: two\n    inputs: {text: $(steps.one.outputs.text)}\n    pipeline:\n      "
          "steps:\n      - {name: again, pipeline: {name: inner}, parameters: {word: second}, "
          "inputs: {text: $(inputs.text)}}\n      outputs: {text: "
          "$(steps.again.outputs.text)}\n  outputs: {text: $(steps.two.outputs.text)}\n");
    Write("text.txt", "begin\n");
  }
  int Run(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        "run",     "p.yaml", "--isolation",
        "process", "-i",     "text=file://" + (folder_ / "text.txt").string()};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  }
  Json Find(const std::string& name) { return State(folder_ / ".penstock").FindRun(name).value(); }
};

TEST_F(NestedRunTest, TheOutermostPipelineOfTheFilesIsRunToItsEnd) {
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  const Json run = Find("outer");
  ASSERT_EQ(run["status"]["outputs"].size(), 1U);
  EXPECT_EQ(run["status"]["outputs"][0]["digest"], "sha256:" + Sha256Hex("begin\nfirst\nsecond\n"));
}

TEST_F(NestedRunTest, TheRunsWithinAreKeptAndShownUnderTheirRun) {
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  const Json run = Find("outer");
  const std::string name = run["metadata"]["name"], one = run["status"]["steps"][0]["run"],
                    two = run["status"]["steps"][1]["run"];
  const std::string again = Find(two)["status"]["steps"][0]["run"];
  EXPECT_EQ(Find(again)["spec"]["parameters"]["word"], "second");
  ASSERT_EQ(Penstock({"get", "runs", "-o", "wide"}), kOk);
  EXPECT_NE(out_.str().find("PARENT"), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"describe", name}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("Run:     " + one), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"logs", name, "two"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "begin\nfirst\n");
  ASSERT_EQ(Penstock({"logs", name}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "one/add: begin\ntwo/again/add: begin\ntwo/again/add: first\n");
  // A run within another is no run of its Pipeline.
  EXPECT_FALSE(State(folder_ / ".penstock").FindRun("inner"));
}

TEST_F(NestedRunTest, EqualWorkWithinComesFromTheCache) {
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  const std::string one = Find("outer")["status"]["steps"][0]["run"];
  EXPECT_EQ(Find(one)["status"]["summary"]["cached"], 1);
}

// Three words, of which the second fails; a loop over a container beside it.
class NestedLoopRunTest : public CliTest {
 protected:
  NestedLoopRunTest() {
    Write("p.yaml",
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\nspec:\n"
          "  parameters: [{name: word, type: string}]\n  defaults: {cache: {trustTag: true}}\n"
          "  steps:\n  - name: spell\n    container:\n      image: example.com/shell:1\n"
          "      command: [sh, -c, 'test \"$W\" != no && echo \"$W\" | tee \"$OUT\"']\n"
          "      env: [{name: W, value: $(parameters.word)}, {name: OUT, value: "
          "$(outputs.text.path)}]\n"
          "    outputs: [{name: text}]\n  outputs: {text: $(steps.spell.outputs.text)}\n"
          "  results: [{name: said, value: \"a $(parameters.word)\"}]\n---\n"
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: outer}\nspec:\n"
          "  defaults: {cache: {trustTag: true}}\n  steps:\n"
          "  - {name: each, pipeline: {name: inner}, parameters: {word: $(each.value)}, forEach: "
          "{in: [one, \"no\", two], minSuccess: 2}, retry: {user: {limit: 0}}}\n"
          "  - {name: plain, container: {image: example.com/shell:1, command: [sh, -c, 'echo plain "
          "$0', $(each.value)]}, forEach: {in: [red, blue]}}\n"
          "  - {name: use, container: {image: example.com/shell:1, command: [sh, -c, 'cat "
          "\"$0\"/0*; ls \"$0\"', $(inputs.all.path)]}, inputs: {all: "
          "$(steps.each.outputs.text)}}\n"
          "  results: [{name: said, value: $(steps.each.results.said)}]\n");
  }
};

TEST_F(NestedLoopRunTest, ALoopOverAPipelineRunsHereAndItsItemsAreFoundByTheirNumbers) {
  ASSERT_EQ(Penstock({"run", "p.yaml", "--isolation", "process"}), kOk) << out_.str() << err_.str();
  const State state(folder_ / ".penstock");
  const Json run = state.FindRun("outer").value();
  const std::string name = run["metadata"]["name"];
  EXPECT_EQ(run["status"]["results"]["said"], Json::parse(R"(["a one", null, "a two"])"));
  EXPECT_EQ(run["status"]["steps"][0]["items"]["failedIndexes"], "1");
  ASSERT_EQ(Penstock({"logs", name, "use"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "one\ntwo\n0000\n0002\n");
  ASSERT_EQ(Penstock({"logs", name, "each.2"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "two\n");
  ASSERT_EQ(Penstock({"logs", name, "each"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "each.0/spell: one\neach.1/spell: penstock-launcher: Failed: sh exited with code "
            "1\neach.2/spell: two\n");
  ASSERT_EQ(Penstock({"logs", name, "plain.1"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "plain blue\n");
  EXPECT_NE(Penstock({"logs", name, "each.3"}), kOk);
  EXPECT_NE(err_.str().find("step each has 3 items, counted from 0: there is no each.3"),
            std::string::npos)
      << err_.str();
  ASSERT_EQ(Penstock({"describe", name}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("Items:   3, succeeded 0,2, failed 1"), std::string::npos)
      << out_.str();
  EXPECT_NE(out_.str().find("Failed      " + name + "-each-1-1-"), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"get", "runs", "-o", "wide"}), kOk);
  EXPECT_NE(out_.str().find("each.1"), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"debug", name, "plain.0", "--local"}), kOk) << err_.str();
  EXPECT_NE(Penstock({"debug", name, "plain", "--local"}), kOk);
  EXPECT_NE(err_.str().find("name an item of it"), std::string::npos) << err_.str();
}

TEST_F(NestedLoopRunTest, EqualItemsOfAnEarlierRunComeFromTheCache) {
  ASSERT_EQ(Penstock({"run", "p.yaml", "--isolation", "process"}), kOk) << out_.str() << err_.str();
  ASSERT_EQ(Penstock({"run", "p.yaml", "--isolation", "process"}), kOk) << out_.str() << err_.str();
  const State state(folder_ / ".penstock");
  const std::string name = state.FindRun("outer").value()["metadata"]["name"];
  ASSERT_EQ(Penstock({"logs", name, "each.0"}), kOk) << err_.str();
  EXPECT_NE(err_.str().find("came from the cache"), std::string::npos) << err_.str();
  EXPECT_EQ(out_.str(), "one\n");
}

TEST_F(ClusterTest, LogsFindTheItemsOfALoopByTheirLabels) {
  const std::string shell = "container: {image: example.com/shell:1, command: [sh, -c, ";
  const std::string head = "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: ";
  Write("inner.yaml", head +
                          "inner}\nspec:\n  runPolicy: Manual\n  parameters: [{name: word, type: "
                          "string}]\n  steps: [{name: say, " +
                          shell + "'echo said $0', $(parameters.word)]}}]\n");
  Write("outer.yaml", head +
                          "outer}\nspec:\n  runPolicy: Manual\n  steps:\n  - {name: each, "
                          "pipeline: {name: inner}, parameters: {word: $(each.value)}, forEach: "
                          "{in: [one, two]}}\n  - {name: plain, forEach: {in: [red, blue]}, " +
                          shell + "'echo plain $0', $(each.value)]}}\n");
  Create(kube::kPipelines, "inner.yaml");
  Create(kube::kPipelines, "outer.yaml");
  ASSERT_EQ(Penstock({"run", "outer", "--cluster"}), kOk) << out_.str() << err_.str();
  ASSERT_EQ(Penstock({"logs", "outer", "each.1", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "said two\n");
  ASSERT_EQ(Penstock({"logs", "outer", "plain", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "plain.0: plain red\nplain.1: plain blue\n");
  ASSERT_EQ(Penstock({"describe", "outer", "--cluster", "-o", "json"}), kOk) << err_.str();
  EXPECT_EQ(Json::parse(out_.str())["steps"][0]["items"]["runs"].size(), 2U);
}

TEST_F(ClusterTest, LogsOfItemsWhosePodsAreGoneAreWhatTheGatewayKeeps) {
  Write("many.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: many}\nspec:\n"
        "  runPolicy: Manual\n  steps:\n  - {name: each, forEach: {in: [a, b, c, d]}, container: "
        "{image: example.com/shell:1, command: [sh, -c, 'echo is $0', $(each.value)]}}\n");
  Create(kube::kPipelines, "many.yaml");
  ASSERT_EQ(Penstock({"run", "many", "--cluster"}), kOk) << out_.str() << err_.str();
  gateway::TestGateway gateway(folder_);
  std::vector<std::string> asked;
  gateway.router.Add("GET", "/api/v1/namespaces/default/runs/{run}/steps/{step}/log",
                     [&](gateway::Exchange& x, const auto&) {
                       asked.push_back(x.path() + "?" + x.query());
                       if (x.query().ends_with("item=3"))
                         x.Respond(200, "text/plain", "kept of 3\n");
                       else
                         x.Respond(404, "application/json",
                                   R"({"error": {"code": "NotFound", "message": "not kept"}})");
                     });
  gateway.Start();
  Write("token", "good\n");
  Write("ca.pem", gateway.certificates->CaPem());
  const auto logs = [&](const std::string& step) {
    return Penstock({"logs", "many", step, "--cluster", "--gateway", gateway.Url(), "--token-file",
                     "token", "--ca-file", "ca.pem"});
  };
  const auto pods = cluster_->client().List(kube::kPods, kLocalNamespace, {});
  ASSERT_TRUE(pods);
  for (const Json& pod : pods->items)
    if (pod["metadata"]["labels"].value("penstock.dev/item", "") != "0") {
      ASSERT_TRUE(cluster_->client().Delete(kube::kPods, kLocalNamespace,
                                            pod["metadata"].value("name", ""), {}));
    }
  ASSERT_EQ(logs("each.0"), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "is a\n");
  EXPECT_TRUE(asked.empty()) << "its pod stands";
  ASSERT_EQ(logs("each.3"), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "kept of 3\n");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_NE(asked[0].find("/steps/each/log?tail="), std::string::npos) << asked[0];
  EXPECT_EQ(logs("each.1"), kFailed);
  EXPECT_EQ(err_.str(),
            "error: step each.1: no log is kept; its pod is gone, or it came from the cache\n");
  EXPECT_EQ(logs("each.4"), kFailed);
  EXPECT_NE(err_.str().find("there is no each.4"), std::string::npos) << err_.str();
  ASSERT_EQ(logs("each"), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "each.0: is a\neach.3: kept of 3\n");
  EXPECT_EQ(err_.str(),
            "note: step each.1 and 1 more items: no log is kept; their pods are gone, or they came "
            "from the cache\n");
  gateway.server->Stop();
  EXPECT_EQ(logs("each"), kFailed);
  const std::string said = err_.str();
  const std::string unasked = "the gateway, which keeps logs, could not be asked: ";
  ASSERT_NE(said.find(unasked), std::string::npos) << said;
  EXPECT_EQ(said.find(unasked), said.rfind(unasked)) << "told once:\n" << said;
}

TEST_F(NestedRunTest, ADeclaredInputIsToBeGiven) {
  EXPECT_EQ(Penstock({"run", "p.yaml", "--isolation", "process"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("spec.inputs.text: is required (file)"), std::string::npos)
      << err_.str();
  EXPECT_EQ(Run({"-i", "no=https://example.com/x"}), kUsage);
  EXPECT_NE(err_.str().find("input no does not exist; it has text"), std::string::npos)
      << err_.str();
}

TEST_F(NestedRunTest, AParameterThatIsMissingIsNamedAndTheRunIsInvalid) {
  Write("asks.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: asks}\nspec:\n"
        "  runPolicy: Manual\n  parameters: [{name: q, type: string}]\n  steps:\n"
        "  - {name: s, container: {image: x, command: [echo, $(parameters.q)]}}\n");
  EXPECT_EQ(Penstock({"run", "asks.yaml", "--isolation", "process"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("error: spec.parameters.q: is required (string)"), std::string::npos)
      << err_.str();
}

TEST_F(NestedRunTest, ValidateHoldsTheStepToThePipelineOfTheFiles) {
  Write("wrong.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: a}\nspec:\n  steps:\n"
        "  - {name: s, pipeline: {name: b}, parameters: {depth: 1}}\n---\n"
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: b}\nspec:\n  steps:\n"
        "  - {name: s, pipeline: {name: b}}\n");
  EXPECT_EQ(Penstock({"validate", "wrong.yaml"}), kInvalidSpec);
  EXPECT_NE(
      err_.str().find("wrong.yaml:6: spec.steps[0].parameters.depth: the pipeline b has no such "
                      "parameter"),
      std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("b -> b"), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace penstock::cli
