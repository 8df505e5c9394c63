// The engine's ModelDeployments over the in-memory cluster, which has no Deployment controller: a
// test says when the Deployment of a version is available.
#include <gmock/gmock.h>

#include <sstream>

#include "operator/base/file.h"
#include "operator/controllers/testing/engine_model_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;

// Tells of no deletion of a Service, as a watch that lost it.
class ForgetfulClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override {
    const auto forget = [&](kube::WatchEvent& event) {
      const bool lost = type == kube::kServices && event.type == kube::WatchEventType::kDeleted;
      return lost || sink(event);
    };
    return ForwardingClient::Watch(type, ns, options, forget, std::move(stop));
  }

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
};

TEST_F(EngineModels, AreReadyWhenTheServicePointsToAnAvailableVersion) {
  StartEngine();
  ServeVersionOne();
  const Json service = Get(kube::kServices, "flights");
  EXPECT_EQ(service["spec"]["selector"]["penstock.dev/model-version"], "1");
  EXPECT_THAT(Get(kube::kConfigMaps, "flights-store")["data"]["store.json"].get<std::string>(),
              HasSubstr(folder_.string()));
}

TEST_F(EngineModels, BringBackADeletedService) {
  StartEngine();
  ServeVersionOne();
  const Json uid = Get(kube::kServices, "flights")["metadata"]["uid"];
  ASSERT_TRUE(cluster_.Delete(kube::kServices, "team", "flights"));
  EXPECT_NE(AwaitThere(kube::kServices, "flights")["metadata"]["uid"], uid);
  AwaitReady("True", "Available");
}

TEST_F(EngineModels, BringBackADeletedDeployment) {
  StartEngine();
  ServeVersionOne();
  ASSERT_TRUE(cluster_.Delete(kube::kDeployments, "team", "flights-v1"));
  AwaitReady("False", "Progressing");
  MakeAvailable("flights-v1");
  AwaitReady("True", "Available");
}

TEST_F(EngineModels, SeeAtTheResyncWhatNoWatchTold) {
  resync_ = Milliseconds{100};
  ForgetfulClient forgetful(cluster_);
  StartEngine(&forgetful);
  ServeVersionOne();
  ASSERT_TRUE(cluster_.Delete(kube::kServices, "team", "flights"));
  AwaitThere(kube::kServices, "flights");
  StopEngine();  // before its client goes
}

TEST_F(EngineModels, SeeADigestThatIsUploadedLater) {
  const std::string digest = Digest("late", "another");
  StartEngine();
  Serve(digest);
  const Json waiting = AwaitReady("False", "WaitingForModel");
  EXPECT_THAT(MessageOf(waiting), HasSubstr(digest));
  Digest("late");
  AwaitThere(kube::kDeployments, "flights-v1");
}

