#include "components/launcher/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

#include "operator/base/file.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr auto kReapPatience = std::chrono::seconds(5);
const auto kNever = Clock::time_point::max() - std::chrono::hours(1);

// What the child tells its parent when it cannot become the program.
struct StartFailure {
  enum Stage : int { kWorkingDir, kExec } stage;
  int error_number;
};

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void BecomeProgram(const char* program, char* const* argv, char* const* env,
                                const char* working_dir, const Signals& signals, int report_fd) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  signals.RestoreInChild();
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (null > STDIN_FILENO) ::close(null);
  StartFailure failure{StartFailure::kWorkingDir, 0};
  if (working_dir[0] == '\0' || ::chdir(working_dir) == 0) {
    failure.stage = StartFailure::kExec;
    ::execve(program, argv, env);
  }
  failure.error_number = errno;
  (void)!::write(report_fd, &failure, sizeof(failure));
  ::_exit(127);
}

Error Explain(const StartFailure& failure, const std::string& program, const std::string& dir) {
  const std::string why = std::generic_category().message(failure.error_number);
  if (failure.stage == StartFailure::kWorkingDir) return Invalid("workingDir " + dir + ": " + why);
  switch (failure.error_number) {
    case ENOENT:
      return Invalid("starting " + program +
                     ": the file is there, but its interpreter (the #! line or the dynamic loader) "
                     "is not in this image");
    case ENOEXEC:
      return Invalid("starting " + program +
                     ": it is no program of this machine's kind, nor a script with a #! line");
    case E2BIG:
      return Invalid(
          "starting " + program +
          ": arguments and environment are too large together; use $(parameters.x.path)");
    case EAGAIN:
    case ENOMEM:
      return Transient("starting " + program + ": " + why);
    default:
      return Invalid("starting " + program + ": " + why);
  }
}

// Kills every process whose parent is this one; those of the group are already dying.
void KillChildren() {
  std::error_code ec;
  const std::string self = std::to_string(::getpid());
  for (fs::directory_iterator it("/proc", ec), end; !ec && it != end; it.increment(ec)) {
    const std::string pid = it->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(it->path() / "stat");
    std::string text;
    std::getline(stat, text);
    // "pid (name) state ppid ...": the name may hold anything, so read from the last ')'.
    std::istringstream rest(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
    std::string state;
    std::string parent;
    rest >> state >> parent;
    if (parent == self) ::kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
  }
}

// Ends what the program left running, in its group or out of it (setsid), and reaps it all, so that
// nothing writes to the outputs any more.
void KillLeftovers(pid_t group, Signals& signals) {
  ::kill(-group, SIGKILL);
  const auto deadline = Clock::now() + kReapPatience;
  while (Clock::now() < deadline) {
    const pid_t reaped = ::waitpid(-1, nullptr, WNOHANG);
    if (reaped > 0) continue;
    if (reaped < 0 && errno == ECHILD) return;
    KillChildren();
    (void)signals.Wait(Clock::now() + std::chrono::milliseconds(50));
  }
}

// Reaps what has ended; the status of `child` when it is among them.
std::optional<int> Reap(pid_t child) {
  std::optional<int> status;
  int s = 0;
  for (pid_t pid = ::waitpid(-1, &s, WNOHANG); pid > 0; pid = ::waitpid(-1, &s, WNOHANG))
    if (pid == child) status = s;
  return status;
}

int WatchChild(pid_t child, const ChildLimits& limits, Signals& signals, ChildEnd& end) {
  const auto start = Clock::now();
  const auto timeout_at = limits.timeout.count() > 0 ? start + limits.timeout : kNever;
  auto kill_at = kNever;
  const auto begin_end = [&](int signal) {
    ::kill(-child, signal);
    if (kill_at == kNever) kill_at = Clock::now() + limits.grace;
  };
  for (;;) {
    if (auto status = Reap(child)) return *status;
    const bool ending = end.timed_out || end.cancelled;
    const int signal = signals.Wait(ending ? kill_at : timeout_at);
    if (signal == SIGTERM || signal == SIGINT) {
      end.cancelled = !end.timed_out;
      begin_end(signal);
    } else if (signal == 0 && ending) {
      ::kill(-child, SIGKILL);
      kill_at = kNever;
    } else if (signal == 0) {
      end.timed_out = true;
      begin_end(SIGTERM);
    }
  }
}

}  // namespace

Result<std::string> FindProgram(const std::string& program, const std::string& search_path,
                                const std::string& working_dir) {
  if (program.empty()) return Invalid("command[0] is empty");
  const fs::path base = working_dir.empty() ? fs::path(".") : fs::path(working_dir);
  const auto look = [&](const fs::path& file) {
    std::error_code ec;
    if (!fs::is_regular_file(base / file, ec)) return ENOENT;
    return ::access((base / file).c_str(), X_OK) == 0 ? 0 : EACCES;
  };
  if (program.find('/') != std::string::npos) {
    const int found = look(program);
    if (found == ENOENT) return Invalid("the program " + program + " is not in this image");
    if (found == EACCES) return Invalid("the program " + program + " is not executable");
    return program;
  }
  const std::string path = search_path.empty() ? kDefaultPath : search_path;
  std::string not_executable;
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? std::string(".") : folder) + "/" + program;
    const int found = look(file);
    if (found == 0) return file;
    if (found == EACCES) not_executable = file;
  }
  if (!not_executable.empty())
    return Invalid("the program " + not_executable + " is not executable");
  return Invalid("the program '" + program + "' is in no folder of PATH (" + path + ")");
}

Result<ChildEnd> RunChild(const ChildCommand& command, const ChildLimits& limits,
                          Signals& signals) {
  auto program = FindProgram(command.argv.empty() ? "" : command.argv[0], command.Variable("PATH"),
                             command.working_dir);
  if (!program) return program.error();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return FromErrno("making a pipe", errno);
  const auto argv = Pointers(command.argv);
  const auto env = Pointers(command.env);
  ChildEnd end;
  end.started_ms = NowMs();
  const pid_t child = ::fork();
  if (child < 0) {
    Error e = FromErrno("starting " + *program, errno);
    e.kind = ErrorKind::kTransient;
    return e;
  }
  if (child == 0)
    BecomeProgram(program->c_str(), argv.data(), env.data(), command.working_dir.c_str(), signals,
                  report[1]);
  ::setpgid(child, child);  // here too: a signal may come before the child has run
  ::close(report[1]);
  StartFailure failure{};
  ssize_t told = 0;
  do {
    told = ::read(report[0], &failure, sizeof(failure));
  } while (told < 0 && errno == EINTR);
  ::close(report[0]);
  if (told == sizeof(failure)) {
    ::waitpid(child, nullptr, 0);
    return Explain(failure, *program, command.working_dir);
  }
  const int status = WatchChild(child, limits, signals, end);
  end.finished_ms = NowMs();
  KillLeftovers(child, signals);
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  end.exit_code = end.signal != 0 ? 128 + end.signal : WEXITSTATUS(status);
  return end;
}

}  // namespace penstock::launcher
