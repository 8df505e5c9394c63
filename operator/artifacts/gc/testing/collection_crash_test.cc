// A collection that is killed at each of its writes, one after the other: what is in use stands,
// and the next collection ends where an undisturbed one does.
#include <gtest/gtest.h>

#include "operator/artifacts/gc/collection.h"
#include "operator/artifacts/gc/testing/aging_store.h"

namespace penstock::artifacts {
namespace {
using std::chrono::hours;

struct Content {
  ArtifactRef used, cached, gone, dropped;
  std::string orphan;
};

Content Fill(AgingStore& aging) {
  Content content;
  content.used = aging.PutFolder({"used", "shared"});
  content.cached = aging.PutFolder({"cached", "shared"});
  content.gone = aging.PutFolder({"gone", "shared", "gone too"});
  content.dropped = aging.PutFolder({"dropped"});
  content.orphan = aging.PutFile("orphan");
  aging.PutEntry("old", {content.dropped});
  aging.Age(hours(24 * 31));
  aging.PutEntry("new", {content.cached});
  return content;
}

TEST(CollectionCrash, KilledAtAnyWriteItLeavesWhatIsInUseWholeAndTheNextOneEndsIt) {
  for (const char* kind : {"Volume", "S3"}) {
    bool ended = false;
    int writes = 0;
    for (; !ended && writes < 100; ++writes) {
      const auto dir = AgingDir();
      ASSERT_TRUE(RemoveTree(dir));
      AgingStore aging(kind, dir);
      const Content content = Fill(aging);
      FakeReferences references;
      references.texts = {{"ns", content.used.digest}};
      int left = writes;
      aging.objects->before = [&](const std::string&, const std::string&) {
        return left > 0 && left-- > 0;
      };
      const Collected killed = Collect(*aging.store, references, {});
      ended = killed.FirstError() == nullptr;
      const std::string where = std::string(kind) + " killed at write " + std::to_string(writes);
      EXPECT_TRUE(aging.Has(content.used)) << where;
      EXPECT_TRUE(aging.Has(content.cached)) << where;
      for (const ArtifactRef& folder : {content.gone, content.dropped}) {
        EXPECT_TRUE(!aging.Has(folder.digest) || aging.Has(folder))
            << where << ": a folder lost a file before its manifest";
      }
      aging.objects->before = [](const std::string&, const std::string&) { return true; };
      const Collected next = Collect(*aging.store, references, {});
      EXPECT_EQ(next.FirstError(), nullptr) << where;
      EXPECT_TRUE(aging.Has(content.used)) << where;
      EXPECT_TRUE(aging.Has(content.cached)) << where;
      EXPECT_TRUE(aging.Has("sha256:" + Sha256Hex("shared"))) << where;
      for (const char* text : {"gone", "gone too", "dropped", "orphan"})
        EXPECT_FALSE(aging.Has("sha256:" + Sha256Hex(text))) << where << ": " << text;
      EXPECT_FALSE(aging.HasEntry("old")) << where;
      ASSERT_TRUE(RemoveTree(dir));
    }
    EXPECT_TRUE(ended);
    EXPECT_GE(writes, 8) << "the entry, two manifests, four files, and the undisturbed one";
  }
}

}  // namespace
}  // namespace penstock::artifacts
