// Comparisons of which a side is statistics.json and not rows.
#include "components/drift/stored.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "components/drift/methods/kolmogorov_smirnov.h"
#include "components/drift/methods/quantile_bounds.h"
#include "components/drift/report.h"
#include "components/drift/run.h"
#include "components/drift/testing/made_table.h"
#include "components/sdk/testing/test_data.h"
#include "components/statistics/summary/collect.h"

namespace penstock::drift {
namespace {

class StoredDriftTest : public ::testing::Test {
 protected:
  void Write(const Made& reference, const Made& current) {
    sdk::WriteDataset(folder_ / "r", {Table(reference)});
    sdk::WriteDataset(folder_ / "c", {Table(current)});
  }
  // The statistics of a dataset, as the component keeps them.
  Source Keep(const std::string& dataset, std::size_t top = 100) {
    statistics::CollectOptions options;
    options.top = top;
    const auto collected = statistics::CollectStatistics(folder_ / dataset, options);
    EXPECT_TRUE(collected);
    const std::string folder = folder_ / (dataset + "-statistics");
    EXPECT_TRUE(statistics::SaveStatistics(folder, *collected));
    return {folder, true};
  }
  Source Rows(const std::string& dataset) { return {folder_ / dataset, false}; }
  static Options OptionsOf(const Json& parameters = Json::object()) {
    const auto options = ReadOptions(parameters);
    EXPECT_TRUE(options) << options.error().message;
    return *options;
  }
  static const ColumnDrift* Find(const Comparison& comparison, const std::string& name) {
    for (const ColumnDrift& column : comparison.columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }
  static std::string WhySkipped(const Comparison& comparison, const std::string& name) {
    for (const auto& said : comparison.pairing.skipped) {
      if (said.column == name) return said.why;
    }
    return "compared";
  }

  const sdk::TestFolder folder_;
};

TEST_F(StoredDriftTest, FindsWhatTheRowsShowWithoutThem) {
  Write({.nulls = 0}, {.seed = 2, .shift = 0.5, .nulls = 0, .united = 0.5});
  const auto rows = Compare(folder_ / "r", folder_ / "c", nullptr, OptionsOf());
  ASSERT_TRUE(rows);
  for (const Source& current : {Rows("c"), Keep("c")}) {
    const auto stored = CompareStored(Keep("r"), current, nullptr, OptionsOf());
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->Drifted(), (std::vector<std::string>{"delay", "carrier"}));
    EXPECT_STREQ(stored->Verdict(), "drift");
    const ColumnDrift& delay = *Find(*stored, "delay");
    const double ks = Find(*rows, "delay")->methods["ks"]["value"].get<double>();
    EXPECT_LE(delay.value, ks);
    EXPECT_GE(delay.at_most.value(), ks);
    EXPECT_LT(*delay.at_most - delay.value, 0.041);  // of 101 quantiles on each side
    EXPECT_NEAR(delay.chance, Find(*rows, "delay")->chance, 0.006);
    EXPECT_TRUE(delay.up_to);
    EXPECT_NEAR(delay.shares[0] - delay.shares[1], delay.value, 1e-12);
    // Of values that both list the counts are those of the rows.
    for (const char* name : {"carrier", "stops", "late"}) {
      EXPECT_EQ(Find(*stored, name)->value, Find(*rows, name)->value) << name;
      EXPECT_EQ(Find(*stored, name)->at, Find(*rows, name)->at) << name;
      EXPECT_FALSE(Find(*stored, name)->at_most) << name;
    }
    EXPECT_EQ(Find(*stored, "carrier")->methods["chiSquared"],
              Find(*rows, "carrier")->methods["chiSquared"]);
  }
}

TEST_F(StoredDriftTest, SaysByNameWhatStatisticsDoNotTell) {
  Write({.text = true}, {.seed = 2, .text = true});
  const Json settings = {{"delay", {{"statistic", "psi"}}}, {"carrier", {{"as", "text"}}}};
  const auto stored =
      CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf({{"settings", settings}}));
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_NE(WhySkipped(*stored, "at").find("hours of the day are not in statistics"),
            std::string::npos);
  EXPECT_NE(WhySkipped(*stored, "delay").find("psi needs the rows"), std::string::npos);
  EXPECT_EQ(WhySkipped(*stored, "carrier"), "words are not in statistics");
  EXPECT_NE(WhySkipped(*stored, "note").find("as those of an id do"), std::string::npos);
  EXPECT_EQ(stored->columns.size(), 2U);
  const Json report = ReportJson(*stored, OptionsOf());
  EXPECT_EQ(report["by"], "statistics");
  EXPECT_NE(report["classifier"]["skipped"].get<std::string>().find("no rows"), std::string::npos);
}

TEST_F(StoredDriftTest, LeavesOpenWhatTheQuantilesLeaveOpen) {
  Write({.rows = 30'000}, {.rows = 30'000, .seed = 2, .shift = 0.2});
  const auto first = CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf());
  ASSERT_TRUE(first);
  const ColumnDrift& delay = *Find(*first, "delay");
  const auto with_floor = [&](double of_value) {
    const double floor = of_value - delay.chance;
    const Json settings = {{"delay", {{"floor", floor}}}};
    return *CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf({{"settings", settings}}));
  };
  const Comparison open = with_floor((delay.value + *delay.at_most) / 2);
  EXPECT_EQ(open.Undecided(), std::vector<std::string>{"delay"});
  EXPECT_STREQ(open.Verdict(), "undecided");
  EXPECT_TRUE(open.Drifted().empty());
  EXPECT_NE(ReportPage(open, OptionsOf()).find("undecided"), std::string::npos);
  EXPECT_STREQ(with_floor(delay.value * 0.99).Verdict(), "drift");
  EXPECT_STREQ(with_floor(*delay.at_most * 1.01).Verdict(), "stable");
}

