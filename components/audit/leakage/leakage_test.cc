#include "components/audit/leakage/leakage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "components/audit/leakage/few_features.h"
#include "components/audit/leakage/group_mean.h"
#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using sdk::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kRows = 1000;

template <typename Fn>
auto Of(Fn fn, std::size_t rows = kRows) {
  std::vector<decltype(fn(std::size_t{0}))> values;
  for (std::size_t i = 0; i < rows; ++i) values.push_back(fn(i));
  return values;
}

// Births as births14 has them: the weight by weeks and more, to two digits.
double Weight(std::size_t i) {
  return std::round(100 * std::clamp(7.2 + 1.3 * Normal(i, 1), 0.75, 10.6)) / 100;
}

Columns Births() {
  Columns births;
  births.Numbers("weight", Of(Weight));
  births.Numbers("weeks", Of([](std::size_t i) {
                   return std::round(38.6 + 1.6 * (Weight(i) - 7.2) + 1.5 * Normal(i, 2));
                 }));
  births.Texts("habit", Of([](std::size_t i) {
                 return std::string(Uniform(i, 3) < 0.9 ? "no" : "smoker");
               }));
  births.Numbers("gained", Of([](std::size_t i) {
                   return Uniform(i, 4) < 0.04 ? kNull : std::round(30 + 14 * Normal(i, 5));
                 }));
  return births;
}

struct Run {
  std::vector<Finding> findings;
  std::vector<ColumnStrength> strengths;

  // "check column severity".
  [[nodiscard]] std::vector<std::string> Said(Severity least = Severity::kWarning) const {
    std::vector<std::string> said;
    for (const auto& f : findings) {
      if (f.severity >= least) said.push_back(f.check + " " + f.where + " " + Name(f.severity));
    }
    return said;
  }
};

Run RunOn(const Columns& columns, const std::string& label, LeakageOptions options = {},
          const std::string& task = "auto") {
  const sdk::TestFolder folder;
  columns.Write(folder / "d");
  const auto table = LoadTable(folder / "d", {});
  EXPECT_TRUE(table);
  const auto target = TargetOf(*table, label, task);
  EXPECT_TRUE(target) << (target ? "" : target.error().message);
  Findings findings;
  const auto strengths = CheckLeakage({folder / "d"}, *table, *target, options, &findings);
  EXPECT_TRUE(strengths) << (strengths ? "" : strengths.error().message);
  return {findings.all(), *strengths};
}

TEST(Leakage, OfUnalteredBirthsIsNone) {
  EXPECT_THAT(RunOn(Births(), "weight").Said(Severity::kInfo), IsEmpty());
  EXPECT_THAT(RunOn(Births(), "habit").Said(Severity::kInfo), IsEmpty());
}

TEST(Leakage, FindsTheTextThatIsExactlyWeightAtMostFiveAndAHalf) {
  auto births = Births();
  births.Texts("lowbirthweight",
               Of([](std::size_t i) { return std::string(Weight(i) <= 5.5 ? "low" : "not low"); }));
  const auto run = RunOn(births, "weight");
  EXPECT_THAT(run.Said(), ElementsAre("functionOfLabel lowbirthweight error"));
  EXPECT_THAT(run.findings.at(0).message, HasSubstr("ranges do not overlap"));
  // And the weight, where the text is the label.
  EXPECT_THAT(RunOn(births, "lowbirthweight").Said(), ElementsAre("functionOfLabel weight error"));
}

TEST(Leakage, FindsACopyRescaledAndMadeCoarse) {
  auto births = Births();
  births.Numbers("grams", Of([](std::size_t i) { return Weight(i) * 453.592; }));
  births.Numbers("shifted", Of([](std::size_t i) { return 3 - 2 * Weight(i); }));
  births.Integers("pounds", Of([](std::size_t i) { return std::int64_t(Weight(i)); }));
  births.Numbers("logarithm", Of([](std::size_t i) { return std::log(Weight(i)); }));
  EXPECT_THAT(RunOn(births, "weight").Said(),
              ElementsAre("functionOfLabel grams error", "functionOfLabel shifted error",
                          "functionOfLabel pounds error", "functionOfLabel logarithm error"));
}

TEST(Leakage, FindsAFunctionThatTurnsAndNullsThatKnow) {
  auto births = Births();
  births.Numbers("from7", Of([](std::size_t i) { return std::abs(Weight(i) - 7); }));
  births.Numbers("seen", Of([](std::size_t i) { return Weight(i) > 8.5 ? kNull : Uniform(i, 8); }));
  const auto run = RunOn(births, "weight");
  EXPECT_THAT(run.Said(), ElementsAre("functionOfLabel from7 error", "functionOfLabel seen error"));
  EXPECT_THAT(run.findings.at(1).message, HasSubstr("whether it is null"));
}

