#include "components/serve/worker_pool.h"

#include <utility>

#include "components/serve/batch_run.h"

namespace penstock::serve {
namespace {

Error QueueFull() {
  Error error = Transient("the inference queue is full");
  error.http_status = 429;
  error.retry_after = std::chrono::seconds(1);
  return error;
}

void TellExpired(std::vector<JobPtr> expired, SteadyTime now) {
  for (JobPtr& job : expired) {
    Error error = Cancelled("the request's time ran out in the queue");
    error.http_status = 504;
    job->done(JobResult{std::move(error), now - job->enqueued, {}});
  }
}

void TellCancelled(std::vector<JobPtr> cancelled, SteadyTime now) {
  for (JobPtr& job : cancelled) {
    Error error = Cancelled("the client has gone");
    error.http_status = 499;
    job->done(JobResult{std::move(error), now - job->enqueued, {}});
  }
}

}  // namespace

WorkerPool::WorkerPool(std::shared_ptr<const Model> model, int instances, BatchPolicy policy,
                       const Clock* clock, Hooks hooks)
    : model_(std::move(model)),
      clock_(clock),
      max_rows_(policy.max_rows),
      hooks_(std::move(hooks)),
      queue_(policy) {
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

std::size_t WorkerPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
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
    if (!taken.batch.empty()) RunAndTell(std::move(taken.batch));
    lock.lock();
  }
}

void WorkerPool::RunAndTell(std::vector<JobPtr> batch) {
  std::int64_t rows = 0;
  for (const JobPtr& job : batch) rows += job->rows;
  const SteadyTime begin = clock_->Steady();
  auto results = RunBatch(*model_, batch, max_rows_);
  const SteadyTime end = clock_->Steady();
  if (hooks_.on_batch) hooks_.on_batch(rows, end - begin);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->done(JobResult{std::move(results[i]), begin - batch[i]->enqueued, end - begin});
  }
}

}  // namespace penstock::serve