TEST_F(StoredDriftTest, OfValuesThatOneSideDoesNotListCountsThemAsOne) {
  Write({}, {.seed = 2, .united = 0.6});
  const auto stored = CompareStored(Keep("r", 1), Keep("c"), nullptr, OptionsOf());
  ASSERT_TRUE(stored) << stored.error().message;
  const ColumnDrift& carrier = *Find(*stored, "carrier");
  EXPECT_TRUE(carrier.drifted);
  EXPECT_FALSE(carrier.note.empty());
  ASSERT_EQ(carrier.bins.size(), 2U);
  EXPECT_EQ(carrier.bins[1]["bin"], "(values that not both list)");
  EXPECT_NEAR(carrier.bins[1]["reference"].get<double>(), 0.3, 0.04);
  EXPECT_NEAR(carrier.bins[1]["current"].get<double>(), 0.6, 0.04);
  // The three values of stops are not all listed: its quantiles still bound it.
  EXPECT_TRUE(Find(*stored, "stops")->at_most);
}

// Every fifth row has one of 50 values, the others one of 200 whose names begin so.
std::shared_ptr<arrow::RecordBatch> PartlyListed(const std::string& others) {
  arrow::StringBuilder code;
  std::shared_ptr<arrow::Array> array;
  for (int i = 0; i < 10'000; ++i) {
    const bool shared = i % 5 == 0;
    EXPECT_TRUE(code.Append(shared ? "a" + std::to_string(i / 5 % 50)
                                   : others + std::to_string((i - i / 5 - 1) % 200))
                    .ok());
  }
  EXPECT_TRUE(code.Finish(&array).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("code", arrow::utf8())}), 10'000,
                                  {array});
}

TEST_F(StoredDriftTest, OfUnlistedValuesThatMayAllHaveChangedIsUndecidedAndNotStable) {
  sdk::WriteDataset(folder_ / "r", {PartlyListed("k")});
  sdk::WriteDataset(folder_ / "c", {PartlyListed("q")});
  const auto rows = Compare(folder_ / "r", folder_ / "c", nullptr, OptionsOf());
  ASSERT_TRUE(rows);
  EXPECT_STREQ(rows->Verdict(), "drift");
  const auto stored = CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_STREQ(stored->Verdict(), "undecided");
  const ColumnDrift& code = *Find(*stored, "code");
  EXPECT_TRUE(code.undecided);
  EXPECT_NEAR(code.value, 0, 1e-9);
  EXPECT_NEAR(code.at_most.value(), std::sqrt(0.8), 1e-9);  // 8 of 10 rows have others
  // A side that lists all says which values of the other one it has not.
  const auto half = CompareStored(Keep("r"), Rows("c"), nullptr, OptionsOf());
  ASSERT_TRUE(half);
  EXPECT_STREQ(half->Verdict(), "drift");
  // Where both do nothing is open.
  const auto listed = CompareStored(Keep("r", 1000), Keep("c", 1000), nullptr, OptionsOf());
  ASSERT_TRUE(listed);
  EXPECT_STREQ(listed->Verdict(), "drift");
  EXPECT_FALSE(Find(*listed, "code")->at_most);
}

