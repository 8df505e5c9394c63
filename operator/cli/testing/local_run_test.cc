// What a local run promises beside running: inputs that arrive, volumes, several runs, refusals.
#include <set>
#include <sstream>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/cli/testing/cli_fixture.h"
#include "operator/kube/resources.h"
#include "operator/local/within.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

class LocalRunTest : public CliTest {
 protected:
  int Run(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"run", file, "--isolation", "process"};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  }
  // A Pipeline whose one step runs a shell text.
  void WriteStep(const std::string& file, const std::string& script, const std::string& container,
                 const std::string& step) {
    Write(file,
          "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
          "  parameters: [{name: data, type: string, default: \"file:///nothing\"}]\n"
          "  defaults: {cache: {trustTag: true}}\n  steps:\n  - name: a\n"
          "    container:\n      image: example.com/shell:1\n"
          "      command: [sh, -c, '" +
              script + "']\n" + container +
              "    results: [{name: said, "
              "type: string}]\n" +
              step);
  }
  Json Newest(const std::string& pipeline = "p") {
    return State(folder_ / ".penstock").FindRun(pipeline).value_or(Json::object());
  }
  std::string Said(const std::string& pipeline = "p") {
    return Newest(pipeline)["status"]["steps"][0]["results"].value("said", "(nothing)");
  }
  bool Told(const std::string& text) {
    return (out_.str() + err_.str()).find(text) != std::string::npos;
  }
  std::string Output() { return out_.str() + err_.str(); }

  const std::string cat_ = "cat \"$IN\" > \"$PENSTOCK_RESULTS/said\"";
  const std::string env_ = "      env: [{name: IN, value: $(inputs.data.path)}]\n";
  const std::string input_ = "    inputs: {data: $(parameters.data)}\n";
};

TEST_F(LocalRunTest, WhatArtifactPutPrintedIsAnInput) {
  WriteStep("p.yaml", cat_, env_, input_);
  Write("data.txt", "some data");
  ASSERT_EQ(Penstock({"artifact", "put", "data.txt", "--state", ".penstock"}), kOk) << Output();
  const std::string digest = "sha256:" + Sha256Hex("some data");
  EXPECT_EQ(out_.str(), digest + "\n") << "standard output is the digest alone";
  EXPECT_NE(err_.str().find("this machine's state folder"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("inputs: {data: \"" + digest + "\"}"), std::string::npos) << err_.str();
  ASSERT_EQ(Run("p.yaml", {"-p", "data=" + digest}), kOk) << Output();
  EXPECT_EQ(Said(), "some data");
  ASSERT_EQ(Run("p.yaml", {"-p", "data=" + digest}), kOk) << Output();
  EXPECT_TRUE(Newest()["status"]["steps"][0].value("cached", false));
}

TEST_F(LocalRunTest, AFolderIsAnInputByItsDigestToo) {
  WriteStep("p.yaml", "cat \"$IN/a/b\" > \"$PENSTOCK_RESULTS/said\"", env_, input_);
  Write("data/a/b", "deep");
  ASSERT_EQ(Penstock({"artifact", "put", "data", "--state", ".penstock"}), kOk) << Output();
  std::string digest = out_.str();
  digest.pop_back();
  ASSERT_EQ(Run("p.yaml", {"-p", "data=" + digest}), kOk) << Output();
  EXPECT_EQ(Said(), "deep");
}

TEST_F(LocalRunTest, ADigestThatIsNotInTheStateFolderIsRefusedBeforeAnythingRuns) {
  WriteStep("p.yaml", cat_, env_, input_);
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(Run("p.yaml", {"-p", "data=" + digest}), kInvalidSpec);
  EXPECT_TRUE(Told("step a: input data: ") && Told("has no " + digest)) << Output();
  EXPECT_TRUE(Newest().empty());
}

TEST_F(LocalRunTest, AFileUriIsAFileAndItsChangeRunsTheStepAgain) {
  WriteStep("p.yaml", cat_, env_, input_);
  Write("data.txt", "one");
  const std::string uri = "data=file://" + (folder_ / "data.txt").string();
  ASSERT_EQ(Run("p.yaml", {"-p", uri}), kOk) << Output();
  EXPECT_EQ(Said(), "one");
  ASSERT_EQ(Run("p.yaml", {"-p", uri}), kOk) << Output();
  EXPECT_TRUE(Newest()["status"]["steps"][0].value("cached", false));
  Write("data.txt", "two");
  ASSERT_EQ(Run("p.yaml", {"-p", uri}), kOk) << Output();
  EXPECT_EQ(Said(), "two");
}

TEST_F(LocalRunTest, VolumesOfTheFilesObjectsAreAtTheirPaths) {
  fs::create_directories(folder_ / ".penstock");
  if (!local::CanMount(session_.program.parent_path() / "penstock-launcher", folder_))
    GTEST_SKIP() << "this machine gives no mount name space";
  WriteStep(
      "p.yaml",
      "echo x > /no-such-scratch/f && echo $$(cat /no-such-conf/msg /no-such-secret/pw "
      "/no-such-scratch/f) > \"$PENSTOCK_RESULTS/said\"",
      "      volumeMounts: [{name: c, mountPath: /no-such-conf}, {name: s, mountPath: "
      "/no-such-secret}, {name: e, mountPath: /no-such-scratch}]\n",
      "    volumes: [{name: c, configMap: {name: conf}}, {name: s, secret: {secretName: key}}, "
      "{name: e, emptyDir: {}}]\n"
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {msg: hello}\n"
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {pw: secret}\n");
  ASSERT_EQ(Run("p.yaml"), kOk) << Output();
  EXPECT_EQ(Said(), "hellosecretx");
  EXPECT_FALSE(fs::exists("/no-such-scratch"));
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / ".penstock"))
    EXPECT_NE(entry.path().filename(), "pw") << "a Secret was left in " << entry.path();
}

