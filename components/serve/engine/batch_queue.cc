#include "components/serve/engine/batch_queue.h"

#include <algorithm>
#include <utility>

namespace penstock::serve {
namespace {

bool SameColumns(const Job& a, const Job& b) {
  if (a.inputs.size() != b.inputs.size()) return false;
  for (std::size_t i = 0; i < a.inputs.size(); ++i) {
    const Tensor& left = a.inputs[i];
    const Tensor& right = b.inputs[i];
    if (left.datatype != right.datatype || left.shape.size() != right.shape.size()) return false;
    if (!std::equal(left.shape.begin() + 1, left.shape.end(), right.shape.begin() + 1))
      return false;
  }
  return true;
}

}  // namespace

bool BatchQueue::Push(JobPtr& job) {
  if (jobs_.size() >= policy_.queue_limit) return false;
  if (job->deadline) ++with_deadline_;
  jobs_.push_back(std::move(job));
  return true;
}

// Looks at every job when some have a deadline, else only at those that the next batch may take.
void BatchQueue::TakeGone(SteadyTime now, Taken* taken) {
  const auto next = static_cast<std::size_t>(std::max<std::int64_t>(1, policy_.max_rows));
  const std::size_t looked = with_deadline_ > 0 ? jobs_.size() : std::min(next, jobs_.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < looked; ++i) {
    JobPtr& job = jobs_[i];
    const bool late = job->deadline && *job->deadline <= now;
    const bool cancelled = IsCancelled(job->cancelled);
    if (!late && !cancelled) {
      if (kept != i) jobs_[kept] = std::move(job);
      ++kept;
      continue;
    }
    if (job->deadline) --with_deadline_;
    (cancelled ? taken->cancelled : taken->expired).push_back(std::move(job));
  }
  jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(kept),
              jobs_.begin() + static_cast<std::ptrdiff_t>(looked));
}

std::vector<JobPtr> BatchQueue::TakeCancelled() {
  std::vector<JobPtr> gone;
  std::deque<JobPtr> kept;
  for (JobPtr& job : jobs_) {
    if (IsCancelled(job->cancelled) && job->deadline) --with_deadline_;
    if (IsCancelled(job->cancelled)) {
      gone.push_back(std::move(job));
    } else {
      kept.push_back(std::move(job));
    }
  }
  jobs_ = std::move(kept);
  return gone;
}

std::size_t BatchQueue::BatchLength(std::int64_t* rows) const {
  const Job& first = *jobs_.front();
  *rows = first.rows;
  std::size_t length = 1;
  if (policy_.max_rows <= 1) return length;
  while (length < jobs_.size()) {
    const Job& next = *jobs_[length];
    if (*rows + next.rows > policy_.max_rows || !SameColumns(first, next)) break;
    *rows += next.rows;
    ++length;
  }
  return length;
}

BatchQueue::Taken BatchQueue::Take(SteadyTime now, bool flush) {
  Taken taken;
  TakeGone(now, &taken);
  if (jobs_.empty()) return taken;
  std::int64_t rows = 0;
  const std::size_t length = BatchLength(&rows);
  // A batch that cannot grow has nothing to wait for: full, or the next job does not fit it.
  const bool can_grow = length == jobs_.size() && rows < policy_.max_rows;
  SteadyTime ripe = jobs_.front()->enqueued + policy_.max_delay;
  if (!flush && can_grow && ripe > now) {
    for (const JobPtr& job : jobs_) {
      if (job->deadline) ripe = std::min(ripe, *job->deadline);
    }
    taken.wake = ripe;
    return taken;
  }
  for (std::size_t i = 0; i < length; ++i) {
    if (jobs_.front()->deadline) --with_deadline_;
    taken.batch.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  return taken;
}

}  // namespace penstock::serve
