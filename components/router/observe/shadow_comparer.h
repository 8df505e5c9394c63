// Compares answers of shadow copies on a thread of its own, which gives way to the workers. What
// waits is bounded in number and bytes; beyond, pairs are dropped and counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "components/router/observe/compare.h"

namespace penstock::router {

// Of one version that gets copies. Thread-safe.
class ShadowStatistics {
 public:
  struct Totals {
    std::int64_t copied = 0;    // requests sent to the shadow
    std::int64_t dropped = 0;   // that were to be copied, but too much was under way
    std::int64_t failed = 0;    // copies without an answer 2xx where the other had one
    std::int64_t compared = 0;  // pairs
    std::int64_t incomparable = 0;
    Comparison sum;
  };
  void Copied() { Count(&Totals::copied); }
  void Dropped() { Count(&Totals::dropped); }
  void Failed() { Count(&Totals::failed); }
  void Incomparable() { Count(&Totals::incomparable); }
  void Compared(const Comparison& one);
  [[nodiscard]] Totals Read() const;

 private:
  void Count(std::int64_t Totals::*which);
  mutable std::mutex mutex_;
  Totals totals_;  // guarded by mutex_
};

struct AnswerPair {
  std::string answer;  // of the version that the client asked
  std::string shadow;
  std::string output;               // the output that is compared
  std::optional<double> threshold;  // of its decisions
  std::shared_ptr<ShadowStatistics> statistics;
};

class ShadowComparer {
 public:
  ShadowComparer();
  ~ShadowComparer();  // what still waits is dropped
  ShadowComparer(const ShadowComparer&) = delete;
  ShadowComparer& operator=(const ShadowComparer&) = delete;
  // Never waits.
  void Give(AnswerPair pair);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<AnswerPair> waiting_;  // guarded by mutex_
  std::size_t bytes_ = 0;           // guarded by mutex_
  bool ending_ = false;             // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock::router