TEST_F(LocalRunTest, WhatOnlyAClusterHasIsRefusedByNameBeforeAnythingRuns) {
  WriteStep(
      "p.yaml", "exit 0",
      "      env: [{name: A, valueFrom: {configMapKeyRef: {name: nowhere, key: k}}}, {name: B, "
      "valueFrom: {secretKeyRef: {name: hidden, key: k}}}]\n",
      "    volumes: [{name: big, persistentVolumeClaim: {claimName: x}}]\n");
  EXPECT_EQ(Run("p.yaml"), kInvalidSpec);
  EXPECT_TRUE(Told("step a: volume big: a local run has volumes of emptyDir")) << Output();
  EXPECT_TRUE(Told("step a: ConfigMap nowhere is not in the files that were given")) << Output();
  EXPECT_TRUE(Told("PENSTOCK_SECRET_HIDDEN_K")) << Output();
  EXPECT_TRUE(Newest().empty());
  session_.env["PENSTOCK_SECRET_HIDDEN_K"] = "v";
  EXPECT_EQ(Run("p.yaml"), kInvalidSpec);
  EXPECT_FALSE(Told("Secret hidden")) << Output();
}

std::string InlineRun(const std::string& name, const std::string& script,
                      const std::string& spec = "") {
  return "---\napiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: " + name +
         "}\nspec:\n" + spec +
         "  pipelineSpec:\n    steps:\n    - name: a\n"
         "      container: {image: example.com/shell:1, command: [sh, -c, '" +
         script +
         "']}\n"
         "      results: [{name: said, type: string}]\n";
}

TEST_F(LocalRunTest, EveryPipelineRunOfAFileRunsAndTheWorstOneGivesTheCode) {
  const std::string say = " > \"$PENSTOCK_RESULTS/said\"";
  Write("runs.yaml", InlineRun("one", "echo 1" + say) + InlineRun("bad", "exit 4") +
                         InlineRun("two", "echo 2" + say));
  EXPECT_EQ(Run("runs.yaml"), kFailed) << Output();
  EXPECT_EQ(Said("one"), "1");
  EXPECT_EQ(Said("two"), "2");
  EXPECT_TRUE(Told("== bad\n")) << Output();

  EXPECT_EQ(Run("runs.yaml", {"--pipeline", "two", "-o", "json"}), kOk) << Output();
  EXPECT_EQ(Json::parse(out_.str())["kind"], "PipelineRun");
  EXPECT_EQ(Run("runs.yaml", {"-o", "json"}), kFailed);
  EXPECT_EQ(Json::parse(out_.str())["items"].size(), 3U);
}

TEST_F(LocalRunTest, RunsOfOnePipelineEachHaveTheirOwnParameters) {
  WriteStep("p.yaml", "echo \"$D\" > \"$PENSTOCK_RESULTS/said\"",
            "      env: [{name: D, value: $(parameters.data)}]\n", "");
  const auto run = [](const std::string& name, const std::string& data) {
    return "---\napiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: " + name +
           "}\nspec: {pipelineRef: {name: p}, parameters: {data: " + data + "}}\n";
  };
  Write("runs.yaml", run("north", "nn") + run("south", "ss"));
  EXPECT_EQ(Run("runs.yaml", {"p.yaml"}), kOk) << Output();
  std::set<std::string> said;
  const auto runs = State(folder_ / ".penstock").Load(kube::kPipelineRuns);
  ASSERT_TRUE(runs);
  for (const Json& r : *runs)
    said.insert(r["status"]["steps"][0]["results"]["said"].get<std::string>());
  EXPECT_EQ(said, (std::set<std::string>{"nn", "ss"}));

  Write("lost.yaml", run("x", "nn"));
  EXPECT_EQ(Run("lost.yaml"), kUsage);
  EXPECT_TRUE(Told("names the Pipeline p, which is not in the files")) << Output();
}

