// Get, list, create, update, merge patch, status.
#include <set>

#include "tests/conformance/cluster_under_test.h"

namespace penstock::conformance {
namespace {

using kube::kConfigMaps;
using kube::kPods;

TEST_P(ClientConformance, CreateFillsWhatTheServerOwns) {
  const Json made = MustCreate(kConfigMaps, ConfigMap("a", {{"k", "v"}}));
  EXPECT_EQ(made["kind"], "ConfigMap");
  EXPECT_EQ(made["apiVersion"], "v1");
  EXPECT_EQ(made["metadata"]["namespace"], ns());
  EXPECT_EQ(UidOf(made).size(), 36U);
  EXPECT_FALSE(VersionOf(made).empty());
  EXPECT_TRUE(ParseTime(made["metadata"].value("creationTimestamp", "")));
  EXPECT_EQ(VersionOf(MustGet(kConfigMaps, "a")), VersionOf(made));
}

TEST_P(ClientConformance, CreateOfATakenNameIsAlreadyExists) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  const auto again = client().Create(kConfigMaps, ns(), ConfigMap("a", nullptr));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kAlreadyExists);
  EXPECT_NE(again.error().message.find("configmaps \"a\" already exists"), std::string::npos)
      << again.error().message;
}

// The words of a real API server, by which alone a quota is told from a right that is missing.
TEST_P(ClientConformance, WhatAQuotaRefusesIsKQuota) {
  if (GetParam().name == "Memory") GTEST_SKIP() << "the memory cluster has no quotas";
  const kube::ResourceType quotas{"", "v1", "resourcequotas", "ResourceQuota"};
  const auto refused = [&](const std::string& name, const Json& hard) {
    MustCreate(quotas, {{"apiVersion", "v1"},
                        {"kind", "ResourceQuota"},
                        {"metadata", {{"name", name}}},
                        {"spec", {{"hard", hard}}}});
    RecordedWatch watch(client(), quotas, ns(), {});
    EXPECT_TRUE(watch.Sees([&](const RecordedWatch::Seen& seen) {
      return seen.object["metadata"]["name"] == name && seen.object["status"].contains("hard");
    }));
    (void)watch.Stop();
    const auto made = client().Create(kPods, ns(), Pod("p"));
    EXPECT_FALSE(made);
    EXPECT_TRUE(client().Delete(quotas, ns(), name, {}));
    return made ? Error{} : made.error();
  };
  const Error over = refused("over", {{"pods", "0"}});
  EXPECT_EQ(over.kind, ErrorKind::kQuota) << over.message;
  EXPECT_NE(over.message.find("exceeded quota: over"), std::string::npos) << over.message;
  const Error unsaid = refused("unsaid", {{"requests.cpu", "1"}});
  EXPECT_EQ(unsaid.kind, ErrorKind::kQuota) << unsaid.message;
  EXPECT_NE(unsaid.message.find("failed quota: unsaid"), std::string::npos) << unsaid.message;
}

TEST_P(ClientConformance, GenerateNameGivesDifferentNamesWithThePrefix) {
  const Json object = {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"generateName", "run-"}}}};
  const std::string a = MustCreate(kConfigMaps, object)["metadata"]["name"];
  const std::string b = MustCreate(kConfigMaps, object)["metadata"]["name"];
  EXPECT_NE(a, b);
  EXPECT_EQ(a.rfind("run-", 0), 0U);
  EXPECT_EQ(a.size(), 9U);
}

TEST_P(ClientConformance, ABadNameIsInvalid) {
  for (const char* name : {"Upper", "under_score", "-dash", ""}) {
    const auto made = client().Create(kConfigMaps, ns(), ConfigMap(name, nullptr));
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid) << name;
  }
}

TEST_P(ClientConformance, AnObjectOfAnotherNamespaceIsInvalid) {
  Json object = ConfigMap("a", nullptr);
  object["metadata"]["namespace"] = "elsewhere";
  const auto made = client().Create(kConfigMaps, ns(), object);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kInvalid) << made.error().message;
}

