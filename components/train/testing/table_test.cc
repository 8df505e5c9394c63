#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "components/sdk/testing/test_data.h"
#include "components/train/memory.h"
#include "components/train/target.h"

namespace penstock::train {
namespace {

class TableTest : public ::testing::Test {
 protected:
  Source Write(const std::string& name, const std::string& rows) {
    const auto batch =
        sdk::BatchOf({arrow::field("y", arrow::int64()), arrow::field("c", arrow::utf8()),
                      arrow::field("w", arrow::float64())},
                     rows);
    sdk::WriteDataset(folder_ / name, {batch});
    return {name, folder_ / name, {}, false};
  }
  static TrainOptions Options(const Json& parameters) {
    auto options = ReadOptions(parameters);
    EXPECT_TRUE(options) << (options ? "" : options.error().message);
    return *options;
  }
  std::string Problem(const std::string& rows, const Json& parameters) {
    const auto labels = LoadTarget({Write("train", rows)}, Options(parameters));
    return labels ? "accepted" : labels.error().message;
  }

  const std::string rows_ = R"([[0, "a", 1], [1, "b", 2], [5, "b", 0], [1, "b", 1]])";
  sdk::TestFolder folder_;
};

TEST_F(TableTest, FewIntegersAreClassesAndTheLogSaysHowToHaveCounts) {
  const auto labels = LoadTarget({Write("train", rows_)}, Options({{"label", "y"}}));
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->target.classes, 3U);
  EXPECT_EQ(labels->y, (std::vector<double>{0, 1, 2, 1}));
  EXPECT_NE(labels->notes[0].find("counts? set task: regression, loss: poisson"),
            std::string::npos);
}

TEST_F(TableTest, ALossOfNumbersMakesARegressionOfThem) {
  const auto labels =
      LoadTarget({Write("train", rows_)}, Options({{"label", "y"}, {"loss", "poisson"}}));
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->target.loss, Loss::kPoisson);
  EXPECT_EQ(labels->y, (std::vector<double>{0, 1, 5, 1}));
  EXPECT_NE(Problem(R"([[0, "a", 1], [-2, "b", 2]])", {{"label", "y"}, {"loss", "poisson"}})
                .find("dataset train: label 'y' is -2.0 in row 1"),
            std::string::npos);
  EXPECT_NE(Problem(rows_, {{"label", "c"}, {"loss", "poisson"}}).find("needs a number"),
            std::string::npos);
}

TEST_F(TableTest, PositiveNamesTheClassThatProbabilityIsOf) {
  const auto labels =
      LoadTarget({Write("train", rows_)}, Options({{"label", "c"}, {"positive", "a"}}));
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->label.classes, (std::vector<Json>{"b", "a"}));
  EXPECT_EQ(labels->y, (std::vector<double>{1, 0, 0, 0}));
  EXPECT_NE(Problem(rows_, {{"label", "c"}, {"positive", "z"}}).find("'z' is none of the classes"),
            std::string::npos);
  EXPECT_NE(Problem(rows_, {{"label", "y"}, {"positive", 1}}).find("is of two classes"),
            std::string::npos);
}

TEST_F(TableTest, WeightsOfRowsAndClassesMultiply) {
  auto labels =
      LoadTarget({Write("train", rows_)},
                 Options({{"label", "c"}, {"weight", "w"}, {"classWeights", {{"b", 3}}}}));
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->weight, (std::vector<double>{1, 2, 0, 1}));
  EXPECT_EQ(labels->fit_weight, (std::vector<double>{1, 6, 0, 3}));
  labels =
      LoadTarget({Write("train", rows_)}, Options({{"label", "c"}, {"classWeight", "balanced"}}));
  ASSERT_TRUE(labels);
  EXPECT_TRUE(labels->weight.empty());
  EXPECT_DOUBLE_EQ(labels->fit_weight[0], 4.0 / (2 * 1));
  EXPECT_DOUBLE_EQ(labels->fit_weight[1], 4.0 / (2 * 3));
}

TEST_F(TableTest, AWeightThatIsNoneIsNamedByRow) {
  EXPECT_NE(Problem(R"([[0, "a", 1], [1, "b", -2]])", {{"label", "c"}, {"weight", "w"}})
                .find("dataset train: weight 'w' is -2"),
            std::string::npos);
  EXPECT_NE(Problem(R"([[0, "a", null], [1, "b", 2]])", {{"label", "c"}, {"weight", "w"}})
                .find("weight 'w' is null in row 0"),
            std::string::npos);
  EXPECT_NE(Problem(rows_, {{"label", "c"}, {"classWeights", {{"z", 1}}}}).find("'z' is none of"),
            std::string::npos);
}

TEST_F(TableTest, OnlyKeptRowsAreRead) {
  Source train = Write("train", rows_);
  train.sampled = true;
  train.keep = {1, 3};
  Source valid = Write("valid", R"([[0, "a", 4], [1, "b", 5]])");
  valid.sampled = true;
  valid.keep = {0};
  const auto labels = LoadTarget({train, valid}, Options({{"label", "c"}, {"weight", "w"}}));
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->train_rows, 2U);
  EXPECT_EQ(labels->y, (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(labels->weight, (std::vector<double>{2, 1, 4}));
}

TEST(Memory, ATableThatFitsIsTakenWhole) {
  const TableSize size{1000, 10, 5};
  EXPECT_EQ(MatrixBytes(size), 40'000U);
  EXPECT_EQ(ShareThatFits(size, 1ULL << 30), 1);
  const TableSize large{100'000'000, 10, 5};
  const double share = ShareThatFits(large, 1ULL << 30);
  EXPECT_LT(share, 0.1);
  TableSize taken = large;
  taken.rows = std::uint64_t(double(large.rows) * share);
  EXPECT_LT(NeededBytes(taken), 1ULL << 30);
  TableSize classes = taken;
  classes.answers = 30;  // of each of ten settings
  EXPECT_GT(NeededBytes(classes), 5 * NeededBytes(taken));
}

TEST_F(TableTest, ASampleIsTheSameHoweverItIsCutAndHoldsItsShareOfEqualRows) {
  const auto batch_of = [](int begin, int end) {
    arrow::Int64Builder y;
    for (int i = begin; i < end; ++i) EXPECT_TRUE(y.Append(i % 10).ok());  // ten values only
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("y", arrow::int64())}), end - begin,
                                    {y.Finish().ValueOrDie()});
  };
  sdk::WriteDataset(folder_ / "one", {batch_of(0, 10'000)});
  sdk::WriteDataset(folder_ / "two", {batch_of(0, 3333), batch_of(3333, 10'000)});
  Source one{"train", folder_ / "one", {}, false};
  Source two{"train", folder_ / "two", {}, false};
  ASSERT_TRUE(Sample({"y"}, 0.2, 1, one));
  ASSERT_TRUE(Sample({"y"}, 0.2, 1, two));
  EXPECT_EQ(one.keep, two.keep);
  EXPECT_NEAR(double(one.keep.size()), 2000, 150);
  EXPECT_TRUE(std::is_sorted(one.keep.begin(), one.keep.end()));
  for (int value = 0; value < 10; ++value) {
    EXPECT_NEAR(std::count_if(one.keep.begin(), one.keep.end(),
                              [&](auto r) { return int(r % 10) == value; }),
                200, 60);
  }
}

}  // namespace
}  // namespace penstock::train
