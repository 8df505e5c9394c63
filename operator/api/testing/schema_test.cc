// Holds the CRDs against the code that reads their objects, and against the rules for every schema:
// a description and a bound everywhere, a type for every list.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "operator/api/fields_component.h"
#include "operator/api/fields_gate.h"
#include "operator/api/fields_model_deployment.h"
#include "operator/api/fields_run.h"
#include "operator/api/manifest.h"
#include "operator/api/registry/fields_registered_model.h"
#include "operator/api/testing/schema_sketch.h"
#include "operator/base/file.h"

namespace penstock::api {
namespace {

Json Crd(const std::string& plural) {
  const std::string path =
      std::string(PENSTOCK_SOURCE_DIR) + "/crds/" + plural + ".penstock.dev.yaml";
  return ParseManifests(ReadFile(path).value(), path).value().front().object;
}

Json SchemaOf(const Json& crd) { return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]; }

constexpr const char* kPlurals[] = {"pipelines", "pipelineruns", "components",   "modeldeployments",
                                    "approvals", "models",       "modelversions"};
constexpr const char* kBounds[] = {
    "maxLength", "minLength", "pattern",  "enum",          "minimum",
    "maximum",   "maxItems",  "minItems", "maxProperties", "x-kubernetes-list-map-keys"};

std::set<std::string> RequiredOf(const Json& schema) {
  return schema.value("required", std::set<std::string>());
}

// A pattern may stand in a rule, for the sake of its message.
bool PatternIsARule(const Json& schema, const std::string& pattern) {
  for (const Json& rule : schema.value("x-kubernetes-validations", Json::array()))
    if (rule["rule"].get<std::string>().find(pattern) != std::string::npos) return true;
  return false;
}

void CompareBounds(const Json& schema, const Json& code, const std::string& path) {
  for (const char* bound : kBounds) {
    const bool word = schema.contains("enum") || schema.value("format", "") == "date-time";
    if (std::string(bound) == "maxLength" && word) continue;
    if (path.ends_with("tolerationSeconds")) continue;  // bounded in the schema only
    const Json in_code = code.value(bound, Json());
    const Json in_schema = schema.value(bound, Json());
    if (std::string(bound) == "pattern" && in_schema.is_null() && in_code.is_string() &&
        PatternIsARule(schema, in_code))
      continue;
    EXPECT_EQ(in_schema, in_code) << path << ": " << bound;
  }
  if (schema.contains("default")) {
    EXPECT_EQ(schema["default"], code.value("default", Json())) << path;
  }
}

bool IsAnyValue(const Json& s) {
  return !s.contains("type") && s.value("x-kubernetes-preserve-unknown-fields", false);
}

// Values by name: to the code it is the same whether a schema knows each or only preserves them.
Json WithValuesPreserved(Json schema) {
  if (!schema.contains("additionalProperties") || !IsAnyValue(schema["additionalProperties"]))
    return schema;
  schema.erase("additionalProperties");
  schema["x-kubernetes-preserve-unknown-fields"] = true;
  return schema;
}

void Compare(const Json& as_it_stands, const Json& code, const std::string& path) {
  const Json schema =
      code.contains("additionalProperties") ? as_it_stands : WithValuesPreserved(as_it_stands);
  EXPECT_EQ(schema.value("type", ""), code.value("type", "")) << path;
  CompareBounds(schema, code, path);
  EXPECT_EQ(RequiredOf(schema), RequiredOf(code)) << path;
  for (const char* flag : {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"})
    EXPECT_EQ(schema.value(flag, false), code.value(flag, false)) << path << ": " << flag;
  const Json ours = code.value("properties", Json::object());
  const Json theirs = schema.value("properties", Json::object());
  for (const auto& [name, property] : theirs.items()) {
    if (ours.contains(name))
      Compare(property, ours[name], ChildPath(path, name));
    else
      ADD_FAILURE() << ChildPath(path, name) << " stands in the schema and not in the code";
  }
  for (const auto& [name, property] : ours.items())
    EXPECT_TRUE(theirs.contains(name))
        << ChildPath(path, name) << " stands in the code and not in the schema";
  for (const char* inner : {"items", "additionalProperties"}) {
    EXPECT_EQ(schema.contains(inner), code.contains(inner)) << path << ": " << inner;
    if (schema.contains(inner) && code.contains(inner))
      Compare(schema[inner], code[inner], path + "[]");
  }
}

template <typename T>
void CompareWithCode(const std::string& plural, const char* part) {
  Json code;
  SchemaSketch sketch(&code);
  const T value{};
  Fields(sketch, value);
  Json schema = SchemaOf(Crd(plural))["properties"][part];
  // What the API server says of an object that the operator has not seen yet.
  if (schema.contains("default")) {
    EXPECT_EQ(schema["default"], Json({{"observedGeneration", 0}}));
    schema.erase("default");
  }
  Compare(schema, code, part);
}

TEST(Crds, AgreeWithTheCodeFieldByFieldAndBoundByBound) {
  CompareWithCode<PipelineSpec>("pipelines", "spec");
  CompareWithCode<PipelineRunSpec>("pipelineruns", "spec");
  CompareWithCode<ComponentSpec>("components", "spec");
  CompareWithCode<ApprovalSpec>("approvals", "spec");
  CompareWithCode<ModelDeploymentSpec>("modeldeployments", "spec");
  CompareWithCode<RegisteredModelSpec>("models", "spec");
  CompareWithCode<RegisteredVersionSpec>("modelversions", "spec");
}

// A rule sees nothing of what a schema only preserves: values could be changed after the decision.
TEST(Crds, LetADecisionsRuleSeeItsValues) {
  for (const char* immutable : {"approvals", "modelversions"}) {
    const Json spec = SchemaOf(Crd(immutable))["properties"]["spec"];
    EXPECT_EQ(spec["x-kubernetes-validations"][0]["rule"], "self == oldSelf");
    for (const auto& [name, field] : spec["properties"].items())
      EXPECT_FALSE(field.value("x-kubernetes-preserve-unknown-fields", false)) << name;
  }
  const Json approval = SchemaOf(Crd("approvals"))["properties"]["spec"];
  EXPECT_TRUE(IsAnyValue(approval["properties"]["values"]["additionalProperties"]));
}

// Numbers that status always has are not required, so that other writers may leave them out.
TEST(Crds, AgreeWithTheCodeOnStatus) {
  CompareWithCode<PipelineStatus>("pipelines", "status");
  CompareWithCode<PipelineRunStatus>("pipelineruns", "status");
  CompareWithCode<ModelDeploymentStatus>("modeldeployments", "status");
}

void CheckRules(const Json& s, const std::string& path, bool in_list) {
  const std::string type = s.value("type", "");
  const bool outer = path == "metadata" || path.empty();
  if (!outer) {
    EXPECT_GT(s.value("description", "").size(), 2u) << path << " has no description";
    if (type == "object" && !s.contains("properties") && !s.contains("additionalProperties")) {
      EXPECT_TRUE(s.value("x-kubernetes-preserve-unknown-fields", false)) << path;
    }
  }
  if (type == "array") {
    EXPECT_TRUE(s.contains("x-kubernetes-list-type")) << path;
    EXPECT_TRUE(s.contains("maxItems")) << path;
  } else if (type == "string") {
    EXPECT_TRUE(s.contains("maxLength")) << path;
  } else if (type == "integer" || type == "number") {
    EXPECT_TRUE(s.contains("minimum") && s.contains("maximum")) << path;
  } else if (type.empty()) {
    EXPECT_TRUE(IsAnyValue(s) || s.value("x-kubernetes-int-or-string", false)) << path;
  }
  if (s.contains("additionalProperties")) {
    EXPECT_TRUE(s.contains("maxProperties")) << path;
    CheckRules(s["additionalProperties"], path + "[]", in_list);
  }
  EXPECT_FALSE(in_list && s.contains("default"))
      << path << ": a default inside a list's items makes every apply of the list a change";
  const Json properties = s.value("properties", Json::object());
  for (const auto& [name, property] : properties.items())
    CheckRules(property, ChildPath(path, name), in_list);
  if (!s.contains("items")) return;
  // What an item is stands at the list; its own description may be left out.
  Json items = s["items"];
  if (!items.contains("description")) items["description"] = s["description"];
  CheckRules(items, path + "[]", true);
}

TEST(Crds, DescribeAndBoundEveryField) {
  for (const char* plural : kPlurals) {
    SCOPED_TRACE(plural);
    CheckRules(SchemaOf(Crd(plural)), "", false);
  }
}

// kstatus, and with it Argo CD and Flux, takes an object without a status for one that is done.
TEST(Crds, GiveANewObjectAStatusThatIsNotOfItsGeneration) {
  for (const char* plural : {"pipelines", "pipelineruns", "modeldeployments"})
    EXPECT_EQ(SchemaOf(Crd(plural))["properties"]["status"].value("default", Json()),
              Json({{"observedGeneration", 0}}))
        << plural;
}

TEST(Crds, KeepNoUnknownFieldBesideThoseOfTheSpec) {
  for (const char* plural : kPlurals) {
    const Json schema = SchemaOf(Crd(plural));
    for (const Json& level : {schema, schema["properties"]["spec"]}) {
      EXPECT_FALSE(level.value("x-kubernetes-preserve-unknown-fields", false)) << plural;
      EXPECT_FALSE(level["properties"].empty()) << plural;
    }
  }
}

void CollectMessages(const Json& schema, std::set<std::string>* messages) {
  if (schema.is_object())
    for (const Json& rule : schema.value("x-kubernetes-validations", Json::array()))
      messages->insert(rule.at("message").get<std::string>());
  if (schema.is_structured())
    for (const Json& part : schema) CollectMessages(part, messages);
}

TEST(Crds, HaveACaseForTheMessageOfEveryRule) {
  std::set<std::string> rules;
  for (const char* plural : kPlurals) CollectMessages(SchemaOf(Crd(plural)), &rules);
  ASSERT_GT(rules.size(), 15U);
  const auto cases = std::filesystem::path(PENSTOCK_SOURCE_DIR) / "tests/integration/crds/testdata";
  for (const auto& file : std::filesystem::directory_iterator(cases)) {
    const std::string text = ReadFile(file.path()).value();
    const std::string mark = "# message: ";
    const std::size_t at = text.find(mark);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + mark.size();
    rules.erase(text.substr(begin, text.find('\n', begin) - begin));
  }
  for (const std::string& message : rules)
    ADD_FAILURE() << "no case of tests/integration/crds/testdata is refused with: " << message;
}

TEST(Crds, HaveTheirShortNamesAndOneCategory) {
  const std::pair<const char*, const char*> names[] = {
      {"pipelines", "ppl"},        {"pipelineruns", "pplr"}, {"components", "pcmp"},
      {"modeldeployments", "pmd"}, {"approvals", "pappr"},   {"models", "pmodel"},
      {"modelversions", "pmodelv"}};
  for (const auto& [plural, short_name] : names) {
    const Json crd_names = Crd(plural)["spec"]["names"];
    EXPECT_EQ(crd_names["shortNames"], Json::array({short_name}));
    EXPECT_EQ(crd_names["categories"], Json::array({"penstock"}));
  }
}

TEST(Crds, AreWhatTheirPartsMake) {
  const std::string command = std::string(PENSTOCK_SOURCE_DIR) + "/tools/generate-crds --check";
  EXPECT_EQ(std::system(command.c_str()), 0) << "run tools/generate-crds";
}

TEST(Reference, IsWhatTheCrdsMake) {
  const std::string command =
      std::string(PENSTOCK_SOURCE_DIR) + "/tools/generate-reference --check";
  EXPECT_EQ(std::system(command.c_str()), 0) << "run tools/generate-reference";
}

TEST(Reference, OfComponentsIsWhatTheirManifestsMake) {
  const std::string command =
      std::string(PENSTOCK_SOURCE_DIR) + "/tools/generate-components --check";
  EXPECT_EQ(std::system(command.c_str()), 0) << "run tools/generate-components";
}

}  // namespace
}  // namespace penstock::api
