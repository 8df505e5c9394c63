#include "operator/plan/model/model_history.h"

#include <gtest/gtest.h>

namespace penstock::plan {
namespace {

api::ModelHistoryEntry Entry(std::int64_t version, const char* outcome, std::int64_t to = 0) {
  api::ModelHistoryEntry entry;
  entry.version = version;
  entry.digest = std::to_string(version);
  entry.outcome = outcome;
  entry.to = to;
  return entry;
}

std::vector<std::int64_t> VersionsOf(const ModelHistory& history) {
  std::vector<std::int64_t> versions;
  for (const auto& h : history) versions.push_back(h.version);
  return versions;
}

using Versions = std::vector<std::int64_t>;

TEST(ModelHistory, ForgetsTheOldestAndWhatMustNotBeTriedAgainLast) {
  ModelHistory history{Entry(7, kPromoted), Entry(6, kPromoted), Entry(5, kPromoted),
                       Entry(4, kRejected), Entry(3, kPromoted), Entry(2, kRolledBack),
                       Entry(1, kPromoted)};
  const HistoryNeeds needs{7, {}, "", ""};
  Bound(history, 6, needs);
  EXPECT_EQ(VersionsOf(history), (Versions{7, 6, 5, 4, 3, 2}));
  Bound(history, 4, needs);
  EXPECT_EQ(VersionsOf(history), (Versions{7, 6, 4, 2}));
  Bound(history, 3, needs);
  EXPECT_EQ(VersionsOf(history), (Versions{7, 6, 4}));
}

TEST(ModelHistory, OfOneStillHasTheWayBackAndWhatIsNotTriedAgain) {
  ModelHistory history{Entry(9, kRejected), Entry(8, kPromoted), Entry(7, kPromoted),
                       Entry(6, kRejected), Entry(5, kPromoted)};
  history[3].template_hash = "now";
  ModelHistory other = history;
  Bound(history, 1, {8, {}, "9", "now"});
  EXPECT_EQ(VersionsOf(history), (Versions{9, 8, 7}));
  Bound(other, 1, {8, {}, "6", "now"});
  EXPECT_EQ(VersionsOf(other), (Versions{9, 8, 7, 6})) << "6 is what is followed again";
}

TEST(ModelHistory, KeepsWhatIsSaidOfVersionsThatStand) {
  ModelHistory history{Entry(4, kPromoted), Entry(3, kPromoted), Entry(2, kPromoted),
                       Entry(1, kRejected)};
  Bound(history, 1, {4, {4, 2}, "4", "now"});
  EXPECT_EQ(VersionsOf(history), (Versions{4, 3, 2, 1}));
  Bound(history, 1, {4, {4}, "4", "now"});
  EXPECT_EQ(VersionsOf(history), (Versions{4, 3, 1}));
}

TEST(ModelHistory, ThatIsShortStillHasBothEntriesOfAnUndoUnderWay) {
  ModelHistory history{Entry(8, kRolledBack, 5), Entry(8, kPromoted), Entry(7, kPromoted),
                       Entry(6, kPromoted), Entry(5, kPromoted)};
  Bound(history, 1, {8, {}, "8", "now"});
  ASSERT_EQ(VersionsOf(history), (Versions{8, 8, 7, 5}));
  EXPECT_EQ(history[0].to, 5);
  // It is done: 8 is not tried again, nor its number given again.
  history.insert(history.begin(), Entry(5, kPromoted));
  Bound(history, 1, {5, {}, "8", "now"});
  EXPECT_EQ(VersionsOf(history), (Versions{5, 8, 7}));
}

TEST(ModelHistory, OfUndosToAndFroStaysWithinItsBound) {
  ModelHistory history;
  for (int i = 0; i < 30; ++i) {
    Remember(history, Entry(7, kPromoted));
    Remember(history, Entry(7, kRolledBack, 6));
    Remember(history, Entry(6, kPromoted));
    Remember(history, Entry(6, kRolledBack, 7));
    Bound(history, 20, {6, {6, 7}, "", ""});
    ASSERT_LE(history.size(), 20U);
  }
}

TEST(ModelHistory, FullOfRefusalsStillBringsBackWhatAnUndoNames) {
  ModelHistory history;
  Remember(history, Entry(1, kPromoted));
  Remember(history, Entry(2, kPromoted));
  for (int version = 3; version <= 30; ++version) {
    Remember(history, Entry(version, kRejected));
    Bound(history, 20, {2, {2}, "", ""});
  }
  Remember(history, Entry(2, kRolledBack, 1));
  Bound(history, 20, {2, {2}, "", ""});
  EXPECT_EQ(history.size(), 20U);
  EXPECT_EQ(history.front().to, 1);
  EXPECT_EQ(history.back().version, 1);
}

TEST(ModelHistory, RemembersTwentyWhateverIsNeeded) {
  ModelHistory history;
  HistoryNeeds needs{30, {}, "", ""};
  for (int version = 1; version <= 30; ++version) Remember(history, Entry(version, kPromoted));
  ModelHistory all = history;
  Bound(history, 20, needs);
  EXPECT_EQ(history.size(), 20U);
  EXPECT_EQ(history.back().version, 11);
  for (int version = 1; version <= 30; ++version) needs.there.insert(version);
  Bound(all, 1, needs);
  EXPECT_EQ(all.size(), 20U);
}

}  // namespace
}  // namespace penstock::plan