TEST_F(EngineModels, AreServedFromAUriWithoutAskingTheStoreForIt) {
  StartEngine();
  const std::string digest = "sha256:" + std::string(64, 'a');
  Serve("https://models.example.com/flights.tgz@" + digest);
  MakeAvailable("flights-v1");
  const Json ready = AwaitReady("True", "Available");
  EXPECT_EQ(ready["status"]["stable"]["digest"], digest);
  EXPECT_EQ(ready["status"]["stable"]["source"],
            "https://models.example.com/flights.tgz@" + digest);
  const Json fetch = Get(kube::kDeployments,
                         "flights-v1")["spec"]["template"]["spec"]["initContainers"][0]["command"];
  EXPECT_THAT(fetch.dump(), HasSubstr(R"("--source","https://models.example.com/flights.tgz")"));
}

TEST_F(EngineModels, AreTheImageOfTheirServerWithoutAskingTheStoreForIt) {
  StartEngine();
  const std::string one = "r/app:1@sha256:" + std::string(64, 'a');
  const std::string two = "r/app:2@sha256:" + std::string(64, 'b');
  Create(kube::kModelDeployments,
         "metadata: {name: flights}\nspec: {model: $(server.image), replicas: 1, server: "
         "{protocol: HTTP, readiness: /, container: {port: 8000, image: \"" +
             one + "\"}}}\n");
  MakeAvailable("flights-v1");
  AwaitReady("True", "Available");
  Patch(kube::kModelDeployments, "flights",
        {{"spec", {{"server", {{"container", {{"image", two}}}}}}}});
  MakeAvailable("flights-v2");
  const auto image_of = [&](const char* name) {
    return Get(kube::kDeployments, name)["spec"]["template"]["spec"]["containers"][0]["image"];
  };
  EXPECT_EQ(image_of("flights-v2"), two);
  EXPECT_EQ(image_of("flights-v1"), one);
  const Json md = Await(kube::kModelDeployments, "flights", "the second", [](const Json& object) {
    return object["status"].contains("stable") && object["status"]["stable"]["version"] == 2;
  });
  EXPECT_EQ(md["status"]["stable"]["source"], "image://" + two);
}

TEST_F(EngineModels, FollowAnAliasAsItMoves) {
  const auto version = [&](int n, char digest) {
    Create(kube::kModelVersions, "metadata: {name: flights-v" + std::to_string(n) +
                                     "}\nspec: {model: flights, version: " + std::to_string(n) +
                                     ", digest: \"sha256:" + std::string(64, digest) +
                                     "\", run: run-" + std::to_string(n) + "}\n");
  };
  StartEngine();
  Serve("$(models.flights.champion)");
  EXPECT_THAT(MessageOf(AwaitReady("False", "WaitingForModel")),
              HasSubstr("there is no Model flights in namespace team"));
  version(3, 'a');
  Create(kube::kModels, "metadata: {name: flights}\nspec: {aliases: {champion: 3}}\n");
  MakeAvailable("flights-v1");
  const Json first = AwaitReady("True", "Available");
  EXPECT_EQ(first["status"]["stable"]["run"], "run-3");
  version(4, 'b');
  Patch(kube::kModels, "flights", {{"spec", {{"aliases", {{"champion", 4}}}}}});
  AwaitThere(kube::kDeployments, "flights-v2");
  Patch(kube::kModels, "flights", {{"spec", {{"aliases", {{"champion", 7}}}}}});
  EXPECT_THAT(MessageOf(AwaitReady("False", "WaitingForModel")),
              HasSubstr("there is no ModelVersion flights-v7"));
}

TEST_F(EngineModels, TellWhatTheApiServerRefusesOnceInTheLogAndGoOnWhenItIsCured) {
  Refuse(kube::kDeployments, ErrorKind::kQuota, "exceeded quota: objects");
  StartEngine();
  Serve(Digest("one"));
  const Json refused = AwaitReady("False", "QuotaExceeded");
  EXPECT_THAT(MessageOf(refused), HasSubstr("Deployment flights-v1: exceeded quota: objects"));
  // It is tried again, with pauses: events in between do not make it try more.
  for (int i = 0; i < 20; ++i) {
    Patch(kube::kModelDeployments, "flights",
          {{"metadata", {{"annotations", {{"look", std::to_string(i)}}}}}});
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (tries_ < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GE(tries_, 2);
  EXPECT_LE(tries_, 5);
  refusing_ = false;
  MakeAvailable("flights-v1");
  AwaitReady("True", "Available");
  StopEngine();
  std::size_t lines = 0;
  std::istringstream told(log_);
  for (std::string line; std::getline(told, line);)
    if (!line.starts_with("event ") && line.find("exceeded quota") != std::string::npos) ++lines;
  EXPECT_EQ(lines, 1U) << log_;
}

TEST_F(EngineModels, HoldAVersionWhoseSignatureBreaksUntilTheSpecLetsIt) {
  ask_server_ = [](const rollout::ServerAddress& server,
                   const rollouts::ServerRequest& request) -> Result<rollouts::ServerAnswer> {
    EXPECT_EQ(request.target, "/v2/models/flights");
    const std::string type = server.pod == "flights-v1-x" ? "INT64" : "BYTES";
    return rollouts::ServerAnswer{
        200, R"({"inputs":[{"name":"hour","datatype":")" + type + R"(","shape":[-1]}]})"};
  };
  StartEngine();
  ServeVersionOne();
  MakePod("flights-v1", "1");
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"model", Digest("two")}}}});
  AwaitThere(kube::kDeployments, "flights-v2");
  MakePod("flights-v2", "2");
  MakeAvailable("flights-v2");
  const Json held = AwaitReady("False", "SignatureIncompatible");
  EXPECT_THAT(MessageOf(held), HasSubstr("input \"hour\": datatype INT64 became BYTES"));
  EXPECT_EQ(ConditionOf(held, "Stalled"), "True");
  EXPECT_EQ(Get(kube::kServices, "flights")["spec"]["selector"]["penstock.dev/model-version"], "1");
  Patch(kube::kModelDeployments, "flights",
        {{"spec", {{"rollout", {{"allowSignatureChange", true}}}}}});
  Await(kube::kServices, "flights", "at version 2", [](const Json& service) {
    return service["spec"]["selector"]["penstock.dev/model-version"] == "2";
  });
}

