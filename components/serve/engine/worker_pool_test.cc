#include "components/serve/engine/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "components/serve/testing/fake_model.h"

namespace penstock::serve {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class FakeClock : public Clock {
 public:
  TimePoint Now() const override { return {}; }
  SteadyTime Steady() const override { return SteadyTime(milliseconds(now_ms)); }
  std::atomic<std::int64_t> now_ms{1000};
};

// A model that stops in its first run until it is let go.
struct HeldModel {
  HeldModel() {
    model->before_run = [this] {
      if (held.exchange(true)) return;
      entered.set_value();
      released.get_future().wait();
    };
  }
  std::shared_ptr<DoublingModel> model = std::make_shared<DoublingModel>();
  std::atomic<bool> held{false};
  std::promise<void> entered;
  std::promise<void> released;
};

std::future<JobResult> Submit(WorkerPool& pool, JobPtr job) {
  auto promise = std::make_shared<std::promise<JobResult>>();
  job->done = [promise](JobResult result) { promise->set_value(std::move(result)); };
  auto future = promise->get_future();
  auto submitted = pool.Submit(job);
  if (!submitted) promise->set_value(JobResult{submitted.error(), {}, {}});
  return future;
}

TEST(WorkerPool, BatchesWhatCameWhileTheInstanceWasBusy) {
  FakeClock clock;
  HeldModel held;
  std::vector<std::int64_t> seen;
  WorkerPool pool(held.model, 1, {.max_rows = 8}, &clock,
                  {nullptr, [&](std::int64_t rows, auto) { seen.push_back(rows); }});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  auto second = Submit(pool, MakeJob({2}));
  auto third = Submit(pool, MakeJob({3, 4}));
  EXPECT_EQ(pool.queued(), 2U);
  clock.now_ms = 1250;
  held.released.set_value();
  EXPECT_THAT(std::get<std::vector<float>>(first.get().outputs->at(0).data), ElementsAre(2));
  JobResult result = second.get();
  EXPECT_THAT(std::get<std::vector<float>>(result.outputs->at(0).data), ElementsAre(4));
  EXPECT_EQ(result.queued, milliseconds(250));
  EXPECT_THAT(std::get<std::vector<float>>(third.get().outputs->at(0).data), ElementsAre(6, 8));
  EXPECT_THAT(held.model->batches(), ElementsAre(1, 3));
  EXPECT_THAT(seen, ElementsAre(1, 3));
}

TEST(WorkerPool, NeverComputesAnExpiredJob) {
  FakeClock clock;
  HeldModel held;
  WorkerPool pool(held.model, 1, {}, &clock, {});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  JobPtr hurried = MakeJob({666});
  hurried->deadline = clock.Steady() + milliseconds(100);
  auto second = Submit(pool, std::move(hurried));
  clock.now_ms += 100;
  held.released.set_value();
  JobResult result = second.get();
  ASSERT_FALSE(result.outputs);
  EXPECT_EQ(result.outputs.error().kind, ErrorKind::kDeadline);
  EXPECT_TRUE(first.get().outputs);
  EXPECT_THAT(held.model->batches(), ElementsAre(1));
}

TEST(WorkerPool, RefusesWith429WhenTheQueueIsFull) {
  FakeClock clock;
  HeldModel held;
  WorkerPool pool(held.model, 1, {.queue_limit = 1}, &clock, {});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  auto second = Submit(pool, MakeJob({2}));
  JobResult third = Submit(pool, MakeJob({3})).get();
  ASSERT_FALSE(third.outputs);
  EXPECT_EQ(third.outputs.error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(third.outputs.error().retry_after, std::chrono::seconds(1));
  held.released.set_value();
  EXPECT_TRUE(second.get().outputs);
}

TEST(WorkerPool, NeverComputesAJobWhoseClientHasGone) {
  FakeClock clock;
  HeldModel held;
  WorkerPool pool(held.model, 1, {}, &clock, {});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  auto gone = std::make_shared<std::atomic<bool>>(false);
  JobPtr left = MakeJob({666});
  left->cancelled = gone;
  auto second = Submit(pool, std::move(left));
  auto third = Submit(pool, MakeJob({3}));
  *gone = true;
  held.released.set_value();
  EXPECT_EQ(second.get().outputs.error().kind, ErrorKind::kGone);
  EXPECT_TRUE(third.get().outputs);
  EXPECT_THAT(held.model->batches(), ElementsAre(1, 1));
}

TEST(WorkerPool, MakesRoomInAFullQueueByDroppingWhatNobodyWaitsFor) {
  FakeClock clock;
  HeldModel held;
  WorkerPool pool(held.model, 1, {.queue_limit = 1}, &clock, {});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  JobPtr left = MakeJob({2});
  left->cancelled = std::make_shared<std::atomic<bool>>(true);
  auto second = Submit(pool, std::move(left));
  auto third = Submit(pool, MakeJob({3}));
  EXPECT_EQ(second.get().outputs.error().kind, ErrorKind::kGone);
  held.released.set_value();
  EXPECT_TRUE(third.get().outputs);
}

TEST(WorkerPool, FinishesWhatIsQueuedBeforeItEnds) {
  FakeClock clock;
  HeldModel held;
  std::future<JobResult> first;
  std::future<JobResult> second;
  {
    WorkerPool pool(held.model, 1, {.max_rows = 8, .max_delay = std::chrono::hours(1)}, &clock, {});
    first = Submit(pool, MakeJob(std::vector<float>(8, 1)));  // full: does not wait
    held.entered.get_future().wait();
    second = Submit(pool, MakeJob({2}));
    held.released.set_value();
  }
  EXPECT_TRUE(first.get().outputs);
  EXPECT_TRUE(second.get().outputs);
}

// Keeps what was posted until a test runs it.
class FakeLoop : public EventLoop {
 public:
  FakeLoop() : EventLoop(0) {}
  void Post(std::function<void()> work) override { posted.push_back(std::move(work)); }
  void Turn() {
    for (auto& work : std::exchange(posted, {})) work();
  }
  std::vector<std::function<void()>> posted;
};

std::future<JobResult> SubmitTo(WorkerPool& pool, EventLoop* loop, JobPtr job) {
  auto promise = std::make_shared<std::promise<JobResult>>();
  job->done = [promise](JobResult result) { promise->set_value(std::move(result)); };
  auto future = promise->get_future();
  auto submitted = pool.SubmitTo(loop, job, nullptr);
  if (!submitted) promise->set_value(JobResult{submitted.error(), {}, {}});
  return future;
}

TEST(WorkerPool, AQuickModelIsRunByTheLoopThatReadsAndASlowOneIsNot) {
  FakeClock clock;
  const auto model = std::make_shared<DoublingModel>();
  FakeLoop loop;
  WorkerPool pool(model, 1, {.max_rows = 8}, &clock, {});
  const auto learn = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      auto result = SubmitTo(pool, &loop, MakeJob({1}));
      loop.Turn();
      EXPECT_TRUE(result.get().outputs);
    }
  };
  EXPECT_FALSE(pool.RunsOn(&loop, *MakeJob({1}))) << "nobody knows yet how quick it is";
  learn(1);
  EXPECT_TRUE(pool.RunsOn(&loop, *MakeJob({1})));
  EXPECT_FALSE(pool.RunsOn(nullptr, *MakeJob({1})));
  EXPECT_FALSE(pool.RunsOn(&loop, *MakeJob(std::vector<float>(9, 1)))) << "more than a batch";
  model->before_run = [&] { clock.now_ms += 5; };
  learn(1);
  EXPECT_TRUE(pool.RunsOn(&loop, *MakeJob({1}))) << "one slow batch may be the machine's doing";
  learn(50);
  EXPECT_FALSE(pool.RunsOn(&loop, *MakeJob({1})));
}

