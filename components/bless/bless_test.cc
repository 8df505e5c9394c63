#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "components/bless/comparison.h"
#include "components/bless/verdict.h"
#include "components/sdk/delong.h"
#include "components/sdk/metrics.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;
using sdk::CompareAucs;
using sdk::NormalQuantile;

// Scores = label * strength + noise, squeezed into (0, 1).
Scored Binary(double strength, unsigned seed, std::size_t rows = 2000) {
  Scored s;
  s.manifest.classes = {false, true};
  std::mt19937 labels(1);
  std::mt19937 noise(seed);
  std::normal_distribution<double> normal;
  for (std::size_t r = 0; r < rows; ++r) {
    s.labels.push_back(labels() % 4 == 0 ? 1.0F : 0.0F);
    const double score = strength * double(s.labels.back()) + normal(noise);
    s.raw.push_back(float(1 / (1 + std::exp(-score))));
  }
  return s;
}

Verdict Verdicted(const Scored& candidate, const std::optional<Result<Scored>>& baseline,
                  const BlessOptions& options) {
  const auto v = Judge(candidate, baseline, options);
  EXPECT_TRUE(v) << (v ? "" : v.error().message);
  return *v;
}

TEST(Judge, BlessesAGoodModelAndSaysWhy) {
  BlessOptions o;
  o.thresholds = {{"auc", 0.7, std::nullopt}, {"logLoss", std::nullopt, 10}};
  const Verdict v = Verdicted(Binary(1.5, 2), std::nullopt, o);
  EXPECT_TRUE(v.blessed);
  EXPECT_EQ(v.reason, "all checks hold");
  EXPECT_EQ(v.checks.size(), 3U);
  EXPECT_EQ(v.metric, "auc");
}

TEST(Judge, NamesTheThresholdThatFailsAndStillReportsTheOthers) {
  BlessOptions o;
  o.thresholds = {{"auc", 0.99, std::nullopt}, {"brier", std::nullopt, 1.0}};
  const Verdict v = Verdicted(Binary(1.5, 2), std::nullopt, o);
  EXPECT_FALSE(v.blessed);
  EXPECT_NE(v.reason.find("below the minimum 0.99"), std::string::npos);
  EXPECT_TRUE(v.checks[1].passed);
  o.thresholds = {{"logLoss", std::nullopt, 1e-6}};
  EXPECT_NE(Verdicted(Binary(1.5, 2), std::nullopt, o).reason.find("above the maximum"),
            std::string::npos);
}

TEST(Judge, RefusesAConstantModelThatPassesItsThreshold) {
  Scored constant = Binary(0, 2);
  std::fill(constant.raw.begin(), constant.raw.end(), 0.1F);
  BlessOptions o;
  o.thresholds = {{"accuracy", 0.6, std::nullopt}};
  const Verdict v = Verdicted(constant, std::nullopt, o);
  EXPECT_TRUE(v.checks[0].passed);  // the majority class is 75 %
  EXPECT_FALSE(v.blessed);
  EXPECT_NE(v.reason.find("constant answer"), std::string::npos);
  o.beat_dummy = false;
  EXPECT_TRUE(Verdicted(constant, std::nullopt, o).blessed);
}

TEST(Judge, RefusesLuckOnFewRows) {
  // Five of six pairs are in order, but the lower bound of that AUC is below 0.5.
  Scored lucky;
  lucky.manifest.classes = {false, true};
  lucky.labels = {1, 1, 0, 0, 0};
  lucky.raw = {0.9F, 0.3F, 0.5F, 0.2F, 0.1F};
  EXPECT_NEAR(Verdicted(lucky, std::nullopt, {}).value().value, 5.0 / 6, 1e-12);
  EXPECT_FALSE(Verdicted(lucky, std::nullopt, {}).blessed);
  // In order all of them, as one in six of four rows is by luck.
  lucky.labels = {1, 1, 0, 0};
  lucky.raw = {0.9F, 0.8F, 0.5F, 0.2F};
  EXPECT_FALSE(Verdicted(lucky, std::nullopt, {}).blessed);
}

