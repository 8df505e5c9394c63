// A child process in a session of its own, its output in a file. Linux (pidfd, /proc).
//
// Owned and used by one thread, but Wake() may come from any. Destroying a ChildProcess that still
// runs kills its whole session.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock {

struct ChildOptions {
  std::vector<std::string> argv;         // argv[0] is a path, or a name looked up in env's PATH
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  std::filesystem::path directory;
  std::filesystem::path log;  // stdout and stderr, appended
};

// How a child ended. Exactly one of the two is set.
struct ChildExit {
  std::optional<int> code;
  std::optional<int> signal;
  // The code, or 128 + signal, as a kubelet reports it.
  [[nodiscard]] int ExitCode() const { return code ? *code : 128 + *signal; }
};

class ChildProcess {
 public:
  // Starts the child. The error names the program and says why it could not be started.
  [[nodiscard]] static Result<ChildProcess> Start(const ChildOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] int pid() const { return pid_; }

  // Waits until the child has ended, somebody used Wake(), or `limit` has passed; nullopt in the
  // last two cases. Every exit is reported once.
  [[nodiscard]] std::optional<ChildExit> Wait(std::optional<std::chrono::milliseconds> limit);
  // Ends a Wait() that goes on, or the next one. Thread-safe and async-signal-safe.
  void Wake() const;

  void Terminate() const;    // SIGTERM to the child alone, as a kubelet does
  void KillSession() const;  // SIGKILL to the child and all that it left in its session

 private:
  ChildProcess(int pid, int pid_fd, int wake_fd) : pid_(pid), pid_fd_(pid_fd), wake_fd_(wake_fd) {}
  int pid_;
  int pid_fd_;
  int wake_fd_;
  bool reaped_ = false;
};

// The file that a name means by a PATH ("a:b"), or nullopt. A name with a slash is itself.
[[nodiscard]] std::optional<std::filesystem::path> FindProgram(const std::string& name,
                                                               const std::string& path);

// Runs a command to its end and gives what it wrote to stdout (at most 64 KiB); an error for a
// command that cannot start, fails or takes longer. For short questions, as `podman info`.
[[nodiscard]] Result<std::string> AskCommand(const std::vector<std::string>& argv,
                                             std::chrono::milliseconds limit);

}  // namespace penstock
