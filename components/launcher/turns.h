// Hands the step on from container to container where several run in turn in one pod: each has a
// launcher of its own, all are started together, and files in the folder that they share say whose
// turn it is.
//
//   DIR/turns/<i>      there once launcher i has started; locked as long as it lives
//   DIR/turns/<i>.end  how it ended, written before it ends
//
//   launcher 0:  joined by all ---> runs ---> says its end
//   launcher i:  end of i-1 ---> runs ---> says its end
//
// A launcher that is killed says nothing and loses its lock: the next one sees that at once. No
// clock is handed on, but what is left of the time-out. Main thread only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "components/launcher/signals.h"
#include "operator/base/result.h"

namespace penstock::launcher {

// What the next launcher has to know of all before it.
struct TurnEnd {
  bool goes_on = false;           // the next program may run
  std::string container;          // whose end it was
  std::int64_t started_ms = 0;    // of the first program, Unix milliseconds
  std::int64_t remaining_ms = 0;  // of the step's time-out, at least 1; 0: it has none
  std::map<std::string, std::string> input_digests;  // of URIs that were fetched
  std::string note;                                  // what went wrong and did not end the step
  bool oom_killed = false;                           // the kernel killed one of its processes
};

class Turns {
 public:
  // `dir` is the attempt's folder; `own` of `count` counts from 0.
  Turns(const std::filesystem::path& dir, std::size_t own, std::size_t count);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  [[nodiscard]] std::size_t own() const { return own_; }
  [[nodiscard]] bool first() const { return own_ == 0; }
  [[nodiscard]] bool last() const { return own_ + 1 == count_; }

  // Says that this launcher is there.
  [[nodiscard]] Result<void> Join();
  // Until all are there. Cancelled by a signal, as the next.
  [[nodiscard]] Result<void> AwaitAll(Signals& signals) const;
  // Until the one before has ended; nothing: it was killed and left no word.
  [[nodiscard]] Result<std::optional<TurnEnd>> AwaitTurn(Signals& signals) const;
  [[nodiscard]] Result<void> Say(const TurnEnd& end) const;

 private:
  [[nodiscard]] std::filesystem::path File(std::size_t index) const;
  [[nodiscard]] Result<void> AwaitFile(const std::filesystem::path& file, Signals& signals) const;

  std::filesystem::path folder_;
  std::size_t own_;
  std::size_t count_;
  int lock_ = -1;  // held until this process ends
};

}  // namespace penstock::launcher
