// From the task to what execve gets: every reference replaced in one pass, so that a value that
// looks like a reference, a shell word or a Kubernetes variable stays data. Pure, but for a look at
// the folder that is to be HOME.
#pragma once

#include <string>
#include <vector>

#include "components/launcher/workspace.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// Linux's limit of one argument or variable, its end included.
inline constexpr std::size_t kMaxArgument = 128 * 1024;

struct ChildCommand {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string working_dir;       // empty: the launcher's own
  // The value of a variable of `env`; empty when absent.
  [[nodiscard]] std::string Variable(const std::string& name) const;
};

// `inherited` is the pod's environment; `cpus` sets OMP_NUM_THREADS and its kind unless the pod or
// the task does, and HOME is DIR/home where there is none that may be written. A parameter or input
// that the task does not carry was not given: "". Invalid names the argument or variable that
// cannot be made.
[[nodiscard]] Result<ChildCommand> MakeCommand(const TaskDocument& task, const Workspace& ws,
                                               const std::vector<std::string>& inherited, int cpus);

}  // namespace penstock::launcher