TEST_F(EngineModels, RejectAVersionThatAnswersTheRowsOfAConfigMapOtherwise) {
  ask_server_ = [](const rollout::ServerAddress& server,
                   const rollouts::ServerRequest& request) -> Result<rollouts::ServerAnswer> {
    if (request.body.empty()) return rollouts::ServerAnswer{404, ""};
    EXPECT_EQ(request.target, "/v2/models/flights/infer");
    const std::string y = server.pod == "flights-v2-x" ? "7" : "4";
    return rollouts::ServerAnswer{
        200, R"({"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[)" + y + "]}]}"};
  };
  Create(kube::kConfigMaps,
         "metadata: {name: golden}\ndata:\n  rows.jsonl: |\n"
         "    {\"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", "
         "\"shape\": [1], \"data\": [2]}]}, \"response\": {\"outputs\": [{\"name\": "
         "\"y\", \"data\": [4]}]}}\n");
  StartEngine();
  Create(kube::kModelDeployments,
         "metadata: {name: flights}\nspec: {model: \"" + Digest("one") +
             "\", replicas: 1, rollout: {gates: [{name: golden, rows: {configMap: {name: "
             "golden}}}]}}\n");
  MakeAvailable("flights-v1");
  AwaitReady("True", "Available");
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"model", Digest("two")}}}});
  MakePod("flights-v2", "2");
  MakeAvailable("flights-v2");
  EXPECT_THAT(MessageOf(AwaitReady("False", "RolledBack")),
              HasSubstr("golden: 1 of 1 rows are answered otherwise; line 1: output \"y\"[0]: "
                        "expected 4, got 7"));
  EXPECT_EQ(Get(kube::kServices, "flights")["spec"]["selector"]["penstock.dev/model-version"], "1");
  const Json told = Await(kube::kModelDeployments, "flights", "a report", [](const Json& object) {
    return object["status"]["history"][0].contains("report");
  });
  const std::string digest = told["status"]["history"][0]["report"];
  const auto artifact = store_->Find("team", digest);
  ASSERT_TRUE(artifact) << artifact.error().message;
  ASSERT_TRUE(store_->Get("team", *artifact, folder_ / "report"));
  const auto json = ReadFile(folder_ / "report" / "report.json", 1 << 20);
  ASSERT_TRUE(json);
  EXPECT_EQ(Json::parse(*json)["outcome"], "Rejected");
  EXPECT_THAT(*json, HasSubstr("golden: 1 of 1 rows are answered otherwise"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "report" / "report.html"));
}

TEST_F(EngineModels, TellARefusedService) {
  Refuse(kube::kServices, ErrorKind::kTransient, "failed calling webhook \"guard\"");
  StartEngine();
  Serve(Digest("one"));
  MakeAvailable("flights-v1");
  EXPECT_THAT(MessageOf(AwaitReady("False", "ApiServerError")),
              HasSubstr("Service flights: failed calling webhook"));
  refusing_ = false;
  AwaitReady("True", "Available");
}

TEST_F(EngineModels, TellThatTheyMayNotRead) {
  const Interception refusing(
      cluster_, [this](const local::Request& request) -> std::optional<Error> {
        if (request.verb != "list" || request.type != kube::kEndpointSlices || !refusing_ ||
            request.ns != "team")
          return std::nullopt;
        return Error{ErrorKind::kForbidden, "endpointslices is forbidden"};
      });
  StartEngine();
  Serve(Digest("one"));
  MakeAvailable("flights-v1");
  EXPECT_THAT(MessageOf(AwaitReady("False", "Forbidden")),
              HasSubstr("endpointslices is forbidden"));
  refusing_ = false;
  AwaitReady("True", "Available");
}

TEST_F(EngineModels, TakeNoObjectOfAnotherOwner) {
  Create(kube::kDeployments, "metadata: {name: flights-v1}\nspec: {replicas: 1}\n");
  StartEngine();
  Serve(Digest("one"));
  const Json stalled = AwaitReady("False", "NameTaken");
  EXPECT_EQ(ConditionOf(stalled, "Stalled"), "True");
  EXPECT_FALSE(Get(kube::kDeployments, "flights-v1")["metadata"].contains("ownerReferences"));
  ASSERT_TRUE(cluster_.Delete(kube::kDeployments, "team", "flights-v1"));
  AwaitThere(kube::kDeployments, "flights-v1");
}

}  // namespace
}  // namespace penstock::controllers
