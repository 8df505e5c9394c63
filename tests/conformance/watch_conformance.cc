// Watch: versions, selectors, bookmarks, streaming lists, 410.
#include "tests/conformance/cluster_under_test.h"

namespace penstock::conformance {
namespace {

using kube::kConfigMaps;
using kube::kPods;
using kube::WatchEventType;

std::string ListVersion(kube::Client& client, const kube::ResourceType& type,
                        const std::string& ns) {
  const auto page = client.List(type, ns, {});
  EXPECT_TRUE(page) << page.error().message;
  return page ? page->resource_version : "";
}

TEST_P(ClientConformance, AWatchTellsWhatHappenedAfterItsVersion) {
  MustCreate(kConfigMaps, ConfigMap("before", nullptr));
  kube::WatchOptions options;
  options.resource_version = ListVersion(client(), kConfigMaps, ns());
  MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}}));
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  EXPECT_TRUE(watch.Sees(WatchEventType::kAdded, "a"));
  ASSERT_TRUE(client().MergePatch(kConfigMaps, ns(), "a", {{"data", {{"k", "2"}}}}));
  EXPECT_TRUE(watch.Sees(WatchEventType::kModified, "a"));
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "a"));
  EXPECT_TRUE(watch.Sees(WatchEventType::kDeleted, "a"));
  std::uint64_t version = std::stoull(options.resource_version);
  for (const auto& seen : watch.All()) {
    EXPECT_NE(seen.object["metadata"].value("name", ""), "before");
    EXPECT_GT(std::stoull(VersionOf(seen.object)), version) << "versions grow, deletions included";
    version = std::stoull(VersionOf(seen.object));
  }
  const auto outcome = watch.Stop();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kCancelled);
}

TEST_P(ClientConformance, AWatchWithoutAVersionBeginsWithWhatIsThere) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  RecordedWatch watch(client(), kConfigMaps, ns(), {});
  EXPECT_TRUE(watch.Sees(WatchEventType::kAdded, "a"));
}

TEST_P(ClientConformance, ASelectingWatchTellsEntryAndExit) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  kube::WatchOptions options;
  options.resource_version = ListVersion(client(), kConfigMaps, ns());
  options.label_selector = "own in (yes)";
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  MustCreate(kConfigMaps, ConfigMap("foreign", nullptr));
  const auto label = [&](const Json& value) {
    return client().MergePatch(kConfigMaps, ns(), "a",
                               {{"metadata", {{"labels", {{"own", value}}}}}});
  };
  ASSERT_TRUE(label("yes"));
  EXPECT_TRUE(watch.Sees(WatchEventType::kAdded, "a"));
  ASSERT_TRUE(label(nullptr));
  EXPECT_TRUE(watch.Sees(WatchEventType::kDeleted, "a"));
  for (const auto& seen : watch.All()) {
    EXPECT_NE(seen.object["metadata"].value("name", ""), "foreign");
  }
}

TEST_P(ClientConformance, AStreamingListEndsWithAMarkedBookmark) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  MustCreate(kConfigMaps, ConfigMap("b", nullptr));
  kube::WatchOptions options;
  options.send_initial_events = true;
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  ASSERT_TRUE(watch.Sees([](const RecordedWatch::Seen& seen) {
    return seen.type == WatchEventType::kBookmark &&
           seen.object["metadata"].contains("annotations") &&
           seen.object["metadata"]["annotations"].value("k8s.io/initial-events-end", "") == "true";
  }));
  std::size_t bookmark = 0;
  const auto all = watch.All();
  while (all[bookmark].type != WatchEventType::kBookmark) ++bookmark;
  EXPECT_GE(bookmark, 2U) << "all objects stand before the bookmark";
  EXPECT_FALSE(VersionOf(all[bookmark].object).empty());
  MustCreate(kConfigMaps, ConfigMap("c", nullptr));
  EXPECT_TRUE(watch.Sees(WatchEventType::kAdded, "c"));
}

