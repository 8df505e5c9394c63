#include "operator/local/pod_launch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/pod_environment.h"
#include "operator/local/pod_volumes.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;

class PodLaunchTest : public testing::Test {
 protected:
  ~PodLaunchTest() override { RemoveFolder(state_); }

  Json Pod() const {
    return Json::parse(R"({
      "metadata":{"name":"p","namespace":"default","uid":"u",
                  "annotations":{"penstock.dev/task":"{\"protocol\":1}"}},
      "spec":{
        "containers":[{"name":"step","image":"python:3.12","command":
          ["/penstock/bin/penstock-launcher","run","--task","/penstock/task/task.json",
           "--dir=/penstock/work","--keep","/penstock/taskless"],
          "volumeMounts":[{"name":"task","mountPath":"/penstock/task"},
                          {"name":"work","mountPath":"/penstock/work"}]}],
        "volumes":[{"name":"work","emptyDir":{}},
          {"name":"task","downwardAPI":{"items":[{"path":"task.json",
             "fieldRef":{"fieldPath":"metadata.annotations['penstock.dev/task']"}}]}}]}})");
  }
  Result<PodLaunch> Prepare(const Json& pod) {
    auto launches = PrepareLaunches(pod, options_, cluster_);
    if (!launches) return launches.error();
    return launches->front();
  }
  bool Has(const std::vector<std::string>& list, const std::string& line) const {
    return std::find(list.begin(), list.end(), line) != list.end();
  }

  const fs::path state_ = fs::path(testing::TempDir()) / ("launch-" + std::to_string(getpid()));
  LaunchOptions options_{state_,
                         "/opt/bin/penstock-launcher",
                         {"/opt/bin"},
                         {{"PATH", "/usr/bin"},
                          {"PENSTOCK_DUCKDB", "/opt/duckdb"},
                          {"PENSTOCK_SECRET_DB_LOGIN_KEY", "s3cret"}}};
  SystemClock clock_;
  MemoryCluster cluster_{clock_};
};

TEST_F(PodLaunchTest, PutsTheTaskIntoAFileAndPointsTheLauncherAtIt) {
  const Result<PodLaunch> launch = Prepare(Pod());
  ASSERT_TRUE(launch) << launch.error().message;
  const fs::path volumes = state_ / "pods/default/p/volumes";
  EXPECT_EQ(launch->argv, (std::vector<std::string>{"/opt/bin/penstock-launcher", "run", "--task",
                                                    (volumes / "task/task.json").string(),
                                                    "--dir=" + (volumes / "work").string(),
                                                    "--keep", "/penstock/taskless"}));
  EXPECT_EQ(*ReadFile(volumes / "task/task.json"), R"({"protocol":1})");
  EXPECT_TRUE(fs::is_directory(volumes / "work"));
  EXPECT_TRUE(Has(launch->environment, "PATH=/opt/bin:/usr/bin"));
  EXPECT_TRUE(Has(launch->environment, "PENSTOCK_DUCKDB=/opt/duckdb"));
}

TEST_F(PodLaunchTest, ShowsAStepTheFolderOfAWindowOfFilesAndTheFileOfAFile) {
  Json pod = Pod();
  TaskDocument task;
  task.namespace_ = "default";
  task.run = "r";
  task.run_uid = "u";
  task.step = "s";
  task.pod = "p";
  task.command = {"true"};
  task.store.folder = "/store";
  for (const char* uri :
       {"file:///data/o/{YYYY}/{MM}/{DD}/?window=2d&to=2026-01-08", "file:///data/what?.csv"}) {
    TaskInput input;
    input.name = "i" + std::to_string(task.inputs.size());
    input.uri = uri;
    task.inputs.push_back(input);
  }
  const Result<TaskDocument> read = ParseTask(Json(task).dump());
  ASSERT_TRUE(read) << read.error().message;
  pod["metadata"]["annotations"]["penstock.dev/task"] = Json(task).dump();
  const auto launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  EXPECT_EQ(launch->data, (std::vector<fs::path>{"/data/o/", "/data/what?.csv"}));
}

