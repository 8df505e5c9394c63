#include "operator/cli/objects/table.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Table, NarrowsItsGapsBeforeItPassesTheWidth) {
  const Table table{{"NAME", "AGE"}, {{"abcdef", "1m"}, {"x", "12d"}}};
  EXPECT_EQ(Format(table), "NAME     AGE\nabcdef   1m\nx        12d\n");
  EXPECT_EQ(Format(table, 10), "NAME   AGE\nabcdef 1m\nx      12d\n");
  EXPECT_EQ(Format(table, 80, false), "abcdef   1m\nx        12d\n");
}

TEST(Table, WritesAgesAsKubectlDoes) {
  EXPECT_EQ(HumanDuration(seconds(-5)), "0s");
  EXPECT_EQ(HumanDuration(seconds(119)), "119s");
  EXPECT_EQ(HumanDuration(seconds(125)), "2m5s");
  EXPECT_EQ(HumanDuration(seconds(120)), "2m");
  EXPECT_EQ(HumanDuration(seconds(650)), "10m");
  EXPECT_EQ(HumanDuration(hours(3) + seconds(60)), "3h1m");
  EXPECT_EQ(HumanDuration(hours(47)), "47h");
  EXPECT_EQ(HumanDuration(hours(75)), "3d3h");
  EXPECT_EQ(HumanDuration(hours(24 * 300)), "300d");
  EXPECT_EQ(HumanDuration(hours(24 * 735)), "2y5d");
}

TEST(Table, WritesSizesAndTimesShort) {
  EXPECT_EQ(HumanBytes(512), "512 B");
  EXPECT_EQ(HumanBytes(5'260'000), "5.3 MB");
  EXPECT_EQ(HumanBytes(999'999), "1.0 MB");
  EXPECT_EQ(ShortDuration(milliseconds(1234)), "1.2s");
  EXPECT_EQ(ShortDuration(seconds(185)), "3m5s");
}

TEST(Table, CutsBetweenCharactersNotInsideThem) {
  EXPECT_EQ(Elide("größe", 4), "grö…");
  EXPECT_EQ(Elide("größe", 5), "größe");
  EXPECT_EQ(Columns("größe"), 5U);
}

TEST(Table, LetsNoMessageDriveTheTerminal) { EXPECT_EQ(OneLine("a\x1b[2Jb\nc\n"), "a [2Jb; c"); }

}  // namespace
}  // namespace penstock::cli
