#include <gtest/gtest.h>

#include "components/drift/classifier/domain.h"
#include "components/drift/null/random.h"

namespace penstock::drift {
namespace {

// 2 x `rows` rows of two features of ten bins. In current the second follows the first, in
// reference too where `alike`; alone each is the same in both.
DomainRows TwoFeatures(int rows, bool alike, std::uint64_t seed) {
  DomainRows out;
  out.columns = {"x", "y"};
  out.features.resize(2);
  Random random(seed);
  for (auto& feature : out.features) feature.bin_count = feature.ordered = 10;
  for (int i = 0; i < 2 * rows; ++i) {
    const bool current = i >= rows;
    const auto x = std::uint8_t(random.Below(10));
    out.features[0].bins.push_back(x);
    out.features[1].bins.push_back(current || alike ? x : std::uint8_t(random.Below(10)));
    out.is_current.push_back(current ? 1 : 0);
  }
  return out;
}

TEST(Domain, SeesADependenceThatNoColumnShowsAlone) {
  const Domain domain = TellApart(TwoFeatures(1000, false, 1), 7, 2);
  EXPECT_GT(domain.auc, 0.8);
  EXPECT_LT(domain.p, 1e-6);
  ASSERT_EQ(domain.told_by.size(), 2U);
  EXPECT_NEAR(domain.told_by[0].second + domain.told_by[1].second, 1, 1e-9);
}

TEST(Domain, SeldomSaysThatEqualSidesDiffer) {
  int rejected = 0;
  double sum = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Domain domain = TellApart(TwoFeatures(200, true, i), i, 2);
    rejected += domain.p <= 0.05 ? 1 : 0;
    sum += domain.auc / 40;
  }
  EXPECT_LE(rejected, 7);
  EXPECT_NEAR(sum, 0.5, 0.03);
}

TEST(Domain, IsTheSameWhateverTheThreads) {
  const DomainRows rows = TwoFeatures(300, false, 3);
  const Domain one = TellApart(rows, 5, 1);
  const Domain three = TellApart(rows, 5, 3);
  EXPECT_EQ(one.auc, three.auc);
  EXPECT_EQ(one.told_by, three.told_by);
  EXPECT_NE(one.auc, TellApart(rows, 6, 1).auc);
}

// Twelve days a side, each with a value of its own: that tells days apart, not the sides.
DomainRows DaysApart(bool blocks) {
  DomainRows out;
  out.columns = {"day"};
  out.features.resize(1);
  out.features[0].bin_count = 24;
  for (int side = 0; side < 2; ++side) {
    for (int i = 0; i < 600; ++i) {
      const int day = i % 12;
      out.features[0].bins.push_back(std::uint8_t(day * 2 + side));
      out.is_current.push_back(std::uint8_t(side));
      if (blocks) out.blocks.push_back(std::uint32_t(day));
    }
  }
  return out;
}

TEST(Domain, LearnsNoBlockByHeart) {
  EXPECT_GT(TellApart(DaysApart(false), 1, 1).auc, 0.99);
  const Domain domain = TellApart(DaysApart(true), 1, 1);
  EXPECT_LT(domain.auc, 0.7);
  EXPECT_GT(domain.p, 0.01);
}

TEST(Domain, SaysWhyItWasNotTried) {
  DomainRows rows = TwoFeatures(50, true, 1);
  for (std::size_t i = 0; i < rows.is_current.size(); ++i) rows.blocks.push_back(0);
  EXPECT_EQ(TellApart(rows, 1, 1).why_not, "one side has one block only");
  EXPECT_NE(TellApart({}, 1, 1).why_not, "");
}

TEST(BoostedTrees, UseTheOrderOnlyWhereThereIsOne) {
  // Every other bin is current's: no cut of the order tells them apart, a grouping does.
  DomainRows rows;
  rows.columns = {"c"};
  rows.features.resize(1);
  rows.features[0].bin_count = 40;
  for (int i = 0; i < 2000; ++i) {
    rows.features[0].bins.push_back(std::uint8_t(i % 40));
    rows.is_current.push_back(std::uint8_t(i % 2));
  }
  const double grouped = TellApart(rows, 1, 1).auc;
  EXPECT_GT(grouped, 0.99);
  rows.features[0].ordered = 40;
  EXPECT_LT(TellApart(rows, 1, 1).auc, grouped);
}

}  // namespace
}  // namespace penstock::drift
