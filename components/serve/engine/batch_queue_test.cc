#include "components/serve/engine/batch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/serve/engine/batch_run.h"
#include "components/serve/testing/fake_model.h"

namespace penstock::serve {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

const SteadyTime kStart{std::chrono::hours(1)};

void Add(BatchQueue& queue, std::size_t rows, SteadyTime enqueued = kStart) {
  JobPtr job = MakeJob(std::vector<float>(rows, 1));
  job->enqueued = enqueued;
  ASSERT_TRUE(queue.Push(job));
}

std::vector<std::int64_t> RowsOf(const std::vector<JobPtr>& jobs) {
  std::vector<std::int64_t> rows;
  for (const JobPtr& job : jobs) rows.push_back(job->rows);
  return rows;
}

TEST(BatchQueue, RunsTogetherWhatWaitsUpToTheMostRows) {
  BatchQueue queue({.max_rows = 4});
  for (std::size_t rows : {1, 2, 1, 1}) Add(queue, rows);
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(1, 2, 1));
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(1));
  EXPECT_TRUE(queue.Take(kStart).batch.empty());
}

TEST(BatchQueue, RunsALargeRequestAlone) {
  BatchQueue queue({.max_rows = 4});
  for (std::size_t rows : {9, 1}) Add(queue, rows);
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(9));
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(1));
}

TEST(BatchQueue, RunsEachAloneWithoutBatching) {
  BatchQueue queue({.max_rows = 1});
  for (std::size_t rows : {1, 1}) Add(queue, rows);
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(1));
}

TEST(BatchQueue, KeepsUnequalShapesApart) {
  BatchQueue queue({.max_rows = 8});
  Add(queue, 1);
  JobPtr wide = MakeJob({1, 2});
  wide->inputs[0].shape = {1, 2};
  ASSERT_TRUE(queue.Push(wide));
  EXPECT_EQ(queue.Take(kStart).batch.size(), 1U);
  EXPECT_EQ(queue.Take(kStart).batch.size(), 1U);
}

TEST(BatchQueue, KeepsUnequalTypesApart) {
  BatchQueue queue({.max_rows = 8});
  Add(queue, 1);
  JobPtr other = MakeJob({1});
  other->inputs[0].datatype = Datatype::kFp64;
  other->inputs[0].data = std::vector<double>{1};
  ASSERT_TRUE(queue.Push(other));
  EXPECT_EQ(queue.Take(kStart).batch.size(), 1U);
  EXPECT_EQ(queue.Take(kStart).batch.size(), 1U);
}

TEST(BatchQueue, RefusesMoreThanItsLimitAndLeavesTheJobWithTheCaller) {
  BatchQueue queue({.queue_limit = 1});
  Add(queue, 1);
  JobPtr second = MakeJob({1});
  EXPECT_FALSE(queue.Push(second));
  EXPECT_NE(second, nullptr);
}

TEST(BatchQueue, WaitsForOthersOnlyAsLongAsItMay) {
  BatchQueue queue({.max_rows = 4, .max_delay = milliseconds(5)});
  Add(queue, 1);
  auto early = queue.Take(kStart + milliseconds(2));
  EXPECT_TRUE(early.batch.empty());
  EXPECT_EQ(early.wake, kStart + milliseconds(5));
  Add(queue, 1, kStart + milliseconds(3));
  EXPECT_THAT(RowsOf(queue.Take(kStart + milliseconds(5)).batch), ElementsAre(1, 1));
}

TEST(BatchQueue, DoesNotWaitWhenTheBatchIsFullOrFlushed) {
  BatchQueue queue({.max_rows = 2, .max_delay = milliseconds(5)});
  Add(queue, 1);
  Add(queue, 1);
  EXPECT_THAT(RowsOf(queue.Take(kStart).batch), ElementsAre(1, 1));
  Add(queue, 1);
  EXPECT_THAT(RowsOf(queue.Take(kStart, true).batch), ElementsAre(1));
}

TEST(BatchQueue, HandsOutExpiredJobsApart) {
  BatchQueue queue({.max_rows = 4});
  JobPtr hurried = MakeJob({7});
  hurried->deadline = kStart + milliseconds(10);
  ASSERT_TRUE(queue.Push(hurried));
  Add(queue, 2);
  auto taken = queue.Take(kStart + milliseconds(10));
  EXPECT_THAT(RowsOf(taken.expired), ElementsAre(1));
  EXPECT_THAT(RowsOf(taken.batch), ElementsAre(2));
}

TEST(BatchQueue, WakesForADeadlineThatComesBeforeTheDelayEnds) {
  BatchQueue queue({.max_rows = 4, .max_delay = milliseconds(50)});
  JobPtr hurried = MakeJob({7});
  hurried->enqueued = kStart;
  hurried->deadline = kStart + milliseconds(10);
  ASSERT_TRUE(queue.Push(hurried));
  EXPECT_EQ(queue.Take(kStart).wake, kStart + milliseconds(10));
}

TEST(BatchRun, CutsTheAnswersApart) {
  DoublingModel model;
  std::vector<JobPtr> batch;
  batch.push_back(MakeJob({1, 2}));
  batch.push_back(MakeJob({3}));
  auto results = RunBatch(model, batch, 32);
  EXPECT_THAT(model.batches(), ElementsAre(3));
  EXPECT_THAT(std::get<std::vector<float>>(results[0]->at(0).data), ElementsAre(2, 4));
  EXPECT_THAT(std::get<std::vector<float>>(results[1]->at(0).data), ElementsAre(6));
  EXPECT_THAT(results[1]->at(0).shape, ElementsAre(1, 1));
}

TEST(BatchRun, CutsARequestThatHasMoreRowsThanABatch) {
  DoublingModel model;
  std::vector<JobPtr> batch;
  batch.push_back(MakeJob({1, 2, 3, 4, 5, 6, 7}));
  auto results = RunBatch(model, batch, 3);
  ASSERT_TRUE(results[0]) << results[0].error().message;
  EXPECT_THAT(model.batches(), ElementsAre(3, 3, 1));
  EXPECT_THAT((*results[0])[0].shape, ElementsAre(7, 1));
  EXPECT_THAT(std::get<std::vector<float>>((*results[0])[0].data),
              ElementsAre(2, 4, 6, 8, 10, 12, 14));
}

TEST(BatchRun, FailsOnlyThePoisonedRequestOfABatch) {
  DoublingModel model;
  std::vector<JobPtr> batch;
  batch.push_back(MakeJob({1}));
  batch.push_back(MakeJob({666}));
  batch.push_back(MakeJob({3}));
  auto results = RunBatch(model, batch, 32);
  EXPECT_THAT(model.batches(), ElementsAre(3, 1, 1, 1));
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_THAT(results[1].error().message, testing::HasSubstr("poison"));
  EXPECT_TRUE(results[2]);
}

TEST(BatchRun, RefusesAnAnswerWithOtherRowsThanTheQuestion) {
  class Shrinking : public DoublingModel {
    Result<std::vector<Tensor>> Run(const std::vector<Tensor>& prepared) const override {
      return std::vector<Tensor>{SliceRows(prepared.front(), 0, 1)};
    }
  };
  std::vector<JobPtr> batch;
  batch.push_back(MakeJob({1, 2}));
  auto results = RunBatch(Shrinking(), batch, 32);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().kind, ErrorKind::kInternal);
}

}  // namespace
}  // namespace penstock::serve