// Two rows: a normal's quantile takes every third guess for knowledge.
TEST(Judge, RefusesANumberThatIsNearerByLuckOnTwoRows) {
  Scored lucky;
  lucky.manifest.task = sdk::ModelTask::kRegression;
  lucky.labels = {1, 2};
  lucky.raw = {1.1F, 1.75F};
  const Verdict v = Verdicted(lucky, std::nullopt, {});
  EXPECT_FALSE(v.blessed) << v.checks.back().message;
  // The same on many rows is no luck.
  for (int i = 0; i < 6; ++i) {
    lucky.labels.insert(lucky.labels.end(), {1, 2});
    lucky.raw.insert(lucky.raw.end(), {1.1F, 1.75F});
  }
  EXPECT_TRUE(Verdicted(lucky, std::nullopt, {}).blessed);
}

TEST(Judge, TakesTheSameModelForNotWorseButNotForBetter) {
  const Scored same = Binary(1.5, 2);
  EXPECT_TRUE(Verdicted(same, same, {}).blessed);
  BlessOptions better;
  better.must_beat_baseline = true;
  const Verdict v = Verdicted(same, same, better);
  EXPECT_FALSE(v.blessed);
  EXPECT_NE(v.reason.find("not better than the baseline"), std::string::npos);
}

TEST(Judge, ComparesWithTheBaseline) {
  const Scored strong = Binary(2.5, 2);
  const Scored weak = Binary(1.0, 3);
  BlessOptions better;
  better.must_beat_baseline = true;
  EXPECT_TRUE(Verdicted(strong, weak, better).blessed);
  const Verdict worse = Verdicted(weak, strong, {});
  EXPECT_FALSE(worse.blessed);
  EXPECT_NE(worse.reason.find("worse than the baseline"), std::string::npos);
  BlessOptions tolerant;
  tolerant.tolerance = 0.4;
  EXPECT_TRUE(Verdicted(weak, strong, tolerant).blessed);
}

TEST(Judge, JudgesRegressionByAnErrorThatShouldFall) {
  Scored good;
  good.manifest.task = sdk::ModelTask::kRegression;
  Scored bad = good;
  for (int i = 0; i < 100; ++i) {
    good.labels.push_back(float(i));
    good.raw.push_back(float(i) + 1);
    bad.labels.push_back(float(i));
    bad.raw.push_back(float(i) + 10);
  }
  BlessOptions better;
  better.must_beat_baseline = true;
  EXPECT_TRUE(Verdicted(good, bad, better).blessed);
  EXPECT_FALSE(Verdicted(bad, good, {}).blessed);
  Scored mean = good;
  std::fill(mean.raw.begin(), mean.raw.end(), 49.5F);
  EXPECT_NE(Verdicted(mean, std::nullopt, {}).reason.find("does not beat"), std::string::npos);
}

TEST(Judge, RefusesAnUnknownMetricByName) {
  BlessOptions o;
  o.thresholds = {{"rocAuc", 0.5, std::nullopt}};
  const auto v = Judge(Binary(1, 1), std::nullopt, o);
  ASSERT_FALSE(v);
  EXPECT_NE(v.error().message.find("no metric 'rocAuc'"), std::string::npos);
  EXPECT_NE(v.error().message.find("logLoss"), std::string::npos);
}

TEST(Judge, LetsWhatIsNotDefinedPassNoThreshold) {
  Scored one_class = Binary(1.5, 2);
  std::fill(one_class.labels.begin(), one_class.labels.end(), 0.0F);
  BlessOptions o;
  o.beat_dummy = false;
  Verdict v = Verdicted(one_class, std::nullopt, o);
  EXPECT_FALSE(v.blessed);
  EXPECT_EQ(v.reason, "auc is not defined here, as all 2000 rows are of class false");
  EXPECT_FALSE(v.value().defined());
  o.metric = "accuracy";  // what can be judged is
  EXPECT_TRUE(Verdicted(one_class, std::nullopt, o).blessed);
  o.thresholds = {{"auc", 0, std::nullopt}};
  EXPECT_FALSE(Verdicted(one_class, std::nullopt, o).blessed);
  Scored silent = Binary(1.5, 2);
  for (float& p : silent.raw) p *= 0.4F;  // no row is decided true
  o.thresholds = {{"precision", 0, std::nullopt}};
  v = Verdicted(silent, std::nullopt, o);
  EXPECT_FALSE(v.blessed);
  EXPECT_NE(v.reason.find("no row is decided true"), std::string::npos) << v.reason;
}

