#include "operator/main/store_collection.h"

#include <gtest/gtest.h>

namespace penstock::main {
namespace {

artifacts::Collected OfTwo() {
  artifacts::Collected collected;
  for (const char* ns : {"a", "b"}) {
    artifacts::NamespaceUse use;
    use.ns = ns;
    use.in_use = {1, 10};
    use.cached = {2, 20};
    use.recent = {3, 30};
    use.orphaned = {4, 40};
    use.cache_entries = 5;
    collected.namespaces.push_back(use);
  }
  return collected;
}

TEST(StoreCollection, SaysWhatWasRemoved) {
  const CollectedWords words = WordsOf(OfTwo());
  EXPECT_FALSE(words.failed);
  EXPECT_EQ(words.text,
            "collected the artifact store: 8 files, 80 bytes, and 10 cache entries removed");
}

TEST(StoreCollection, SaysWhichCouldNotBeAndWhy) {
  artifacts::Collected collected = OfTwo();
  collected.namespaces[1].error = "no answer";
  const CollectedWords words = WordsOf(collected);
  EXPECT_TRUE(words.failed);
  EXPECT_NE(words.text.find("of 2 namespaces 1 were not collected: no answer"), std::string::npos);
}

TEST(StoreCollection, CountsAllNamespacesTogether) {
  const auto counts = CountsOf(OfTwo(), TimePoint(std::chrono::seconds(7)));
  EXPECT_EQ(counts.in_use_bytes, 20U);
  EXPECT_EQ(counts.cached_bytes, 40U);
  EXPECT_EQ(counts.recent_bytes, 60U);
  EXPECT_EQ(counts.removed_bytes, 80U);
  EXPECT_EQ(counts.removed_files, 8U);
  EXPECT_FALSE(counts.failed);
}

}  // namespace
}  // namespace penstock::main
