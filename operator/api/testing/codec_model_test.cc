// What a ModelDeployment is refused for: its model, its server, its pods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"

namespace penstock::api {
namespace {

using testing::HasSubstr;

std::string ErrorsOfModel(const std::string& spec) {
  const auto documents = ParseManifests("metadata: {name: m}\nspec:\n" + spec + "\n", "test");
  EXPECT_TRUE(documents) << documents.error().message;
  std::string out;
  for (const auto& e : DecodeModelDeployment(documents->front().object).errors)
    out += e.path + ": " + e.message + "\n";
  return out;
}

TEST(Codec, TakesAModelFromAUriWithItsDigestAndNamesWhatOneWithoutLacks) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  const auto errors = [](const std::string& uri) { return ErrorsOfModel("  model: " + uri); };
  for (const std::string uri :
       {"https://h.example/a/m.onnx", "https://h:8443/m.tar.gz?v=2", "http://minio.data/m.onnx",
        "pvc://models/a/b", "oci://ghcr.io/team/m:1", "oci://registry:5000/m", "s3://b/m/",
        "gs://b/a/m.onnx", "az://c/m.tgz", "webhdfs://n:9870/m/", "swebhdfs:///m/"}) {
    EXPECT_EQ(errors(uri + digest), "") << uri;
    EXPECT_THAT(errors(uri), HasSubstr("spec.model: a URI needs the digest that pins it")) << uri;
  }
  EXPECT_EQ(errors("$(models.flights.champion)"), "");
  EXPECT_EQ(errors("$(models.flights.versions.12)"), "");
  for (const std::string wrong :
       {"abfss://c@a/m", "https://user:pw@h/m", "pvc:///m", "oci://r/m@sha256:12",
        "$(models.flights)", "$(models.flights.versions.0)"})
    EXPECT_THAT(errors(wrong), HasSubstr("spec.model: must be $(pipelines.")) << wrong;
  EXPECT_THAT(errors("pvc://models/../etc" + digest), HasSubstr("must not hold '..'"));
}

TEST(Codec, AnImageIsAVersionWhereItIsNamedByDigestAndNothingIsFetched) {
  const std::string pinned = "r.example:5000/app:1@sha256:" + std::string(64, 'a');
  const auto errors = [](const std::string& image, const std::string& more,
                         const std::string& rest) {
    return ErrorsOfModel("  model: $(server.image)\n  server: {container: {image: \"" + image +
                         "\", port: 8000" + more + "}}\n" + rest);
  };
  EXPECT_EQ(errors(pinned, "", ""), "");
  EXPECT_EQ(errors(pinned, ", args: [$(model.digest), $(model.version)]", ""), "");
  for (const std::string& image : {std::string("app:1"), std::string("app@sha256:12"),
                                   std::string(901, 'a') + "@sha256:" + std::string(64, 'a')})
    EXPECT_THAT(errors(image, "", ""), HasSubstr("whose image is named by digest")) << image;
  EXPECT_THAT(ErrorsOfModel("  model: $(server.image)"), HasSubstr("needs a server.container"));
  for (const char* rest : {"  cache: {claim: c}", "  fetch: {env: [{name: A}]}"})
    EXPECT_THAT(errors(pinned, "", rest), HasSubstr("nothing is fetched: leave out cache")) << rest;
  EXPECT_THAT(errors(pinned, ", modelPath: /m", ""), HasSubstr("nothing is fetched"));
  EXPECT_THAT(errors(pinned, ", args: [--model=$(model.path)]", ""),
              HasSubstr("spec.server: $(model.path) is a fetched model's"));
}

TEST(Codec, PodsOfServersMaySayWhatTheirUsersLike) {
  const auto errors = [](const std::string& pod) {
    return ErrorsOfModel("  model: sha256:" + std::string(64, 'a') + "\n  pod: " + pod);
  };
  EXPECT_EQ(
      errors("{labels: {team: ml, example.com/a: \"\"}, annotations: {sidecar.istio.io/inject: "
             "\"false\"}}"),
      "");
  for (const char* key : {"penstock.dev/model-version", "x.kubernetes.io/a", "k8s.io/a"})
    for (const char* section : {"labels", "annotations"})
      EXPECT_THAT(errors(std::string("{") + section + ": {" + key + ": a}}"),
                  HasSubstr(std::string("spec.pod.") + section + ": names within penstock.dev"));
  EXPECT_THAT(errors("{labels: {team: a b}}"), HasSubstr("spec.pod.labels.team"));
  const std::string long_name(64, 'a');
  for (const std::string& name : {std::string("a/b/c"), long_name, std::string("a..b/c"),
                                  "example.com/" + long_name, std::string("-.example.com/c")})
    EXPECT_THAT(errors("{labels: {" + name + ": x}}"), HasSubstr("name must be at most 63"))
        << name;
  EXPECT_EQ(errors("{labels: {" + long_name.substr(1) + ": x}}"), "");
  EXPECT_THAT(errors("{annotations: {a: " + std::string(4097, 'x') + "}}"),
              HasSubstr("spec.pod.annotations.a"));
}

TEST(Codec, NamesWhatOfOurServerIsSaidBesideAnother) {
  const std::string model = "  model: sha256:" + std::string(64, 'a') + "\n";
  const std::string other = "container: {image: x, port: 8000}";
  const auto errors = [&](const std::string& rest) { return ErrorsOfModel(model + rest); };
  EXPECT_EQ(errors("  server: {" + other + "}"), "");
  for (const char* ours : {"batching: {maxSize: 2}", "queue: {size: 2}", "env: [{name: A}]",
                           "volumeMounts: [{name: a, mountPath: /a}]"})
    EXPECT_THAT(errors("  server: {" + other + ", " + ours + "}"),
                HasSubstr("spec.server: batching, queue, env and volumeMounts are Penstock's own"))
        << ours;
  EXPECT_THAT(errors("  server: {protocol: V1}"), HasSubstr("protocol and readiness are for"));
  EXPECT_THAT(errors("  server: {" + other + ", protocol: HTTP}"),
              HasSubstr("spec.server: server.readiness must say"));
  EXPECT_THAT(errors("  server: {" + other + "}\n  monitoring: {log: {columns: [a]}}"),
              HasSubstr("spec: monitoring.log is what Penstock's own server writes"));
  EXPECT_THAT(errors("  server: {" + other + "}\n  resources: {limits: {cpu: 1}}"),
              HasSubstr("spec: resources are those of Penstock's own server"));
  EXPECT_THAT(errors("  transformer: {container: {image: x, port: 8080}}"),
              HasSubstr("the ports of transformer.container and of the server must differ"));
  EXPECT_THAT(errors("  volumes: [{name: model, emptyDir: {}}]"),
              HasSubstr("spec.volumes: the volumes model, tmp,"));
  EXPECT_THAT(errors("  server: {container: {image: x, port: 1, args: [\"--m=$(model.folder)\"]}}"),
              HasSubstr("spec.server: knows $(model.path)"));
  EXPECT_THAT(errors("  server: {container: {image: x, port: 1, args: [$(server.url)]}}"),
              HasSubstr("spec.server: knows $(model.path)"));
  EXPECT_THAT(errors("  server: {container: {image: x, port: 1, securityContext: {runAsUser: 0}}}"),
              HasSubstr("spec.server.container.securityContext.runAsUser: must be"));
}

}  // namespace
}  // namespace penstock::api