TEST_F(LocalRunTest, RunsThatWereNotStartedStandInTheOneListOfAllRuns) {
  const std::string say = "echo x > \"$PENSTOCK_RESULTS/said\"";
  Write("runs.yaml", InlineRun("north", say) + InlineRun("south", say));
  ASSERT_EQ(Run("runs.yaml", {"--if-changed"}), kOk) << Output();
  ASSERT_EQ(Run("runs.yaml", {"--if-changed", "-o", "json"}), kOk) << Output();
  const Json items = Json::parse(out_.str())["items"];
  ASSERT_EQ(items.size(), 2U) << Output();
  for (const Json& item : items) EXPECT_EQ(item["started"], false) << Output();
  ASSERT_EQ(Run("runs.yaml", {"--if-changed", "-o", "name"}), kOk) << Output();
  EXPECT_EQ(out_.str(), "");
  ASSERT_EQ(Run("runs.yaml", {"--if-changed"}), kOk) << Output();
  EXPECT_TRUE(Told("unchanged since run " + Newest("south")["metadata"].value("name", "")));
}

TEST_F(LocalRunTest, ASuspendedRunIsNotRunAndSaysSo) {
  Write("run.yaml", InlineRun("later", "exit 0", "  suspend: true\n"));
  EXPECT_EQ(Run("run.yaml"), kInvalidSpec);
  EXPECT_TRUE(Told("PipelineRun later is suspended (spec.suspend is true)")) << Output();
  EXPECT_TRUE(Newest("later").empty());
}

TEST_F(LocalRunTest, NotesThatTtlAfterFinishedIsTheClusters) {
  Write("run.yaml",
        InlineRun("r", "echo x > \"$PENSTOCK_RESULTS/said\"", "  ttlAfterFinished: 1h\n"));
  EXPECT_EQ(Run("run.yaml"), kOk) << Output();
  EXPECT_TRUE(Told("ttlAfterFinished is left to a cluster")) << Output();
}

TEST_F(LocalRunTest, SaysEachStateOnce) {
  Write("run.yaml", InlineRun("r", "echo x > \"$PENSTOCK_RESULTS/said\""));
  ASSERT_EQ(Run("run.yaml"), kOk) << Output();
  std::istringstream lines(out_.str());
  std::string last;
  for (std::string line; std::getline(lines, line); last = line)
    EXPECT_TRUE(line.empty() || line != last) << "twice: " << line;
}

// `penstock validate` said that it was valid, and every run was refused for its default.
TEST_F(LocalRunTest, ADefaultThatDoesNotFitRefusesOnlyTheRunsThatTakeIt) {
  const std::string head = "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\n";
  Write("p.yaml", head +
                      "metadata: {name: p}\nspec:\n"
                      "  parameters: [{name: town, default: New York}]\n"
                      "  runLabels: {town: $(parameters.town)}\n"
                      "  schedules: [{name: daily, cron: \"0 5 * * *\"}]\n"
                      "  defaults: {cache: {trustTag: true}}\n  steps:\n  - name: a\n"
                      "    container: {image: \"example.com/shell:1\", command: [\"true\"]}\n");
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kOk) << Output();
  EXPECT_TRUE(Told("spec.runLabels.town: 'New York' is no label value")) << Output();
  EXPECT_EQ(Run("p.yaml"), kInvalidSpec) << Output();
  EXPECT_TRUE(Told("give another value to the parameter 'town'")) << Output();
  EXPECT_EQ(Run("p.yaml", {"-p", "town=san francisco"}), kInvalidSpec) << Output();
  EXPECT_TRUE(Told("'san francisco' is no label value")) << Output();
  ASSERT_EQ(Run("p.yaml", {"-p", "town=paris"}), kOk) << Output();
  EXPECT_EQ(Newest()["metadata"]["labels"].value("town", ""), "paris") << Newest();

  Write("image.yaml", head +
                          "metadata: {name: image}\nspec:\n"
                          "  parameters: [{name: image, default: the image}]\n"
                          "  defaults: {cache: {trustTag: true}}\n  steps:\n  - name: a\n"
                          "    container: {image: $(parameters.image), command: [\"true\"]}\n");
  EXPECT_EQ(Run("image.yaml"), kInvalidSpec) << Output();
  EXPECT_EQ(Run("image.yaml", {"-p", "image=example.com/shell:1"}), kOk) << Output();
}

}  // namespace
}  // namespace penstock::cli
