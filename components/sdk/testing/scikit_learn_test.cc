// Every value of Measure beside scikit-learn's, on small tables with ties, weights, several classes
// and edges.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "components/sdk/metrics.h"
#include "components/sdk/testing/scikit_learn_tables.h"

namespace penstock::sdk {
namespace {

struct Table {
  std::string name;
  ModelManifest manifest;
  std::vector<float> raw, labels;
  std::vector<double> exact, weights;
  Json values;
};

Table Parse(const char* text) {
  const Json j = Json::parse(text);
  Table t;
  t.name = j["name"];
  t.raw = j["raw"].get<std::vector<float>>();
  t.labels = j["labels"].get<std::vector<float>>();
  if (!j["weights"].is_null()) t.weights = j["weights"].get<std::vector<double>>();
  if (j["task"] == "regression") {
    t.manifest.task = ModelTask::kRegression;
    if (j["exact"]) t.exact = j["labels"].get<std::vector<double>>();
  }
  const int classes = j["task"] == "binary" ? 2 : j.value("classes", 0);
  for (int c = 0; c < classes; ++c) t.manifest.classes.emplace_back(c);
  t.manifest.threshold = j.value("threshold", 0.5);
  t.values = j["values"];
  return t;
}

TEST(Measure, GivesTheValuesOfScikitLearn) {
  std::size_t compared = 0, undefined = 0;
  for (const char* text : kScikitLearnTables) {
    const Table t = Parse(text);
    const Judged judged = {t.raw, t.labels, t.exact, t.weights};
    const Metrics metrics = Measure(t.manifest, judged, {}, 0.95);
    EXPECT_EQ(metrics.size(), t.values.size()) << t.name;
    for (const auto& [name, expected] : t.values.items()) {
      ASSERT_TRUE(metrics.contains(name)) << t.name << ": " << name;
      const Metric& m = metrics.at(name);
      EXPECT_EQ(m.defined(), !expected.is_null()) << t.name << ": " << name << " " << m.why;
      if (expected.is_null()) {
        EXPECT_TRUE(std::isnan(m.value)) << t.name << ": " << name;
        EXPECT_FALSE(m.interval) << t.name << ": " << name;
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
  EXPECT_GT(compared, 200U);
  EXPECT_GT(undefined, 10U);
}

TEST(Measure, TakesRowsWithTheirWeights) {
  for (const char* text : kScikitLearnTables) {
    const Table t = Parse(text);
    std::vector<std::uint32_t> all(t.labels.size());
    for (std::size_t r = 0; r < all.size(); ++r) all[r] = std::uint32_t(r);
    const Judged judged = {t.raw, t.labels, t.exact, t.weights};
    EXPECT_EQ(ToJson(Measure(t.manifest, judged, all, 0.9)),
              ToJson(Measure(t.manifest, judged, {}, 0.9)))
        << t.name;
  }
}

// A weight of 2 is the row twice.
TEST(Measure, CountsARowByItsWeight) {
  for (const char* text : kScikitLearnTables) {
    const Table t = Parse(text);
    if (t.weights.empty() || t.name.find("real") != std::string::npos ||
        t.name.find("three classes, weights") != std::string::npos ||
        t.name == "regression, weights") {
      continue;
    }
    std::vector<std::uint32_t> rows;
    for (std::size_t r = 0; r < t.weights.size(); ++r) {
      rows.insert(rows.end(), std::size_t(t.weights[r]), std::uint32_t(r));
    }
    const Metrics weighted = Measure(t.manifest, {t.raw, t.labels, t.exact, t.weights});
    const Metrics repeated = Measure(t.manifest, {t.raw, t.labels, t.exact, {}}, rows);
    for (const auto& [name, m] : repeated) {
      ASSERT_EQ(weighted.at(name).defined(), m.defined()) << t.name << ": " << name;
      if (m.defined()) {
        EXPECT_NEAR(weighted.at(name).value, m.value, 1e-12) << t.name << ": " << name;
      }
    }
  }
}

TEST(Measure, HasADirectionForEveryMetricButTheRateOfPositives) {
  std::set<std::string> without;
  for (const char* text : kScikitLearnTables) {
    const Table t = Parse(text);
    for (const auto& [name, value] : t.values.items()) {
      if (DirectionOf(name) == Direction::kNone) without.insert(name);
    }
  }
  EXPECT_EQ(without, std::set<std::string>{"positiveRate"});
}

TEST(Measure, SaysNothingOfRowsThatAllWeighNothing) {
  const std::vector<float> p = {0.2F, 0.7F}, y = {0, 1};
  const std::vector<double> w = {0, 0};
  ModelManifest m;
  m.classes = {false, true};
  for (const auto& [name, metric] : Measure(m, Judged{p, y, {}, w}, {}, 0.95)) {
    EXPECT_EQ(metric.why, "all rows have the weight 0") << name;
  }
}

}  // namespace
}  // namespace penstock::sdk
