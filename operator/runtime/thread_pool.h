// A fixed number of threads for work that blocks on disks and networks. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::runtime {

class ThreadPool {
 public:
  // `on_throw` is told of work that left by an exception, which is a bug.
  ThreadPool(int threads, std::function<void(const std::string&)> on_throw);
  ~ThreadPool();  // Stop()

  // Never blocks. After Stop, work is dropped.
  void Submit(std::function<void()> work);
  // Waits for what runs; what waits is dropped.
  void Stop();

 private:
  void Run();

  const std::function<void(const std::string&)> on_throw_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace penstock::runtime