TEST(Leakage, SaysOfAVeryGoodFeatureThatItIsOneWithItsIntervalAndNoMore) {
  auto births = Births();
  births.Numbers("nearly", Of([](std::size_t i) { return Weight(i) + 0.2 * Normal(i, 9); }));
  const auto run = RunOn(births, "weight");
  EXPECT_THAT(run.Said(), ElementsAre("singleFeature nearly warning"));
  EXPECT_THAT(run.findings.at(0).message, HasSubstr("R2 0.97"));
  EXPECT_EQ(run.strengths.at(0).column, "nearly");
  EXPECT_GT(run.strengths.at(0).strength.low, 0.95);
  EXPECT_LT(run.strengths.at(0).strength.low, run.strengths.at(0).strength.value);
  // A good one is worth no word.
  auto good = Births();
  good.Numbers("good", Of([](std::size_t i) { return Weight(i) + 0.5 * Normal(i, 9); }));
  EXPECT_THAT(RunOn(good, "weight").Said(Severity::kInfo), IsEmpty());
}

TEST(Leakage, OfFewRowsIsNotWhatChanceDoes) {
  // One smoker, who has the largest value: half a chance in ten.
  Columns few;
  few.Numbers("x", Of([](std::size_t i) { return double(i); }, 20));
  few.Integers("label", Of([](std::size_t i) { return std::int64_t(i >= 19 ? 1 : 0); }, 20));
  few.Texts("id", Of([](std::size_t i) { return "r" + std::to_string(i); }, 20));
  EXPECT_THAT(RunOn(few, "label").Said(), IsEmpty());
}

TEST(Leakage, FindsAClassThatAValueGivesAndTakesManyValuesForGroups) {
  Columns many;
  many.Texts("label", Of([](std::size_t i) { return std::string(1, char('a' + i % 3)); }));
  many.Texts("code", Of([](std::size_t i) { return std::to_string(i % 3 + 10 * (i % 2)); }));
  many.Texts("patient", Of([](std::size_t i) { return "p" + std::to_string(i % 99); }));
  many.Numbers("noise", Of([](std::size_t i) { return Uniform(i, 1); }));
  EXPECT_THAT(RunOn(many, "label").Said(),
              ElementsAre("functionOfLabel code error", "functionOfLabel patient warning"));
}

TEST(Leakage, FindsASumADifferenceAndAQuotient) {
  Columns trips;
  const auto planned = [](std::size_t i) { return std::round(1440 * Uniform(i, 1)); };
  const auto late = [](std::size_t i) { return std::round(40 * Normal(i, 2)); };
  trips.Numbers("delay", Of(late));
  trips.Numbers("planned", Of(planned));
  trips.Numbers("arrived", Of([&](std::size_t i) { return planned(i) + late(i); }));
  trips.Numbers("noise", Of([](std::size_t i) { return Uniform(i, 3); }));
  const auto run = RunOn(trips, "delay");
  EXPECT_THAT(run.Said(), ElementsAre("fewFeatures 'arrived', 'planned' error"));
  EXPECT_NEAR(run.findings.at(0).evidence["weights"][0].get<double>(), 1, 1e-9);

  Columns speeds;
  const auto km = [](std::size_t i) { return 1 + 99 * Uniform(i, 1); };
  const auto hours = [](std::size_t i) { return 0.1 + 9 * Uniform(i, 2); };
  speeds.Numbers("speed", Of([&](std::size_t i) { return km(i) / hours(i); }));
  speeds.Numbers("km", Of(km));
  speeds.Numbers("hours", Of(hours));
  const auto quotient = RunOn(speeds, "speed");
  ASSERT_EQ(quotient.findings.size(), 1U);
  EXPECT_THAT(quotient.findings[0].message, HasSubstr("a product or quotient of"));
}

