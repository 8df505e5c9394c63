// Every value of MeasureLabels beside scikit-learn's; and what it does where labels are not known.
#include "components/sdk/labels/label_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "components/sdk/labels/testing/label_metrics_tables.h"

namespace penstock::sdk {
namespace {

struct Table {
  std::string name;
  std::size_t labels = 0;
  std::vector<float> raw;
  std::vector<std::uint8_t> decided;
  std::vector<Truth> truth;
  std::vector<double> weights;
  Json values;

  [[nodiscard]] JudgedLabels View() const { return {labels, raw, decided, truth, weights, {}}; }
};

Table Parse(const char* text) {
  const Json j = Json::parse(text);
  Table t;
  t.name = j["name"];
  t.labels = j["labels"];
  t.raw = j["raw"].get<std::vector<float>>();
  for (const float p : t.raw) t.decided.push_back(p >= 0.5F ? 1 : 0);
  for (const int y : j["truth"]) t.truth.push_back(y == 1 ? Truth::kYes : Truth::kNo);
  if (!j["weights"].is_null()) t.weights = j["weights"].get<std::vector<double>>();
  t.values = j["values"];
  return t;
}

TEST(LabelMetrics, AreThoseOfScikitLearn) {
  std::size_t compared = 0, undefined = 0;
  for (const char* text : kLabelMetricsTables) {
    const Table t = Parse(text);
    const Metrics metrics = MeasureLabels(t.View(), 0.95);
    EXPECT_EQ(metrics.size(), t.values.size()) << t.name;
    for (const auto& [name, expected] : t.values.items()) {
      ASSERT_TRUE(metrics.contains(name)) << t.name << ": " << name;
      const Metric& m = metrics.at(name);
      EXPECT_EQ(m.defined(), !expected.is_null()) << t.name << ": " << name << " " << m.why;
      EXPECT_NE(DirectionOf(name), Direction::kNone) << name;
      if (expected.is_null()) {
        ++undefined;
        continue;
      }
      const auto value = expected.get<double>();
      EXPECT_NEAR(m.value, value, 1e-12 * std::max(1.0, std::abs(value))) << t.name << ": " << name;
      if (m.interval) {
        EXPECT_LE(m.interval->low, m.value + 1e-12) << t.name << ": " << name;
        EXPECT_GE(m.interval->high, m.value - 1e-12) << t.name << ": " << name;
      }
      ++compared;
    }
  }
  EXPECT_GT(compared, 150U);
  EXPECT_GT(undefined, 5U);
}

// What is not known of a label changes nothing of the others, and takes the row from what needs
// all of them.
TEST(LabelMetrics, ARowWithoutALabelCountsForTheOthersAlone) {
  const std::vector<float> p = {0.9F, 0.2F, 0.1F, 0.8F, 0.7F, 0.6F, 0.2F, 0.3F};
  const std::vector<std::uint8_t> decided = {1, 0, 0, 1, 1, 1, 0, 0};
  const std::vector<Truth> all = {Truth::kYes, Truth::kNo, Truth::kNo,  Truth::kYes,
                                  Truth::kNo,  Truth::kNo, Truth::kYes, Truth::kNo};
  std::vector<Truth> some = all;
  some[5] = Truth::kUnknown;  // was decided wrong
  const Metrics whole = MeasureLabels({2, p, decided, all, {}, {}});
  const Metrics known = MeasureLabels({2, p, decided, some, {}, {}});
  EXPECT_NEAR(whole.at("hammingLoss").value, 3.0 / 8, 1e-12);
  EXPECT_NEAR(known.at("hammingLoss").value, 2.0 / 7, 1e-12);
  EXPECT_NEAR(whole.at("subsetAccuracy").value, 0.5, 1e-12);
  EXPECT_NEAR(known.at("subsetAccuracy").value, 2.0 / 3, 1e-12);
  EXPECT_EQ(known.at("subsetAccuracy").rows, 3);
  EXPECT_NEAR(known.at("microPrecision").value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(known.at("macroAuc").value, (0.75 + 1) / 2, 1e-12);
}

TEST(LabelMetrics, SayWhichLabelLeavesThemUndefined) {
  const std::vector<float> p = {0.9F, 0.2F, 0.1F, 0.8F};
  const std::vector<std::uint8_t> decided = {1, 0, 0, 1};
  const std::vector<Truth> truth = {Truth::kYes, Truth::kUnknown, Truth::kNo, Truth::kUnknown};
  const Metrics m = MeasureLabels({2, p, decided, truth, {}, {"late", "lost"}}, 0.95);
  EXPECT_EQ(m.at("macroAuc").why, "all rows are of one class of label 'lost'");
  EXPECT_EQ(m.at("macroAveragePrecision").why, "no row has label 'lost'");
  EXPECT_EQ(m.at("logLoss").why, "no row counts for label 'lost'");
  EXPECT_EQ(m.at("coverageError").why, "of no row every label is known");
  EXPECT_TRUE(m.at("microF1").defined());
}

}  // namespace
}  // namespace penstock::sdk
