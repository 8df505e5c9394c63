#include "operator/api/registry/registered_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/manifest.h"

namespace penstock::api {
namespace {

using testing::HasSubstr;

Json Object(const std::string& yaml) { return ParseManifests(yaml, "test").value().front().object; }

std::string ErrorsOf(const std::vector<FieldError>& errors) {
  std::string out;
  for (const auto& e : errors) out += e.path + ": " + e.message + "\n";
  return out;
}

const std::string kDigestText = "sha256:" + std::string(64, 'a');
const std::string kVersion = R"(
apiVersion: penstock.dev/v1alpha1
kind: ModelVersion
metadata: {name: flights-v3, namespace: default}
spec:
  model: flights
  version: 3
  digest: ")" + kDigestText + R"("
  folder: false
  bytes: 10
  source: "https://h/m@)" + kDigestText +
                             R"("
  run: flights-4be1-1
  data: {train: ")" + kDigestText +
                             R"("}
  parameters: {minAuc: 0.65, list: [1, {a: null}]}
  evaluation: ")" + kDigestText +
                             R"("
  verdict: Blessed
  description: "better"
)";

TEST(RegisteredModel, GoesThereAndBackFieldByField) {
  const Json version = Object(kVersion);
  const auto v = DecodeRegisteredVersion(version);
  EXPECT_EQ(ErrorsOf(v.errors), "");
  EXPECT_EQ(Encode(v.value), version) << Json::diff(version, Encode(v.value)).dump(1);
  const Json model = Object(R"(
apiVersion: penstock.dev/v1alpha1
kind: Model
metadata: {name: flights, namespace: default}
spec: {description: "late?", aliases: {champion: 3, next-one: 4}})");
  const auto m = DecodeRegisteredModel(model);
  EXPECT_EQ(ErrorsOf(m.errors), "");
  EXPECT_EQ(Encode(m.value), model);
  EXPECT_EQ(m.value.spec.VersionOf("champion"), 3);
  EXPECT_EQ(m.value.spec.VersionOf("other"), std::nullopt);
}

TEST(RegisteredModel, NamesAVersionByItsModelAndNumber) {
  Json version = Object(kVersion);
  version["metadata"]["name"] = "flights-v4";
  EXPECT_THAT(ErrorsOf(DecodeRegisteredVersion(version).errors),
              HasSubstr("metadata.name: must be <spec.model>-v<spec.version>"));
}

TEST(RegisteredModel, RefusesAnAliasThatNoReferenceCouldName) {
  for (const char* alias : {"versions", "3", "a.b", "Champion"}) {
    const Json model = Object(
        "apiVersion: penstock.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\n"
        "spec: {aliases: {\"" +
        std::string(alias) + "\": 1}}");
    EXPECT_THAT(ErrorsOf(DecodeRegisteredModel(model).errors),
                HasSubstr("spec.aliases: an alias is a lower-case letter"))
        << alias;
  }
}

TEST(RegisteredReference, IsOfAnAliasOrANumber) {
  const auto alias = ParseRegisteredReference("$(models.flights.champion)");
  ASSERT_TRUE(alias);
  EXPECT_EQ(alias->model, "flights");
  EXPECT_EQ(alias->alias, "champion");
  const auto number = ParseRegisteredReference("$(models.flights.versions.12)");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->version, 12);
  for (const char* none : {"$(models.flights)", "$(pipelines.p.outputs.o)", "sha256:1",
                           "$(models.flights.versions.x)", "$(models.flights.versions.0)"})
    EXPECT_FALSE(ParseRegisteredReference(none)) << none;
}

}  // namespace
}  // namespace penstock::api
