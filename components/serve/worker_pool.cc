#include "components/serve/worker_pool.h"

#include <utility>

#include "components/serve/batch_run.h"

namespace penstock::serve {
namespace {

Error QueueFull() {
  Error error = Transient("the inference queue is full");
  error.http_status = 503;
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

}  // namespace

WorkerPool::WorkerPool(std::shared_ptr<const Model> model, int instances, BatchPolicy policy,
                       const Clock* clock, Hooks hooks)
    : model_(std::move(model)), clock_(clock), hooks_(std::move(hooks)), queue_(policy) {
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

Result<void> WorkerPool::Submit(JobPtr job) {
  job->enqueued = clock_->Steady();
  {
    std::lock_guard lock(mutex_);
    if (!queue_.Push(job)) return QueueFull();
  }
  ready_.notify_one();
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
    if (taken.batch.empty() && taken.expired.empty()) {
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
    if (!taken.batch.empty()) RunAndTell(std::move(taken.batch));
    lock.lock();
  }
}

void WorkerPool::RunAndTell(std::vector<JobPtr> batch) {
  std::int64_t rows = 0;
  for (const JobPtr& job : batch) rows += job->rows;
  const SteadyTime begin = clock_->Steady();
  auto results = RunBatch(*model_, batch);
  const SteadyTime end = clock_->Steady();
  if (hooks_.on_batch) hooks_.on_batch(rows);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->done(JobResult{std::move(results[i]), begin - batch[i]->enqueued, end - begin});
  }
}

}  // namespace penstock::serve
