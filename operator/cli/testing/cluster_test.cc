// Commands on a cluster.
#include "operator/base/file.h"
#include "operator/cli/testing/cluster_fixture.h"
#include "operator/gateway/testing/gateway_fixture.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

class OnACluster : public ClusterTest {
 protected:
  OnACluster() { CreateWords(); }
};

TEST_F(OnACluster, RunStartsAPipelineAndFollowsItToItsEnd) {
  EXPECT_EQ(Penstock({"run", "words", "--cluster", "-p", "greeting=good morning"}), kOk)
      << err_.str();
  EXPECT_NE(out_.str().find("count   words    3"), std::string::npos) << out_.str();
  EXPECT_EQ(Penstock({"run", "words", "--cluster", "-p", "fail=true"}), kFailed);
  EXPECT_NE(err_.str().find("error: step count failed"), std::string::npos) << err_.str();
  EXPECT_EQ(Penstock({"run", "words", "--cluster", "-p", "greting=x"}), kUsage);
  EXPECT_EQ(Penstock({"run", "nothing", "--cluster"}), kFailed);
  EXPECT_EQ(Penstock({"run", "words", "--cluster", "--no-cache"}), kUsage);
  EXPECT_EQ(RunNames().size(), 2U);
}

TEST_F(OnACluster, RunIfChangedStartsNothingUntilSomethingIsAnother) {
  ASSERT_EQ(Penstock({"run", "words", "-n", "default", "--if-changed"}), kOk) << err_.str();
  EXPECT_NE(err_.str().find("no run of it has succeeded yet"), std::string::npos) << err_.str();
  const auto first = RunNames();
  ASSERT_EQ(first.size(), 1U);

  ASSERT_EQ(Penstock({"run", "words", "-n", "default", "--if-changed"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "unchanged since run " + first[0] + ": nothing is started\n");
  EXPECT_EQ(RunNames(), first);
  ASSERT_EQ(Penstock({"run", "words", "-n", "default", "--if-changed", "-o", "json"}), kOk);
  EXPECT_EQ(Json::parse(out_.str()), Json({{"started", false}, {"since", first[0]}}));

  ASSERT_EQ(Penstock({"run", "words", "-n", "default", "--if-changed", "-p", "greeting=bye"}), kOk);
  EXPECT_NE(err_.str().find("parameters.greeting was hello, is bye"), std::string::npos)
      << err_.str();
  EXPECT_EQ(RunNames().size(), 2U);
}

TEST_F(OnACluster, DescribeAndDiffReadWhatRunsWereMadeOf) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"run", "words", "--cluster", "-p", "greeting=good morning"}), kOk);
  const auto names = RunNames();
  ASSERT_EQ(names.size(), 2U);
  ASSERT_EQ(Penstock({"diff", names[0], names[1], "--cluster"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("parameters.greeting"), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"describe", names[0], "--cluster", "-o", "json"}), kOk) << err_.str();
  EXPECT_EQ(Json::parse(out_.str())["steps"].size(), 2U);
}

