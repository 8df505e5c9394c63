// Answers to look-ups of names, and who waits for them.
//
//   fresh (30 s) --> used as it is
//   older        --> used while a new one is asked for
//   over 5 min   --> used no more: callers wait for the new one
//
// A look-up runs on a thread of its own, which nobody joins: callers return at their deadline or
// stop although it hangs, and so does the process. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::net {

class NameCache {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  // A name's addresses; empty when there are none. Called by any thread, for as long as it takes.
  using LookUp = std::function<std::vector<std::string>(const std::string& host)>;
  // `now` says how old an answer is; deadlines are the steady clock's.
  NameCache(LookUp look_up, std::function<Instant()> now);

  // kTransient when no answer came in time or none was found, kCancelled when `stop` is used.
  [[nodiscard]] Result<std::vector<std::string>> Resolve(const std::string& host, Instant deadline,
                                                         const std::stop_token& stop);

 private:
  struct State;
  std::shared_ptr<State> state_;  // its threads hold it too
};

}  // namespace penstock::net
