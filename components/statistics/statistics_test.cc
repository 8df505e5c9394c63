#include <arrow/api.h>
#include <gtest/gtest.h>

#include "components/sdk/testing/test_data.h"
#include "components/statistics/report_page.h"
#include "components/statistics/run.h"
#include "components/statistics/source.h"
#include "operator/base/file.h"

namespace penstock::statistics {
namespace {

class StatisticsStep : public testing::Test {
 protected:
  void SetUp() override {
    const auto batch = sdk::BatchOf(
        {arrow::field("carrier", arrow::utf8()), arrow::field("delay", arrow::int64()),
         arrow::field("late", arrow::boolean()), arrow::field("none", arrow::utf8())},
        R"([["UA", 10, false, null], ["<b>AA", 40, true, null], ["UA", null, true, null],
            ["DL", 10, false, null]])");
    sdk::WriteDataset(folder_ / "data", {batch});
  }
  Result<void> Run(const Json& parameters) {
    sdk::Step step(parameters, {{"dataset", {folder_ / "data", "", "dataset"}}},
                   {{"statistics", folder_ / "statistics"}, {"page", folder_ / "page.html"}},
                   folder_ / "results");
    return RunStatistics(step);
  }
  Json ResultOf(const std::string& name) {
    return Json::parse(ReadFile(folder_ / ("results/" + name)).value());
  }
  const sdk::TestFolder folder_;
};

TEST_F(StatisticsStep, WritesTheArtifactThePageAndWhatGatesRead) {
  const auto ok = Run({{"label", "late"}});
  ASSERT_TRUE(ok) << ok.error().message;
  const auto statistics = LoadStatistics(folder_ / "statistics");
  ASSERT_TRUE(statistics) << statistics.error().message;
  EXPECT_EQ(statistics->rows, 4);
  EXPECT_EQ(statistics->label, "late");
  EXPECT_EQ(statistics->associations.size(), 3U);
  EXPECT_EQ(ResultOf("rows"), 4);
  EXPECT_EQ(ResultOf("columns"), 4);
  EXPECT_EQ(ResultOf("distinct")["carrier"], 3);
  EXPECT_EQ(ResultOf("nulls"), (Json{{"delay", 0.25}, {"none", 1.0}}));
  EXPECT_EQ(ResultOf("emptyColumns"), Json{"none"});
  EXPECT_EQ(ResultOf("constantColumns"), Json::array());
}

TEST_F(StatisticsStep, ThePageShowsHostileTextAsText) {
  ASSERT_TRUE(Run({{"slices", {"carrier"}}}));
  const std::string page = ReadFile(folder_ / "page.html").value();
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;b&gt;AA"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("By carrier"), std::string::npos);
}

TEST_F(StatisticsStep, NamesAParameterThatItDoesNotKnowAndALabelThatIsNotThere) {
  const auto unknown = Run({{"lable", "late"}});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("lable"), std::string::npos) << unknown.error().message;
  EXPECT_FALSE(Run({{"label", "later"}}));
  EXPECT_FALSE(Run({{"columns", {"nothing"}}}));
}

TEST_F(StatisticsStep, ACsvAndItsDatasetHaveTheSameStatistics) {
  std::string csv = "carrier,delay,when\n";
  std::string lines;
  for (int i = 0; i < 70'000; ++i) {
    const std::string carrier = "c" + std::to_string(i % 17);
    csv += carrier + "," + (i % 5 == 0 ? "" : std::to_string(i % 9000)) + ",2013-01-0" +
           std::to_string(1 + i % 9) + "\n";
  }
  ASSERT_TRUE(WriteFileAtomically(folder_ / "rows.csv", csv));
  const auto statistics = StatisticsOf(folder_ / "rows.csv", {});
  ASSERT_TRUE(statistics) << statistics.error().message;
  EXPECT_EQ(statistics->rows, 70'000);
  EXPECT_EQ(statistics->Find("carrier")->distinct, 17);
  EXPECT_EQ(statistics->Find("delay")->nulls, 14'000);
  EXPECT_EQ(statistics->Find("delay")->distinct, 7200);
  EXPECT_EQ(statistics->Find("when")->kind, Kind::kTime);
  ASSERT_TRUE(WriteFileAtomically(folder_ / "rows.jsonl", "{\"a\": 1}\n{\"a\": null}\n"));
  const auto json = StatisticsOf(folder_ / "rows.jsonl", {});
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->Find("a")->nulls, 1);
}

TEST(ReportPage, DrawsFewNumbersByValueAndTheRestOfManyTexts) {
  Column column;
  column.kind = Kind::kNumber;
  column.rows = 6;
  column.distinct = 2;
  column.top_complete = true;
  column.top = {{5, 4}, {1, 2}};
  column.numbers.emplace();
  auto bars = BarsOf(column);
  ASSERT_EQ(bars.size(), 2U);
  EXPECT_EQ(bars[0].name, "1");
  column.kind = Kind::kText;
  column.numbers.reset();
  column.top = {{"a", 3}};
  column.top_complete = false;
  bars = BarsOf(column);
  ASSERT_EQ(bars.size(), 2U);
  EXPECT_EQ(bars[1].name, "all others");
  EXPECT_EQ(bars[1].value, 3);
}

}  // namespace
}  // namespace penstock::statistics
