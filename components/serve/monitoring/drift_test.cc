#include "components/serve/monitoring/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FakeClock : public Clock {
 public:
  TimePoint Now() const override { return {}; }
  std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now{};
};

Json Numbers() {
  return Json::parse(R"({"type": "float64", "count": 90, "nulls": 10,
                         "bins": {"edges": [1, 2], "counts": [30, 30, 30]}})");
}
Json Texts() {
  return Json::parse(R"({"type": "string", "count": 100, "nulls": 0, "distinct": 3,
      "top": [{"value": "UA", "count": 60}, {"value": "비", "count": 30}, {"value": "A", "count": 10}]})");
}

InputTensor Floats(std::vector<double> values, std::vector<std::uint8_t> nulls = {}) {
  const auto rows = std::int64_t(values.size());
  return {"n", Datatype::kFp64, {rows}, std::move(values), std::move(nulls)};
}

TEST(DriftBins, PutNumbersBetweenTheirEdges) {
  const auto bins = DriftBins::Make(Numbers());
  ASSERT_TRUE(bins);
  EXPECT_THAT(bins->expected(), ElementsAre(0.3, 0.3, 0.3, 0.1));
  EXPECT_THAT(bins->Find(Floats({0.5, 1, 1.99, 2, 7, std::nan(""), 0}, {0, 0, 0, 0, 0, 0, 1})),
              ElementsAre(0, 1, 1, 2, 2, 3, 3));
  const Tensor integers{"n", Datatype::kInt64, {2}, std::vector<std::int64_t>{-5, 2}};
  EXPECT_THAT(bins->Find(integers), ElementsAre(0, 2));
}

TEST(DriftBins, PutTextsByValueAndTheRestTogether) {
  const auto bins = DriftBins::Make(Texts());
  ASSERT_TRUE(bins);
  EXPECT_THAT(bins->expected(), ElementsAre(0.6, 0.3, 0.1, 0, 0));
  const InputTensor input{"c",
                          Datatype::kBytes,
                          {4},
                          std::vector<std::string_view>{"비", "UA", "new", ""},
                          {0, 0, 0, 1}};
  EXPECT_THAT(bins->Find(input), ElementsAre(1, 0, 3, 4));
}

TEST(DriftBins, CompareTruthsAsStatisticsSpellThem) {
  const auto bins = DriftBins::Make(Json::parse(
      R"({"type": "bool", "count": 4, "nulls": 0, "top": [{"value": "true", "count": 3}, {"value": "false", "count": 1}]})"));
  ASSERT_TRUE(bins);
  EXPECT_THAT(
      bins->Find(InputTensor{"b", Datatype::kBool, {2}, std::vector<std::uint8_t>{1, 0}, {}}),
      ElementsAre(0, 1));
}

TEST(DriftBins, LeaveOutWhatCannotBeWatched) {
  Json time = Numbers();
  time["type"] = "timestamp";
  EXPECT_FALSE(DriftBins::Make(time));
  Json old = Numbers();
  old.erase("bins");
  EXPECT_FALSE(DriftBins::Make(old));
  Json damaged = Numbers();
  damaged["bins"]["counts"] = {1, 2};
  EXPECT_FALSE(DriftBins::Make(damaged));
  damaged["bins"]["counts"] = "no";
  EXPECT_FALSE(DriftBins::Make(damaged));
  EXPECT_FALSE(DriftBins::Make(Json("text")));
}

TEST(Psi, IsTheSumThatItsFormulaSays) {
  // (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln(2/3)
  EXPECT_NEAR(Psi({0.25, 0.75}, {10, 10}), 0.27465307, 1e-7);
  EXPECT_EQ(Psi({0.5, 0.5}, {7, 7}), 0);
  EXPECT_TRUE(std::isnan(Psi({1}, {0})));
  EXPECT_TRUE(std::isfinite(Psi({1, 0}, {0, 5})));
}

class DriftMonitorTest : public testing::Test {
 protected:
  DriftMonitorTest() {
    signature_.inputs = {{"n", Datatype::kFp64, {-1}, true, true},
                         {"c", Datatype::kBytes, {-1}, true, true},
                         {"unknown", Datatype::kFp64, {-1}, true, true}};
    signature_.outputs = {{"p", Datatype::kFp32, {-1}}, {"wide", Datatype::kFp32, {-1, 3}}};
    statistics_ = {{"columns", {{"n", Numbers()}, {"c", Texts()}}},
                   {"outputs", {{"p", Numbers()}, {"wide", Numbers()}}}};
  }