TEST_F(StoredDriftTest, OfRareValuesAllListedOfWhichNoneIsLeftIsFoundAsByRows) {
  const auto codes = [](const std::string& name) {
    arrow::StringBuilder code;
    std::shared_ptr<arrow::Array> array;
    for (int i = 0; i < 1800; ++i) {
      EXPECT_TRUE(code.Append(name + std::to_string(i % 900)).ok());
    }
    EXPECT_TRUE(code.Finish(&array).ok());
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("code", arrow::utf8())}), 1800,
                                    {array});
  };
  sdk::WriteDataset(folder_ / "r", {codes("k")});
  sdk::WriteDataset(folder_ / "c", {codes("q")});
  const auto rows = Compare(folder_ / "r", folder_ / "c", nullptr, OptionsOf());
  const auto stored = CompareStored(Keep("r", 1000), Rows("c"), nullptr, OptionsOf());
  ASSERT_TRUE(rows && stored);
  EXPECT_STREQ(stored->Verdict(), "drift");
  EXPECT_EQ(Find(*stored, "code")->effect, Find(*rows, "code")->effect);
  EXPECT_EQ(Find(*stored, "code")->p, Find(*rows, "code")->p);
}

TEST_F(StoredDriftTest, OfNoColumnThatStatisticsTellIsAnErrorAndNotStable) {
  Write({.text = true}, {.seed = 2, .first_hour = 12, .text = true});
  const auto stored =
      CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf({{"columns", {"at", "note"}}}));
  ASSERT_FALSE(stored);
  const std::string& message = stored.error().message;
  EXPECT_NE(message.find("no column that can be compared"), std::string::npos) << message;
  EXPECT_NE(message.find("; at: hours of the day are not in statistics"), std::string::npos);
  EXPECT_NE(message.find("; note: nearly all its values differ"), std::string::npos) << message;
}

TEST_F(StoredDriftTest, OfRowsTooFewToDecideIsRefusedAndNotStable) {
  Write({.rows = 4}, {.rows = 4, .seed = 2, .shift = 50});
  const auto stored = CompareStored(Keep("r"), Rows("c"), nullptr, OptionsOf());
  ASSERT_FALSE(stored);
  EXPECT_NE(stored.error().message.find("at least 5 rows of each side"), std::string::npos);
}

TEST_F(StoredDriftTest, OfNullsIsFoundBesideTheOrder) {
  Write({}, {.seed = 2, .nulls = 0.15});
  const auto stored = CompareStored(Keep("r"), Rows("c"), nullptr, OptionsOf());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->Drifted(), std::vector<std::string>{"delay"});
  EXPECT_EQ(Find(*stored, "delay")->at, "null");
  EXPECT_NEAR(Find(*stored, "delay")->shares[1], 0.15, 0.02);
}

TEST_F(StoredDriftTest, IsNotCriedBetweenDrawsOfOneSource) {
  int flagged = 0;
  for (std::uint64_t seed = 10; seed < 30; ++seed) {
    Write({.seed = seed}, {.seed = seed + 100});
    const auto stored = CompareStored(Keep("r"), Keep("c"), nullptr, OptionsOf());
    ASSERT_TRUE(stored);
    flagged += std::string(stored->Verdict()) == "stable" ? 0 : 1;
  }
  EXPECT_EQ(flagged, 0);
}

TEST_F(StoredDriftTest, CountsThatCannotBeAreRefusedByTheColumnsName) {
  Write({.nulls = 0}, {.seed = 2, .nulls = 0});
  auto facts = statistics::LoadStatistics(Keep("r").path);
  ASSERT_TRUE(facts) << facts.error().message;
  for (auto& column : facts->columns) {
    if (column.name == "carrier") column.top.front().count = facts->rows + 1;
  }
  const std::string folder = folder_ / "odd";
  ASSERT_TRUE(statistics::SaveStatistics(folder, *facts));
  const auto stored = CompareStored({folder, true}, Rows("c"), nullptr, OptionsOf());
  ASSERT_FALSE(stored);
  EXPECT_NE(stored.error().message.find("'carrier'"), std::string::npos);
}

