// A step's token reaches its own inputs and outputs: every route, with tokens of other steps.
#include "operator/gateway/step_grants.h"

#include <fstream>

#include "operator/artifacts/s3/s3_objects.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::gateway {
namespace {
namespace fs = std::filesystem;
using net::HttpRequest;
using net::HttpResponse;

const SystemClock kWallClock;

class TokensOfSteps : public GatewayTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    if (GetParam() == std::string("S3")) {
      artifacts::S3ObjectsSettings settings;
      settings.scratch = dir_ / "scratch";
      gateway_->store =
          artifacts::Store(gateway_->store.root(), {},
                           std::make_shared<artifacts::S3Objects>(fake_.MakeClient(), settings));
    }
    grants_ = std::make_unique<StepGrants>(cluster_, gateway_->store, kWallClock,
                                           TaskPlaces{"penstock.dev/task", "penstock-config"});
    gateway_->router = {};
    AddArtifactRoutes(gateway_->router, {&gateway_->store, &gateway_->authenticator, 1 << 20,
                                         &gateway_->bodies, grants_.get()});
    fs::create_directories(dir_ / "folder");
    std::ofstream(dir_ / "folder" / "a") << "in the folder";
    folder_ = gateway_->store.Put("ns", dir_ / "folder").value();
    std::ofstream(dir_ / "file") << "a file";
    file_ = gateway_->store.Put("ns", dir_ / "file").value();
    std::ofstream(dir_ / "secret") << "of another step";
    secret_ = gateway_->store.Put("ns", dir_ / "secret").value();
    gateway_->Start();
  }

  static Json InputsOf(const std::vector<ArtifactRef>& inputs) {
    Json out = Json::array();
    for (const ArtifactRef& one : inputs) out.push_back({{"name", "i"}, {"artifact", one}});
    out.push_back({{"name", "outside"}, {"uri", "https://example.com/x"}});
    return out;
  }
  // A pod, and a token that stands for it. `config`: what its ConfigMap holds.
  void MakePod(const std::string& name, const Json& task, const Json& config = nullptr) {
    Json pod{{"apiVersion", "v1"},
             {"kind", "Pod"},
             {"metadata", {{"name", name}, {"namespace", "ns"}}},
             {"spec", {{"containers", Json::array()}, {"volumes", Json::array()}}}};
    if (!task.is_null()) pod["metadata"]["annotations"]["penstock.dev/task"] = task.dump();
    if (!config.is_null()) {
      pod["spec"]["volumes"].push_back(
          {{"name", "penstock-config"}, {"configMap", {{"name", name + "-config"}}}});
      ASSERT_TRUE(cluster_.Create(kube::kConfigMaps, "ns",
                                  {{"apiVersion", "v1"},
                                   {"kind", "ConfigMap"},
                                   {"metadata", {{"name", name + "-config"}, {"namespace", "ns"}}},
                                   {"data", {{"config.json", config.dump()}}}}));
    }
    const auto made = cluster_.Create(kube::kPods, "ns", pod);
    ASSERT_TRUE(made) << made.error().message;
    gateway_->authenticator.Know(
        name, {"ns", "default", name, made->at("metadata").at("uid").get<std::string>()});
  }
  [[nodiscard]] int Status(const std::string& method, const std::string& target,
                           const std::string& token, const std::string& body = "") const {
    HttpRequest request = Request(method, target, token);
    if (!body.empty()) SetBody(request, body);
    return Send(request).status;
  }
  // Of all routes that give something of a blob away.
  void ExpectReads(const std::string& digest, const std::string& token, int status) const {
    const std::string blob = "/artifacts/v1/blobs/" + digest;
    EXPECT_EQ(Status("GET", blob, token), status) << token;
    EXPECT_EQ(Status("HEAD", blob, token), status) << token;
    EXPECT_EQ(Status("POST", blob + "/download", token), status) << token;
    EXPECT_EQ(Status("POST", blob + "/verify", token), status) << token;
  }

  s3::FakeS3 fake_;
  local::MemoryCluster cluster_{kWallClock};
  std::unique_ptr<StepGrants> grants_;
  ArtifactRef folder_;
  ArtifactRef file_;
  ArtifactRef secret_;
};

