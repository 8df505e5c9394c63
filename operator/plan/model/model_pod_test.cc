// The pods that come of what users write: of every file of examples/serving, and of corners.
#include "operator/plan/model/model_pod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/model/model_containers.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

namespace fs = std::filesystem;

const std::string kDigest = "sha256:" + std::string(64, 'a');

api::ModelDeployment Decode(Json object, const std::string& what) {
  object["metadata"]["uid"] = "u";
  object["metadata"]["namespace"] = "team";
  auto decoded = api::DecodeModelDeployment(object);
  EXPECT_EQ(api::Describe(decoded.errors), "") << what;
  return decoded.value;
}

Json PodOf(const api::ModelDeployment& md) {
  ModelSettings settings;
  settings.serve_image = "serve:1";
  settings.launcher_image = "launcher:1";
  settings.store.url = "https://gateway:8443";
  ModelRef model(kDigest, true, 10);
  if (IsModelUri(md.spec.model)) model.source = md.spec.model;
  if (md.spec.model == api::kModelOfImage)
    model.source = SourceOfImage(md.spec.server.container->container.image);
  return BuildModelPod(md, 3, model, settings);
}

std::set<std::string> NamesIn(const Json& list) {
  std::set<std::string> names;
  for (const Json& one : list) EXPECT_TRUE(names.insert(one.at("name")).second) << one;
  return names;
}

// What holds of every pod of ours.
void CheckPod(const Json& pod, const std::string& what) {
  const std::set<std::string> volumes = NamesIn(pod.at("volumes"));
  Json containers = pod.at("containers");
  std::set<std::string> ports;
  for (const Json& c : containers)
    for (const Json& port : c.at("ports"))
      EXPECT_TRUE(ports.insert(port.at("name")).second) << what;
  EXPECT_TRUE(ports.contains(kTrafficPort)) << what;
  if (pod.contains("initContainers")) containers.push_back(pod.at("initContainers").at(0));
  std::set<std::string> mounted;
  for (const Json& c : containers) {
    EXPECT_EQ(c.at("securityContext").at("allowPrivilegeEscalation"), false) << what;
    EXPECT_EQ(c.at("securityContext").at("capabilities"), Json({{"drop", Json::array({"ALL"})}}))
        << what;
    std::set<std::string> paths;
    for (const Json& mount : c.at("volumeMounts")) {
      EXPECT_TRUE(volumes.contains(mount.at("name"))) << what << ": " << mount;
      EXPECT_TRUE(paths.insert(mount.at("mountPath")).second) << what << ": " << mount;
      mounted.insert(mount.at("name"));
    }
    EXPECT_EQ(c.dump().find("$(model."), std::string::npos) << what;
    EXPECT_EQ(c.dump().find("$(server."), std::string::npos) << what;
  }
  EXPECT_TRUE(pod.at("securityContext").at("runAsNonRoot")) << what;
  for (const char* ours : {"model", "claim", "registry"})
    EXPECT_TRUE(!volumes.contains(ours) || mounted.contains(ours)) << what << ": " << ours;
}

TEST(ModelPod, OfEveryExampleIsWholeAndRestricted) {
  int seen = 0;
  for (const auto& file :
       fs::directory_iterator(fs::path(PENSTOCK_SOURCE_DIR) / "examples/serving")) {
    if (file.path().extension() != ".yaml") continue;
    ++seen;
    const std::string what = file.path().filename().string();
    const auto documents = api::ParseManifests(ReadFile(file.path()).value(), what);
    ASSERT_TRUE(documents) << documents.error().message;
    const api::ModelDeployment md = Decode(documents->front().object, what);
    CheckPod(PodOf(md), what);
    EXPECT_EQ(BuildService(md, 3)["spec"]["ports"][0]["targetPort"], kTrafficPort) << what;
  }
  EXPECT_GE(seen, 9);
}

Json Manifest(const Json& spec) {
  Json whole = spec;
  if (!whole.contains("model")) whole["model"] = kDigest;
  return {{"apiVersion", "penstock.dev/v1alpha1"},
          {"kind", "ModelDeployment"},
          {"metadata", {{"name", "m"}}},
          {"spec", whole}};
}

