// penstock model.
#include <gmock/gmock.h>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/cli/testing/cluster_fixture.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/net/testing/fake_server.h"
#include "operator/oci/testing/fake_registry.h"
#include "operator/protocol/model_source.h"
#include "operator/s3/testing/fake_s3.h"
#include "operator/signing/testing/keys.h"

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

TEST_F(CliTest, ModelDigestOfABucketsFolderIsThatOfTheSameFolderHere) {
  s3::FakeS3 bucket;
  bucket.SetBytes("flights/model.yaml", "name: m");
  bucket.SetBytes("m.onnx", "onnx");
  session_.env["AWS_ENDPOINT_URL"] = bucket.settings().endpoint;
  session_.env["AWS_ACCESS_KEY_ID"] = s3::FakeS3::keys().access_key;
  session_.env["AWS_SECRET_ACCESS_KEY"] = s3::FakeS3::keys().secret_key;
  Write("flights/model.yaml", "name: m");
  ASSERT_EQ(Penstock({"model", "digest", "flights"}), kOk) << err_.str();
  const std::string digest = out_.str();
  ASSERT_EQ(Penstock({"model", "digest", "s3://models/flights/"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "s3://models/flights/@" + digest);
  ASSERT_EQ(Penstock({"model", "digest", "s3://models/m.onnx"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "s3://models/m.onnx@sha256:" + Sha256Hex("onnx") + "\n");
  EXPECT_EQ(Penstock({"model", "digest", "s3://models/flights"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("flights/ is all of them as a folder"));
}

TEST_F(CliTest, ModelDigestSaysWhatCannotBeRead) {
  EXPECT_EQ(Penstock({"model", "digest", "pvc://models/m"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("a claim is not read from here"));
  EXPECT_EQ(Penstock({"model", "digest", "nothing"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("nothing"));
}

TEST_F(CliTest, AFolderIsSignedAndWhatDiffersIsNamed) {
  const signing::KeyPair keys = signing::MakeKeys("P-256");
  Write("key.pem", keys.private_pem);
  Write("pub.pem", keys.public_pem);
  Write("flights/model.yaml", "name: m");
  ASSERT_EQ(Penstock({"model", "sign", "flights", "--key", "key.pem"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "flights/model.sig written\n");
  ASSERT_EQ(Penstock({"model", "verify", "flights", "--key", "pub.pem"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("flights is as the key "));
  Write("flights/model.yaml", "name: x");
  Write("flights/evil.so", "x");
  EXPECT_EQ(Penstock({"model", "verify", "flights", "--key", "pub.pem"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("evil.so is not signed\nmodel.yaml is altered\n"));
  EXPECT_EQ(Penstock({"model", "verify", "flights", "--key", "key.pem"}), kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("key.pem: it holds a private key"));
  EXPECT_EQ(Penstock({"model", "sign", "nothing", "--key", "key.pem", "--state",
                      (folder_ / ".penstock").string()}),
            kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("there is no folder"));
  EXPECT_EQ(Penstock({"model", "sign", "flights/model.yaml", "--key", "key.pem"}), kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("is a single file"));
}

TEST_F(CliTest, AnArtifactIsStoredAnewWithItsSignature) {
  const signing::KeyPair keys = signing::MakeKeys("P-256");
  Write("key.pem", keys.private_pem);
  Write("pub.pem", keys.public_pem);
  Write("flights/model.yaml", "name: m");
  const std::string state = (folder_ / ".penstock").string();
  ASSERT_EQ(Penstock({"artifact", "put", "flights", "--state", state}), kOk) << err_.str();
  const std::string digest = out_.str().substr(0, 71);
  const auto model = [&](const char* what, const std::string& which, const std::string& key) {
    return Penstock({"model", what, which, "--key", key, "--state", state});
  };
  EXPECT_EQ(model("verify", digest, "pub.pem"), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("there is no file model.sig"));
  ASSERT_EQ(model("sign", digest, "key.pem"), kOk) << err_.str();
  const std::string signed_digest = out_.str().substr(0, 71);
  EXPECT_NE(signed_digest, digest);
  EXPECT_EQ(model("verify", signed_digest, "pub.pem"), kOk) << err_.str();
  // Apart, the artifact stays as it is.
  ASSERT_EQ(Penstock({"model", "sign", digest, "--key", "key.pem", "--signature", "apart.sig",
                      "--state", state}),
            kOk)
      << err_.str();
  EXPECT_EQ(Penstock({"model", "verify", digest, "--key", "pub.pem", "--signature", "apart.sig",
                      "--state", state}),
            kOk)
      << err_.str();
}

TEST_F(ClusterTest, ARegisteredModelOfAUriIsNotFetchedToBeVerified) {
  Write("pub.pem", signing::MakeKeys("P-256").public_pem);
  const std::string uri = "https://h/m.onnx@sha256:" + std::string(64, '2');
  ASSERT_EQ(Penstock({"model", "push", "flights", uri, "--cluster"}), kOk) << err_.str();
  EXPECT_EQ(Penstock({"model", "verify", "flights:1", "--key", "pub.pem", "--cluster"}),
            kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("flights-v1 is fetched from https://h/m.onnx@"));
  EXPECT_EQ(Penstock({"model", "verify", "flights:next", "--key", "pub.pem"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the model flights has no alias next"));
}

TEST_F(ClusterTest, ARegisteredModelThatIsSignedIsTheNextVersionWithTheSameStory) {
  const signing::KeyPair keys = signing::MakeKeys("P-256");
  gateway::TestGateway gateway(folder_);
  gateway.authenticator.Know("good", {kLocalNamespace, "default", "pod-1", "uid"});
  gateway.Start();
  Write("token", "good\n");
  Write("ca.pem", gateway.certificates->CaPem());
  Write("key.pem", keys.private_pem);
  Write("pub.pem", keys.public_pem);
  Write("flights/model.yaml", "name: m");
  const auto artifact = gateway.store.Put(kLocalNamespace, folder_ / "flights");
  ASSERT_TRUE(artifact);
  ASSERT_EQ(Penstock({"model", "push", "late", artifact->digest, "--alias", "champion",
                      "--description", "raw", "--cluster"}),
            kOk)
      << err_.str();
  const auto model = [&](const char* what, const char* which, const char* key) {
    return Penstock({"model", what, which, "--key", key, "--gateway", gateway.Url(), "--token-file",
                     "token", "--ca-file", "ca.pem"});
  };
  EXPECT_EQ(model("verify", "late:champion", "pub.pem"), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("there is no file model.sig"));
  ASSERT_EQ(model("sign", "late:champion", "key.pem"), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "modelversion/late-v2 registered\n");
  EXPECT_EQ(model("verify", "late:2", "pub.pem"), kOk) << err_.str();
  ASSERT_EQ(Penstock({"model", "show", "late:2", "-o", "json", "--cluster"}), kOk) << err_.str();
  const Json spec = Json::parse(out_.str())["spec"];
  EXPECT_EQ(spec["description"], "version 1, signed");
  EXPECT_NE(spec["digest"], artifact->digest);
  EXPECT_TRUE(spec.value("folder", true));
  gateway.server->Stop();
}

TEST_F(ClusterTest, ASuggestionIsAPatchThatGitTakesAndTouchesNothing) {
  const std::string one = "sha256:" + std::string(64, '1'), two = "sha256:" + std::string(64, '2');
  ASSERT_EQ(Penstock({"model", "push", "flights", one, "--cluster"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"model", "push", "flights", two, "--alias", "champion", "--description",
                      "newer", "--cluster"}),
            kOk)
      << err_.str();
  const std::string manifest =
      "# served\napiVersion: penstock.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: f}\n"
      "spec:\n  replicas: 2\n  model: \"" +
      one + "\"  # pinned\n  rollout: {strategy: Canary}";
  Write("deploy/f.yaml", manifest);
  const auto suggest = [&](const std::string& which) {
    return Penstock({"model", "suggest", which, "--for", "deploy/f.yaml", "--cluster"});
  };
  ASSERT_EQ(suggest("flights:champion"), kOk) << err_.str();
  const std::string said = out_.str();
  EXPECT_THAT(said, HasSubstr("Serve version 2 of flights in f\n\nThe ModelDeployment f names " +
                              one + " now (flights-v1), and then " + two + " (flights-v2)."));
  EXPECT_THAT(said, HasSubstr("- description: - -> \"newer\"\n"));
  EXPECT_EQ(*ReadFile(folder_ / "deploy/f.yaml"), manifest);
  Write("patch", said);
  const std::string apply = "cd " + folder_.string() + " && git apply patch 2>&1";
  ASSERT_EQ(std::system(apply.c_str()), 0) << said;
  std::string expected = manifest;
  expected.replace(expected.find(one), one.size(), two);
  EXPECT_EQ(*ReadFile(folder_ / "deploy/f.yaml"), expected);
  ASSERT_EQ(suggest("flights:2"), kOk);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("names flights-v2 already"));
  Write("deploy/f.yaml", expected + "\n---\n" + expected.substr(0, expected.find("{name: f}")) +
                             "{name: g}\nspec:\n  model: >-\n    " + two + "\n");
  EXPECT_EQ(suggest("flights:1"), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("holds the ModelDeployments f, g: say which by --name NAME"));
  EXPECT_EQ(Penstock({"model", "suggest", "flights:1", "--for", "deploy/f.yaml", "--name", "g",
                      "--cluster"}),
            kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("change it by hand to " + one));
  EXPECT_EQ(suggest("flights"), kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("names no version"));
}

TEST_F(ClusterTest, ADiffInADescriptionIsNoneOfASuggestion) {
  const std::string one = "sha256:" + std::string(64, '1'), two = "sha256:" + std::string(64, '2');
  const std::string diff =
      "better\n\ndiff --git a/evil b/evil\nnew file mode 100755\n--- /dev/null\n+++ b/evil\n"
      "@@ -0,0 +1 @@\n+evil\r\n\x1b[2J";
  ASSERT_EQ(Penstock({"model", "push", "flights", one, "--cluster"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"model", "push", "flights", two, "--description", diff, "--cluster"}), kOk)
      << err_.str();
  ASSERT_TRUE(cluster_->client().MergePatch(kube::kModelVersions, kLocalNamespace, "flights-v2",
                                            {{"spec",
                                              {{"run", diff},
                                               {"verdict", diff},
                                               {"evaluation", diff},
                                               {"parameters", {{diff, diff}}}}}}));
  const std::string manifest =
      "apiVersion: penstock.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: f}\n"
      "spec:\n  model: " +
      one + "\n";
  Write("deploy/f.yaml", manifest);
  ASSERT_EQ(Penstock({"model", "suggest", "flights:2", "--for", "deploy/f.yaml", "--cluster"}), kOk)
      << err_.str();
  const std::string said = out_.str();
  EXPECT_THAT(said, HasSubstr("- description: better\\n\\ndiff --git a/evil b/evil\\nnew file"));
  EXPECT_THAT(said, HasSubstr("+evil\\x0d\\n\\x1b[2J\n"));
  Write("patch", said);
  ASSERT_EQ(std::system(("cd " + folder_.string() + " && git apply patch 2>&1").c_str()), 0)
      << said;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "evil"));
  std::string expected = manifest;
  expected.replace(expected.find(one), one.size(), two);
  EXPECT_EQ(*ReadFile(folder_ / "deploy/f.yaml"), expected);
  // In the patch's own line nothing can be escaped.
  ASSERT_TRUE(cluster_->client().MergePatch(kube::kModelVersions, kLocalNamespace, "flights-v2",
                                            {{"spec", {{"source", "https://h/m@" + two + diff}}}}));
  EXPECT_EQ(Penstock({"model", "suggest", "flights:2", "--for", "deploy/f.yaml", "--cluster"}),
            kInvalidSpec);
  EXPECT_THAT(err_.str(), HasSubstr("its source holds a control character: https://h/m@" + two));
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
