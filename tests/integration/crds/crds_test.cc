// The CRDs on a real API server: what it refuses and with which words, what it stores, what it
// shows. Needs KUBECONFIG (and KUBECTL where kubectl is not in the PATH); applies crds/ and works
// in namespaces of its own.
//
// testdata/<case>.yaml: all documents but the last are accepted; the last is refused at `# path:`
// with
// `# message:`, or accepted where the file begins with `# accepted`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <tuple>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "tests/integration/crds/kubectl.h"

namespace penstock::tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const char* const kSkip = "KUBECONFIG is not set: the CRDs are not tried on an API server";

bool HasCluster() { return std::getenv("KUBECONFIG") != nullptr; }

// Applies the CRDs once a program and makes a namespace that goes with it.
class Cluster : public testing::Environment {
 public:
  void SetUp() override {
    if (!HasCluster()) return;
    const Outcome installed = InstallCrds(std::string(PENSTOCK_SOURCE_DIR) + "/crds");
    ASSERT_EQ(installed.exit_code, 0) << installed.out;
    const Outcome made = Kubectl({"create", "namespace", Namespace()});
    ASSERT_EQ(made.exit_code, 0) << made.out;
  }
  void TearDown() override {
    if (HasCluster()) (void)Kubectl({"delete", "namespace", Namespace(), "--wait=false"});
  }
  static std::string Namespace() { return "penstock-crds-" + std::to_string(getpid()); }
};

const auto* const kCluster = testing::AddGlobalTestEnvironment(new Cluster);

Outcome Apply(const std::string& text) {
  return Kubectl({"apply", "-n", Cluster::Namespace(), "-f", "-"}, text);
}

// The text with who calls in the place of each "@caller": where the chart's policy stands, nobody
// makes an Approval in the name of another.
std::string WithCaller(std::string text) {
  static const std::string caller =
      Kubectl({"auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"}).out;
  const std::string mark = "@caller";
  for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
    text.replace(at, mark.size(), caller);
  return text;
}

std::string HeaderOf(const std::string& text, const std::string& name) {
  const std::string mark = "# " + name + ": ";
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return "";
  return text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
}

std::vector<std::string> DocumentsOf(const std::string& text) {
  std::vector<std::string> out(1);
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line == "---")
      out.emplace_back();
    else
      out.back() += line + "\n";
  }
  return out;
}

// "<path>: <kind of error>: <value>: <message>", the message whole and at the end of its error.
bool Says(const std::string& out, const std::string& path, const std::string& message) {
  const std::size_t at = out.find(path + ": ");
  if (at == std::string::npos) return false;
  const std::size_t found = out.find(": " + message, at);
  if (found == std::string::npos) return false;
  const std::size_t end = found + 2 + message.size();
  return end == out.size() || std::string("\n,]").find(out[end]) != std::string::npos;
}

class Case : public testing::TestWithParam<std::string> {};

TEST_P(Case, IsTakenOrRefusedAsItSays) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  const std::string text = WithCaller(
      ReadFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/" + GetParam()).value());
  const std::vector<std::string> documents = DocumentsOf(text);
  const bool accepted = text.rfind("# accepted\n", 0) == 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Outcome o = Apply(documents[i]);
    if (accepted || i + 1 < documents.size()) {
      EXPECT_EQ(o.exit_code, 0) << "document " << i << ": " << o.out;
      continue;
    }
    EXPECT_NE(o.exit_code, 0) << "taken: " << o.out;
    const std::string message = HeaderOf(text, "message");
    ASSERT_NE(message, "") << "the case has no message";
    const std::string path = HeaderOf(text, "path");
    EXPECT_TRUE(Says(o.out, path, message))
        << "wanted " << path << ": " << message << "\ngot " << o.out;
  }
  (void)Kubectl({"delete", "--ignore-not-found", "-n", Cluster::Namespace(), "-f", "-"},
                documents[0]);
}

