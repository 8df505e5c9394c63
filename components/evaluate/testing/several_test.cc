// The answers of several labels, row by row.
#include "components/evaluate/several.h"

#include <gtest/gtest.h>

namespace penstock::evaluate {
namespace {

Scored Of(const char* label, std::vector<float> raw, std::vector<float> labels,
          std::vector<std::uint32_t> rows) {
  Scored scored;
  scored.manifest.label = label;
  scored.manifest.classes = {false, true};
  scored.raw = std::move(raw);
  scored.labels = std::move(labels);
  scored.rows = std::move(rows);
  return scored;
}

TEST(JoinedLabels, KeepRowsThatSomeLabelIsKnownOf) {
  JoinedLabels joined;
  joined.Add(Of("a", {0.9F, 0.1F}, {1, 0}, {1, 4}));
  Scored b = Of("b", {0.8F, 0.2F, 0.7F}, {1, 1, 0}, {0, 1, 6});
  b.weights = {2, 3, 4};
  joined.Add(b);
  const sdk::JudgedLabels view = joined.View();
  using sdk::Truth;
  EXPECT_EQ(joined.rows(), 4U);  // 0, 1, 4, 6
  EXPECT_EQ(std::vector<Truth>(view.truth.begin(), view.truth.end()),
            (std::vector<Truth>{Truth::kUnknown, Truth::kYes, Truth::kYes, Truth::kYes, Truth::kNo,
                                Truth::kUnknown, Truth::kUnknown, Truth::kNo}));
  EXPECT_EQ(std::vector<double>(view.weights.begin(), view.weights.end()),
            (std::vector<double>{2, 3, 0, 4}));
  EXPECT_EQ(view.decided[7], 1);
  EXPECT_EQ(view.names, (std::vector<std::string>{"a", "b"}));
}

TEST(JoinedLabels, ARowIsTheSameWhetherOrNotItsNumberIsSaid) {
  JoinedLabels joined;
  joined.Add(Of("a", {0.9F, 0.1F}, {1, 0}, {}));
  joined.Add(Of("b", {0.4F}, {1}, {1}));
  const sdk::Metrics m = sdk::MeasureLabels(joined.View());
  EXPECT_EQ(m.at("hammingLoss").rows, 3);
  EXPECT_NEAR(m.at("hammingLoss").value, 1.0 / 3, 1e-12);
  EXPECT_EQ(m.at("subsetAccuracy").rows, 1);
}

}  // namespace
}  // namespace penstock::evaluate