TEST_F(StoredDriftTest, RefusesWhatNeedsRows) {
  Write({}, {.seed = 2});
  for (const char* parameter : {"blocks", "slices"}) {
    Json parameters = {{parameter, "carrier"}};
    if (std::string(parameter) == "slices") parameters[parameter] = {"carrier"};
    const auto stored = CompareStored(Keep("r"), Rows("c"), nullptr, OptionsOf(parameters));
    ASSERT_FALSE(stored);
    EXPECT_NE(stored.error().message.find(std::string("parameter ") + parameter),
              std::string::npos);
  }
}

TEST_F(StoredDriftTest, TakesEachSideOnceAndNamesTheInputs) {
  Write({}, {.seed = 2});
  const std::string statistics = Keep("r").path;
  const auto run = [&](std::map<std::string, sdk::StepInput> inputs) {
    sdk::Step step(Json::object(), std::move(inputs), {{"drift", folder_ / "drift.json"}}, "");
    const auto ran = RunDrift(step);
    return ran ? std::string("ran") : ran.error().message;
  };
  const sdk::StepInput rows = {folder_ / "r", "", "dataset"};
  const sdk::StepInput now = {folder_ / "c", "", "dataset"};
  const sdk::StepInput stored = {statistics, "", "statistics"};
  EXPECT_EQ(run({{"referenceStatistics", stored}, {"current", now}}), "ran");
  EXPECT_NE(run({{"current", now}}).find("give one of the inputs reference"), std::string::npos);
  EXPECT_NE(run({{"reference", rows}, {"referenceStatistics", stored}, {"current", now}})
                .find("not both"),
            std::string::npos);
}

// The quantiles of a sample, as statistics define them.
std::vector<double> QuantilesOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::vector<double> quantiles;
  for (int q = 0; q <= 100; ++q) {
    const auto place = std::size_t(std::ceil(q * double(values.size()) / 100));
    quantiles.push_back(values[std::max<std::size_t>(place, 1) - 1]);
  }
  return quantiles;
}

TEST(KsBounds, HoldTheDistanceOfTheSamples) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    const double shift = random.Unit();
    const double step = round % 2 == 0 ? 0 : 0.05;  // every other time with ties
    std::vector<double> a, b;
    for (int i = 0; i < 500; ++i) a.push_back(random.Unit());
    for (int i = 0; i < 777; ++i) b.push_back(shift + random.Unit() * random.Unit());
    for (auto* values : {&a, &b}) {
      for (double& x : *values) x = step > 0 ? std::floor(x / step) * step : x;
    }
    const auto of_a = QuantilesOf(a);
    const auto of_b = QuantilesOf(b);
    const KsBounds bounds = BoundKs({.quantiles = of_a}, {.quantiles = of_b});
    const double ks = TestKolmogorovSmirnov(Runs::Of(a), Runs::Of(b)).value;
    EXPECT_LE(bounds.least, ks + 1e-12) << round;
    EXPECT_GE(bounds.most, ks - 1e-12) << round;
    EXPECT_NEAR(std::abs(bounds.share_a - bounds.share_b), bounds.least, 1e-12);
  }
}

TEST(KsBounds, GrowWithTheErrorOfTheQuantiles) {
  const std::vector<double> q = {0, 1, 2, 3, 4};
  const std::vector<double> r = {2, 3, 4, 5, 6};
  const KsBounds exact = BoundKs({.quantiles = q}, {.quantiles = r});
  EXPECT_NEAR(exact.least, 0.25, 1e-12);
  EXPECT_NEAR(exact.most, 0.75, 1e-12);
  // The least and the greatest value are exact: from 4 on all of q are there.
  const KsBounds one = BoundKs({.quantiles = q, .rank_error = 0.1}, {.quantiles = r});
  EXPECT_NEAR(one.least, 0.25, 1e-12);
  EXPECT_NEAR(one.most, 0.85, 1e-12);
  const KsBounds rough =
      BoundKs({.quantiles = q, .rank_error = 0.1}, {.quantiles = r, .rank_error = 0.1});
  EXPECT_NEAR(rough.least, 0.15, 1e-12);
  EXPECT_NEAR(rough.most, 0.85, 1e-12);
  const KsBounds half = BoundKs({.quantiles = q, .rank_error = 0, .share = 0.5}, {});
  EXPECT_NEAR(half.least, 0.5, 1e-12);
  EXPECT_NEAR(half.most, 0.5, 1e-12);
}

}  // namespace
}  // namespace penstock::drift