std::vector<std::string> CaseFiles() {
  std::vector<std::string> out;
  for (const auto& f : fs::directory_iterator(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata"))
    if (f.path().extension() == ".yaml") out.push_back(f.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string NameOfCase(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, Case, testing::ValuesIn(CaseFiles()), NameOfCase);

// Every value of `part` stands in `whole` too, which may have more (defaults).
void ExpectContains(const Json& whole, const Json& part, const std::string& path) {
  if (part.is_object()) {
    for (const auto& [key, value] : part.items()) {
      if (!whole.is_object() || !whole.contains(key))
        ADD_FAILURE() << path << "." << key << " was pruned";
      else
        ExpectContains(whole[key], value, path + "." + key);
    }
  } else if (part.is_array() && whole.is_array() && whole.size() == part.size()) {
    for (std::size_t i = 0; i < part.size(); ++i)
      ExpectContains(whole[i], part[i], path + "[" + std::to_string(i) + "]");
  } else {
    EXPECT_EQ(whole, part) << path;
  }
}

template <typename Decode>
void ExpectStoredWhole(const std::string& file, const std::string& resource, Decode decode) {
  const std::string path = std::string(PENSTOCK_SOURCE_DIR) + "/operator/api/testdata/" + file;
  Json sent = api::ParseManifests(ReadFile(path).value(), path).value().front().object;
  sent["metadata"].erase("namespace");
  sent["metadata"].erase("finalizers");       // nobody here would take it away
  sent["metadata"].erase("ownerReferences");  // of an owner that is not there
  const std::string name = sent["metadata"]["name"];
  // Not apply: kubectl leaves nulls out there.
  // What the API server answers to the write: an operator on the cluster may write after it.
  Outcome got =
      Kubectl({"create", "-n", Cluster::Namespace(), "-f", "-", "-o", "json"}, sent.dump());
  ASSERT_EQ(got.exit_code, 0) << got.out;
  if (sent.contains("status")) {
    got = Kubectl({"patch", resource, name, "-n", Cluster::Namespace(), "--subresource=status",
                   "--type=merge", "-o", "json", "-p", Json{{"status", sent["status"]}}.dump()});
    ASSERT_EQ(got.exit_code, 0) << got.out;
  }
  (void)Kubectl({"delete", resource, name, "-n", Cluster::Namespace()});
  const Json stored = Json::parse(got.out);
  ExpectContains(stored["spec"], sent["spec"], "spec");
  if (sent.contains("status")) ExpectContains(stored["status"], sent["status"], "status");

  const auto decoded = decode(stored);
  EXPECT_EQ(api::Describe(decoded.errors), "");
  const Json ours = api::Encode(decoded.value);
  EXPECT_EQ(ours["spec"], sent["spec"]);
  EXPECT_EQ(ours.value("status", Json()), sent.value("status", Json()));
}

TEST(StoredObject, IsWhatWasSentFieldByField) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  ExpectStoredWhole("full-pipeline.yaml", "ppl", api::DecodePipeline);
  ExpectStoredWhole("full-run.yaml", "pplr", api::DecodePipelineRun);
  ExpectStoredWhole("full-component.yaml", "pcmp", api::DecodeComponent);
  ExpectStoredWhole("full-model.yaml", "pmd", api::DecodeModelDeployment);
  ExpectStoredWhole("full-model-server.yaml", "pmd", api::DecodeModelDeployment);
}

TEST(PrinterColumns, FitIntoEightyCharacters) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  const std::string ns = Cluster::Namespace();
  const auto make = [](const std::string& text) {
    const Outcome o = Apply(text);
    ASSERT_EQ(o.exit_code, 0) << o.out;
  };
  const std::string head = "apiVersion: penstock.dev/v1alpha1\nkind: ";
  make(head +
       "Pipeline\nmetadata: {name: flights}\nspec: {steps: [{name: a, container: {image: x}}]}");
  make(head +
       "PipelineRun\nmetadata: {name: flights-4be1c0a2d7-12}\nspec: {pipelineRef: {name: p}}");
  make(head +
       "Component\nmetadata: {name: statistics-12.10.3}\nspec: {name: statistics, version: "
       "12.10.3, container: {image: x}}");
  make(head +
       "ModelDeployment\nmetadata: {name: flights}\nspec: {model: $(pipelines.p.outputs.o)}");
  const std::string condition =
      R"("reason":"StepFailedTooOften","message":"","lastTransitionTime":"2026-11-21T03:40:00Z")";
  const auto status = [&](const std::string& resource, const std::string& name,
                          const std::string& text) {
    const Outcome o = Kubectl({"patch", resource, name, "-n", ns, "--subresource=status",
                               "--type=merge", "-p", "{\"status\":" + text + "}"});
    ASSERT_EQ(o.exit_code, 0) << o.out;
  };
  status(
      "ppl", "flights",
      R"({"activeRuns":12,"lastRun":{"name":"flights-4be1c0a2d7-12","outcome":"Succeeded"},"conditions":[{"type":"Ready","status":"Unknown",)" +
          condition + "}]}");
  status(
      "pplr", "flights-4be1c0a2d7-12",
      R"({"summary":{"total":5000,"succeeded":4999},"conditions":[{"type":"Succeeded","status":"Unknown",)" +
          condition + "}]}");
  status(
      "pmd", "flights",
      R"({"replicas":100,"stable":{"version":1000},"conditions":[{"type":"Ready","status":"Unknown",)" +
          condition + R"(},{"type":"Available","status":"Unknown",)" + condition + "}]}");
  for (const char* resource : {"ppl", "pplr", "pcmp", "pmd"}) {
    const Outcome o = Kubectl({"get", resource, "-n", ns});
    ASSERT_EQ(o.exit_code, 0) << o.out;
    std::istringstream lines(o.out);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 80u) << line;
    EXPECT_GE(count, 2) << o.out;
  }
}

TEST(ModelDeployment, ScalesAsADeploymentDoes) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  const Outcome made = Apply(
      "apiVersion: penstock.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: scaled}\nspec: "
      "{model: $(pipelines.p.outputs.o)}");
  ASSERT_EQ(made.exit_code, 0) << made.out;
  const Outcome scaled =
      Kubectl({"scale", "pmd/scaled", "--replicas=3", "-n", Cluster::Namespace()});
  EXPECT_EQ(scaled.exit_code, 0) << scaled.out;
  const Outcome got = Kubectl(
      {"get", "pmd", "scaled", "-n", Cluster::Namespace(), "-o", "jsonpath={.spec.replicas}"});
  EXPECT_EQ(got.out, "3");
}

