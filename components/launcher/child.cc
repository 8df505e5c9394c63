#include "components/launcher/child.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include "components/launcher/last_words.h"
#include "operator/os/child_process.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr auto kReapPatience = std::chrono::seconds(5);
const auto kNever = Clock::time_point::max() - std::chrono::hours(1);

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Words for whoever wrote the step, of what keeps its program from starting.
Error Explain(const StartFailure& failure, const std::string& program, const std::string& dir) {
  const std::string why = std::generic_category().message(failure.error_number);
  if (failure.stage == StartFailure::kDirectory) return Invalid("workingDir " + dir + ": " + why);
  if (failure.stage == StartFailure::kMachine) return Transient("starting " + program + ": " + why);
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

// The parent of a process by /proc; "": there is no such process.
std::string ParentOf(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text;
  std::getline(stat, text);
  // "pid (name) state ppid ...": the name may hold anything, so read from the last ')'.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  std::string parent;
  rest >> state >> parent;
  return parent;
}

// Kills, and reaps where it has ended, every process whose parent is this one, but for `child`.
// True: there was one. Their numbers are theirs until they are reaped here.
bool KillChildrenBut(pid_t child) {
  std::error_code ec;
  bool any = false;
  const std::string self = std::to_string(::getpid());
  for (fs::directory_iterator it("/proc", ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (pid == child || ParentOf(name) != self) continue;
    any = true;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, WNOHANG);
  }
  return any;
}

// Ends what the program left running, in its group or out of it (setsid), and reaps it all, so that
// nothing writes to the outputs any more. The program itself, which has ended, keeps its number.
void KillLeftovers(pid_t group, Signals& signals) {
  ::kill(-group, SIGKILL);
  const auto deadline = Clock::now() + kReapPatience;
  while (KillChildrenBut(group) && Clock::now() < deadline)
    (void)signals.Wait(Clock::now() + std::chrono::milliseconds(50));
}

// Reaps the orphans that have ended, up to the child: its status is its owner's to take.
void ReapOrphans(pid_t child) {
  siginfo_t ended{};
  while (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0 &&
         ended.si_pid != child) {
    ::waitpid(ended.si_pid, nullptr, WNOHANG);
    ended = {};
  }
}

ChildExit WatchChild(ChildProcess& child, const ChildLimits& limits, Signals& signals,
                     ChildEnd& end) {
  const auto start = Clock::now();
  const auto timeout_at = limits.timeout.count() > 0 ? start + limits.timeout : kNever;
  auto kill_at = kNever;
  const auto begin_end = [&](int signal) {
    ::kill(-child.pid(), signal);
    if (kill_at == kNever) kill_at = Clock::now() + limits.grace;
  };
  for (;;) {
    ReapOrphans(child.pid());
    if (const auto exit = child.Wait(std::chrono::milliseconds(0))) return *exit;
    const bool ending = end.timed_out || end.cancelled;
    const int signal = signals.Wait(ending ? kill_at : timeout_at);
    if (signal == SIGTERM || signal == SIGINT) {
      end.cancelled = !end.timed_out;
      begin_end(signal);
    } else if (signal == 0 && ending) {
      child.KillAll();
      kill_at = kNever;
    } else if (signal == 0) {
      end.timed_out = true;
      begin_end(SIGTERM);
    }
  }
}

// What execve is to get for argv[0].
Result<std::string> ProgramOf(const ChildCommand& command) {
  const std::string name = command.argv.empty() ? "" : command.argv[0];
  if (name.empty()) return Invalid("command[0] is empty");
  std::string path = command.Variable("PATH");
  if (path.empty()) path = kDefaultPath;
  const ProgramLookup found = LookUpProgram(name, path, command.working_dir);
  if (found.error_number == 0) return found.file.string();
  if (found.error_number == EACCES)
    return Invalid("the program " + found.file.string() + " is not executable");
  if (name.find('/') != std::string::npos)
    return Invalid("the program " + name + " is not in this image");
  return Invalid("the program '" + name + "' is in no folder of PATH (" + path + ")");
}

}  // namespace

Result<ChildEnd> RunChild(const ChildCommand& command, const ChildLimits& limits,
                          Signals& signals) {
  auto program = ProgramOf(command);
  if (!program) return program.error();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ChildOptions options;
  options.argv = command.argv;
  options.environment = command.env;
  options.directory = command.working_dir;
  options.program = *program;
  options.group = ChildGroup::kGroup;
  options.death_signal = SIGKILL;
  auto errors = ErrorStream::Open();
  if (!errors) return errors.error();
  options.error = (*errors)->child_end();
  ChildEnd end;
  end.started_ms = NowMs();
  StartFailure failure;
  auto child = ChildProcess::Start(options, &failure);
  if (!child) return Explain(failure, *program, command.working_dir);
  (*errors)->Start();
  const ChildExit exit = WatchChild(*child, limits, signals, end);
  end.finished_ms = NowMs();
  KillLeftovers(child->pid(), signals);
  end.last_words = (*errors)->Finish();
  end.signal = exit.signal.value_or(0);
  end.exit_code = exit.ExitCode();
  return end;
}

}  // namespace penstock::launcher