TEST(WorkerPool, NoLoopRunsAModelWhileAnInstanceIsAtWork) {
  FakeClock clock;
  HeldModel held;
  FakeLoop loop;
  WorkerPool pool(held.model, 1, {}, &clock, {});
  auto first = Submit(pool, MakeJob({1}));
  held.entered.get_future().wait();
  auto second = SubmitTo(pool, &loop, MakeJob({2}));
  loop.Turn();  // now it is known to be quick
  EXPECT_TRUE(second.get().outputs);
  EXPECT_FALSE(pool.RunsOn(&loop, *MakeJob({3})));
  held.released.set_value();
  EXPECT_TRUE(first.get().outputs);
}

TEST(WorkerPool, ALoopRunsAllThatHasComeInItsTurnTogether) {
  FakeClock clock;
  const auto model = std::make_shared<DoublingModel>();
  FakeLoop loop;
  WorkerPool pool(model, 1, {.queue_limit = 4, .max_rows = 3}, &clock, {});
  std::vector<std::future<JobResult>> results;
  for (const float x : {1.0F, 2.0F, 666.0F, 4.0F})
    results.push_back(SubmitTo(pool, &loop, MakeJob({x})));
  EXPECT_TRUE(loop.TakeAnswersThisTurn());
  EXPECT_EQ(SubmitTo(pool, &loop, MakeJob({5})).get().outputs.error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(pool.queued(), 4U);
  EXPECT_EQ(loop.posted.size(), 1U);
  loop.Turn();
  EXPECT_EQ(pool.queued(), 0U);
  EXPECT_THAT(std::get<std::vector<float>>(results[3].get().outputs->at(0).data), ElementsAre(8));
  EXPECT_TRUE(results[0].get().outputs);
  EXPECT_FALSE(results[2].get().outputs) << "the poisoned one";
  // Together, each alone because one of them was poisoned, then the rest.
  EXPECT_THAT(model->batches(), ElementsAre(3, 1, 1, 1, 1));
}

TEST(WorkerPool, ALoopReadsAgainAfterItsTurnIsOver) {
  FakeClock clock;
  const auto model = std::make_shared<DoublingModel>();
  model->before_run = [&] { clock.now_ms += 5; };
  FakeLoop loop;
  WorkerPool pool(model, 1, {.max_rows = 1}, &clock, {});
  auto first = SubmitTo(pool, &loop, MakeJob({1}));
  auto second = SubmitTo(pool, &loop, MakeJob({2}));
  loop.Turn();
  EXPECT_TRUE(first.get().outputs);
  EXPECT_EQ(pool.queued(), 1U);
  loop.Turn();
  EXPECT_TRUE(second.get().outputs);
}

}  // namespace
}  // namespace penstock::serve
