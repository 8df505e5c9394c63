// A fixed number of threads for work that blocks, shared by groups that take turns: the first of
// what waits of one group, then of the next, however much of one waits; and at most so much of one
// at once, so that one whose work never ends leaves threads to the others. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::runtime {

class FairPool {
 public:
  // `on_throw` is told of work that left by an exception, which is a bug.
  FairPool(int threads, int most_a_group, std::function<void(const std::string&)> on_throw);
  ~FairPool();  // Stop()

  // Never blocks. After Stop, work is dropped.
  void Submit(const std::string& group, std::function<void()> work);
  // Waits for what runs; what waits is dropped.
  void Stop();

 private:
  struct Group {
    std::deque<std::function<void()>> waiting;
    int running = 0;
    bool has_turn = false;  // stands in turns_
  };
  void GiveTurn(const std::string& name, Group& group);
  void Run();

  const int most_a_group_;
  const std::function<void(const std::string&)> on_throw_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Group> groups_;  // those with work
  std::deque<std::string> turns_;        // of groups that may begin something
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace penstock::runtime