TEST(Judge, RefusesABoundAgainstTheDirectionWithAHint) {
  const auto problem = [](const Threshold& t) {
    const auto ok = CheckThreshold(t);
    return ok ? std::string("accepted") : ok.error().message;
  };
  EXPECT_NE(problem({"auc", std::nullopt, 0.7}).find("write min"), std::string::npos);
  EXPECT_NE(problem({"rmse", 3, std::nullopt}).find("write max"), std::string::npos);
  EXPECT_NE(problem({"bias", 2, 1}).find("above max"), std::string::npos);
  EXPECT_EQ(problem({"bias", -1, 1}), "accepted");
  EXPECT_EQ(problem({"auc", 0.7, std::nullopt}), "accepted");
  BlessOptions o;
  o.metric = "positiveRate";
  EXPECT_NE(Judge(Binary(1, 1), std::nullopt, o).error().message.find("neither more nor less"),
            std::string::npos);
}

// Its classes differ, so nothing was compared, and that counted as passed.
TEST(Judge, LetsNoModelOfShuffledLabelsReplaceABaselineOfOtherClasses) {
  Scored other;
  other.manifest.classes = {"a", "b", "c"};
  BlessOptions o;
  o.beat_dummy = false;
  for (unsigned seed = 0; seed < 40; ++seed) {
    EXPECT_FALSE(Verdicted(Binary(0, seed), other, o).blessed) << seed;
  }
  // A good one does, and the verdict says that it was not compared.
  const Verdict v = Verdicted(Binary(1.5, 2), other, o);
  EXPECT_TRUE(v.blessed) << v.reason;
  EXPECT_NE(v.checks.back().message.find("nothing can be compared with the baseline: its classes"),
            std::string::npos);
  o.on_unscorable = OnUnscorable::kRefuse;
  EXPECT_NE(Verdicted(Binary(1.5, 2), other, o).reason.find("Refuse"), std::string::npos);
}

TEST(Judge, TakesABaselineThatCannotBeScoredForNeitherBeatenNorAFailure) {
  const Result<Scored> gone = Invalid("there is no column 'price'");
  BlessOptions o;
  Verdict v = Verdicted(Binary(1.5, 2), gone, o);
  EXPECT_TRUE(v.blessed);
  EXPECT_NE(v.checks.back().message.find("no column 'price'"), std::string::npos);
  o.must_beat_baseline = true;
  v = Verdicted(Binary(1.5, 2), gone, o);
  EXPECT_FALSE(v.blessed);
  EXPECT_NE(v.reason.find("not beaten"), std::string::npos) << v.reason;
}

TEST(Judge, WantsMoreThanLuckOfABetterAccuracy) {
  Scored ours, theirs;
  ours.manifest.classes = {"a", "b", "c"};
  for (int i = 0; i < 30; ++i) {
    ours.labels.push_back(float(i % 3));
    for (int k = 0; k < 3; ++k) ours.raw.push_back(k == i % 3 ? 0.8F : 0.1F);
  }
  theirs = ours;
  theirs.raw[0] = 0;  // one row of thirty is decided otherwise
  BlessOptions better;
  better.must_beat_baseline = true;
  EXPECT_FALSE(Verdicted(ours, theirs, better).blessed);
  EXPECT_TRUE(Verdicted(ours, theirs, {}).blessed);
  for (int i = 0; i < 30; i += 2) theirs.raw[std::size_t(i * 3 + i % 3)] = 0;
  EXPECT_TRUE(Verdicted(ours, theirs, better).blessed);
}

TEST(Judge, TakesABiasNearerToZeroForBetter) {
  Scored near;
  near.manifest.task = sdk::ModelTask::kRegression;
  for (int i = 0; i < 50; ++i) {
    near.labels.push_back(float(i));
    near.raw.push_back(float(i) + 0.25F);
  }
  Scored low = near;
  for (float& p : low.raw) p -= 2;
  BlessOptions o;
  o.metric = "bias";
  EXPECT_TRUE(Verdicted(near, low, o).blessed);
  EXPECT_FALSE(Verdicted(low, near, o).blessed);
}