TEST(StatusSubresource, IsUntouchedByAWriteOfTheObject) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  const std::string ns = Cluster::Namespace();
  const Json step{{"name", "a"}, {"container", {{"image", "x"}}}};
  const std::tuple<const char*, const char*, Json> kinds[] = {
      {"ppl", "Pipeline", {{"steps", Json::array({step})}}},
      {"pplr", "PipelineRun", {{"pipelineRef", {{"name", "nosuch"}}}}},
      {"pmd", "ModelDeployment", {{"model", "$(pipelines.p.outputs.o)"}}}};
  for (const auto& [resource, kind, spec] : kinds) {
    Json object{{"apiVersion", "penstock.dev/v1alpha1"},
                {"kind", kind},
                {"metadata", {{"name", "kept"}}},
                {"spec", spec}};
    ASSERT_EQ(Kubectl({"create", "-n", ns, "-f", "-"}, object.dump()).exit_code, 0);
    object["status"]["observedGeneration"] = 71;  // which no operator on the cluster would write
    const Outcome put = Kubectl({"replace", "-n", ns, "-f", "-", "-o", "json"}, object.dump());
    ASSERT_EQ(put.exit_code, 0) << put.out;
    EXPECT_NE(Json::parse(put.out)["status"]["observedGeneration"], 71) << resource;
    (void)Kubectl({"delete", resource, "kept", "-n", ns});
  }
}

TEST(ShortNames, AreTakenByNobodyElseOnTheCluster) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  // NAME SHORTNAMES APIVERSION NAMESPACED KIND; a kind without short names has a column less.
  std::istringstream lines(Kubectl({"api-resources", "--no-headers"}).out);
  std::map<std::string, int> taken;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    std::string plural, second;
    columns >> plural >> second;
    if (second.find('/') != std::string::npos || second == "v1") second.clear();
    std::istringstream names(plural + "," + second);
    for (std::string name; std::getline(names, name, ',');) ++taken[name];
  }
  for (const char* name : {"ppl", "pplr", "pcmp", "pmd", "pappr", "pmodel", "pmodelv"})
    EXPECT_EQ(taken[name], 1) << name;
}

TEST(Category, ListsEveryKind) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  const Outcome o = Kubectl({"api-resources", "--categories=penstock", "-o", "name"});
  for (const char* plural : {"pipelines", "pipelineruns", "components", "modeldeployments",
                             "approvals", "models", "modelversions"})
    EXPECT_THAT(o.out, HasSubstr(std::string(plural) + ".penstock.dev"));
}

TEST(KubectlExplain, SaysWhatAFieldIs) {
  if (!HasCluster()) GTEST_SKIP() << kSkip;
  EXPECT_THAT(Kubectl({"explain", "ppl.spec.steps.retry"}).out, HasSubstr("budget of its own"));
  EXPECT_THAT(Kubectl({"explain", "pplr.spec.cancel"}).out, HasSubstr("no way back"));
}

}  // namespace
}  // namespace penstock::tests
