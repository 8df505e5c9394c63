// BatchQueue: the waiting inference jobs and the decision which of them run together. Pure: time is
// an argument, nothing blocks. Not thread-safe; WorkerPool guards it.
//
// A batch takes jobs in the order of arrival as long as their inputs have equal datatypes and equal
// trailing dimensions and the rows fit; a job with more rows than a batch comes alone. Jobs past
// their deadline, and jobs whose client has gone, are handed out apart and never computed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "components/serve/engine/cancel_flag.h"
#include "components/serve/engine/model_names.h"
#include "operator/base/result.h"

namespace penstock::serve {

using SteadyTime = std::chrono::steady_clock::time_point;

// What became of a job. The durations are for the metrics.
struct JobResult {
  Result<std::vector<Tensor>> outputs;
  std::chrono::steady_clock::duration queued{};
  std::chrono::steady_clock::duration computed{};
};

struct Job {
  std::vector<Tensor> inputs;
  std::int64_t rows = 1;
  SteadyTime enqueued;
  std::optional<SteadyTime> deadline;
  CancelFlag cancelled;
  std::function<void(JobResult)> done;  // called exactly once, on a worker's thread
};
using JobPtr = std::unique_ptr<Job>;

struct BatchPolicy {
  std::size_t queue_limit = 512;                    // jobs
  std::int64_t max_rows = 32;                       // 1: no batching
  std::chrono::steady_clock::duration max_delay{};  // how long the first may wait for others
};

class BatchQueue {
 public:
  explicit BatchQueue(BatchPolicy policy) : policy_(policy) {}

  // False, and the job is left with the caller, when the queue is full.
  [[nodiscard]] bool Push(JobPtr& job);

  struct Taken {
    std::vector<JobPtr> batch;
    std::vector<JobPtr> expired;
    std::vector<JobPtr> cancelled;
    std::optional<SteadyTime> wake;  // look again then, when the batch is empty
  };
  // Takes out the jobs whose client has gone.
  [[nodiscard]] std::vector<JobPtr> TakeCancelled();
  // `flush` hands out what there is without waiting for max_delay.
  [[nodiscard]] Taken Take(SteadyTime now, bool flush = false);

  [[nodiscard]] std::size_t size() const { return jobs_.size(); }

 private:
  void TakeGone(SteadyTime now, Taken* taken);
  [[nodiscard]] std::size_t BatchLength(std::int64_t* rows) const;

  BatchPolicy policy_;
  std::deque<JobPtr> jobs_;
  std::size_t with_deadline_ = 0;
};

}  // namespace penstock::serve
