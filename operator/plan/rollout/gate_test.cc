#include "operator/plan/rollout/gate.h"

#include <gmock/gmock.h>

#include <random>

namespace penstock::rollout {
namespace {

using ::testing::HasSubstr;

constexpr TimePoint kStart{std::chrono::hours(24 * 365 * 30)};
constexpr double kAlpha = 0.001;

class Gates : public ::testing::Test {
 protected:
  Gates() {
    router_.pod = "a";
    router_.run = "1";
    router_.versions.resize(2);
    stable().version = 7;
    candidate().version = 8;
  }
  VersionCounters& stable() { return router_.versions[0]; }
  VersionCounters& candidate() { return router_.versions[1]; }

  api::GateSpec& Gate(const std::string& metric, const std::string& max) {
    api::GateSpec g;
    g.metric = metric;
    g.max = max;
    gates_ = {g};
    Begin();
    return gates_[0];
  }
  void Begin() {
    evidence_.Begin({7, 8, 1}, gates_);
    Look();
  }
  void Look() { evidence_.Look({router_}, kStart); }
  Judgement Judged() {
    Look();
    return Judge(gates_[0], evidence_, kAlpha);
  }

  RouterFact router_;
  std::vector<api::GateSpec> gates_;
  Evidence evidence_;
};

TEST_F(Gates, CountWhatCameSinceTheStepAndNothingBefore) {
  candidate().requests = 100'000;
  candidate().server_errors = 50'000;
  Gate(api::kErrorRate, "1%");
  candidate().requests += 2'000;
  const Judgement j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kPass);
  EXPECT_EQ(j.status.samples, 2'000);
  EXPECT_EQ(j.status.value, "0%");
}

TEST_F(Gates, KeepWhatARouterSaidBeforeItBeganAgain) {
  Gate(api::kErrorRate, "1%");
  candidate().requests = 1'000;
  candidate().server_errors = 30;
  Look();
  router_.run = "2";
  candidate().requests = 10;
  candidate().server_errors = 1;
  const Judgement j = Judged();
  EXPECT_EQ(j.status.samples, 1'010);
  EXPECT_EQ(evidence_.candidate().server_errors, 31);
}

TEST_F(Gates, AddNothingForARouterThatDoesNotAnswerOrSaysLess) {
  Gate(api::kErrorRate, "1%");
  candidate().requests = 100;
  Look();
  evidence_.Look({}, kStart);
  candidate().requests = 90;  // what no router should say
  EXPECT_EQ(Judged().status.samples, 100);
}

TEST_F(Gates, TakeARouterThatComesLaterForItsOwnZero) {
  Gate(api::kErrorRate, "1%");
  RouterFact other = router_;
  other.pod = "b";
  other.versions[1].requests = 5'000;
  evidence_.Look({router_, other}, kStart);
  EXPECT_EQ(evidence_.candidate().requests, 0);
  other.versions[1].requests += 5;
  evidence_.Look({router_, other}, kStart);
  EXPECT_EQ(evidence_.candidate().requests, 5);
}

TEST_F(Gates, FailAnErrorRateThatIsSurelyAboveItsBoundAndDecideNothingBetween) {
  Gate(api::kErrorRate, "1%");
  candidate().requests = 400;
  candidate().timeouts = 5;
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  candidate().server_errors = 25;
  const Judgement j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.status.value, "7.5%");
  EXPECT_THAT(j.status.message, HasSubstr("30 of 400 requests failed"));
}

TEST_F(Gates, CountARefusalThatStableHardlyGivesAsAnError) {
  Gate(api::kErrorRate, "1%");
  stable().requests = 10'000;
  stable().client_errors["infer:404"] = 300;
  candidate().requests = 1'000;
  candidate().client_errors["infer:404"] = 40;  // as stable, by chance
  EXPECT_EQ(Judged().status.value, "0%");
  candidate().client_errors["infer:400"] = 60;
  const Judgement j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(j.status.message, HasSubstr("infer:400"));
  EXPECT_THAT(j.status.message, Not(HasSubstr("infer:404")));
}

TEST_F(Gates, LetAVersionFailAsStableDoesWhereADifferenceIsAsked) {
  Gate(api::kErrorRate, "");
  gates_[0].max_difference_to_stable = "1%";
  Begin();
  stable().requests = 100'000;
  stable().server_errors = 5'000;
  candidate().requests = 60'000;
  candidate().server_errors = 3'000;
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  candidate().server_errors = 4'500;
  EXPECT_EQ(Judged().verdict, Verdict::kFail);
}

TEST_F(Gates, CompareClientErrorsWithOnePercentAtLeast) {
  Gate(api::kClientErrorRatio, "1.5");
  stable().requests = 100'000;
  candidate().requests = 10'000;
  candidate().client_errors["infer:400"] = 50;  // 0.5 % against none at all
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  candidate().client_errors["infer:400"] = 400;
  EXPECT_EQ(Judged().verdict, Verdict::kFail);
}

TEST_F(Gates, HoldAQuantileOfLatencyAgainstATime) {
  Gate(api::kLatencyP95, "200ms");
  router_.latency_bounds = {0.1, 0.2, 0.4};
  candidate().latency = {0, 0, 0, 0};
  Look();
  candidate().latency = {900, 90, 10, 0};
  Judgement j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kPass);
  EXPECT_EQ(j.status.upper, "200ms");
  candidate().latency = {900, 90, 300, 0};
  j = Judged();
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.status.lower, "200ms");
}

