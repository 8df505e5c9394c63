// The child's standard error: passed on to ours as it comes, and the end of it kept, which says
// more of a failure than an exit code.
//
//   Open -> child gets child_end() -> Start -> Finish, once everything that wrote is dead
//
// Nobody need read our standard error: what is not taken holds the child up for a while, then it is
// dropped, and how much is said where the reader goes on. Used by one thread; two of its own copy.
#pragma once

#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "operator/base/result.h"
#include "operator/os/fd.h"

namespace penstock::launcher {

struct ErrorPatience {
  std::chrono::milliseconds running{30'000};  // for a reader who takes nothing, while a child runs
  std::chrono::milliseconds at_end{2'000};    // for all of Finish
};

class Passing;

class ErrorStream {
 public:
  // `to` is where it is passed on; it must stay open for ever, as a stuck reader may keep a thread.
  [[nodiscard]] static Result<std::unique_ptr<ErrorStream>> Open(int to = STDERR_FILENO,
                                                                 ErrorPatience patience = {});
  ~ErrorStream();

  // The descriptor that the child gets for its standard error.
  [[nodiscard]] int child_end() const { return in_.get(); }
  // Closes our copy of it, and begins to copy.
  void Start();
  // Copies what is still there, without waiting for writers that go on nor long for a reader, and
  // gives the last words: one line, at most kMaxLastWords bytes.
  [[nodiscard]] std::string Finish();

 private:
  explicit ErrorStream(ErrorPatience patience) : patience_(patience) {}
  void Copy();
  [[nodiscard]] bool CopyOnce();

  const ErrorPatience patience_;
  Fd out_, in_;               // of the pipe
  Fd ending_, ending_write_;  // closed to end Copy()
  std::string tail_;
  std::shared_ptr<Passing> passing_;  // a thread that may outlive us has it too
  std::thread copier_;
};

// Says something on our standard error; gives up after two seconds where nobody takes it.
void Say(std::string_view text);

}  // namespace penstock::launcher