TEST_F(PodLaunchTest, TakesASecretFromTheEnvironmentAndGivesItToTheStepThatAskedOnly) {
  Json pod = Pod();
  EXPECT_FALSE(Has(Prepare(pod)->environment, "PENSTOCK_SECRET_DB_LOGIN_KEY=s3cret"));
  pod["spec"]["containers"][0]["env"] = Json::parse(
      R"json([{"name":"PW","valueFrom":{"secretKeyRef":{"name":"db-login","key":"key"}}},
          {"name":"URL","value":"db:$(PW)@$(OTHER)"},
          {"name":"NONE","valueFrom":{"secretKeyRef":{"name":"x","key":"y","optional":true}}}])json");
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  EXPECT_TRUE(Has(launch->environment, "PW=s3cret"));
  EXPECT_TRUE(Has(launch->environment, "URL=db:s3cret@$(OTHER)"));
}

TEST_F(PodLaunchTest, AMissingSecretIsAnErrorThatSaysWhichVariableToSet) {
  Json pod = Pod();
  pod["spec"]["containers"][0]["env"] = Json::parse(
      R"([{"name":"PW","valueFrom":{"secretKeyRef":{"name":"api.key","key":"token"}}}])");
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_FALSE(launch);
  EXPECT_EQ(launch.error().message,
            "container step: env PW: Secret api.key with key token is not in the files that were "
            "given; add its manifest, or give the key as the environment variable "
            "PENSTOCK_SECRET_API_KEY_TOKEN");
}

TEST_F(PodLaunchTest, ReadsConfigMapsOfTheCluster) {
  const Json map = Json::parse(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a.txt":"A","B":"b"}})");
  ASSERT_TRUE(cluster_.Create(kube::kConfigMaps, "default", map));
  Json pod = Pod();
  pod["spec"]["containers"][0]["envFrom"] =
      Json::parse(R"([{"prefix":"X_","configMapRef":{"name":"c"}}])");
  pod["spec"]["volumes"].push_back(Json::parse(
      R"({"name":"cfg","configMap":{"name":"c","items":[{"key":"a.txt","path":"dir/b.txt"}]}})"));
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  EXPECT_TRUE(Has(launch->environment, "X_B=b"));
  EXPECT_EQ(*ReadFile(state_ / "pods/default/p/volumes/cfg/dir/b.txt"), "A");

  pod["spec"]["volumes"].back()["configMap"]["name"] = "other";
  EXPECT_NE(Prepare(pod).error().message.find("volume cfg: ConfigMap other"), std::string::npos);
}

TEST_F(PodLaunchTest, TakesASecretFromTheFilesAndKeepsItsVolumeForTheUserAndTheRunAlone) {
  const Json secret = Json::parse(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"pw":"aGVsbG8="}})");
  ASSERT_TRUE(cluster_.Create(kube::kSecrets, "default", secret));
  Json pod = Pod();
  Json& container = pod["spec"]["containers"][0];
  container["env"] =
      Json::parse(R"([{"name":"PW","valueFrom":{"secretKeyRef":{"name":"db","key":"pw"}}}])");
  container["volumeMounts"].push_back(Json::parse(R"({"name":"s","mountPath":"/secrets/db"})"));
  pod["spec"]["volumes"].push_back(Json::parse(R"({"name":"s","secret":{"secretName":"db"}})"));
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  EXPECT_TRUE(Has(launch->environment, "PW=hello"));
  const fs::path folder = state_ / "pods/default/p/volumes/s";
  EXPECT_EQ(*ReadFile(folder / "pw"), "hello");
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
  EXPECT_TRUE(std::find(launch->scratch.begin(), launch->scratch.end(), folder) !=
              launch->scratch.end());
}