TEST_F(Gates, SayNothingOfLatencyWithoutATimedAnswer) {
  Gate(api::kLatencyP99, "200ms");
  candidate().requests = 1'000;
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
}

TEST_F(Gates, TakeNoMeasurementThatWasMadeForACandidateThatIsGone) {
  Gate("", "");
  gates_[0].name = "smoke";
  gates_[0].http.emplace();
  evidence_.Begin({7, 9, 1}, gates_);
  Measurement late{"smoke", kStart, {}, false, ""};
  late.version = 8;
  evidence_.Add(late);
  EXPECT_EQ(evidence_.AskedBy("smoke")->measured, 0);
  late.version = 9;
  evidence_.Add(late);
  EXPECT_EQ(evidence_.AskedBy("smoke")->measured, 1);
}

TEST_F(Gates, AskedOnesFailAfterSeveralBadMeasurementsInARow) {
  Gate("", "");
  gates_[0].name = "smoke";
  gates_[0].http.emplace();
  gates_[0].failures = 2;
  Begin();
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  evidence_.Add({"smoke", kStart, {}, false, ""});
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  evidence_.Add({"smoke", kStart, {}, true, ""});
  EXPECT_EQ(Judged().verdict, Verdict::kPass);
  evidence_.Add({"smoke", kStart, {}, false, ""});
  evidence_.Add({"smoke", kStart, {}, false, "connection refused"});  // nobody was asked
  EXPECT_EQ(Judged().verdict, Verdict::kInconclusive);
  evidence_.Add({"smoke", kStart, {}, false, ""});
  EXPECT_EQ(Judged().verdict, Verdict::kFail);
  evidence_.Add({"other", kStart, {}, false, ""});
}

TEST_F(Gates, BeginAnewWithAnotherBoundAndGoOnWithTheSame) {
  Gate(api::kErrorRate, "1%");
  candidate().requests = 100;
  Look();
  evidence_.Begin({7, 8, 1}, gates_);
  EXPECT_EQ(evidence_.candidate().requests, 100);
  gates_[0].max = "2%";
  evidence_.Begin({7, 8, 1}, gates_);
  EXPECT_EQ(evidence_.candidate().requests, 0);
  candidate().requests = 130;
  Look();
  EXPECT_EQ(evidence_.candidate().requests, 30);  // its zero is what was said last
}

