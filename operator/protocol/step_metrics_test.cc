#include "operator/protocol/step_metrics.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(StepMetrics, KeepsPointsBySeriesAndTheNewestProgress) {
  StepMetrics m;
  m.AddLine(R"({"name":"loss","step":10,"value":0.5})", 1'000);
  m.AddLine(R"({"name":"loss","value":0.25})", 2'000);
  m.AddLine(R"({"progress":{"done":1,"total":10}})", 1'000);
  m.AddLine(R"({"progress":{"done":4,"total":10}})", 4'000);
  const auto loss = m.series().at("loss");
  ASSERT_EQ(loss.size(), 2U);
  EXPECT_EQ(loss[1].step, 11) << "one more than the last";
  EXPECT_EQ(loss[1].value, 0.25);
  EXPECT_EQ(m.progress()->done, 4);
  EXPECT_EQ(m.progress()->LeftMs(), 6'000) << "a second each, six to go";
}

TEST(StepMetrics, IgnoresAndCountsWhatIsNoMetric) {
  StepMetrics m;
  for (const char* line : {"rubbish", "{}", R"({"name":"x"})", R"({"name":"x","value":"1"})",
                           R"({"name":"","value":1})", R"({"progress":{"done":3,"total":1}})",
                           "[1]", R"({"name":"x","value":1e999})"})
    m.AddLine(line, 1);
  m.AddLine(std::string(10'000, 'x'), 1);
  m.AddLine("", 1);
  EXPECT_TRUE(m.empty());
  EXPECT_EQ(m.ignored(), 9U);
}

TEST(StepMetrics, AMillionPointsTakeNoMoreRoomThanAThousandAndEndWithTheLast) {
  StepMetrics m;
  for (int i = 0; i < 100'000; ++i)
    m.AddLine(R"({"name":"loss","step":)" + std::to_string(i) + R"(,"value":1})", i);
  const auto loss = m.series().at("loss");
  EXPECT_LE(loss.size(), kMaxSeriesPoints + 1);
  EXPECT_GE(loss.size(), kMaxSeriesPoints / 2);
  EXPECT_EQ(loss.front().step, 0);
  EXPECT_EQ(loss.back().step, 99'999);
}

TEST(StepMetrics, ManySeriesAreCutAtTheirBound) {
  StepMetrics m;
  for (std::size_t i = 0; i < kMaxSeries + 5; ++i)
    m.AddLine(R"({"name":"s)" + std::to_string(i) + R"(","value":1})", 1);
  EXPECT_EQ(m.series().size(), kMaxSeries);
  EXPECT_EQ(m.ignored(), 5U);
}

TEST(StepMetrics, IsReadBackAsItWasWritten) {
  StepMetrics m;
  m.AddLine(R"({"name":"loss","step":1,"value":0.5})", 7);
  m.AddLine(R"({"progress":{"done":1,"total":2}})", 9);
  m.AddLine("rubbish", 9);
  const auto back = StepMetrics::Parse(m.Format());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->Format(), m.Format());
  const auto progress = StepMetrics::ProgressIn(m.Format());
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->total, 2);
  EXPECT_EQ(progress->time_ms, 9);
  EXPECT_FALSE(StepMetrics::ProgressIn(R"({"ignored":0,"series":[]})"));
  for (const char* bad : {"", "{}", R"({"series":[{"name":"x","points":[["a",1,1]]}]})", "[]"})
    EXPECT_FALSE(StepMetrics::Parse(bad)) << bad;
}

TEST(StepMetrics, TimesThatNoCalendarHasAreReadAsNone) {
  const auto back = StepMetrics::Parse(
      R"({"series":[{"name":"loss",
                     "points":[[1,0.5,1e300],[2,0.5,-5],[3,0.5,9223372036854775807]]}],
          "progress":{"done":1,"total":2,"time":9223372036854775807,"firstDone":0,
                      "firstTime":-9223372036854775807}})");
  ASSERT_TRUE(back) << back.error().message;
  const auto loss = back->series().at("loss");
  ASSERT_EQ(loss.size(), 3U);
  for (const StepPoint& point : loss) EXPECT_EQ(point.time_ms, 0);
  EXPECT_EQ(back->progress()->time_ms, 0);
  EXPECT_EQ(back->progress()->LeftMs(), std::nullopt);
}

}  // namespace
}  // namespace penstock
