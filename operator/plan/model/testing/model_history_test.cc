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
  ModelHistory history{Entry(5, kPromoted), Entry(4, kRejected), Entry(3, kPromoted),
                       Entry(2, kRolledBack), Entry(1, kPromoted)};
  Bound(history, 4);
  EXPECT_EQ(VersionsOf(history), (Versions{5, 4, 3, 2}));
  Bound(history, 2);
  EXPECT_EQ(VersionsOf(history), (Versions{4, 2}));
  Bound(history, 1);
  EXPECT_EQ(VersionsOf(history), (Versions{4}));
}

TEST(ModelHistory, ThatIsShortStillHasTheWayBackOfAnUndo) {
  ModelHistory history{Entry(8, kRolledBack, 6), Entry(8, kPromoted), Entry(7, kPromoted),
                       Entry(6, kPromoted), Entry(5, kPromoted)};
  Bound(history, 1);
  EXPECT_EQ(VersionsOf(history), (Versions{8, 6}));
  EXPECT_EQ(history[0].to, 6);
  // An undo of before is as any other.
  history.insert(history.begin(), Entry(9, kRolledBack, 6));
  Bound(history, 2);
  EXPECT_EQ(VersionsOf(history), (Versions{9, 6}));
}

TEST(ModelHistory, OfUndosToAndFroStaysWithinItsBound) {
  ModelHistory history;
  for (int i = 0; i < 30; ++i) {
    Remember(history, Entry(7, kPromoted));
    Remember(history, Entry(7, kRolledBack, 6));
    Remember(history, Entry(6, kPromoted));
    Remember(history, Entry(6, kRolledBack, 7));
  }
  EXPECT_EQ(history.size(), 20U);
  Bound(history, 2);
  EXPECT_EQ(VersionsOf(history), (Versions{6, 7}));
}

TEST(ModelHistory, RemembersTwenty) {
  ModelHistory history;
  for (int version = 1; version <= 30; ++version) Remember(history, Entry(version, kPromoted));
  EXPECT_EQ(history.size(), 20U);
  EXPECT_EQ(history.back().version, 11);
}

}  // namespace
}  // namespace penstock::plan
