// WorkerPool: the instances of the model. Each is a thread that takes batches from one bounded
// queue, runs them and tells each job its result. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "components/serve/batch_queue.h"
#include "components/serve/model.h"
#include "operator/base/time.h"

namespace penstock::serve {

class WorkerPool {
 public:
  struct Hooks {
    std::function<void()> on_thread_start;  // once a thread, before its first batch
    // After each batch that ran, with how long it took.
    std::function<void(std::int64_t rows, std::chrono::steady_clock::duration)> on_batch;
  };

  // The clock must outlive the pool. Threads start at once.
  WorkerPool(std::shared_ptr<const Model> model, int instances, BatchPolicy policy,
             const Clock* clock, Hooks hooks);
  // Finishes every queued job first.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Transient (429, Retry-After) when the queue is full; then the job is left with the caller.
  // Otherwise done is called exactly once: with the outputs, the model's error, a 504 when the
  // deadline passed before the job was begun, a 499 when its client had gone by then.
  [[nodiscard]] Result<void> Submit(JobPtr& job);

  [[nodiscard]] std::size_t queued() const;

 private:
  void Work();
  void RunAndTell(std::vector<JobPtr> batch);

  const std::shared_ptr<const Model> model_;
  const Clock* const clock_;
  const std::int64_t max_rows_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  BatchQueue queue_;       // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace penstock::serve
