#include "components/serve/engine/worker_pool.h"

#include <algorithm>
#include <utility>

#include "components/serve/engine/batch_run.h"
#include "components/serve/engine/failure.h"

namespace penstock::serve {
namespace {

Error QueueFull() {
  Error error = Failure(ErrorKind::kOverloaded, "the inference queue is full");
  error.retry_after = std::chrono::seconds(1);
  return error;
}

void TellExpired(std::vector<JobPtr> expired, SteadyTime now) {
  for (JobPtr& job : expired) {
    Error error = Failure(ErrorKind::kDeadline, "the request's time ran out in the queue");
    job->done(JobResult{std::move(error), now - job->enqueued, {}});
  }
}

void TellCancelled(std::vector<JobPtr> cancelled, SteadyTime now) {
  for (JobPtr& job : cancelled) {
    Error error = Failure(ErrorKind::kGone, "the client has gone");
    job->done(JobResult{std::move(error), now - job->enqueued, {}});
  }
}

}  // namespace

WorkerPool::WorkerPool(std::shared_ptr<const Model> model, int instances, BatchPolicy policy,
                       const Clock* clock, Hooks hooks)
    : model_(std::move(model)),
      clock_(clock),
      policy_(policy),
      hooks_(std::move(hooks)),
      queue_(policy) {
  for (int i = 0; i < instances; ++i) locals_.push_back(Local{BatchQueue(policy)});
  for (int i = 0; i < instances; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<void> WorkerPool::Submit(JobPtr& job) {
  job->enqueued = clock_->Steady();
  std::vector<JobPtr> cancelled;
  bool pushed = false;
  {
    std::lock_guard lock(mutex_);
    pushed = queue_.Push(job);
    if (!pushed) {
      // Those that nobody waits for make room.
      cancelled = queue_.TakeCancelled();
      pushed = !cancelled.empty() && queue_.Push(job);
    }
  }
  if (pushed) ready_.notify_one();
  TellCancelled(std::move(cancelled), clock_->Steady());
  if (!pushed) return QueueFull();
  return {};
}

bool WorkerPool::RunsOn(const EventLoop* loop, const Job& job) const {
  const auto typical = typical_ns_.load(std::memory_order_relaxed);
  return loop != nullptr && loop->index() < locals_.size() && typical >= 0 &&
         std::chrono::nanoseconds(typical) < kQuick &&
         at_work_.load(std::memory_order_relaxed) == 0 && policy_.max_delay.count() == 0 &&
         job.rows <= std::max<std::int64_t>(1, policy_.max_rows);
}

Result<void> WorkerPool::SubmitTo(EventLoop* loop, JobPtr& job, std::shared_ptr<void> owner) {
  Local& local = locals_[loop->index()];
  job->enqueued = clock_->Steady();
  if (waiting_locally_.load(std::memory_order_relaxed) >= policy_.queue_limit ||
      !local.queue.Push(job))
    return QueueFull();
  ++waiting_locally_;
  loop->AnswersThisTurn();
  if (!local.posted) PostRun(loop, std::move(owner));
  return {};
}

void WorkerPool::PostRun(EventLoop* loop, std::shared_ptr<void> owner) {
  locals_[loop->index()].posted = true;
  loop->Post([this, loop, owner = std::move(owner)] { RunLocal(loop, owner); });
}

void WorkerPool::RunLocal(EventLoop* loop, const std::shared_ptr<void>& owner) {
  Local& local = locals_[loop->index()];
  local.posted = false;
  if (!std::exchange(local.started, true) && hooks_.on_thread_start) hooks_.on_thread_start();
  const SteadyTime begin = clock_->Steady();
  for (SteadyTime now = begin; local.queue.size() > 0; now = clock_->Steady()) {
    if (now - begin > kTurn) return PostRun(loop, owner);
    BatchQueue::Taken taken = local.queue.Take(now, true);
    waiting_locally_ -= taken.batch.size() + taken.expired.size() + taken.cancelled.size();
    TellExpired(std::move(taken.expired), now);
    TellCancelled(std::move(taken.cancelled), now);
    if (!taken.batch.empty()) RunAndTell(std::move(taken.batch));
  }
}

std::size_t WorkerPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size() + waiting_locally_.load(std::memory_order_relaxed);
}

void WorkerPool::Work() {
  if (hooks_.on_thread_start) hooks_.on_thread_start();
  std::unique_lock lock(mutex_);
  while (true) {
    const SteadyTime now = clock_->Steady();
    BatchQueue::Taken taken = queue_.Take(now, stopping_);
    if (taken.batch.empty() && taken.expired.empty() && taken.cancelled.empty()) {
      if (stopping_) return;
      if (taken.wake) {
        ready_.wait_for(lock, *taken.wake - now);
      } else {
        ready_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    TellExpired(std::move(taken.expired), now);
    TellCancelled(std::move(taken.cancelled), now);
    if (!taken.batch.empty()) {
      ++at_work_;
      RunAndTell(std::move(taken.batch));
      --at_work_;
    }
    lock.lock();
  }
}

// A batch that was long because the thread did not get the processor says little of the model: no
// batch moves the average by more than an eighth.
void WorkerPool::Learn(std::chrono::nanoseconds took) {
  constexpr std::int64_t kLeast = 50'000;
  const std::int64_t before = typical_ns_.load(std::memory_order_relaxed);
  const std::int64_t most = std::max(before, kLeast) / 8;
  const std::int64_t after =
      before < 0 ? took.count() : before + std::clamp((took.count() - before) / 8, -most, most);
  typical_ns_.store(after, std::memory_order_relaxed);
}

void WorkerPool::RunAndTell(std::vector<JobPtr> batch) {
  std::int64_t rows = 0;
  for (const JobPtr& job : batch) rows += job->rows;
  const SteadyTime begin = clock_->Steady();
  auto results = RunBatch(*model_, batch, policy_.max_rows);
  const SteadyTime end = clock_->Steady();
  Learn(end - begin);
  if (hooks_.on_batch) hooks_.on_batch(rows, end - begin);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->done(JobResult{std::move(results[i]), begin - batch[i]->enqueued, end - begin});
  }
}

}  // namespace penstock::serve
