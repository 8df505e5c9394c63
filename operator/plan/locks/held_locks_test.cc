#include "operator/plan/locks/held_locks.h"

#include <gtest/gtest.h>

namespace penstock::plan {
namespace {

TEST(HeldLocks, AreReadBackFromTheAnnotationAsTheyWereWritten) {
  const std::vector<HeldLock> locks{{"db", LockUser("u", "load", 3)},
                                    {"gpu", LockUser("v", "", {})}};
  EXPECT_EQ(DecodeHeldLocks(EncodeHeldLocks(locks)), locks);
  EXPECT_EQ(locks[0].by, "u/load/3");
  EXPECT_EQ(locks[1].by, "v//");
}

TEST(HeldLocks, ThatSomebodyWroteOtherwiseAreLeftOut) {
  for (const char* text : {"", "x", "{}", "[1]", "[{\"name\": \"db\"}]",
                           "[{\"name\": 1, \"by\": \"u//\"}]", "[{\"by\": \"u//\"}]"})
    EXPECT_TRUE(DecodeHeldLocks(text).empty()) << text;
}

}  // namespace
}  // namespace penstock::plan
