// penstock model.
#include <gmock/gmock.h>

#include "operator/base/sha256.h"
#include "operator/cli/testing/cluster_fixture.h"
#include "operator/net/testing/fake_server.h"
#include "operator/oci/testing/fake_registry.h"
#include "operator/protocol/model_source.h"

namespace penstock::cli {
namespace {

using testing::HasSubstr;

TEST_F(CliTest, ModelDigestPrintsAUriThatAModelDeploymentTakes) {
  net::FakeServer server([](net::FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "onnx");
  });
  const std::string url = server.url() + "/m.onnx";
  ASSERT_EQ(Penstock({"model", "digest", url}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), url + "@sha256:" + Sha256Hex("onnx") + "\n");

  oci::FakeRegistry registry(oci::FakeRegistry::Wants::kToken);
  const std::string digest = registry.Manifest(Json::array({registry.Layer("x", "t")}),
                                               "application/vnd.oci.empty.v1+json");
  const std::string name = registry.Name() + "@" + digest;
  Write(".docker/config.json",
        Json{{"auths", {{name.substr(0, name.find('/')), {{"auth", "dXNlcjpzZWNyZXQ="}}}}}}.dump());
  ASSERT_EQ(Penstock({"model", "digest", "oci://" + name}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "oci://" + name + "\n");
  EXPECT_TRUE(ParseModelSource("oci://" + name));
}

TEST_F(CliTest, ModelDigestOfAFolderIsThatOfItsArtifact) {
  Write("flights/model.yaml", "name: m");
  ASSERT_EQ(Penstock({"model", "digest", "flights"}), kOk) << err_.str();
  const std::string digest = out_.str();
  ASSERT_EQ(Penstock({"artifact", "put", "flights", "--state", (folder_ / ".penstock").string()}),
            kOk)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr(digest.substr(0, 71)));
}

TEST_F(CliTest, ModelDigestSaysWhatCannotBeRead) {
  EXPECT_EQ(Penstock({"model", "digest", "pvc://models/m"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("a claim is not read from here"));
  EXPECT_EQ(Penstock({"model", "digest", "nothing"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("nothing"));
}

TEST_F(ClusterTest, ModelVersionsAreRegisteredNumberedAndNamedByAliases) {
  const std::string one = "sha256:" + std::string(64, '1');
  const std::string two = "https://h/m.onnx@sha256:" + std::string(64, '2');
  ASSERT_EQ(Penstock({"model", "push", "flights", one, "--alias", "champion", "--cluster"}), kOk)
      << err_.str();
  EXPECT_EQ(out_.str(),
            "modelversion/flights-v1 registered\nmodel/flights champion is version 1\n");
  ASSERT_EQ(Penstock({"model", "push", "flights", two, "--description", "newer", "--cluster"}), kOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "modelversion/flights-v2 registered\n");
  ASSERT_EQ(Penstock({"model", "alias", "flights", "next", "2", "--cluster"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"model", "alias", "flights", "champion", "next", "--cluster"}), kOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "model/flights champion is version 2\n");
  ASSERT_EQ(Penstock({"model", "show", "flights", "--cluster"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("2         champion,next"));
  ASSERT_EQ(Penstock({"model", "show", "flights:champion", "-o", "json", "--cluster"}), kOk);
  EXPECT_EQ(Json::parse(out_.str())["spec"]["source"], two);
  ASSERT_EQ(Penstock({"model", "diff", "flights:1", "next", "--cluster"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("description"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("model ")));
  ASSERT_EQ(Penstock({"model", "list", "--cluster"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("flights   2          champion=2,next=2"));
  ASSERT_EQ(Penstock({"model", "alias", "flights", "next", "--remove", "--cluster"}), kOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "model/flights next removed\n");
  EXPECT_EQ(Penstock({"model", "show", "flights:next", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the model flights has no alias next"));
  EXPECT_EQ(Penstock({"model", "alias", "flights", "next", "9", "--cluster"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the model flights has no version 9"));
  EXPECT_EQ(Penstock({"model", "push", "flights", "words/none", "--cluster"}), kFailed);
}

TEST_F(ClusterTest, ModelPushTakesWhatARunSaysOfItsOutput) {
  CreateWords();
  ASSERT_TRUE(cluster_->client().Create(
      kube::kPipelineRuns, kLocalNamespace,
      Json::parse(R"({"apiVersion":"penstock.dev/v1alpha1","kind":"PipelineRun",
        "metadata":{"name":"r","namespace":"default"},
        "spec":{"pipelineRef":{"name":"gone"},"parameters":{"x":7}}})")));
  // An output that the Pipeline has: its controller, which runs beside this, keeps no other.
  ASSERT_TRUE(cluster_->client().MergePatch(
      kube::kPipelines, kLocalNamespace, "words",
      Json::parse(R"({"status":{"outputs":[{"name":"text","digest":"sha256:)" +
                  std::string(64, '3') + R"(","folder":true,"bytes":5,"run":"r"}]}})"),
      {.subresource = "status"}));
  ASSERT_EQ(Penstock({"model", "push", "m", "words/text", "--cluster"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"model", "show", "m:1", "-o", "json", "--cluster"}), kOk) << err_.str();
  const Json spec = Json::parse(out_.str())["spec"];
  EXPECT_EQ(spec["run"], "r");
  EXPECT_EQ(spec["bytes"], 5);
  EXPECT_EQ(spec["parameters"], Json({{"x", 7}}));
}

}  // namespace
}  // namespace penstock::cli
