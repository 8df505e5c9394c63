// A child process that runs to its end while what it writes is read. Blocks; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/os/child_process.h"

namespace penstock {

struct CommandLimits {
  std::optional<std::chrono::milliseconds> time{};  // then it is killed
  std::size_t bytes = 64 << 10;  // kept of each stream; the rest is read and dropped
  bool pass_output = false;      // stdout goes to `options.output`, not into CommandEnd
  std::stop_token stop{};        // then it is killed too
};

struct CommandEnd {
  std::optional<ChildExit> exit;  // nothing: it ran out of time, or was stopped
  std::string output;
  std::string error;
};

// Runs `options`, whose log and descriptors of what is read are not used. It ends with the command,
// even where something that the command left running holds its streams open.
[[nodiscard]] Result<CommandEnd> RunCommand(ChildOptions options, const CommandLimits& limits,
                                            StartFailure* failure = nullptr);

// Runs a command with this process's environment and gives what it wrote to stdout (at most 64
// KiB); an error for a command that cannot start, fails (its last line says why) or takes longer,
// kCancelled for one that was stopped. For short questions, as `podman info`.
[[nodiscard]] Result<std::string> AskCommand(const std::vector<std::string>& argv,
                                             std::chrono::milliseconds limit,
                                             std::stop_token stop = {});

}  // namespace penstock