TEST(ModelPod, FetchesEachSourceItsWayAndMountsNothingThatItDoesNotNeed) {
  const auto pod = [](const std::string& model, bool cached) {
    Json spec{{"model", model}};
    if (cached) spec["cache"]["claim"] = "c";
    const Json built = PodOf(Decode(Manifest(spec), model));
    CheckPod(built, model);
    return built;
  };
  using Names = std::set<std::string>;
  const auto volumes = [](const Json& p) { return NamesIn(p.at("volumes")); };
  EXPECT_EQ(volumes(pod(kDigest, false)), (Names{"model", "tmp", "penstock-store", kTokenVolume}));
  EXPECT_EQ(volumes(pod(kDigest, true)), (Names{"claim", "tmp", "penstock-store", kTokenVolume}));
  EXPECT_EQ(volumes(pod("https://h/m.onnx@" + kDigest, false)), (Names{"model", "tmp"}));
  EXPECT_EQ(volumes(pod("oci://r/m@" + kDigest, true)), (Names{"claim", "tmp"}));
  const Json of_bucket = pod("s3://b/m/@" + kDigest, false);
  EXPECT_EQ(volumes(of_bucket), (Names{"model", "tmp"}));
  EXPECT_EQ(of_bucket["initContainers"][0]["command"][3], "s3://b/m/");
  // In place: the cache is not used, as nothing is fetched.
  const Json in_place = pod("pvc://models/a/b@" + kDigest, true);
  EXPECT_EQ(volumes(in_place), (Names{"claim", "tmp"}));
  EXPECT_EQ(in_place["volumes"][1]["persistentVolumeClaim"]["claimName"], "models");
  EXPECT_EQ(in_place["containers"][0]["volumeMounts"][0]["subPath"], "a/b");
}

TEST(ModelPod, OfAnImageRunsTheVersionsOwnImageAndFetchesNothing) {
  const Json spec{{"model", api::kModelOfImage},
                  {"server", {{"container", {{"image", "r/app@" + kDigest}, {"port", 8000}}}}}};
  const api::ModelDeployment md = Decode(Manifest(spec), "image");
  const Json pod = PodOf(md);
  CheckPod(pod, "image");
  EXPECT_FALSE(pod.contains("initContainers"));
  EXPECT_EQ(pod.at("volumes"), Json::array());
  EXPECT_EQ(pod.at("containers").at(0).at("image"), "r/app@" + kDigest);
  // A version before, whose image was another.
  const std::string old = "r/app:1@sha256:" + std::string(64, 'b');
  const ModelRef before("sha256:" + std::string(64, 'b'), true, 0, SourceOfImage(old));
  EXPECT_EQ(BuildModelPod(md, 1, before, {}).at("containers").at(0).at("image"), old);
  // The image alone makes no pods of another version anew.
  api::ModelDeployment next = md;
  next.spec.server.container->container.image = old;
  EXPECT_EQ(TemplateHash(next), TemplateHash(md));
  next.spec.server.container->container.args = {"-v"};
  EXPECT_NE(TemplateHash(next), TemplateHash(md));
}

TEST(ModelPod, HasTheLabelsAndAnnotationsOfTheSpecAndKeepsItsOwn) {
  api::ModelDeployment md = Decode(Manifest(Json::object()), "labels");
  md.spec.pod_labels = {{"team", "ml"}, {kLabelModelVersion, "7"}};
  md.spec.pod_annotations = {{"sidecar.istio.io/inject", "false"}};
  const Json made = BuildDeployment(md, 3, ModelRef(kDigest, true, 10), {});
  const Json& metadata = made.at("spec").at("template").at("metadata");
  EXPECT_EQ(metadata.at("labels").at("team"), "ml");
  EXPECT_EQ(metadata.at("labels").at(kLabelModelVersion), "3");
  EXPECT_EQ(metadata.at("annotations").at("sidecar.istio.io/inject"), "false");
  EXPECT_TRUE(metadata.at("annotations").contains(kAnnotationTemplateHash));
  EXPECT_FALSE(made.at("spec").at("selector").at("matchLabels").contains("team"));
}