TEST(Leakage, FindsThreeThatAddUpAndAPairThatDecides) {
  Columns sums;
  for (int c = 0; c < 3; ++c) {
    sums.Numbers("part" + std::to_string(c),
                 Of([c](std::size_t i) { return Uniform(i, std::uint64_t(c)); }));
  }
  sums.Numbers("total",
               Of([](std::size_t i) { return Uniform(i, 0) + Uniform(i, 1) + 2 * Uniform(i, 2); }));
  const auto three = RunOn(sums, "total");
  ASSERT_EQ(three.findings.size(), 1U);
  EXPECT_EQ(three.findings[0].severity, Severity::kError);
  EXPECT_THAT(three.findings[0].evidence["columns"].get<std::vector<std::string>>(),
              testing::UnorderedElementsAre("part0", "part1", "part2"));

  Columns pairs;
  const auto bit = [](std::size_t i, std::uint64_t s) { return std::int64_t(8 * Uniform(i, s)); };
  pairs.Integers("a", Of([&](std::size_t i) { return bit(i, 1); }));
  pairs.Integers("b", Of([&](std::size_t i) { return bit(i, 2); }));
  pairs.Integers("label", Of([&](std::size_t i) { return (bit(i, 1) + bit(i, 2)) % 2; }));
  EXPECT_THAT(RunOn(pairs, "label").Said(), ElementsAre("fewFeatures 'a', 'b' warning"));
}

// A shop's mean of the label, made of the rows themselves.
Columns Encoded(const std::string& kind) {
  const auto shop = [](std::size_t i) { return std::size_t(40 * std::pow(Uniform(i, 1), 2)); };
  const auto y = [](std::size_t i) { return std::round(100 * Normal(i, 2)) / 10; };
  std::vector<double> sum(40), n(40);
  for (std::size_t i = 0; i < kRows; ++i) sum[shop(i)] += y(i), n[shop(i)] += 1;
  Columns columns;
  columns.Texts("shop", Of([&](std::size_t i) { return "s" + std::to_string(shop(i)); }));
  columns.Numbers("label", Of(y));
  columns.Numbers("encoded", Of([&](std::size_t i) {
                    const std::size_t s = shop(i);
                    if (kind == "mean of the others") return (sum[s] - y(i)) / (n[s] - 1);
                    if (kind == "smoothed mean") return (sum[s] + 10 * 0.3) / (n[s] + 10);
                    if (kind == "another mean") return 0.9 * sum[s] / n[s] + 0.2 * Uniform(s, 7);
                    return sum[s] / n[s];
                  }));
  return columns;
}

TEST(Leakage, FindsAMeanOfTheLabelByGroupHoweverItWasMade) {
  for (const char* kind : {"mean", "smoothed mean", "mean of the others"}) {
    const auto run = RunOn(Encoded(kind), "label");
    EXPECT_THAT(run.Said(), ElementsAre("groupMean encoded error")) << kind;
    EXPECT_EQ(run.findings.at(0).evidence["kind"], kind);
  }
  EXPECT_THAT(RunOn(Encoded("another mean"), "label").Said(), IsEmpty());
}

TEST(Leakage, FindsTheMeanOfTheLabelThatWasMadeOfAllParts) {
  const sdk::TestFolder folder;
  Encoded("mean").Write(folder / "train", 0, 700);
  Encoded("mean").Write(folder / "test", 700);
  const auto table = LoadTable(folder / "train", {});
  const auto target = TargetOf(*table, "label", "auto");
  const auto pairs = GroupPairsOf(*table, *target, {});
  const auto found = GroupMeansOf({folder / "train", folder / "test"}, pairs, *target);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->at(0).column, "encoded");
  EXPECT_TRUE(GroupMeansOf({folder / "train"}, pairs, *target)->empty());
}

// Days of a shop, with what a week of later days has on average.
Columns Days(bool with_future) {
  const auto y = [](std::size_t i) {
    return 50 + 10 * std::sin(2 * M_PI * double(i % 7) / 7) + 5 * Normal(i, 1);
  };
  Columns days;
  days.Hours("day", Of([](std::size_t i) { return 24.0 * double(i); }));
  days.Numbers("sold", Of(y));
  days.Numbers("sold a week ago", Of([&](std::size_t i) { return i < 7 ? kNull : y(i - 7); }));
  days.Numbers("week before", Of([&](std::size_t i) {
                 double sum = 0;
                 for (std::size_t k = 1; k <= 7; ++k) sum += i < k ? 50 : y(i - k);
                 return sum / 7;
               }));
  if (with_future) {
    days.Numbers("week after", Of([&](std::size_t i) {
                   double sum = 0;
                   for (std::size_t k = 1; k <= 7; ++k) sum += y(i + k);
                   return sum / 7;
                 }));
    days.Numbers("all that follow", Of([&](std::size_t i) {
                   double sum = 0;
                   for (std::size_t k = i + 1; k < kRows; ++k) sum += y(k);
                   return sum / std::max<double>(1, double(kRows - i - 1));
                 }));
  }
  return days;
}

