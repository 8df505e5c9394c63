#include "components/audit/labels/confident.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "components/audit/labels/predictions.h"
#include "components/audit/testing/columns.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Written by testdata/confident.py.
Json Cases() {
  return Json::parse(
      ReadFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/confident.json").value());
}

TEST(ConfidentLearning, NamesTheRowsThatCleanlabNames) {
  std::size_t named = 0;
  for (const auto& c : Cases()) {
    const auto probabilities = c["probabilities"].get<std::vector<double>>();
    const auto labels = c["labels"].get<std::vector<std::uint32_t>>();
    const std::size_t classes = c["classes"];
    std::vector<std::size_t> rows;
    for (const auto& issue : LabelIssuesOf(probabilities, labels, classes)) {
      rows.push_back(issue.row);
      EXPECT_NE(issue.given, issue.likely);
      EXPECT_EQ(issue.given, labels[issue.row]);
    }
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, c["issues"].get<std::vector<std::size_t>>()) << c["name"];
    named += rows.size();
  }
  EXPECT_GT(named, 100U);
}

TEST(ConfidentLearning, HasCleanlabsThresholdsAndJoint) {
  for (const auto& c : Cases()) {
    const auto probabilities = c["probabilities"].get<std::vector<double>>();
    const auto labels = c["labels"].get<std::vector<std::uint32_t>>();
    const auto joint = ConfidentJointOf(probabilities, labels, c["classes"]);
    const auto thresholds = c["thresholds"].get<std::vector<double>>();
    for (std::size_t k = 0; k < thresholds.size(); ++k) {
      EXPECT_NEAR(joint.thresholds[k], thresholds[k], 1e-12);
    }
    EXPECT_EQ(joint.counts, c["counts"].get<std::vector<std::vector<std::int64_t>>>());
    EXPECT_EQ(joint.joint, c["joint"].get<std::vector<std::vector<std::int64_t>>>()) << c["name"];
  }
}

TEST(ConfidentLearning, PutsTheSurestFirstAndLeavesALoneClassAlone) {
  const std::vector<double> p{0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.1, 0.9, 0.05, 0.95, 0.2, 0.8};
  const auto issues = LabelIssuesOf(p, std::vector<std::uint32_t>{0, 0, 1, 1, 0, 0}, 2);
  ASSERT_FALSE(issues.empty());
  EXPECT_TRUE(std::is_sorted(issues.begin(), issues.end(),
                             [](const auto& a, const auto& b) { return a.quality < b.quality; }));
  EXPECT_EQ(issues[0].row, 4U);
  EXPECT_TRUE(LabelIssuesOf(p, std::vector<std::uint32_t>{0, 0, 0, 0, 0, 1}, 2).size() <= 3);
}

TEST(Predictions, AreReadInTheOrderOfTheClassesWithTheirRows) {
  const sdk::TestFolder folder;
  Columns columns;
  columns.Texts("label", {"dog", "cat", "cat"});
  columns.Integers("row", {7, 8, 9});
  columns.Texts("dataset", {"train", "train", "valid"});
  columns.Numbers("probability", {0.9, 0.2, 0.3});
  columns.Write(folder / "p");
  const auto read = LoadPredictions(folder / "p", "label", "");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(read->labels, ElementsAre(1, 0, 0));
  EXPECT_THAT(read->rows, ElementsAre(7, 8, 9));
  EXPECT_THAT(read->in_second, ElementsAre(0, 0, 1));
  EXPECT_DOUBLE_EQ(read->probabilities[1], 0.9);
  const auto turned = LoadPredictions(folder / "p", "label", "cat");
  EXPECT_THAT(turned->classes, ElementsAre("dog", "cat"));
  EXPECT_THAT(turned->labels, ElementsAre(0, 1, 1));
  EXPECT_THAT(LoadPredictions(folder / "p", "label", "cow").error().message,
              HasSubstr("no label is cow"));
}

TEST(Predictions, AreRefusedByRowWhereTheyAreNone) {
  const auto problem = [](Columns columns) {
    const sdk::TestFolder folder;
    columns.Write(folder / "p");
    const auto read = LoadPredictions(folder / "p", "y", "");
    return read ? std::string("accepted") : read.error().message;
  };
  EXPECT_THAT(problem(Columns().Integers("y", {0, 1}).Numbers("probability", {0.2, 1.5})),
              HasSubstr("row 1: probability is 1.5"));
  EXPECT_THAT(problem(Columns().Integers("y", {0, 1}).Numbers("probability", {kNull, 1})),
              HasSubstr("row 0: probability is null"));
  EXPECT_THAT(problem(Columns().Texts("y", {"a", ""}).Numbers("probability", {0, 1})),
              HasSubstr("row 1: the label is null"));
  EXPECT_THAT(problem(Columns().Integers("y", {0, 1, 2}).Numbers("probability", {0, 1, 1})),
              HasSubstr("labels of 3 classes and answers of 2"));
  EXPECT_THAT(problem(Columns()
                          .Integers("y", {0, 1})
                          .Numbers("probability_0", {0.5, 0.1})
                          .Numbers("probability_1", {0.5, 0.1})),
              HasSubstr("row 1: the probabilities add up to"));
  EXPECT_THAT(problem(Columns().Numbers("y", {0, 1}).Numbers("prediction", {0.5, 0.1})),
              HasSubstr("no column probability"));
}

}  // namespace
}  // namespace penstock::audit
