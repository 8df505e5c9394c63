#include "components/router/observe/shadow_comparer.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace penstock::router {

namespace {

constexpr std::size_t kMostWaiting = 256;
constexpr std::size_t kMostBytes = 16U << 20;
constexpr int kLowPriority = 10;

}  // namespace

void ShadowStatistics::Count(std::int64_t Totals::*which) {
  std::lock_guard lock(mutex_);
  ++(totals_.*which);
}

void ShadowStatistics::Compared(const Comparison& one) {
  std::lock_guard lock(mutex_);
  ++totals_.compared;
  totals_.sum += one;
}

ShadowStatistics::Totals ShadowStatistics::Read() const {
  std::lock_guard lock(mutex_);
  return totals_;
}

ShadowComparer::ShadowComparer() : thread_([this] { Run(); }) {}

ShadowComparer::~ShadowComparer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_one();
  thread_.join();
}

void ShadowComparer::Give(AnswerPair pair) {
  const std::size_t bytes = pair.answer.size() + pair.shadow.size();
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() < kMostWaiting && bytes_ + bytes <= kMostBytes) {
      bytes_ += bytes;
      waiting_.push_back(std::move(pair));
      more_.notify_one();
      return;
    }
  }
  pair.statistics->Dropped();
}

void ShadowComparer::Run() {
  // Of this thread alone on Linux; where it is refused, comparing takes its full share.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kLowPriority);
  while (true) {
    AnswerPair pair;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      pair = std::move(waiting_.front());
      waiting_.pop_front();
      bytes_ -= pair.answer.size() + pair.shadow.size();
    }
    if (const auto comparison =
            CompareAnswers(pair.answer, pair.shadow, pair.output, pair.threshold)) {
      pair.statistics->Compared(*comparison);
    } else {
      pair.statistics->Incomparable();
    }
  }
}

}  // namespace penstock::router