TEST_F(Gates, BoundWhatKindsOfRefusalsTakeInMemory) {
  Gate(api::kErrorRate, "1%");
  for (int i = 0; i < 1'000; ++i)
    candidate().client_errors["path" + std::to_string(i) + ":404"] = 1;
  Look();
  EXPECT_LE(evidence_.candidate().client_errors.size(), 65u);
  EXPECT_EQ(evidence_.candidate().ClientErrors(), 1'000);
}

TEST_F(Gates, HoldFlipsOfShadowsAgainstTheirBound) {
  Gate(api::kErrorRate, "1%");
  api::ShadowSpec::Compare compare;
  compare.max_flips = "10%";
  candidate().compared = 1'000;
  candidate().flips = 40;
  Look();
  EXPECT_EQ(JudgeFlips(compare, evidence_, kAlpha).verdict, Verdict::kPass);
  candidate().flips = 200;
  Look();
  const Judgement j = JudgeFlips(compare, evidence_, kAlpha);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.status.value, "20%");
}

TEST(NumberOf, ReadsDecimalsAndPercents) {
  EXPECT_DOUBLE_EQ(NumberOf("1.25"), 1.25);
  EXPECT_DOUBLE_EQ(NumberOf("0.5%"), 0.005);
  EXPECT_DOUBLE_EQ(NumberOf(""), 0);
  EXPECT_EQ(PercentText(0.0012345), "0.123%");
}

class Shifts : public Gates {
 protected:
  Shifts() { Begin(); }
  // So many rows of `width` numbers that are apart by 0.5 and 1.5 times `mean`.
  Judgement Shifted(std::int64_t rows, std::int64_t width, double mean) {
    ShiftSums& sums = candidate().shift;
    const auto values = static_cast<double>(rows * width);
    sums.rows += rows;
    sums.values += rows * width;
    sums.absolute_differences += values * mean;
    sums.squared_differences += values * mean * mean * 1.25;
    Look();
    api::ShadowSpec::Compare compare;
    compare.max_shift = "0.05";
    return JudgeShift(compare, evidence_, kAlpha);
  }
};

TEST_F(Shifts, FailWhereTheIntervalIsAboveTheBound) {
  Judgement j = Shifted(1'000, 1, 0.1);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.status.name, "outputShift");
  EXPECT_EQ(j.status.value, "0.1");
  EXPECT_EQ(j.status.samples, 1'000);
}

TEST_F(Shifts, PassWhereTheIntervalIsBelowTheBound) {
  EXPECT_EQ(Shifted(3'000, 1, 0.02).verdict, Verdict::kPass);
}

TEST_F(Shifts, AreNotKnownOfFewRowsHoweverManyNumbersTheseHave) {
  EXPECT_EQ(Shifted(99, 1'000, 0.5).verdict, Verdict::kInconclusive);
  EXPECT_EQ(Shifted(1, 1, 0.5).verdict, Verdict::kFail) << "the hundredth";
}

TEST_F(Shifts, AreNotKnownNearTheBound) {
  EXPECT_EQ(Shifted(200, 1, 0.05).verdict, Verdict::kInconclusive);
}

TEST_F(Shifts, OfVersionsThatAnswerTheSameAreNoneOnceThereAreEnough) {
  EXPECT_EQ(Shifted(100, 3, 0).verdict, Verdict::kInconclusive) << "one in a hundred may be huge";
  EXPECT_EQ(Shifted(899, 3, 0).verdict, Verdict::kInconclusive);
  const Judgement j = Shifted(2'000, 3, 0);
  EXPECT_EQ(j.verdict, Verdict::kPass);
  EXPECT_EQ(j.status.value, "0");
}

// Of a thousand such candidates, looked at after every fifty rows.
TEST_F(Shifts, PassHardlyEverWhereFewRowsDifferByMuch) {
  std::mt19937_64 random(7);
  int passed = 0;
  for (int one = 0; one < 1'000; ++one) {
    ShiftSums& sums = candidate().shift;
    sums = {};
    evidence_ = {};
    Begin();
    Verdict verdict = Verdict::kInconclusive;
    while (verdict == Verdict::kInconclusive && sums.rows < 4'000) {
      std::binomial_distribution<int> hits(50, 0.01);
      sums.absolute_differences += 10 * hits(random);  // a mean of 0.1, twice the bound
      sums.squared_differences = 10 * sums.absolute_differences;
      verdict = Shifted(50, 1, 0).verdict;
    }
    passed += verdict == Verdict::kPass ? 1 : 0;
  }
  EXPECT_LE(passed, 5);
}

TEST_F(Shifts, FailWhereRowsHaveLostTheirNumbers) {
  candidate().shift.lost_rows = 180;
  const Judgement j = Shifted(120, 1, 0);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(j.status.message, testing::HasSubstr("180 more rows have no numbers"));
}

TEST_F(Shifts, FailWhereAllRowsHaveLostTheirNumbers) {
  candidate().shift.lost_rows = 180;
  EXPECT_EQ(Shifted(0, 1, 0).verdict, Verdict::kFail);
}

TEST_F(Shifts, FailWhereADifferenceIsTooLargeForANumber) {
  EXPECT_EQ(Shifted(3'000, 1, 0).verdict, Verdict::kPass);
  candidate().shift.overflown = true;
  const Judgement j = Shifted(1, 1, 0);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(j.status.message, testing::HasSubstr("too large"));
}

TEST_F(Shifts, FailWhereTheirSumsGrowTooLarge) {
  EXPECT_EQ(Shifted(1, 1, 1e154).verdict, Verdict::kInconclusive);
  EXPECT_EQ(Shifted(1, 1, 1e200).verdict, Verdict::kFail);
}

}  // namespace
}  // namespace penstock::rollout
