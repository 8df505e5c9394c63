// The step's program: started in a process group of its own, watched, ended.
//
//   start ---> running ---exit---> leftovers killed ---> end
//                 | SIGTERM, SIGINT from outside: forwarded to the group;
//                 | time-out: SIGTERM to the group; after the grace, in both cases, SIGKILL
//
// Its standard error is passed on to ours, and the end of it kept (last_words.h). Orphans are
// adopted and reaped, as process 1 or as subreaper. Used by the main thread.
#pragma once

#include <chrono>
#include <string>

#include "components/launcher/command.h"
#include "components/launcher/signals.h"
#include "operator/base/result.h"

namespace penstock::launcher {

struct ChildLimits {
  std::chrono::milliseconds timeout{0};  // from the start; 0 = none
  std::chrono::milliseconds grace{20'000};
};

struct ChildEnd {
  int exit_code = 0;  // 128 + n for signal n
  int signal = 0;
  bool timed_out = false;
  bool cancelled = false;
  std::int64_t started_ms = 0;  // Unix milliseconds
  std::int64_t finished_ms = 0;
  std::string last_words;  // the end of its standard error: one line, at most kMaxLastWords
};

// Invalid when the program cannot be started as written; Transient when the machine could not.
[[nodiscard]] Result<ChildEnd> RunChild(const ChildCommand& command, const ChildLimits& limits,
                                        Signals& signals);

}  // namespace penstock::launcher