TEST_P(ClientConformance, CreateWithAResourceVersionIsRefused) {
  Json object = ConfigMap("a", nullptr);
  object["metadata"]["resourceVersion"] = "5";
  // A real server answers 500, so only the refusal is common ground.
  EXPECT_FALSE(client().Create(kConfigMaps, ns(), object));
  EXPECT_FALSE(client().Get(kConfigMaps, ns(), "a"));
}

TEST_P(ClientConformance, GetOfAMissingObjectIsNotFound) {
  const auto got = client().Get(kConfigMaps, ns(), "none");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(got.error().message.find("configmaps \"none\" not found"), std::string::npos)
      << got.error().message;
}

TEST_P(ClientConformance, UpdateWithAnOldVersionIsAConflict) {
  Json object = MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}}));
  Json old = object;
  object["data"]["k"] = "2";
  const auto updated = client().Update(kConfigMaps, ns(), "a", object);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_NE(VersionOf(*updated), VersionOf(old));
  old["data"]["k"] = "3";
  const auto refused = client().Update(kConfigMaps, ns(), "a", old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(MustGet(kConfigMaps, "a")["data"]["k"], "2");
}

TEST_P(ClientConformance, UpdateWithAnotherUidIsAConflict) {
  Json object = MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}}));
  object["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000";
  object["data"]["k"] = "2";
  const auto refused = client().Update(kConfigMaps, ns(), "a", object);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(ClientConformance, UpdateWithoutAVersionReplacesWhateverStands) {
  MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}}));
  const auto updated = client().Update(kConfigMaps, ns(), "a", ConfigMap("a", {{"j", "2"}}));
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ((*updated)["data"], Json({{"j", "2"}}));
}

TEST_P(ClientConformance, UpdateThatChangesNothingKeepsTheVersion) {
  const Json object = MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}}));
  const auto updated = client().Update(kConfigMaps, ns(), "a", object);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(VersionOf(*updated), VersionOf(object));
}

TEST_P(ClientConformance, UpdateOfAMissingObjectIsNotFound) {
  const auto updated = client().Update(kConfigMaps, ns(), "a", ConfigMap("a", nullptr));
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, ErrorKind::kNotFound);
}

TEST_P(ClientConformance, AnImmutableConfigMapKeepsItsData) {
  Json object = ConfigMap("a", {{"k", "1"}});
  object["immutable"] = true;
  MustCreate(kConfigMaps, object);
  const auto patched = client().MergePatch(kConfigMaps, ns(), "a", {{"data", {{"k", "2"}}}});
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().kind, ErrorKind::kInvalid);
}

TEST_P(ClientConformance, MergePatchSetsAndRemoves) {
  MustCreate(kConfigMaps, ConfigMap("a", {{"keep", "1"}, {"drop", "2"}}));
  const auto patched =
      client().MergePatch(kConfigMaps, ns(), "a", {{"data", {{"drop", nullptr}, {"add", "3"}}}});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ((*patched)["data"], Json({{"keep", "1"}, {"add", "3"}}));
}

