#include "components/drift/weigher.h"

#include <gtest/gtest.h>

#include <cmath>

#include "components/drift/compare.h"
#include "components/drift/run.h"
#include "components/drift/testing/made_table.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::drift {
namespace {

// Of all rows, by the weight in a column.
struct Sums {
  double rows = 0;
  double weight = 0;
  double delay = 0;  // weighed, of the rows that have one
  double delayed = 0;
  double united = 0;
};

class Weighted : public ::testing::Test {
 protected:
  void Write(const Made& reference, const Made& current) {
    sdk::WriteDataset(folder_ / "r", {Table(reference)});
    sdk::WriteDataset(folder_ / "c", {Table(current)});
  }
  std::string Run(Json parameters = Json::object()) {
    parameters["weigh"] = true;
    sdk::Step step(parameters,
                   {{"reference", {folder_ / "r", "", "dataset"}},
                    {"current", {folder_ / "c", "", "dataset"}}},
                   {{"drift", folder_ / "drift.json"}, {"weighted", folder_ / "weighted"}}, "");
    const auto ran = RunDrift(step);
    return ran ? std::string() : ran.error().message;
  }
  Sums SumsOf(const std::string& name, const std::string& weight) {
    Sums sums;
    const auto read =
        sdk::ForEachBatch(folder_ / name, {}, [&](const arrow::RecordBatch& batch) -> Result<void> {
          const auto delay = sdk::FindColumn(batch, "delay");
          const auto carrier = sdk::FindColumn(batch, "carrier");
          const auto weights = sdk::FindColumn(batch, weight);
          for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
            const double w = weights ? std::get<double>(sdk::CellAt(*weights, row)) : 1;
            sums.rows += 1;
            sums.weight += w;
            const sdk::Cell cell = sdk::CellAt(*delay, row);
            if (const auto* x = std::get_if<double>(&cell)) {
              sums.delay += w * *x;
              sums.delayed += w;
            }
            if (std::get<std::string_view>(sdk::CellAt(*carrier, row)) == "UA") sums.united += w;
          }
          return {};
        });
    EXPECT_TRUE(read);
    return sums;
  }

  const sdk::TestFolder folder_;
};

TEST_F(Weighted, RowsOfBeforeHaveTheMeansOfNow) {
  for (const int rows : {3000, 20'000}) {  // all learnt by the classifier, and most of them not
    Write({.rows = rows}, {.rows = rows, .seed = 2, .shift = 0.5, .united = 0.5});
    ASSERT_EQ(Run(), "");
    const Sums before = SumsOf("r", "none");
    const Sums now = SumsOf("c", "none");
    const Sums weighed = SumsOf("weighted", "importance");
    EXPECT_EQ(weighed.rows, rows);
    EXPECT_NEAR(weighed.weight / rows, 1, 0.1);
    const double gap = now.delay / now.delayed - before.delay / before.delayed;
    EXPECT_NEAR(gap, 2.5, 0.3);
    EXPECT_NEAR(weighed.delay / weighed.delayed, now.delay / now.delayed, 0.25 * gap) << rows;
    EXPECT_NEAR(weighed.united / weighed.weight, 0.5, 0.05) << rows;
  }
}

TEST_F(Weighted, TrainTakesTheColumnByItsRole) {
  Write({}, {.seed = 2, .shift = 1});
  ASSERT_EQ(Run({{"weightColumn", "w"}, {"mostWeight", 3}}), "");
  const auto schema = sdk::DatasetSchema(folder_ / "weighted");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->Of(sdk::Role::kWeight), std::vector<std::string>{"w"});
  EXPECT_EQ(schema->columns.size(), 7U);
  double most = 0;
  ASSERT_TRUE(
      sdk::ForEachBatch(folder_ / "weighted", {"w"}, [&](const auto& batch) -> Result<void> {
        const auto column = sdk::FindColumn(batch, "w");
        for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
          most = std::max(most, std::get<double>(sdk::CellAt(*column, row)));
        }
        return {};
      }));
  EXPECT_EQ(most, 3);
}

TEST_F(Weighted, RowsWeighTheSameWhereNothingHasDrifted) {
  Write({}, {.seed = 2});
  ASSERT_EQ(Run(), "");
  const Sums weighed = SumsOf("weighted", "importance");
  EXPECT_EQ(weighed.weight, weighed.rows);
}

TEST_F(Weighted, RefusesASecondWeightAndWhatCannotWeigh) {
  Write({}, {.seed = 2, .shift = 1});
  EXPECT_NE(Run({{"weightColumn", "stops"}}).find("has a column 'stops' already"),
            std::string::npos);
  EXPECT_NE(Run({{"classifier", false}}).find("parameter weigh: needs the rows of both sides"),
            std::string::npos);
  auto schema = *sdk::DatasetSchema(folder_ / "r");
  schema.columns[1].role = sdk::Role::kWeight;
  ASSERT_TRUE(sdk::SaveSchema(folder_ / "r" + "/" + sdk::kSchemaYaml, schema));
  EXPECT_NE(Run().find("has the role weight already"), std::string::npos);
}

TEST_F(Weighted, AreTheSameForOtherThreads) {
  Write({.text = true}, {.seed = 2, .shift = 0.5, .quiet_word = true, .text = true});
  ASSERT_EQ(Run({{"threads", 1}}), "");
  const Sums one = SumsOf("weighted", "importance");
  ASSERT_EQ(Run({{"threads", 3}}), "");
  const Sums three = SumsOf("weighted", "importance");
  EXPECT_EQ(one.delay, three.delay);
  EXPECT_EQ(one.weight, three.weight);
  EXPECT_NE(one.weight, one.rows);
}

}  // namespace
}  // namespace penstock::drift
