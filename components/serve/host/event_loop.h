// A thread that reads requests, as far as the model needs to know of it: quick models are run
// there, without handing the request to another thread and back.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

namespace penstock::serve {

class EventLoop {
 public:
  // `index`: 0, 1, ... among the loops whose requests one model answers.
  explicit EventLoop(std::size_t index) : index_(index) {}
  virtual ~EventLoop() = default;
  // On the loop's thread: runs `work` there after what is ready now.
  virtual void Post(std::function<void()> work) = 0;

  [[nodiscard]] std::size_t index() const { return index_; }

  // On the loop's thread: whether the request that is being handled will be answered in this turn,
  // so that nobody need watch whether its client stays.
  void AnswersThisTurn() { soon_ = true; }
  [[nodiscard]] bool TakeAnswersThisTurn() { return std::exchange(soon_, false); }

 private:
  const std::size_t index_;
  bool soon_ = false;
};

}  // namespace penstock::serve