TEST_F(PodLaunchTest, AVolumeOfTheRunIsAFolderThatItsPodsShare) {
  ASSERT_TRUE(cluster_.Create(kube::kPersistentVolumeClaims, "default",
                              Json::parse(R"({"metadata":{"name":"run-scratch"}})")));
  Json pod = Pod();
  pod["spec"]["volumes"].push_back(
      Json::parse(R"({"name":"scratch","persistentVolumeClaim":{"claimName":"run-scratch"}})"));
  pod["spec"]["containers"][0]["volumeMounts"].push_back(
      Json::parse(R"({"name":"scratch","mountPath":"/scratch"})"));
  const auto launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  const fs::path folder = state_ / "claims/default/run-scratch";
  ASSERT_EQ(launch->mounts.size(), 1U);
  EXPECT_EQ(launch->mounts[0].source, folder.string());
  EXPECT_FALSE(launch->mounts[0].read_only);
  EXPECT_TRUE(fs::is_directory(folder));
  EXPECT_FALSE(Has({launch->scratch.begin(), launch->scratch.end()}, folder.string()))
      << "it outlives the pod";
  RemoveLeftovers(state_);
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(PodLaunchTest, AClaimOfTheClustersIsRefused) {
  Json pod = Pod();
  pod["spec"]["volumes"].push_back(
      Json::parse(R"({"name":"data","persistentVolumeClaim":{"claimName":"data"}})"));
  const auto launch = Prepare(pod);
  ASSERT_FALSE(launch);
  EXPECT_NE(launch.error().message.find("those that are made for a run"), std::string::npos)
      << launch.error().message;
}

TEST_F(PodLaunchTest, SecretsThatAKilledRunLeftAreRemovedAndNothingElse) {
  const Json secret = Json::parse(R"({"metadata":{"name":"db"},"data":{"pw":"aGVsbG8="}})");
  ASSERT_TRUE(cluster_.Create(kube::kSecrets, "default", secret));
  ASSERT_TRUE(cluster_.Create(kube::kConfigMaps, "default",
                              Json::parse(R"({"metadata":{"name":"c"},"data":{"a":"A"}})")));
  Json pod = Pod();
  for (const char* volume : {R"({"name":"s","secret":{"secretName":"db"}})",
                             R"({"name":"p","projected":{"sources":[{"secret":{"name":"db"}}]}})",
                             R"({"name":"c","configMap":{"name":"c"}})"})
    pod["spec"]["volumes"].push_back(Json::parse(volume));
  ASSERT_TRUE(Prepare(pod));
  const fs::path volumes = state_ / "pods/default/p/volumes";
  ASSERT_TRUE(fs::exists(volumes / "s/pw") && fs::exists(volumes / "p/pw"));
  RemoveLeftovers(state_);
  EXPECT_FALSE(fs::exists(volumes / "s") || fs::exists(volumes / "p"));
  EXPECT_FALSE(fs::exists(volumes / "work")) << "an emptyDir";
  EXPECT_EQ(*ReadFile(volumes / "c/a"), "A") << "`penstock debug` reads it";

  for (const char* text : {"{", "[]", "7", "{}", R"({"spec":[]})", R"({"spec":{"volumes":7}})",
                           R"({"spec":{"volumes":["a"]}})"}) {
    ASSERT_TRUE(Prepare(pod));
    ASSERT_TRUE(WriteFileAtomically(state_ / "pods/default/p/pod.json", text));
    RemoveLeftovers(state_);
    EXPECT_FALSE(fs::exists(volumes)) << "what it held is not known: " << text;
  }
}

TEST_F(PodLaunchTest, TheStepsOwnVolumesAreMountedAndNotGuessedInItsWords) {
  Json pod = Pod();
  Json& container = pod["spec"]["containers"][0];
  container["command"].push_back("/data/in");
  container["volumeMounts"].push_back(
      Json::parse(R"({"name":"d","mountPath":"/data","subPath":"a","readOnly":true})"));
  pod["spec"]["volumes"].push_back(Json::parse(R"({"name":"d","emptyDir":{}})"));
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_TRUE(launch) << launch.error().message;
  EXPECT_EQ(launch->argv.back(), "/data/in");
  ASSERT_EQ(launch->mounts.size(), 1U);
  EXPECT_EQ(launch->mounts[0].source, (state_ / "pods/default/p/volumes/d/a").string());
  EXPECT_EQ(launch->mounts[0].target, "/data");
  EXPECT_TRUE(launch->mounts[0].read_only);
}

TEST_F(PodLaunchTest, NothingOfAVolumeIsWrittenOutsideOfIt) {
  const auto refused = [&](const std::string& volume, const std::string& sub_path) {
    Json pod = Pod();
    Json mount = Json::parse(R"({"name":"v","mountPath":"/data"})");
    if (!sub_path.empty()) mount["subPath"] = sub_path;
    pod["spec"]["containers"][0]["volumeMounts"].push_back(mount);
    pod["spec"]["volumes"].push_back(Json::parse(volume));
    const Result<PodLaunch> launch = Prepare(pod);
    EXPECT_FALSE(launch) << volume << " " << sub_path;
    return launch ? "" : launch.error().message;
  };
  ASSERT_TRUE(cluster_.Create(kube::kConfigMaps, "default",
                              Json::parse(R"({"metadata":{"name":"c"},"data":{"a":"A"}})")));
  ASSERT_TRUE(
      cluster_.Create(kube::kSecrets, "default",
                      Json::parse(R"({"metadata":{"name":"s"},"data":{"../../../out":"QQ=="}})")));
  const std::string items = R"("items":[{"key":"a","path":"../../../out"}])";
  EXPECT_NE(refused(R"({"name":"v","configMap":{"name":"c",)" + items + "}}", "")
                .find("leads out of the volume"),
            std::string::npos);
  refused(R"({"name":"v","projected":{"sources":[{"configMap":{"name":"c",)" + items + "}}]}}", "");
  refused(R"({"name":"v","secret":{"secretName":"s"}})", "");
  refused(R"({"name":"v","downwardAPI":{"items":[{"path":"../out","fieldRef":)"
          R"({"fieldPath":"metadata.name"}}]}})",
          "");
  EXPECT_NE(refused(R"({"name":"v","emptyDir":{}})", "../../../../out").find("mount at /data"),
            std::string::npos);
  refused(R"({"name":"v","emptyDir":{}})", (state_ / "out").string());
  for (const auto& entry : fs::recursive_directory_iterator(state_))
    EXPECT_NE(entry.path().filename(), "out") << entry.path();
}

TEST_F(PodLaunchTest, RefusesAVolumeThatOnlyAClusterHas) {
  Json pod = Pod();
  pod["spec"]["volumes"].push_back(
      Json::parse(R"({"name":"pvc","persistentVolumeClaim":{"claimName":"x"}})"));
  const Result<PodLaunch> launch = Prepare(pod);
  ASSERT_FALSE(launch);
  EXPECT_NE(launch.error().message.find("volume pvc"), std::string::npos);
}

TEST(LibraryImage, IsKnownByItsNameWhateverRegistryTagAndDigest) {
  EXPECT_TRUE(IsLibraryImage("penstock/components"));
  EXPECT_TRUE(IsLibraryImage("registry.example.com/penstock/git:1.0"));
  EXPECT_TRUE(IsLibraryImage("registry.example.com:5000/penstock/components:1.0@sha256:abc"));
  EXPECT_FALSE(IsLibraryImage("registry.example.com:5000/other/components:1.0"));
  EXPECT_FALSE(IsLibraryImage("evilpenstock/components"));
}

}  // namespace
}  // namespace penstock::local
