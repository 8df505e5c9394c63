#include "components/audit/labels/labellers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using testing::HasSubstr;

std::vector<std::uint32_t> AllOf(const Labelled& labelled) {
  std::vector<std::uint32_t> items;
  for (std::uint32_t i = 0; i < labelled.labels.size(); ++i) items.push_back(i);
  return items;
}

TEST(Agreement, OfCohenIsThatOfTheTextbooksTable) {
  Labelled labelled{{}, {"a", "b"}, 2};
  const auto add = [&](int times, std::uint32_t a, std::uint32_t b) {
    for (int i = 0; i < times; ++i) labelled.labels.push_back({a, b});
  };
  add(20, 1, 1), add(5, 1, 0), add(10, 0, 1), add(15, 0, 0);
  EXPECT_NEAR(*CohenKappa(labelled, 0, 1, AllOf(labelled)), 0.4, 1e-12);
  EXPECT_NEAR(*PercentAgreement(labelled, AllOf(labelled)), 0.7, 1e-12);
}

TEST(Agreement, OfFleissIsThatOfHisTable) {
  // Fourteen raters, ten subjects, five categories: kappa 0.210.
  const int counts[10][5] = {{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0},
                             {2, 2, 8, 1, 1},  {7, 7, 0, 0, 0}, {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2},
                             {6, 5, 2, 1, 0},  {0, 2, 2, 3, 7}};
  Labelled labelled;
  labelled.classes = 5;
  labelled.labellers.resize(14);
  for (const auto& row : counts) {
    auto& item = labelled.labels.emplace_back();
    for (std::uint32_t k = 0; k < 5; ++k) item.insert(item.end(), std::size_t(row[k]), k);
  }
  EXPECT_NEAR(*FleissKappa(labelled, AllOf(labelled)), 0.20993, 1e-5);
  // An item that one did not label is not among them.
  labelled.labels.push_back(std::vector<std::uint32_t>(14, 0));
  labelled.labels.back()[3] = kNoLabel;
  EXPECT_NEAR(*FleissKappa(labelled, AllOf(labelled)), 0.20993, 1e-5);
}

Labelled ThreeCoders() {
  constexpr std::uint32_t no = kNoLabel;
  const std::uint32_t rows[3][15] = {{no, no, no, no, no, 2, 3, 0, 1, 0, 0, 2, 2, no, 2},
                                     {0, no, 1, 0, 2, 2, 3, 2, no, no, no, no, no, no, no},
                                     {no, no, 1, 0, 2, 3, 3, no, 1, 0, 0, 2, 2, no, 3}};
  Labelled labelled{{}, {"A", "B", "C"}, 4};
  for (std::size_t i = 0; i < 15; ++i) {
    labelled.labels.push_back({rows[0][i], rows[1][i], rows[2][i]});
  }
  return labelled;
}

TEST(Agreement, OfKrippendorffIsThatOfThreeCodersWithGaps) {
  auto labelled = ThreeCoders();
  EXPECT_NEAR(*KrippendorffAlpha(labelled, AllOf(labelled)), 0.691358, 1e-6);
  labelled.values = {1, 2, 3, 4};
  EXPECT_NEAR(*KrippendorffAlpha(labelled, AllOf(labelled)), 0.810845, 1e-5);
}

TEST(Agreement, IsNotDefinedWhereChanceAgreesAlwaysOrNobodyLabelledTwice) {
  const Labelled same{{{0, 0}, {0, 0}}, {"a", "b"}, 1};
  EXPECT_FALSE(CohenKappa(same, 0, 1, {0, 1}));
  EXPECT_FALSE(KrippendorffAlpha(same, {0, 1}));
  EXPECT_FALSE(FleissKappa(same, {0, 1}));
  const Labelled alone{{{0, kNoLabel}, {kNoLabel, 1}}, {"a", "b"}, 2};
  EXPECT_FALSE(CohenKappa(alone, 0, 1, {0, 1}));
  EXPECT_FALSE(PercentAgreement(alone, {0, 1}));
  EXPECT_TRUE(AgreementsOf(alone, 0.95, 0).empty());
}

// Two who agree on this share of the items, to an item.
Labelled Two(std::size_t items, double right) {
  Labelled labelled{{}, {"a", "b"}, 2};
  for (std::size_t i = 0; i < items; ++i) {
    const auto label = std::uint32_t(Uniform(i, 1) < 0.5);
    const bool agree = std::floor(double(i + 1) * right) > std::floor(double(i) * right);
    labelled.labels.push_back({label, agree ? label : 1 - label});
  }
  return labelled;
}

TEST(Agreement, HasAnIntervalThatHoldsItAndNarrowsWithTheItems) {
  const auto few = AgreementsOf(Two(50, 0.9), 0.95, 7);
  const auto many = AgreementsOf(Two(2000, 0.9), 0.95, 7);
  ASSERT_EQ(few.size(), 4U);
  ASSERT_EQ(many.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(few[i].low, few[i].value);
    EXPECT_GT(few[i].high, few[i].value);
    EXPECT_LT(many[i].high - many[i].low, (few[i].high - few[i].low) / 3) << many[i].measure;
  }
  // Kappa is 0.8 where the truth is; its standard error of 2,000 items is 0.0134.
  EXPECT_NEAR(many[0].value, 0.8, 0.04);
  EXPECT_NEAR(many[0].high - many[0].low, 2 * 1.96 * 0.0134, 0.008);
  EXPECT_EQ(AgreementsOf(Two(50, 0.9), 0.95, 7)[0].low, few[0].low);
}

TEST(Agreement, IsAnErrorOnlyWhereItIsSurelyTooLittle) {
  const auto said = [](std::size_t items, double right) {
    Findings findings;
    SayAgreement(AgreementsOf(Two(items, right), 0.95, 1), 0.667, &findings);
    return findings.all().empty() ? std::string("none") : Name(findings.all()[0].severity);
  };
  EXPECT_EQ(said(500, 0.95), "none");
  EXPECT_EQ(said(30, 0.8), "warning");
  EXPECT_EQ(said(500, 0.7), "error");
}

}  // namespace
}  // namespace penstock::audit