TEST_P(ClientConformance, MergePatchWithAnOldVersionIsAConflict) {
  const std::string old = VersionOf(MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}})));
  const Json patch = {{"metadata", {{"resourceVersion", old}}}, {"data", {{"k", "2"}}}};
  ASSERT_TRUE(client().MergePatch(kConfigMaps, ns(), "a", patch));
  Json again = patch;
  again["data"]["k"] = "3";
  const auto refused = client().MergePatch(kConfigMaps, ns(), "a", again);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(ClientConformance, ThePathOfThePodIgnoresStatusAndThatOfItsStatusTheRest) {
  Json pod = Pod("p");
  pod["status"] = {{"phase", "Running"}};
  EXPECT_EQ(MustCreate(kPods, pod)["status"]["phase"], "Pending");

  const auto main = client().MergePatch(
      kPods, ns(), "p",
      {{"metadata", {{"labels", {{"a", "b"}}}}}, {"status", {{"phase", "Failed"}}}});
  ASSERT_TRUE(main) << main.error().message;
  EXPECT_EQ((*main)["status"]["phase"], "Pending");
  EXPECT_EQ((*main)["metadata"]["labels"]["a"], "b");

  kube::PatchOptions options;
  options.subresource = "status";
  const auto status = client().MergePatch(
      kPods, ns(), "p",
      {{"spec", {{"activeDeadlineSeconds", 5}}}, {"status", {{"phase", "Running"}}}}, options);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ((*status)["status"]["phase"], "Running");
  EXPECT_FALSE((*status)["spec"].contains("activeDeadlineSeconds"));
}

TEST_P(ClientConformance, GenerationCountsChangesOfSpecAndNotOfLabels) {
  const Json object = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", "d"}}},
      {"spec",
       {{"replicas", 0},
        {"selector", {{"matchLabels", {{"app", "d"}}}}},
        {"template", {{"metadata", {{"labels", {{"app", "d"}}}}}, {"spec", Pod("x")["spec"]}}}}}};
  EXPECT_EQ(MustCreate(kube::kDeployments, object)["metadata"]["generation"], 1);
  auto patched = client().MergePatch(kube::kDeployments, ns(), "d",
                                     {{"metadata", {{"labels", {{"a", "b"}}}}}});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ((*patched)["metadata"]["generation"], 1);
  patched =
      client().MergePatch(kube::kDeployments, ns(), "d",
                          {{"spec", {{"template", {{"metadata", {{"labels", {{"b", "c"}}}}}}}}}});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ((*patched)["metadata"]["generation"], 2);
}

TEST_P(ClientConformance, AControllerRevisionKeepsItsData) {
  const Json object = {{"apiVersion", "apps/v1"},
                       {"kind", "ControllerRevision"},
                       {"metadata", {{"name", "r"}}},
                       {"revision", 1},
                       {"data", {{"spec", "x"}}}};
  MustCreate(kube::kControllerRevisions, object);
  const auto patched =
      client().MergePatch(kube::kControllerRevisions, ns(), "r", {{"data", {{"spec", "y"}}}});
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().kind, ErrorKind::kInvalid);
}