TEST(ModelPod, ThatMustBeSignedServesACopyThatNobodyElseWrites) {
  const auto pod = [](const std::string& model, const Json& key, bool cached) {
    Json spec{{"model", model}, {"verify", {{"key", key}}}};
    spec["fetch"]["env"] = Json::array({{{"name", kModelKeyVariable}, {"value", "another"}},
                                        {{"name", "HTTPS_PROXY"}, {"value", "p"}}});
    if (cached) spec["cache"]["claim"] = "c";
    const Json built = PodOf(Decode(Manifest(spec), model));
    CheckPod(built, model);
    EXPECT_EQ(built["containers"][0]["volumeMounts"][0]["name"], "model") << model;
    EXPECT_EQ(built["containers"][0]["volumeMounts"][0]["readOnly"], true) << model;
    return built;
  };
  const auto has = [](const Json& built, const std::string& word) {
    const Json& command = built["initContainers"][0]["command"];
    return std::find(command.begin(), command.end(), word) != command.end();
  };
  const Json named{{"name", "keys"}, {"key", "a.pem"}};
  const Json claim = pod("pvc://models/a/b@" + kDigest, {{"configMap", named}}, false);
  EXPECT_TRUE(has(claim, "--from") && has(claim, "--signed") && !has(claim, "--verify"));
  const Json& mounts = claim["initContainers"][0]["volumeMounts"];
  EXPECT_EQ(mounts[0], Json::parse(R"({"name": "claim", "mountPath": "/source", "readOnly": true,
                                       "subPath": "a/b"})"));
  EXPECT_EQ(mounts[1]["mountPath"], "/model");
  // Of two variables of that name ours is the one that stands there.
  EXPECT_EQ(claim["initContainers"][0]["env"],
            Json::parse(R"([{"name": "HTTPS_PROXY", "value": "p"},
                            {"name": "PENSTOCK_MODEL_KEY", "valueFrom": {"configMapKeyRef":
                             {"name": "keys", "key": "a.pem"}}}])"));
  const Json cached = pod("https://h/m.tgz@" + kDigest, {{"secret", named}}, true);
  EXPECT_TRUE(has(cached, "--claim") && has(cached, "--signed"));
  EXPECT_EQ(cached["initContainers"][0]["env"].back()["valueFrom"]["secretKeyRef"], named);
  EXPECT_EQ(cached["initContainers"][0]["volumeMounts"].size(), 2U);
}

TEST(ModelPod, ALogOfPredictionsReachesTheStoreWhereverTheModelComesFrom) {
  const Json pod = PodOf(Decode(Manifest({{"model", "https://h/m.onnx@" + kDigest},
                                          {"monitoring", {{"log", {{"columns", {"a"}}}}}}}),
                                "log"));
  CheckPod(pod, "log");
  EXPECT_TRUE(NamesIn(pod.at("volumes")).contains("penstock-store"));
}

TEST(FillIn, PutsInWhatIsKnownOnceAndLeavesTheKubeletsOwn) {
  const ModelWords words{"/m", "flights", "3", "sha256:1", ""};
  EXPECT_EQ(FillIn("$(model.path)/$(model.name)/$(model.version)@$(model.digest)", words),
            "/m/flights/3@sha256:1");
  EXPECT_EQ(FillIn("$(HOME)$(server.url)", words), "$(HOME)$(server.url)");
}

TEST(ModelPod, SaysWhichPortAnswersGrpcAndOurServerListensThere) {
  api::ModelDeployment md;
  md.meta.name = "m";
  md.spec.model = kDigest;
  const Json plain = PodOf(md).at("containers").at(0);
  EXPECT_EQ(plain.at("ports").size(), 1U);
  EXPECT_EQ(plain.at("args").dump().find("--grpc-port"), std::string::npos);
  md.spec.server.grpc_port = 9001;
  const Json ours = PodOf(md).at("containers").at(0);
  const Json port{{"name", "grpc"}, {"containerPort", 9001}};
  EXPECT_EQ(ours.at("ports").at(1), port);
  EXPECT_NE(ours.at("args").dump().find("\"--grpc-port\",\"9001\""), std::string::npos);
  md.spec.server.container.emplace();
  md.spec.server.container->container.port = 8501;
  const Json other = PodOf(md).at("containers").at(0);
  EXPECT_EQ(other.at("ports").at(0), (Json{{"name", "http"}, {"containerPort", 8501}}));
  EXPECT_EQ(other.at("ports").at(1), port);
  EXPECT_FALSE(other.contains("args"));
}

}  // namespace
}  // namespace penstock::plan
