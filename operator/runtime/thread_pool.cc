#include "operator/runtime/thread_pool.h"

#include <exception>
#include <utility>

namespace penstock::runtime {

ThreadPool::ThreadPool(int threads, std::function<void(const std::string&)> on_throw)
    : on_throw_(std::move(on_throw)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    work_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void ThreadPool::Stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(work_);
  }
  changed_.notify_all();
  threads_.clear();
}

void ThreadPool::Run() {
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || !work_.empty(); });
      if (stopped_) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    try {
      work();
    } catch (const std::exception& e) {
      on_throw_(e.what());
    }
  }
}

}  // namespace penstock::runtime
