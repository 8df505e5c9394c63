#include "components/query/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "operator/base/file.h"

namespace penstock::query {
namespace {

constexpr std::size_t kMaxError = 64 * 1024;

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    // What is over the limit is read and dropped, so that the child never blocks.
    text.append(buffer, std::min(std::size_t(n), kMaxError - text.size()));
  }
}

}  // namespace

Result<ChildResult> RunChild(const std::vector<std::string>& argv) {
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
  std::vector<char*> arguments;
  for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int saved = errno;
    ::close(error_pipe[0]);
    ::close(error_pipe[1]);
    return FromErrno("fork", saved);
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(error_pipe[1], STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(error_pipe[1]);
  ChildResult result;
  result.error = ReadAll(error_pipe[0]);
  ::close(error_pipe[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FromErrno("waitpid", errno);
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (result.exit_code == 127) return Invalid(argv[0] + ": cannot be run");
  if (result.exit_code == 128 + SIGKILL) {
    return Internal(argv[0] + ": was killed, probably for want of memory");
  }
  return result;
}

}  // namespace penstock::query