TEST_F(OnACluster, LogsOfACachedStepAreThoseOfTheRunThatMadeIt) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  const std::string first = RunNames().at(0);
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  auto names = RunNames();
  std::erase(names, first);
  ASSERT_EQ(Penstock({"logs", names.at(0), "write", "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "wrote\n");
  EXPECT_EQ(err_.str(),
            "note: step write came from the cache; this is its log in run " + first + "\n");
}

TEST_F(OnACluster, LogsOfAPodThatIsGoneAreWhatTheGatewayKeeps) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  const std::string run = RunNames().at(0);
  gateway::TestGateway gateway(folder_);
  std::vector<std::string> asked;
  gateway.router.Add(
      "GET", "/api/v1/namespaces/default/runs/{run}/steps/{step}/log",
      [&](gateway::Exchange& x, const auto&) {
        asked.push_back(x.Header("Authorization") + " " + x.path() + "?" + x.query());
        x.Respond(200, "text/plain", "first\nkept\n");
      });
  gateway.Start();
  Write("token", "good\n");
  Write("ca.pem", gateway.certificates->CaPem());
  const auto logs = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"logs", run, "--cluster", "--gateway", gateway.Url(),
                                 "--token-file", "token", "--ca-file", "ca.pem"});
    return Penstock(words);
  };
  ASSERT_EQ(logs({}), kOk) << err_.str();
  EXPECT_TRUE(asked.empty()) << "both pods are there";
  const auto pods = cluster_->client().List(kube::kPods, kLocalNamespace, {});
  ASSERT_TRUE(pods);
  for (const Json& pod : pods->items)
    if (pod["metadata"]["labels"].value("penstock.dev/step", "") == "write") {
      ASSERT_TRUE(cluster_->client().Delete(kube::kPods, kLocalNamespace,
                                            pod["metadata"].value("name", ""), {}));
    }
  ASSERT_EQ(logs({"write", "--tail", "1"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "kept\n");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_TRUE(asked[0].starts_with("Bearer good /api/v1/namespaces/default/runs/" + run +
                                   "/steps/write/log?tail="))
      << asked[0];
  ASSERT_EQ(logs({}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("write: kept\n"), std::string::npos) << out_.str();
  gateway.server->Stop();
  EXPECT_EQ(logs({"write"}), kFailed);
  EXPECT_NE(err_.str().find(
                "is gone, and the gateway, which keeps logs, could not be asked: gateway https"),
            std::string::npos)
      << err_.str();
}

TEST_F(OnACluster, BackfillMakesARunForEachTimeAndNoneTwice) {
  const std::vector<std::string> three_days = {"backfill",   "words",      "--cluster",
                                               "--from",     "2026-01-01", "--to",
                                               "2026-01-03", "--every",    "24h"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = three_days;
    all.insert(all.end(), more.begin(), more.end());
    return Penstock(all);
  };
  ASSERT_EQ(with({"--dry-run"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("2026-01-02T00:00:00Z  words-202601020000-"), std::string::npos)
      << out_.str();
  EXPECT_TRUE(RunNames().empty());
  ASSERT_EQ(with({"--max-active", "2", "-p", "greeting=on $(run.scheduledTime)"}), kOk)
      << err_.str();
  EXPECT_NE(out_.str().find("3 runs made, 3 succeeded, 0 times left out"), std::string::npos)
      << out_.str();
  const auto run = cluster_->client().Get(kube::kPipelineRuns, kLocalNamespace, RunNames().at(0));
  ASSERT_TRUE(run);
  EXPECT_EQ((*run)["spec"]["scheduledTime"], "2026-01-01T00:00:00Z");
  EXPECT_EQ((*run)["spec"]["parameters"]["greeting"], "on 2026-01-01T00:00:00Z");
  ASSERT_EQ(with({}), kOk);
  EXPECT_NE(out_.str().find("0 runs made, 0 succeeded, 3 times left out"), std::string::npos);
  ASSERT_EQ(with({"--reprocess", "completed", "--dry-run"}), kOk);
  EXPECT_NE(out_.str().find("-2\n"), std::string::npos) << out_.str();
  EXPECT_EQ(RunNames().size(), 3U);
  EXPECT_EQ(with({"--schedule", "daily"}), kUsage);
  EXPECT_EQ(
      Penstock({"backfill", "words", "--cluster", "--from", "2026-01-01", "--to", "2026-01-02"}),
      kUsage)
      << "it has no schedule";
}

TEST_F(OnACluster, GetComponentsShowsTheOperatorsLibraryToo) {
  ASSERT_EQ(Penstock({"get", "components", "--cluster"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("train-"), std::string::npos) << out_.str();
}

// --- artifacts, through a gateway

class FromAGateway : public ClusterTest {
 protected:
  FromAGateway() : gateway_(WithTheNodesStore()) {
    gateway_.authenticator.Know("good", {kLocalNamespace, "default", "", ""});
    gateway_.Start();
    Write("token", "good");
    Write("ca.pem", gateway_.certificates->CaPem());
  }
  int Artifact(std::vector<std::string> words) {
    words.insert(words.begin(), "artifact");
    return There(std::move(words));
  }
  int There(std::vector<std::string> words) {
    for (const std::string& word :
         {std::string("--cluster"), std::string("--gateway"), gateway_.Url(),
          std::string("--token-file"), std::string("token"), std::string("--ca-file"),
          std::string("ca.pem")}) {
      words.push_back(word);
    }
    return Penstock(words);
  }
  fs::path WithTheNodesStore() {
    fs::create_directories(nodes_.root() / "artifacts");
    fs::create_directory_symlink(nodes_.root() / "artifacts", folder_ / "gateway-store");
    return folder_;
  }
  gateway::TestGateway gateway_;
};

TEST_F(FromAGateway, AFolderThatWasPutComesBackAsAFolderByItsDigest) {
  Write("data/sub/a.txt", "one\n");
  ASSERT_EQ(Artifact({"put", "data"}), kOk) << err_.str();
  const std::string digest = out_.str().substr(0, 71);
  ASSERT_EQ(Artifact({"get", digest, "copy"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy/sub/a.txt"), "one\n");
  std::error_code error;
  fs::remove_all(folder_ / "copy", error);
  EXPECT_FALSE(error) << "who asked for the copy may not delete it: " << error.message();
}

TEST_F(FromAGateway, AFileThatLooksLikeAManifestIsAFile) {
  const std::string text = "{\"files\":[]}  \n";
  Write("odd.json", text);
  ASSERT_EQ(Artifact({"put", "odd.json"}), kOk) << err_.str();
  const std::string digest = out_.str().substr(0, 71);
  ASSERT_EQ(Artifact({"get", digest, "copy.json"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy.json"), text);
}

TEST_F(FromAGateway, ApplyUploadsTheCodeOfStepsAndOfFinallyAndKeepsWhatItSaysOfPackages) {
  Write("own.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: own}
spec:
  runPolicy: Manual
  steps:
  - name: work
    container: {image: "python:3", command: [python3, $(code.path)/a.py], code: {path: ./src, requirements: {file: r.lock}}}
  finally:
  - {name: tell, container: {image: "python:3", command: [python3, $(code.path)/a.py], code: {path: ./src}}}
)");
  Write("src/a.py", "1\n");
  Write("src/r.lock", "six==1.16.0\nnumpy\n");
  const auto apply = [this] {
    return Penstock({"apply", "own.yaml", "--cluster", "--gateway", gateway_.Url(), "--token-file",
                     "token", "--ca-file", "ca.pem"});
  };
  EXPECT_EQ(apply(), kInvalidSpec);
  EXPECT_NE(err_.str().find("r.lock: line 2: 'numpy' is not pinned; write numpy==VERSION"),
            std::string::npos)
      << err_.str();
  Write("src/r.lock", "six==1.16.0\n");
  ASSERT_EQ(apply(), kOk) << err_.str();
  const auto applied = cluster_->client().Get(kube::kPipelines, kLocalNamespace, "own");
  ASSERT_TRUE(applied) << applied.error().message;
  const Json& work = (*applied)["spec"]["steps"][0]["container"]["code"];
  const Json& tell = (*applied)["spec"]["finally"][0]["container"]["code"];
  EXPECT_EQ(work["requirements"]["file"], "r.lock");
  EXPECT_FALSE(work.contains("path"));
  EXPECT_EQ(work["artifact"], tell["artifact"]);
  EXPECT_EQ(tell["artifact"].get<std::string>().substr(0, 7), "sha256:");
}

TEST_F(FromAGateway, AnOutputIsFoundByItsRunsAndPipelinesNames) {
  CreateWords();
  ASSERT_EQ(Penstock({"run", "words", "--cluster", "-p", "greeting=bye"}), kOk) << err_.str();
  for (const std::string& name : {std::string("words/write/text"), RunNames().at(0) + "/text"}) {
    ASSERT_EQ(Artifact({"get", name, "copy.txt"}), kOk) << name << ": " << err_.str();
    EXPECT_EQ(*ReadFile(folder_ / "copy.txt"), "bye world\n");
    fs::remove(folder_ / "copy.txt");
  }
  EXPECT_EQ(Artifact({"get", "words/write/nothing", "copy.txt"}), kFailed);
  EXPECT_NE(err_.str().find("it has text"), std::string::npos) << err_.str();
}

TEST_F(FromAGateway, ARunsArtifactsAreExportedAndImportedElsewhereAndBackAgain) {
  CreateWords();
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  Write("data/sub/a.txt", "one\n");
  ASSERT_EQ(Artifact({"put", "data"}), kOk) << err_.str();
  const std::string folder = out_.str().substr(0, 71), run = RunNames().at(0);
  ASSERT_EQ(There({"store", "export", run, folder, "-o", "x.tar", "--json"}), kOk) << err_.str();
  const Json told = Json::parse(out_.str());
  EXPECT_EQ(told["artifacts"][0]["name"], run + "/write/text");
  EXPECT_EQ(told["artifacts"][1]["folder"], true);
  ASSERT_EQ(Penstock({"store", "import", "x.tar", "--state", "here"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"artifact", "get", folder, "copy", "--state", "here"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy/sub/a.txt"), "one\n");
  const std::string text = told["artifacts"][0]["digest"];
  fs::remove(nodes_.store().BlobPath(kLocalNamespace, text).value());
  ASSERT_EQ(There({"store", "import", "x.tar"}), kOk) << err_.str();
  EXPECT_TRUE(nodes_.store().BlobSize(kLocalNamespace, text).has_value());
}

}  // namespace
}  // namespace penstock::cli