  // Rows as in training; `shift` moves the numbers.
  static void Send(DriftMonitor* monitor, int rows, double shift) {
    std::mt19937 random(4);
    std::vector<double> n;
    std::vector<std::string_view> c;
    std::vector<std::uint8_t> nulls;
    std::vector<float> p;
    for (int i = 0; i < rows; ++i) {
      n.push_back(i % 3 + 0.5 + shift);
      nulls.push_back(i % 10 == 9);
      c.push_back(i % 10 < 6 ? "UA" : i % 10 < 9 ? "비" : "A");
      p.push_back(float(i % 3 + 0.5));
    }
    const std::vector<InputTensor> inputs = {
        Floats(n, nulls), {"c", Datatype::kBytes, {rows}, c, {}}, Floats(n)};
    monitor->Add(monitor->Find(inputs),
                 {{"p", Datatype::kFp32, {rows}, p}, {"wide", Datatype::kFp32, {rows, 1}, p}});
  }
  static double PsiOf(const DriftMonitor& monitor, const std::string& labels) {
    const std::string text = monitor.MetricsText();
    const std::string key = "penstock_serve_drift_psi{" + labels + "} ";
    const std::size_t at = text.find(key);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + key.size(), nullptr);
  }

  FakeClock clock_;
  Signature signature_;
  Json statistics_;
};

TEST_F(DriftMonitorTest, IsNearZeroOnTheTrainingDataAndLargeOnAShift) {
  DriftMonitor monitor(statistics_, signature_, std::chrono::minutes(10), &clock_);
  EXPECT_EQ(monitor.watched(), 3U);
  Send(&monitor, 3000, 0);
  EXPECT_LT(PsiOf(monitor, R"(kind="input",column="n")"), 0.01);
  EXPECT_LT(PsiOf(monitor, R"(kind="input",column="c")"), 0.01);
  DriftMonitor shifted(statistics_, signature_, std::chrono::minutes(10), &clock_);
  Send(&shifted, 3000, 1.5);
  EXPECT_GT(PsiOf(shifted, R"(kind="input",column="n")"), 0.25);
  EXPECT_LT(PsiOf(shifted, R"(kind="input",column="c")"), 0.01);
}

TEST_F(DriftMonitorTest, LeavesOutColumnsWithoutStatistics) {
  DriftMonitor monitor(statistics_, signature_, std::chrono::minutes(10), &clock_);
  EXPECT_THAT(monitor.MetricsText(), Not(HasSubstr("unknown")));
  EXPECT_THAT(monitor.MetricsText(), Not(HasSubstr("wide")));
  EXPECT_EQ(DriftMonitor(Json(), signature_, std::chrono::minutes(1), &clock_).watched(), 0U);
}

TEST_F(DriftMonitorTest, SaysNothingOnFewRows) {
  DriftMonitor monitor(statistics_, signature_, std::chrono::minutes(10), &clock_);
  Send(&monitor, 199, 0);
  EXPECT_THAT(monitor.MetricsText(), HasSubstr(R"(drift_psi{kind="output",column="p"} NaN)"));
  EXPECT_THAT(monitor.MetricsText(), HasSubstr("drift_rows 199\n"));
  Send(&monitor, 1, 0);
  EXPECT_THAT(monitor.MetricsText(), Not(HasSubstr("NaN\n")));
}

TEST_F(DriftMonitorTest, ForgetsWhatIsOlderThanItsWindow) {
  DriftMonitor monitor(statistics_, signature_, std::chrono::minutes(10), &clock_);
  Send(&monitor, 1000, 1.5);
  clock_.now += std::chrono::minutes(5);
  Send(&monitor, 1000, 0);
  EXPECT_THAT(monitor.MetricsText(), HasSubstr("drift_rows 2000\n"));
  clock_.now += std::chrono::minutes(5);
  EXPECT_THAT(monitor.MetricsText(), HasSubstr("drift_rows 1000\n"));
  EXPECT_LT(PsiOf(monitor, R"(kind="input",column="n")"), 0.01);
  clock_.now += std::chrono::minutes(20);
  EXPECT_THAT(monitor.MetricsText(), HasSubstr("drift_rows 0\n"));
}

}  // namespace
}  // namespace penstock::serve