TEST(Leakage, FindsWhatWasMadeOfLaterLabelsAndNotWhatWasMadeOfEarlierOnes) {
  LeakageOptions options;
  options.time = "day";
  EXPECT_THAT(RunOn(Days(false), "sold", options).Said(), IsEmpty());
  EXPECT_THAT(RunOn(Days(true), "sold", options).Said(),
              ElementsAre("future week after error", "future all that follow error"));
  // Nothing is said without a time.
  EXPECT_THAT(RunOn(Days(true), "sold").Said(), IsEmpty());
}

Columns Stays() {
  Columns stays;
  stays.Hours("booked", Of([](std::size_t i) { return double(i); }));
  stays.Hours("paid", Of([](std::size_t i) { return double(i) + (i % 5 == 0 ? 48 : -1); }));
  stays.Hours("left", Of([](std::size_t i) { return double(i) + 72; }));
  stays.Numbers("amount", Of([](std::size_t i) { return i % 10 == 3 ? kNull : Uniform(i, 1); }));
  stays.Integers("cancelled", Of([](std::size_t i) { return std::int64_t(Uniform(i, 2) < 0.3); }));
  return stays.Role("booked", Role::kTime);
}

TEST(Leakage, FindsWhatIsKnownOnlyAfterTheModelAnswers) {
  LeakageOptions options;
  options.moment = "booked";
  options.available_at = {{"amount", "paid"}};
  const auto run = RunOn(Stays(), "cancelled", options);
  EXPECT_THAT(run.Said(), ElementsAre("availability amount error", "availability left warning"));
  EXPECT_EQ(run.findings.at(0).evidence["late"], 200);
  EXPECT_EQ(run.findings.at(0).evidence["rows"], 900);
  EXPECT_EQ(run.findings.at(0).evidence["worstSeconds"], 48 * 3600.0);
  // Known in time: not a word of it.
  options.available_at = {{"amount", "booked"}};
  EXPECT_THAT(RunOn(Stays(), "cancelled", options).Said(),
              ElementsAre("availability left warning"));
}

TEST(Leakage, RefusesAvailabilityByAColumnThatIsNoTime) {
  const sdk::TestFolder folder;
  Stays().Write(folder / "d");
  const auto table = LoadTable(folder / "d", {});
  const auto target = TargetOf(*table, "cancelled", "auto");
  LeakageOptions options;
  Findings findings;
  options.available_at = {{"amount", "cancelled"}};
  auto ok = CheckLeakage({folder / "d"}, *table, *target, options, &findings);
  ASSERT_FALSE(ok);
  EXPECT_THAT(ok.error().message, HasSubstr("needs moment"));
  options.moment = "booked";
  ok = CheckLeakage({folder / "d"}, *table, *target, options, &findings);
  ASSERT_FALSE(ok);
  EXPECT_THAT(ok.error().message, HasSubstr("column cancelled is no time"));
}

TEST(Leakage, FindsIdsAndAnOrderThatKnow) {
  Columns sorted;
  sorted.Integers("number", Of([](std::size_t i) { return std::int64_t(1000 + i); }));
  sorted.Texts("ticket", Of([](std::size_t i) { return "t" + std::to_string(i); }));
  sorted.Integers("account", Of([](std::size_t i) {
                    return std::int64_t(10000 * Uniform(i, 3) + (i < 500 ? 0 : 6000));
                  }));
  sorted.Integers("label", Of([](std::size_t i) {
                    return std::int64_t(i < 500) ^ std::int64_t(Uniform(i, 4) < 0.001);
                  }));
  sorted.Role("account", Role::kId).Role("number", Role::kIgnored);
  EXPECT_THAT(RunOn(sorted, "label").Said(),
              ElementsAre("ids the row's number warning", "ids account warning"));
  sorted.Role("number", Role::kFeature);
  const auto said = RunOn(sorted, "label").Said();
  EXPECT_THAT(said, testing::Contains("ids number warning"));
}

TEST(Leakage, IsTheSameAgainAndOfASample) {
  auto births = Births();
  births.Numbers("grams", Of([](std::size_t i) { return Weight(i) * 453.592; }));
  const sdk::TestFolder folder;
  births.Write(folder / "d");
  TableOptions some;
  some.most_rows = 400;
  some.seed = 5;
  const auto a = LoadTable(folder / "d", some);
  const auto b = LoadTable(folder / "d", some);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->rows, b->rows);
  EXPECT_EQ(a->rows.size(), kRows);  // a thousand are always kept
}

}  // namespace
}  // namespace penstock::audit
