// Server-side apply.
#include "tests/conformance/cluster_under_test.h"

namespace penstock::conformance {
namespace {

using kube::kConfigMaps;
using kube::kPods;

kube::PatchOptions Manager(const std::string& name, bool force = true) {
  kube::PatchOptions options;
  options.field_manager = name;
  options.force = force;
  return options;
}

TEST_P(ClientConformance, ApplyCreatesAndThenChangesNothing) {
  const Json first = MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}}));
  EXPECT_EQ(first["data"]["k"], "v");
  const Json second = MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}}));
  EXPECT_EQ(VersionOf(second), VersionOf(first));
  EXPECT_EQ(UidOf(second), UidOf(first));
}

TEST_P(ClientConformance, AFieldThatIsNoLongerAppliedGoes) {
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}, {"gone", "x"}}, {{"l", "1"}}));
  const Json applied = MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}}));
  EXPECT_EQ(applied["data"], Json({{"k", "v"}}));
  EXPECT_FALSE(applied["metadata"].contains("labels"));
}

TEST_P(ClientConformance, AFieldThatAnotherManagerAlsoAppliesStays) {
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}, {"shared", "x"}}), Manager("one"));
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"shared", "x"}}), Manager("two"));
  const Json applied = MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "v"}}), Manager("one"));
  EXPECT_EQ(applied["data"], Json({{"k", "v"}, {"shared", "x"}}));
}

TEST_P(ClientConformance, ManagersKeepToTheirFields) {
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"one", "1"}}), Manager("one"));
  const Json applied = MustApply(kConfigMaps, "a", ConfigMap("a", {{"two", "2"}}), Manager("two"));
  EXPECT_EQ(applied["data"], Json({{"one", "1"}, {"two", "2"}}));
}

TEST_P(ClientConformance, ApplyOfAnothersFieldConflictsUnlessForced) {
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "1"}}), Manager("one"));
  const auto refused =
      client().Apply(kConfigMaps, ns(), "a", ConfigMap("a", {{"k", "2"}}), Manager("two", false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(MustGet(kConfigMaps, "a")["data"]["k"], "1");

  MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "2"}}), Manager("two"));
  const Json left = MustApply(kConfigMaps, "a", ConfigMap("a", nullptr), Manager("one"));
  EXPECT_EQ(left["data"]["k"], "2") << "who lost a field does not remove it";
}

TEST_P(ClientConformance, ApplyOfAValueThatPatchSetConflicts) {
  MustApply(kConfigMaps, "a", ConfigMap("a", {{"k", "1"}}), Manager("one"));
  ASSERT_TRUE(
      client().MergePatch(kConfigMaps, ns(), "a", {{"data", {{"k", "2"}}}}, Manager("hand")));
  const auto refused =
      client().Apply(kConfigMaps, ns(), "a", ConfigMap("a", {{"k", "1"}}), Manager("one", false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(ClientConformance, ApplyMergesConditionsByType) {
  MustCreate(kPods, Pod("p"));
  const auto status = [](const char* type, const char* value) {
    return Json{{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata", {{"name", "p"}}},
                {"status", {{"conditions", {{{"type", type}, {"status", value}}}}}}};
  };
  auto one = Manager("one");
  one.subresource = "status";
  auto two = Manager("two");
  two.subresource = "status";
  MustApply(kPods, "p", status("penstock.dev/A", "True"), one);
  Json applied = MustApply(kPods, "p", status("penstock.dev/B", "False"), two);
  const auto condition = [](const Json& object, const std::string& type) -> std::string {
    for (const auto& c : object["status"]["conditions"]) {
      if (c["type"] == type) return c["status"];
    }
    return "";
  };
  EXPECT_EQ(condition(applied, "penstock.dev/A"), "True");
  EXPECT_EQ(condition(applied, "penstock.dev/B"), "False");
  applied = MustApply(kPods, "p", status("penstock.dev/C", "True"), one);
  EXPECT_EQ(condition(applied, "penstock.dev/A"), "") << "no longer applied by its only manager";
  EXPECT_EQ(condition(applied, "penstock.dev/B"), "False");
}

TEST_P(ClientConformance, ApplyMergesContainersAndEnvByName) {
  const auto deployment = [](const Json& containers) {
    return Json{
        {"apiVersion", "apps/v1"},
        {"kind", "Deployment"},
        {"metadata", {{"name", "d"}}},
        {"spec",
         {{"replicas", 0},
          {"selector", {{"matchLabels", {{"app", "d"}}}}},
          {"template",
           {{"metadata", {{"labels", {{"app", "d"}}}}}, {"spec", {{"containers", containers}}}}}}}};
  };
  const Json image = {{"name", "main"}, {"image", "example.invalid/a"}};
  Json with_env = image;
  with_env["env"] = {{{"name", "A"}, {"value", "1"}}, {{"name", "B"}, {"value", "2"}}};
  with_env["ports"] = {{{"containerPort", 80}}};
  MustApply(kube::kDeployments, "d", deployment(Json::array({with_env})), Manager("one"));
  Json other = {{"name", "main"}, {"env", {{{"name", "C"}, {"value", "3"}}}}};
  const Json patch = {{"apiVersion", "apps/v1"},
                      {"kind", "Deployment"},
                      {"metadata", {{"name", "d"}}},
                      {"spec", {{"template", {{"spec", {{"containers", Json::array({other})}}}}}}}};
  MustApply(kube::kDeployments, "d", patch, Manager("two"));
  Json less = with_env;
  less["env"] = {{{"name", "B"}, {"value", "4"}}};
  const Json applied =
      MustApply(kube::kDeployments, "d", deployment(Json::array({less})), Manager("one"));
  const Json& containers = applied["spec"]["template"]["spec"]["containers"];
  ASSERT_EQ(containers.size(), 1U);
  std::map<std::string, std::string> env;
  for (const auto& e : containers[0]["env"]) env[e["name"]] = e["value"];
  EXPECT_EQ(env, (std::map<std::string, std::string>{{"B", "4"}, {"C", "3"}}));
  EXPECT_EQ(containers[0]["image"], "example.invalid/a");
  EXPECT_EQ(containers[0]["ports"][0]["containerPort"], 80);
}

TEST_P(ClientConformance, ApplyOfAStatusOfAMissingObjectIsNotFound) {
  auto options = Manager("one");
  options.subresource = "status";
  const auto applied = client().Apply(kPods, ns(), "none",
                                      {{"apiVersion", "v1"},
                                       {"kind", "Pod"},
                                       {"metadata", {{"name", "none"}}},
                                       {"status", {{"phase", "Failed"}}}},
                                      options);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::kNotFound);
}

TEST_P(ClientConformance, ApplyWithAnOldVersionIsAConflict) {
  Json object = ConfigMap("a", {{"k", "1"}});
  const std::string old = VersionOf(MustApply(kConfigMaps, "a", object));
  object["data"]["k"] = "2";
  MustApply(kConfigMaps, "a", object);
  object["data"]["k"] = "3";
  object["metadata"]["resourceVersion"] = old;
  const auto refused = client().Apply(kConfigMaps, ns(), "a", object);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

}  // namespace
}  // namespace penstock::conformance
