// WorkerPool: the instances of the model. Each is a thread that takes batches from one bounded
// queue, runs them and tells each job its result. Thread-safe.
//
// While the model is quick, the threads that read requests run it themselves: a loop reads all that
// has come, then runs that as batches. A hand-over to an instance and back would take longer than
// the model does, and at load would cost a thread switch a request.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "components/serve/engine/batch_queue.h"
#include "components/serve/engine/model_names.h"
#include "components/serve/host/event_loop.h"
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

  // Overloaded, with a time to come back, when the queue is full; then the job is left with the
  // caller. Otherwise done is called exactly once: with the outputs, the model's error, Deadline
  // when that passed before the job was begun, Gone when its client had gone by then.
  [[nodiscard]] Result<void> Submit(JobPtr& job);

  // Whether `loop` (may be null) is to run the job: the model has been answering in less than
  // kQuick, no instance is at work (requests come by gRPC too), nothing waits for others, and no
  // more loops than instances would compute.
  [[nodiscard]] bool RunsOn(const EventLoop* loop, const Job& job) const;
  // As Submit, but done is called on the loop's thread, which must be the caller's. `owner` keeps
  // this pool alive until then.
  [[nodiscard]] Result<void> SubmitTo(EventLoop* loop, JobPtr& job, std::shared_ptr<void> owner);

  [[nodiscard]] std::size_t queued() const;

  static constexpr std::chrono::microseconds kQuick{500};  // a batch
  static constexpr std::chrono::microseconds kTurn{1000};  // of a loop, before it reads again

 private:
  void Work();
  void RunAndTell(std::vector<JobPtr> batch);
  void Learn(std::chrono::nanoseconds took);

  struct Local {
    BatchQueue queue;
    bool posted = false;
    bool started = false;
  };
  void PostRun(EventLoop* loop, std::shared_ptr<void> owner);
  void RunLocal(EventLoop* loop, const std::shared_ptr<void>& owner);

  const std::shared_ptr<const Model> model_;
  const Clock* const clock_;
  const BatchPolicy policy_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  BatchQueue queue_;          // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  std::deque<Local> locals_;  // one a loop that may compute, touched by its thread only
  std::atomic<std::size_t> waiting_locally_{0};
  std::atomic<int> at_work_{0};               // instances
  std::atomic<std::int64_t> typical_ns_{-1};  // of a batch, a moving average; -1: none has run
  std::vector<std::thread> threads_;
};

}  // namespace penstock::serve