TEST_P(ClientConformance, ListPagesGiveEveryObjectOnce) {
  std::set<std::string> names;
  for (int i = 0; i < 53; ++i) {
    const std::string name = "c" + std::to_string(i);
    names.insert(name);
    MustCreate(kConfigMaps, ConfigMap(name, nullptr, {{"paged", "yes"}}));
  }
  kube::ListOptions options;
  options.label_selector = "paged=yes";
  options.limit = 10;
  std::set<std::string> seen;
  std::size_t count = 0;
  int pages = 0;
  std::string version;
  do {
    auto page = client().List(kConfigMaps, ns(), options);
    ASSERT_TRUE(page) << page.error().message;
    if (++pages == 2) MustCreate(kConfigMaps, ConfigMap("zlate", nullptr, {{"paged", "yes"}}));
    if (pages == 1) version = page->resource_version;
    EXPECT_EQ(page->resource_version, version) << "pages are of one version";
    for (const auto& item : page->items) {
      EXPECT_EQ(item["kind"], "ConfigMap");
      EXPECT_EQ(item["apiVersion"], "v1");
      seen.insert(item["metadata"]["name"].get<std::string>());
      ++count;
    }
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  EXPECT_EQ(pages, 6);
  EXPECT_EQ(count, 53U);
  EXPECT_EQ(seen, names) << "an object made while paging is not in the list";
}

TEST_P(ClientConformance, ListTakesSelectors) {
  MustCreate(kPods, Pod("a", {{"run", "1"}, {"step", "x"}}));
  MustCreate(kPods, Pod("b", {{"run", "1"}, {"step", "y"}}));
  MustCreate(kPods, Pod("c", {{"run", "2"}}));
  const auto names = [&](const std::string& labels, const std::string& fields) {
    kube::ListOptions options;
    options.label_selector = labels;
    options.field_selector = fields;
    std::string out;
    const auto page = client().List(kPods, ns(), options);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return out;
    for (const auto& item : page->items) out += item["metadata"]["name"].get<std::string>();
    return out;
  };
  EXPECT_EQ(names("", ""), "abc");
  EXPECT_EQ(names("run=1", ""), "ab");
  EXPECT_EQ(names("run=1,step!=x", ""), "b");
  EXPECT_EQ(names("run in (2,3)", ""), "c");
  EXPECT_EQ(names("step notin (x)", ""), "bc");
  EXPECT_EQ(names("step", ""), "ab");
  EXPECT_EQ(names("!step", ""), "c");
  EXPECT_EQ(names("", "metadata.name=b"), "b");
  EXPECT_EQ(names("", "status.phase=Pending"), "abc");
  EXPECT_EQ(names("", "status.phase!=Pending"), "");
  EXPECT_EQ(names("run=1", "spec.nodeName="), "ab");
}

TEST_P(ClientConformance, AnUnknownFieldSelectorIsInvalid) {
  kube::ListOptions options;
  options.field_selector = "spec.nonsense=1";
  const auto page = client().List(kPods, ns(), options);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
}

TEST_P(ClientConformance, ALeaseTakesOurTimesAndIsFencedByItsVersion) {
  const std::string now = FormatMicroTime(SystemClock().Now());
  Json lease = MustCreate(kube::kLeases, {{"metadata", {{"name", "l"}}},
                                          {"spec",
                                           {{"holderIdentity", "a"},
                                            {"leaseDurationSeconds", 15},
                                            {"leaseTransitions", 0},
                                            {"acquireTime", now},
                                            {"renewTime", now}}}});
  EXPECT_EQ(lease["spec"]["renewTime"], now);
  const Json old = lease;
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  ASSERT_TRUE(client().Update(kube::kLeases, ns(), "l", lease));
  const auto refused = client().Update(kube::kLeases, ns(), "l", old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(ClientConformance, AnEventIsTakenAsWeWriteItAndItsSeriesPatched) {
  const std::string now = FormatMicroTime(SystemClock().Now());
  MustCreate(kube::kEvents, {{"metadata", {{"name", "run.1"}}},
                             {"eventTime", now},
                             {"type", "Warning"},
                             {"reason", "StepFailed"},
                             {"action", "StepFailed"},
                             {"note", std::string(1024, 'n')},
                             {"reportingController", "penstock.dev/operator"},
                             {"reportingInstance", "operator-0"},
                             {"regarding",
                              {{"apiVersion", "penstock.dev/v1alpha1"},
                               {"kind", "PipelineRun"},
                               {"namespace", ns()},
                               {"name", "run"},
                               {"uid", "u"}}}});
  const Json series = {{"series", {{"count", 2}, {"lastObservedTime", now}}}};
  const auto patched = client().MergePatch(kube::kEvents, ns(), "run.1", series);
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ((*patched)["series"]["count"], 2);
}

TEST_P(ClientConformance, LogsOfAMissingPodAreNotFound) {
  const auto logs = client().Logs(ns(), "none", {}, [](std::string_view) { return true; }, {});
  ASSERT_FALSE(logs);
  EXPECT_EQ(logs.error().kind, ErrorKind::kNotFound);
}

TEST_P(ClientConformance, AStoppedCallIsCancelled) {
  std::stop_source source;
  source.request_stop();
  const auto got =
      client().Get(kConfigMaps, ns(), "a", {source.get_token(), std::chrono::seconds(5)});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace penstock::conformance
