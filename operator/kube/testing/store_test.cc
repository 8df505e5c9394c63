#include "operator/kube/store.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

ObjectPtr Made(const std::string& name, const std::string& uid, const std::string& version,
               const std::string& owner = "") {
  Json object = {
      {"metadata",
       {{"namespace", "ns"}, {"name", name}, {"uid", uid}, {"resourceVersion", version}}}};
  if (!owner.empty()) object["metadata"]["ownerReferences"] = {{{"uid", owner}}};
  return std::make_shared<const Json>(std::move(object));
}

TEST(Store, IndexesByOwnerThroughChangesAndDeletions) {
  Store store;
  store.Put({"ns", "a"}, Made("a", "1", "1", "o"));
  store.Put({"ns", "b"}, Made("b", "2", "2", "o"));
  EXPECT_EQ(store.ByOwner("o").size(), 2U);
  store.Put({"ns", "a"}, Made("a", "1", "3", "p"));
  EXPECT_EQ(store.ByOwner("o").size(), 1U);
  EXPECT_EQ(store.ByOwner("p").size(), 1U);
  store.Erase({"ns", "b"}, nullptr);
  EXPECT_TRUE(store.ByOwner("o").empty());
}

TEST(Store, ReplaceTellsAnObjectThatWasMadeAnewAsDeletedAndAdded) {
  Store store;
  store.Put({"ns", "a"}, Made("a", "1", "1"));
  const auto changes = store.Replace({{{"ns", "a"}, Made("a", "2", "5")}});
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].type, ChangeType::kDeleted);
  EXPECT_EQ(UidOf(*changes[0].after), "1");
  EXPECT_EQ(changes[1].type, ChangeType::kAdded);
}

TEST(Store, TheSameVersionIsNoChange) {
  Store store;
  store.Put({"ns", "a"}, Made("a", "1", "1"));
  EXPECT_FALSE(store.Put({"ns", "a"}, Made("a", "1", "1")));
  EXPECT_TRUE(store.Replace({{{"ns", "a"}, Made("a", "1", "1")}}).empty());
}

TEST(Store, AnObjectWithoutMetadataHasNoKey) {
  EXPECT_FALSE(KeyOf(Json(7)));
  EXPECT_FALSE(KeyOf(Json{{"metadata", 7}}));
  EXPECT_FALSE(KeyOf(Json{{"metadata", {{"name", 7}}}}));
}

}  // namespace
}  // namespace penstock::kube
