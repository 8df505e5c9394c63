#include "operator/base/version.h"
#include "operator/cli/testing/cli_fixture.h"

namespace penstock::cli {
namespace {

TEST_F(CliTest, ValidateSaysEveryMistakeWithItsLine) {
  CopyTestdata("wrong.yaml");
  EXPECT_EQ(Penstock({"validate", "wrong.yaml"}), kInvalidSpec);
  const std::string said = err_.str();
  for (const char* place :
       {"wrong.yaml:8: spec.parameters", "wrong.yaml:11: spec.steps[0].component",
        "wrong.yaml:15: spec.steps[1].container.code.path",
        "wrong.yaml:17: spec.steps[1].inputs.data", "wrong.yaml:18: spec.steps[1].retries"}) {
    EXPECT_NE(said.find(place), std::string::npos) << place << " is not in:\n" << said;
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CliTest, ValidateNamesWhatIsValid) {
  CopyTestdata("two-steps.yaml");
  EXPECT_EQ(Penstock({"validate", "two-steps.yaml"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "pipeline/words valid\n");
}

TEST_F(CliTest, ValidateNamesAFileThatIsNotThereAndOneThatIsNoYaml) {
  Write("broken.yaml", "a: [1\nb: 2\n");
  EXPECT_EQ(Penstock({"validate", "missing.yaml", "broken.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("missing.yaml"), std::string::npos);
  EXPECT_NE(err_.str().find("broken.yaml"), std::string::npos);
  EXPECT_NE(err_.str().find("2 problems"), std::string::npos);
}

TEST_F(CliTest, ValidateRefusesAKindThatDoesNotExist) {
  Write("kind.yaml", "apiVersion: penstock.dev/v1alpha1\nkind: Pipline\nmetadata: {name: x}\n");
  EXPECT_EQ(Penstock({"validate", "kind.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("kind.yaml:2: kind: Pipline is not a kind"), std::string::npos)
      << err_.str();
}

TEST_F(CliTest, ValidateChecksAnApprovalAsAnyOtherKind) {
  const std::string text =
      "apiVersion: penstock.dev/v1alpha1\nkind: Approval\nmetadata: {generateName: first-go-}\n"
      "spec: {run: {name: first, uid: u}, step: go, decision: Approve, approver: {user: alice}}\n";
  Write("go.yaml", text);
  EXPECT_EQ(Penstock({"validate", "go.yaml"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "approval/first-go- valid\n");
  EXPECT_EQ(err_.str(), "");
  Write("wrong.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: Approval\nmetadata: {name: x}\n"
        "spec: {run: {name: first, uid: u}, step: go, decision: Maybe, "
        "approver: {user: alice}}\n");
  EXPECT_EQ(Penstock({"validate", "wrong.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("wrong.yaml:4: spec.decision: "), std::string::npos) << err_.str();
}

// One step a line, as people write them.
std::string OnePipeline(const std::string& steps, const std::string& more = "") {
  return "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n" + more +
         "  steps:\n" + steps;
}

TEST_F(CliTest, AWordOfAnotherEngineIsToldWhatItIsHere) {
  Write("p.yaml", OnePipeline("  - {name: a, withItems: [1], continueOn: {failed: true}, "
                              "container: {image: i, command: [x]}}\n",
                              "  entrypoint: main\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  for (const char* one : {"spec.entrypoint: unknown field; here it is not needed: ",
                          "spec.steps[0].withItems: unknown field; here it is forEach: {in: ",
                          "spec.steps[0].continueOn: unknown field; here it is allowFailure: true"})
    EXPECT_NE(err_.str().find(one), std::string::npos) << one << " is not in:\n" << err_.str();
}

TEST_F(CliTest, WhereTheLastAttemptGoesCannotBeAReference) {
  Write("p.yaml", OnePipeline("  - {name: a, container: {image: i, command: [x]}, retry: "
                              "{lastAttempt: {nodeSelector: {pool: $(parameters.p)}}}}\n",
                              "  parameters: [{name: p, type: string, default: a}]\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("spec.steps[0].retry.lastAttempt.nodeSelector.pool: cannot hold "
                            "references"),
            std::string::npos)
      << err_.str();
}

TEST_F(CliTest, AFieldThatDoesNotDecodeHidesNothingElseOfItsStep) {
  Write("p.yaml",
        OnePipeline(
            "  - {name: a, retries: 3, container: {image: \"$(parameters.x)\", command: [sh, "
            "7, $(inputs.no.path)], env: [5, {name: 6, value: 7}]}, inputs: {num: 8, s: ftp://x}, "
            "resources: {requests: {cpu: lots}}, dependsOn: [{step: b}]}\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  const std::string said = err_.str();
  for (const char* one :
       {"spec.steps[0].retries: unknown field",
        "spec.steps[0].container.image: ", "spec.steps[0].container.command[1]: must be a string",
        "spec.steps[0].container.command[2]: $(inputs.no.path): the step has no input 'no'",
        "spec.steps[0].container.env[0]: must be an object",
        "spec.steps[0].container.env[1].name: must be a string",
        "spec.steps[0].inputs.num: must be a string",
        "spec.steps[0].inputs.s: 'ftp://x' is neither",
        "spec.steps[0].resources.requests.cpu: must be a Kubernetes quantity",
        "spec.steps[0].dependsOn[0].step: there is no step 'b'"}) {
    EXPECT_NE(said.find(std::string("p.yaml:6: ") + one), std::string::npos)
        << one << " is not in:\n"
        << said;
  }
  EXPECT_EQ(said.find("cannot name a variable"), std::string::npos) << "it only follows:\n" << said;
  EXPECT_EQ(said.find("is no Kubernetes quantity"), std::string::npos) << "said twice:\n" << said;
}

TEST_F(CliTest, WordsThatYamlTakesForSomethingElseAreShownAsTheyAreWritten) {
  Write("p.yaml",
        OnePipeline(
            "  - {name: a, container: {image: i, command: [echo, y]}, outputs: [{name: no}]}\n"
            "  - {name: on, container: {image: i, command: [x]}, inputs: {y: file:///x}, "
            "parameters: {list: [x, n]}}\n",
            "  parameters:\n  - {name: zip, type: string, default: 02138}\n"
            "  - {name: c, type: string, enum: [de, no]}\n"));
  Write("run.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\nmetadata: {name: r}\n"
        "spec: {pipelineRef: {name: p}, parameters: {c: yes, more: 1}}\n");
  EXPECT_EQ(Penstock({"validate", "p.yaml", "run.yaml"}), kInvalidSpec);
  const std::string said = err_.str();
  for (const char* one :
       {"p.yaml:6: spec.parameters[0].default: 2138 is no string; the parameter is declared as one "
        "(the file says 02138; in quotes it is that text)",
        "p.yaml:7: spec.parameters[1].enum[1]: false is no string (the file says no;",
        "p.yaml:9: spec.steps[0].container.command[1]: must be a string, is true or false; put it "
        "in "
        "quotes (the file says y;",
        "p.yaml:9: spec.steps[0].outputs[0].name: must be a string", "(the file says on;",
        "warning: p.yaml:10: spec.steps[1].inputs.true: the name is written y,",
        "warning: p.yaml:10: spec.steps[1].parameters.list[1]: the item is written n,",
        "run.yaml:4: spec.parameters.c: true is no string; the parameter is declared as one (the "
        "file says yes;",
        "run.yaml:4: spec.parameters.more: the pipeline has no such parameter"}) {
    EXPECT_NE(said.find(one), std::string::npos) << one << " is not in:\n" << said;
  }
}

TEST_F(CliTest, ValidateNamesTheLineThatIsNoUtf8) {
  Write("p.yaml", OnePipeline("  - {name: a, container: {image: i, command: [echo, caf\xe9]}}\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("p.yaml: line 6: the text is not UTF-8"), std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("column 56"), std::string::npos) << err_.str();
}

TEST_F(CliTest, ADocumentThatCannotBeReadHidesNoOther) {
  Write("p.yaml", "kind: Pipeline\nkind: Pipeline\n---\n" +
                      OnePipeline("  - {name: a, retries: 3, container: {image: i}}\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("p.yaml: line 2: \"kind\" was set already in line 1"),
            std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("p.yaml:9: spec.steps[0].retries"), std::string::npos) << err_.str();
}

TEST_F(CliTest, FilesThatHoldNothingOfOursAreNotValid) {
  Write("empty.yaml", "# rendered to nothing\n");
  EXPECT_EQ(Penstock({"validate", "empty.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("hold no Pipeline"), std::string::npos) << err_.str();
}

TEST_F(CliTest, AFileThatRenderedToNothingIsSaidBesideOneThatIsValid) {
  CopyTestdata("two-steps.yaml");
  Write("empty.yaml", "");
  Write("comment.yaml", "---\n# {{ if .x }}\n---\n");
  EXPECT_EQ(Penstock({"validate", "two-steps.yaml", "empty.yaml", "comment.yaml"}), kInvalidSpec);
  EXPECT_EQ(err_.str(),
            "empty.yaml: holds no object; it is empty, or comments only\n"
            "comment.yaml: holds no object; it is empty, or comments only\n"
            "error: 2 files hold nothing\n");
  Write("other.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n");
  EXPECT_EQ(Penstock({"validate", "other.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("Service is none of Penstock's kinds"), std::string::npos)
      << err_.str();
}

TEST_F(CliTest, NamesThatAreNoUtf8AreRefusedByName) {
  EXPECT_EQ(Penstock({"validate", "caf\xe9.yaml"}), kUsage);
  EXPECT_EQ(err_.str(), "error: the argument 'caf?.yaml' is not UTF-8 text\n");
  CopyTestdata("two-steps.yaml");
  EXPECT_EQ(Penstock({"run", "two-steps.yaml", "-p", "greeting=caf\xe9"}), kUsage);
  EXPECT_EQ(err_.str(), "error: the argument 'greeting=caf?' is not UTF-8 text\n");
  Write("folder/caf\xe9.yaml", "a: 1\n");
  EXPECT_EQ(Penstock({"validate", "folder"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("folder/caf?.yaml: the file's name is not UTF-8"), std::string::npos)
      << err_.str();
  session_.env["PENSTOCK_HOME"] = "caf\xe9";
  EXPECT_EQ(Penstock({"run", "two-steps.yaml", "--isolation", "process"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("caf?: the path is not UTF-8 text; give another with --state"),
            std::string::npos)
      << err_.str();
}

TEST_F(CliTest, AConfigMapThatAStepUsesIsNotLeftOut) {
  Write("p.yaml", OnePipeline("  - {name: a, container: {image: i, command: [x], envFrom: "
                              "[{configMapRef: {name: used}}]}}\n") +
                      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: used}\n"
                      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: alone}\n"
                      "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n");
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kOk) << err_.str();
  EXPECT_EQ(err_.str(),
            "note: p.yaml:13: no step uses the Secret alone\n"
            "note: p.yaml:17: Service is none of Penstock's kinds: left out\n");
}

TEST_F(CliTest, ASizeOfALockThatIsNoneIsNamedWithItsLine) {
  Write("p.yaml", OnePipeline("  - {name: a, container: {image: i, command: [x]}, locks: [{name: "
                              "gpu}]}\n") +
                      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: penstock-locks}\n"
                      "data:\n  gpu: \"2\"\n  db: many\n  disk: 3\n");
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  EXPECT_NE(err_.str().find("data.db: the ConfigMap penstock-locks says 'many' for it"),
            std::string::npos)
      << err_.str();
  EXPECT_NE(err_.str().find("data.disk: must be a string; put it in quotes"), std::string::npos);
  EXPECT_EQ(err_.str().find("no step uses"), std::string::npos) << err_.str();
}

TEST_F(CliTest, PathsThatLeadOutOfAVolumeAreRefusedAsKubernetesDoes) {
  Write("p.yaml",
        OnePipeline("  - name: a\n    container: {image: i, command: [x], volumeMounts: "
                    "[{name: v, mountPath: /v, subPath: ../up}, {name: w, mountPath: /w, "
                    "subPath: /abs}]}\n    volumes:\n"
                    "    - {name: v, configMap: {name: c, items: [{key: k, path: ../../x}]}}\n"
                    "    - {name: w, projected: {sources: [{secret: {name: s, items: [{key: ../k, "
                    "path: /x}]}}]}}\n") +
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {../k: x}\n"
            "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {/k: x}\n");
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  for (const char* one :
       {"spec.steps[0].container.volumeMounts[0].subPath: '../up' leads out",
        "spec.steps[0].container.volumeMounts[1].subPath: '/abs' is absolute",
        "p.yaml:9: spec.steps[0].volumes[0].configMap.items[0].path: '../../x' leads out",
        "p.yaml:10: spec.steps[0].volumes[1].projected.sources[0].secret.items[0].path: '/x' is",
        "secret.items[0].key: '../k' is no key", "p.yaml:15: data: '../k' is no key",
        "p.yaml:20: stringData: '/k' is no key"}) {
    EXPECT_NE(err_.str().find(one), std::string::npos) << one << " is not in:\n" << err_.str();
  }
}

TEST_F(CliTest, AWholeNumberThatKubernetesWouldRoundIsRefusedAsOnTheCommandLine) {
  Write("p.yaml",
        OnePipeline("  - {name: a, container: {image: i, command: [x]}, parameters: {list: [1, "
                    "123456789012345678901]}}\n",
                    "  parameters:\n  - {name: a, type: integer, default: 12345678901234567890}\n"
                    "  - {name: b, type: number, default: 9007199254740993.0}\n"
                    "  - {name: c, type: number, default: 0xFFFFFFFFFFFFFFFF}\n"
                    "  - {name: d, type: integer, default: 9007199254740993}\n"
                    "  - {name: e, type: number, default: 1e30}\n"));
  EXPECT_EQ(Penstock({"validate", "p.yaml"}), kInvalidSpec);
  for (const char* one :
       {"p.yaml:6: spec.parameters[0].default: 12345678901234567890 is a whole number that would "
        "be rounded",
        "p.yaml:7: spec.parameters[1].default: 9007199254740993.0 is a whole",
        "p.yaml:8: spec.parameters[2].default: 0xFFFFFFFFFFFFFFFF is a whole",
        "p.yaml:12: spec.steps[0].parameters.list[1]: 123456789012345678901 is a whole"}) {
    EXPECT_NE(err_.str().find(one), std::string::npos) << one << " is not in:\n" << err_.str();
  }
  EXPECT_NE(err_.str().find("error: 4 problems"), std::string::npos) << err_.str();
}

TEST_F(CliTest, WrongUsageIsCodeTwo) {
  EXPECT_EQ(Penstock({}), kUsage);
  EXPECT_EQ(Penstock({"fly"}), kUsage);
  EXPECT_EQ(Penstock({"validate"}), kUsage);
  EXPECT_EQ(Penstock({"get", "pods"}), kUsage);
  EXPECT_EQ(Penstock({"completion", "csh"}), kUsage);
  EXPECT_EQ(Penstock({"--help"}), kOk);
}

TEST_F(CliTest, WithoutStateAndClusterItSaysThatThereIsNone) {
  EXPECT_EQ(Penstock({"get", "runs"}), kFailed);
  EXPECT_NE(err_.str().find("no cluster"), std::string::npos);
}

TEST_F(CliTest, PrintsVersionAndCompletion) {
  EXPECT_EQ(Penstock({"version"}), kOk);
  EXPECT_EQ(out_.str(), std::string("client ") + PenstockVersion() + "\n");
  EXPECT_EQ(Penstock({"completion", "bash"}), kOk);
  EXPECT_NE(out_.str().find("complete -o filenames -F _penstock penstock"), std::string::npos);
}

}  // namespace
}  // namespace penstock::cli