TEST(Judge, DrawsTheLinesBetweenWhichAValueStands) {
  BlessOptions o;
  o.thresholds = {{"auc", 0.7, std::nullopt}};
  o.person = 0.8;
  const Verdict v = Verdicted(Binary(1.5, 2), std::nullopt, o);
  EXPECT_EQ(evaluate::ToJson(v.lines), (Json{{"metric", "auc"},
                                             {"ceiling", 1.0},
                                             {"dummy", 0.5},
                                             {"person", 0.8},
                                             {"required", 0.7}}));
  // float32 holds no second of these times: no model gets nearer than this.
  Scored times;
  times.manifest.task = sdk::ModelTask::kRegression;
  for (int i = 0; i < 200; ++i) {
    times.exact.push_back(1700000000.0 + i);
    times.labels.push_back(float(times.exact.back()));
  }
  EXPECT_GT(*evaluate::LinesOf(times, "rmse").ceiling, 20);
  Scored strict = Binary(1.5, 2);  // decided true everywhere: even the labels' own accuracy is low
  strict.manifest.threshold = 0;
  EXPECT_NEAR(*evaluate::LinesOf(strict, "accuracy").ceiling, 0.25, 0.03);
  EXPECT_NEAR(*evaluate::LinesOf(strict, "accuracy").dummy, 0.75, 0.03);
}

// Each row's loss is the same, so that the bound is the difference itself.
TEST(Compare, BoundsTheBrierScoreOfSeveralClassesByItsRows) {
  Scored ours, theirs;
  ours.manifest.classes = theirs.manifest.classes = {"a", "b", "c"};
  for (int r = 0; r < 30; ++r) {
    const int truth = r % 3;
    ours.labels.push_back(float(truth));
    theirs.labels.push_back(float(truth));
    for (int c = 0; c < 3; ++c) {
      ours.raw.push_back(c == truth ? 0.75F : 0.125F);
      theirs.raw.push_back(c == truth ? 0.5F : 0.25F);
    }
  }
  const Comparison c = Compare(ours, theirs, "brier", 0.95);
  EXPECT_NEAR(c.difference, (0.25 + 2 * 0.0625) - (0.0625 + 2 * 0.015625), 1e-12);
  ASSERT_TRUE(c.low);
  EXPECT_NEAR(*c.low, c.difference, 1e-12);
}

TEST(DeLong, AgreesWithTheBootstrap) {
  const Scored a = Binary(1.2, 2, 600);
  const Scored b = Binary(1.0, 3, 600);
  std::vector<std::uint8_t> positive;
  for (const float y : a.labels) positive.push_back(y > 0.5F);
  const auto compared = CompareAucs(a.raw, b.raw, positive);
  EXPECT_NEAR(compared.auc_a, sdk::Auc(a.raw, positive), 1e-12);
  EXPECT_NEAR(compared.auc_b, sdk::Auc(b.raw, positive), 1e-12);
  std::mt19937 random(9);
  double sum = 0, squares = 0;
  constexpr int kRounds = 1000;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<float> sa, sb;
    std::vector<std::uint8_t> sy;
    for (std::size_t i = 0; i < positive.size(); ++i) {
      const std::size_t r = random() % positive.size();
      sa.push_back(a.raw[r]);
      sb.push_back(b.raw[r]);
      sy.push_back(positive[r]);
    }
    const double d = sdk::Auc(sa, sy) - sdk::Auc(sb, sy);
    sum += d;
    squares += d * d;
  }
  const double std = std::sqrt(squares / kRounds - sum / kRounds * sum / kRounds);
  EXPECT_NEAR(compared.standard_error / std, 1, 0.1);
  EXPECT_EQ(CompareAucs(a.raw, a.raw, positive).standard_error, 0);
}

TEST(StudentQuantile, GivesTheTablesValues) {
  EXPECT_NEAR(sdk::StudentQuantile(0.95, 1), 6.314, 1e-3);
  EXPECT_NEAR(sdk::StudentQuantile(0.975, 10), 2.228, 1e-3);
  EXPECT_NEAR(sdk::StudentQuantile(0.95, 1001), 1.646378, 1e-5);
}

TEST(NormalQuantile, GivesTheTablesValues) {
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-8);
  EXPECT_NEAR(NormalQuantile(0.95), 1.6448536269514722, 1e-8);
  EXPECT_NEAR(NormalQuantile(0.5), 0, 1e-8);
}

}  // namespace
}  // namespace penstock::bless
