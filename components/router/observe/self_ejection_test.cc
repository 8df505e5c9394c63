#include "components/router/observe/self_ejection.h"

#include <gtest/gtest.h>

#include <random>

namespace penstock::router {
namespace {

// After how many requests of this error rate it is taken out; 0: within 2,000 it is not.
int EjectedAfter(double rate, double bound, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::bernoulli_distribution fails(rate);
  ErrorCount count;
  for (int n = 1; n <= 2'000; ++n) {
    ++count.requests;
    count.errors += fails(random) ? 1 : 0;
    if (n % 10 == 0 && !WhyBeyond(count, bound).empty()) return n;
  }
  return 0;
}

TEST(SelfEjection, LeavesAVersionAtItsBoundAloneHoweverOftenItLooks) {
  int ejected = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    ejected += EjectedAfter(0.02, 0.02, seed) > 0 ? 1 : 0;
  EXPECT_LE(ejected, 2);  // kFalseEjection allows 0.2 on average
}

TEST(SelfEjection, TakesOutWhatIsFarBeyondItsBoundSoon) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const int soon = EjectedAfter(0.5, 0.01, seed);
    EXPECT_GT(soon, 0);
    EXPECT_LE(soon, 50);
    const int later = EjectedAfter(0.04, 0.01, seed);
    EXPECT_GT(later, 0) << seed;
  }
}

TEST(SelfEjection, NeedsMoreThanOneErrorWhateverTheBound) {
  EXPECT_EQ(WhyBeyond({.errors = 1, .requests = 1}, 0.01), "");
  EXPECT_EQ(WhyBeyond({.errors = 0, .requests = 0}, 0.0), "");
  EXPECT_EQ(WhyBeyond({.errors = 10, .requests = 10}, 1.0), "");
}

TEST(SelfEjection, CountsRefusalsOnlyWhereTheOthersGiveNone) {
  VersionTotals candidate{.requests = 100};
  candidate.server_errors = 2;
  candidate.timeouts = 1;
  candidate.client_errors["infer:400"] = 20;
  VersionTotals others{.requests = 1'000};
  EXPECT_EQ(CountErrors(candidate, {}, others).errors, 23);
  others.client_errors["infer:400"] = 200;
  EXPECT_EQ(CountErrors(candidate, {}, others).errors, 3);
  VersionTotals before = candidate;
  EXPECT_EQ(CountErrors(candidate, before, {.requests = 1'000}).errors, 0);
}

// Fewer requests than before were proof enough against it.
TEST(SelfEjection, LeavesAVersionAloneWhoseCountsBeginAnew) {
  const VersionTotals before{.requests = 5'000};
  const VersionTotals now{.requests = 40};
  const ErrorCount count = CountErrors(now, before, {.requests = 1'000});
  EXPECT_EQ(count.requests, 40);
  EXPECT_EQ(count.errors, 0);
  EXPECT_EQ(WhyBeyond(count, 0.01), "");
}

}  // namespace
}  // namespace penstock::router
