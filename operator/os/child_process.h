// A child process: in a session or group of its own or in ours, its output in a file or wherever
// the caller says. Linux (/proc; pidfd where the kernel has it).
//
// Owned and used by one thread, but Wake() may come from any. Destroying a ChildProcess that still
// runs kills it, with its session or group. A child that has ended is reaped with its ChildProcess
// and not before, so that its number, which is its session's or group's too, is nobody else's as
// long as it may be signalled.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/os/fd.h"

namespace penstock {

// Whom a child's signals reach beside it: its session, its process group, nobody (it is in ours, so
// that a terminal's signals reach it as they reach us).
enum class ChildGroup : std::uint8_t { kSession, kGroup, kOurs };

struct ChildOptions {
  std::vector<std::string> argv;         // argv[0] is a path, or a name looked up in env's PATH
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  std::filesystem::path directory{};     // empty: ours
  std::filesystem::path log{};           // stdout and stderr, appended; empty: the next two
  int output = STDOUT_FILENO;            // descriptors of ours that it gets for stdout and stderr
  int error = STDERR_FILENO;
  ChildGroup group = ChildGroup::kSession;
  int death_signal = SIGTERM;       // what it gets when the thread that started it ends
  std::filesystem::path program{};  // run in place of what argv[0] names; empty: argv[0]
};

// How a child ended. Exactly one of the two is set.
struct ChildExit {
  std::optional<int> code;
  std::optional<int> signal;
  // The code, or 128 + signal, as a kubelet reports it.
  [[nodiscard]] int ExitCode() const { return code ? *code : 128 + *signal; }
};

// Why a child could not be started, for a caller who words it for its own user.
struct StartFailure {
  enum Stage : int { kMachine, kDirectory, kExec } stage = kMachine;
  int error_number = 0;
};

class ChildProcess {
 public:
  // Starts the child, with /dev/null for its stdin and default signals. The error names the program
  // and says why it could not be started; so does `failure`.
  [[nodiscard]] static Result<ChildProcess> Start(const ChildOptions& options,
                                                  StartFailure* failure = nullptr);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] int pid() const { return pid_; }
  // Readable when the child has ended; -1 where the kernel has no such thing (before Linux 5.3).
  [[nodiscard]] int pid_fd() const { return pid_fd_.get(); }

  // Waits until the child has ended, somebody used Wake(), or `limit` has passed; nullopt in the
  // last two cases. Every exit is reported once, nullopt after that.
  [[nodiscard]] std::optional<ChildExit> Wait(std::optional<std::chrono::milliseconds> limit);
  // Ends a Wait() that goes on, or the next one. Thread-safe and async-signal-safe.
  void Wake() const;

  void Terminate() const;  // SIGTERM to the child alone, as a kubelet does
  void KillAll() const;    // SIGKILL to the child and all that it left in its session or group

 private:
  ChildProcess(int pid, ChildGroup group, Fd pid_fd, Fd wake_fd)
      : pid_(pid), group_(group), pid_fd_(std::move(pid_fd)), wake_fd_(std::move(wake_fd)) {}
  std::optional<ChildExit> TakeExit();
  int pid_;  // -1: moved from
  ChildGroup group_;
  Fd pid_fd_;
  Fd wake_fd_;
  bool ended_ = false;  // its exit has been told
};

// Where a program's name leads: 0 and the file; EACCES and a file that cannot be executed; ENOENT.
struct ProgramLookup {
  int error_number = 0;
  std::filesystem::path file;
};

// What execve is to get for `name`: itself where it has a slash, else the first executable of that
// name in the folders of `path` ("a:b"). Relative to `directory` (empty: ours).
[[nodiscard]] ProgramLookup LookUpProgram(const std::string& name, const std::string& path,
                                          const std::filesystem::path& directory = {});
// The executable that LookUpProgram finds, or nullopt. A name with a slash is itself.
[[nodiscard]] std::optional<std::filesystem::path> FindProgram(const std::string& name,
                                                               const std::string& path);

// This process's environment, "NAME=value".
[[nodiscard]] std::vector<std::string> OwnEnvironment();

}  // namespace penstock