TEST_P(TokensOfSteps, ReadTheirInputsAndTheFilesOfThemAndNothingElse) {
  MakePod("reader", {{"inputs", InputsOf({folder_, file_})}});
  MakePod("coder", {{"inputs", Json::array()}, {"code", folder_}, {"packages", file_}});
  MakePod("nobody", {{"inputs", Json::array()}});
  const std::string in_folder = "sha256:" + Sha256Hex("in the folder");
  for (const char* token : {"reader", "coder"}) {
    for (const std::string& digest : {folder_.digest, file_.digest, in_folder})
      ExpectReads(digest, token, 200);
    ExpectReads(secret_.digest, token, 403);
  }
  for (const std::string& digest : {folder_.digest, file_.digest, in_folder, secret_.digest})
    ExpectReads(digest, "nobody", 403);
  ExpectReads("sha256:" + Sha256Hex("not there"), "nobody", 403);
}

TEST_P(TokensOfSteps, ReadWhatStandsInTheConfigMapOfALargeTask) {
  MakePod("large", {{"inputs", InputsOf({file_})}},
          {{"inputs", InputsOf({folder_})}, {"parameters", {{"p", 1}}}});
  ExpectReads(folder_.digest, "large", 200);
  ExpectReads(file_.digest, "large", 403);  // its list is laid over the other
}

TEST_P(TokensOfSteps, WriteBlobsAndTheirOwnReceiptAndReadNoReceiptsOrPredictions) {
  MakePod("pod-1", {{"inputs", Json::array()}});
  EXPECT_EQ(Status("PUT", BlobPath("made"), "pod-1", "made"), 201);
  EXPECT_EQ(Status("POST", BlobPath("more") + "/upload?bytes=4", "pod-1"), 200);
  Receipt receipt;
  receipt.run_uid = "run-1";
  receipt.pod = "pod-1";
  const std::string mine = "/artifacts/v1/receipts/run-1/pod-1";
  EXPECT_EQ(Status("PUT", mine, "pod-1", Json(receipt).dump()), 201);
  EXPECT_EQ(Status("PUT", "/artifacts/v1/receipts/run-1/pod-2", "pod-1", Json(receipt).dump()),
            403);
  for (const char* target :
       {"/artifacts/v1/receipts/run-1/pod-1", "/artifacts/v1/predictions/flights",
        "/artifacts/v1/predictions/flights/a.parquet"})
    EXPECT_EQ(Status("GET", target, "pod-1"), 403) << target;
  EXPECT_EQ(Status("PUT", "/artifacts/v1/predictions/flights/a.parquet", "pod-1", "x"), 403);
}

TEST_P(TokensOfSteps, OfAPodThatHasGoneOrIsAnotherOfItsNameAreRefused) {
  MakePod("reader", {{"inputs", InputsOf({file_})}});
  gateway_->authenticator.Know("stale", {"ns", "default", "reader", "another-uid"});
  gateway_->authenticator.Know("gone", {"ns", "default", "there-is-none", "uid"});
  ExpectReads(file_.digest, "reader", 200);
  ExpectReads(file_.digest, "stale", 403);
  ExpectReads(file_.digest, "gone", 403);
}

TEST_P(TokensOfSteps, OfPodsThatAreNoStepsAndOfPeopleReadTheNamespace) {
  MakePod("server", nullptr);
  gateway_->authenticator.Know("person", {"ns", "default", "", ""});
  for (const char* token : {"server", "person"}) {
    ExpectReads(secret_.digest, token, 200);
    EXPECT_EQ(Status("GET", "/artifacts/v1/predictions/flights", token), 200);
  }
}

TEST_P(TokensOfSteps, AnApiServerThatDoesNotAnswerIsNoRefusal) {
  MakePod("reader", {{"inputs", InputsOf({file_})}});
  cluster_.SetInterceptor([](const local::Request&) { return std::optional(Transient("away")); });
  ExpectReads(file_.digest, "reader", 503);
  cluster_.SetInterceptor({});
  ExpectReads(file_.digest, "reader", 200);
  cluster_.SetInterceptor([](const local::Request&) { return std::optional(Transient("away")); });
  ExpectReads(file_.digest, "reader", 200);  // it is known by now
}

INSTANTIATE_TEST_SUITE_P(Stores, TokensOfSteps, testing::Values("Volume", "S3"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::gateway
