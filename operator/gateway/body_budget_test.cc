#include "operator/gateway/body_budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::gateway {
namespace {

TEST(BodyBudget, WhatCanNeverFitIsToldApartFromWhatDoesNotFitNow) {
  BodyBudget budget(4 * 100 * BodyBudget::kMemoryPerByte);
  std::vector<std::unique_ptr<BodyBudget::Held>> held;
  for (const char* ns : {"a", "b", "c", "d", "e"})
    held.push_back(std::make_unique<BodyBudget::Held>(budget, ns));
  EXPECT_EQ(held[0]->Hold(101).error().kind, ErrorKind::kTooLarge);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(held[i]->Hold(100)) << i;
  BodyBudget::Held more(budget, "a");
  EXPECT_EQ(more.Hold(1).error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(held[4]->Hold(1).error().kind, ErrorKind::kOverloaded);
  held[0].reset();
  EXPECT_TRUE(held[4]->Hold(100));
  EXPECT_FALSE(more.Hold(1)) << "the others hold all of it";
  held[1].reset();
  EXPECT_TRUE(more.Hold(1));
}

}  // namespace
}  // namespace penstock::gateway