TEST_P(ClientConformance, AQuietWatchEndsInTime) {
  kube::WatchOptions options;
  options.resource_version = ListVersion(client(), kConfigMaps, ns());
  options.server_timeout = std::chrono::seconds(2);
  const auto begin = std::chrono::steady_clock::now();
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  const auto outcome = watch.Join();
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(12));
  for (const auto& seen : watch.All()) {
    // No bookmark is promised; what comes must carry a version to go on from.
    EXPECT_FALSE(VersionOf(seen.object).empty());
  }
}

// Of a kind of its own: its history begins now, while that of a young server's older kinds may well
// reach back to version 1.
TEST_P(ClientConformance, AWatchFromBeforeTheHistoryIsExpired) {
  static constexpr kube::ResourceType kDefinitions{
      "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};
  const std::string group = ns() + ".example.com";
  const std::string name = "relics." + group;
  const Json schema = {{"openAPIV3Schema", {{"type", "object"}}}};
  const Json version = {{"name", "v1"}, {"served", true}, {"storage", true}, {"schema", schema}};
  const auto defined = client().Create(
      kDefinitions, "",
      {{"apiVersion", "apiextensions.k8s.io/v1"},
       {"kind", "CustomResourceDefinition"},
       {"metadata", {{"name", name}}},
       {"spec",
        {{"group", group},
         {"scope", "Namespaced"},
         {"names", {{"plural", "relics"}, {"singular", "relic"}, {"kind", "Relic"}}},
         {"versions", {version}}}}});
  ASSERT_TRUE(defined) << defined.error().message;
  const kube::ResourceType relics{group, "v1", "relics", "Relic"};
  Result<kube::ListPage> served = client().List(relics, ns(), {});
  for (int i = 0; i < 100 && !served; ++i) {  // the kind is served a moment later
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    served = client().List(relics, ns(), {});
  }
  EXPECT_TRUE(served) << served.error().message;
  kube::WatchOptions options;
  options.resource_version = "1";
  RecordedWatch watch(client(), relics, ns(), options);
  const auto outcome = watch.Join();
  EXPECT_TRUE(client().Delete(kDefinitions, "", name));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kExpired);
  EXPECT_NE(outcome.error().message.find("too old"), std::string::npos) << outcome.error().message;
}

TEST_P(ClientConformance, AWatchFromNonsenseIsRefusedButNotExpired) {
  kube::WatchOptions options;
  options.resource_version = "yesterday";
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  const auto outcome = watch.Join();
  ASSERT_FALSE(outcome);
  // A real server answers 500 here; what matters is that nobody takes it for 410.
  EXPECT_NE(outcome.error().kind, ErrorKind::kExpired);
}

TEST_P(ClientConformance, AWatchOfAllNamespacesSeesOurs) {
  kube::WatchOptions options;
  options.resource_version = ListVersion(client(), kPods, "");
  options.label_selector = "conformance=" + ns();
  RecordedWatch watch(client(), kPods, "", options);
  MustCreate(kPods, Pod("p", {{"conformance", ns()}}));
  EXPECT_TRUE(watch.Sees(WatchEventType::kAdded, "p"));
}

TEST_P(ClientConformance, ASinkThatRefusesEndsTheWatch) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  int calls = 0;
  std::stop_source stop;
  const auto outcome = client().Watch(
      kConfigMaps, ns(), {}, [&](kube::WatchEvent&) { return ++calls < 1; }, stop.get_token());
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(calls, 1);
}

TEST_P(ClientConformance, AStoppedWatchReturnsWithinASecond) {
  kube::WatchOptions options;
  options.resource_version = ListVersion(client(), kConfigMaps, ns());
  RecordedWatch watch(client(), kConfigMaps, ns(), options);
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  ASSERT_TRUE(watch.Sees(WatchEventType::kAdded, "a"));
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = watch.Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace penstock::conformance
