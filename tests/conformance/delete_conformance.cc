// Delete, finalizers, owners.
#include "tests/conformance/cluster_under_test.h"

namespace penstock::conformance {
namespace {

using kube::kConfigMaps;
using kube::kPods;

Json OwnedBy(Json object, const Json& owner) {
  object["metadata"]["ownerReferences"].push_back({{"apiVersion", owner["apiVersion"]},
                                                   {"kind", owner["kind"]},
                                                   {"name", owner["metadata"]["name"]},
                                                   {"uid", owner["metadata"]["uid"]}});
  return object;
}

TEST_P(ClientConformance, DeleteRemovesAndASecondDeleteIsNotFound) {
  MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "a"));
  EXPECT_FALSE(client().Get(kConfigMaps, ns(), "a"));
  const auto again = client().Delete(kConfigMaps, ns(), "a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kNotFound);
}

TEST_P(ClientConformance, DeleteOfAnotherUidIsAConflict) {
  const Json object = MustCreate(kConfigMaps, ConfigMap("a", nullptr));
  kube::DeleteOptions options;
  options.uid = "00000000-0000-4000-8000-000000000000";
  const auto refused = client().Delete(kConfigMaps, ns(), "a", options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  options.uid = UidOf(object);
  EXPECT_TRUE(client().Delete(kConfigMaps, ns(), "a", options));
}

TEST_P(ClientConformance, DeleteOfAnOldVersionIsAConflict) {
  const std::string old = VersionOf(MustCreate(kConfigMaps, ConfigMap("a", {{"k", "1"}})));
  ASSERT_TRUE(client().MergePatch(kConfigMaps, ns(), "a", {{"data", {{"k", "2"}}}}));
  kube::DeleteOptions options;
  options.resource_version = old;
  const auto refused = client().Delete(kConfigMaps, ns(), "a", options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_P(ClientConformance, AFinalizerHoldsADeletedObjectUntilItLeaves) {
  Json object = ConfigMap("a", nullptr);
  object["metadata"]["finalizers"] = {"penstock.dev/hold"};
  MustCreate(kConfigMaps, object);
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "a"));
  const Json held = MustGet(kConfigMaps, "a");
  EXPECT_TRUE(held["metadata"].contains("deletionTimestamp"));

  const auto added = client().MergePatch(
      kConfigMaps, ns(), "a",
      {{"metadata", {{"finalizers", {"penstock.dev/hold", "penstock.dev/more"}}}}});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::kInvalid);

  ASSERT_TRUE(
      client().MergePatch(kConfigMaps, ns(), "a", {{"metadata", {{"finalizers", nullptr}}}}));
  EXPECT_FALSE(client().Get(kConfigMaps, ns(), "a"));
}

TEST_P(ClientConformance, AnUnscheduledPodGoesAtOnce) {
  MustCreate(kPods, Pod("p"));
  ASSERT_TRUE(client().Delete(kPods, ns(), "p"));
  EXPECT_FALSE(client().Get(kPods, ns(), "p"));
}

TEST_P(ClientConformance, AScheduledPodTerminatesUntilItsNodeConfirms) {
  Json pod = Pod("p");
  pod["spec"]["nodeName"] = "no-such-node";
  pod["spec"]["terminationGracePeriodSeconds"] = 30;
  const Json made = MustCreate(kPods, pod);
  ASSERT_TRUE(client().Delete(kPods, ns(), "p"));
  const Json dying = MustGet(kPods, "p");
  EXPECT_TRUE(dying["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(dying["metadata"]["deletionGracePeriodSeconds"], 30);
  kube::DeleteOptions confirm;
  confirm.uid = UidOf(made);
  confirm.grace_period_seconds = 0;
  ASSERT_TRUE(client().Delete(kPods, ns(), "p", confirm));
  EXPECT_FALSE(client().Get(kPods, ns(), "p"));
}

TEST_P(ClientConformance, DependentsFollowTheirOwner) {
  const Json owner = MustCreate(kConfigMaps, ConfigMap("owner", nullptr));
  MustCreate(kConfigMaps, OwnedBy(ConfigMap("child", nullptr), owner));
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "owner"));
  EXPECT_TRUE(Vanishes(kConfigMaps, "child"));
}

TEST_P(ClientConformance, ADependentWithAnotherLivingOwnerStays) {
  const Json first = MustCreate(kConfigMaps, ConfigMap("first", nullptr));
  const Json second = MustCreate(kConfigMaps, ConfigMap("second", nullptr));
  MustCreate(kConfigMaps, OwnedBy(OwnedBy(ConfigMap("child", nullptr), first), second));
  RecordedWatch watch(client(), kConfigMaps, ns(), {});
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "first"));
  EXPECT_TRUE(watch.Sees([&](const RecordedWatch::Seen& seen) {
    const Json& metadata = seen.object["metadata"];
    return metadata.value("name", "") == "child" && metadata.contains("ownerReferences") &&
           metadata["ownerReferences"].size() == 1 &&
           metadata["ownerReferences"][0]["uid"] == UidOf(second);
  }));
  EXPECT_TRUE(client().Get(kConfigMaps, ns(), "child"));
}

TEST_P(ClientConformance, OrphanedDependentsStayWithoutTheOwner) {
  const Json owner = MustCreate(kConfigMaps, ConfigMap("owner", nullptr));
  MustCreate(kConfigMaps, OwnedBy(ConfigMap("child", nullptr), owner));
  kube::DeleteOptions options;
  options.propagation = "Orphan";
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "owner", options));
  EXPECT_TRUE(Vanishes(kConfigMaps, "owner"));
  EXPECT_FALSE(MustGet(kConfigMaps, "child")["metadata"].contains("ownerReferences"));
}

TEST_P(ClientConformance, ForegroundDeletionEndsWithTheOwner) {
  const Json owner = MustCreate(kConfigMaps, ConfigMap("owner", nullptr));
  MustCreate(kConfigMaps, OwnedBy(ConfigMap("child", nullptr), owner));
  kube::DeleteOptions options;
  options.propagation = "Foreground";
  ASSERT_TRUE(client().Delete(kConfigMaps, ns(), "owner", options));
  EXPECT_TRUE(Vanishes(kConfigMaps, "owner"));
  EXPECT_TRUE(Vanishes(kConfigMaps, "child"));
}

}  // namespace
}  // namespace penstock::conformance
