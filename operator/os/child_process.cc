#include "operator/os/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <utility>

#include "operator/base/file.h"
#include "operator/os/signal_process.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLookInterval{20};  // where the kernel has no pidfd

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string PathOf(const std::vector<std::string>& environment) {
  for (const std::string& variable : environment) {
    if (variable.starts_with("PATH=")) return variable.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

// What BecomeChild needs, made before the fork: nothing may be allocated after it.
struct Image {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory;
  int output, error, report;
  ChildGroup group;
  int death_signal;
  pid_t parent;
};

// Between fork and exec: async-signal-safe calls only. What fails is told through `report`.
[[noreturn]] void BecomeChild(const Image& image) {
  if (image.group == ChildGroup::kSession) setsid();
  if (image.group == ChildGroup::kGroup) setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, image.death_signal);
  if (getppid() != image.parent) _exit(128 + image.death_signal);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM}) signal(number, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY);
  if (input > STDIN_FILENO) {
    dup2(input, STDIN_FILENO);
    close(input);
  }
  StartFailure failure{StartFailure::kMachine, 0};
  if (dup2(image.output, STDOUT_FILENO) >= 0 && dup2(image.error, STDERR_FILENO) >= 0) {
    failure.stage = StartFailure::kDirectory;
    if (image.directory[0] == '\0' || chdir(image.directory) == 0) {
      failure.stage = StartFailure::kExec;
      execve(image.program, image.argv, image.environment);
    }
  }
  failure.error_number = errno;
  const ssize_t written = write(image.report, &failure, sizeof failure);
  _exit(written == sizeof failure ? 127 : 126);
}

// The session of a process by /proc, or -1. One that ends while it is read is an error of the read
// (ESRCH), which an iterator over the stream's buffer would throw.
int SessionOf(const std::string& pid) {
  const Result<std::string> read = ReadFile("/proc/" + pid + "/stat");
  const std::string text = read ? *read : std::string();
  const std::size_t end = text.rfind(')');  // the name may hold anything
  if (end == std::string::npos) return -1;
  std::istringstream fields(text.substr(end + 1));
  std::string state;
  int parent = -1, group = -1, session = -1;
  fields >> state >> parent >> group >> session;
  return fields ? session : -1;
}

}  // namespace

ProgramLookup LookUpProgram(const std::string& name, const std::string& path,
                            const fs::path& directory) {
  const auto look = [&](const fs::path& file) {
    std::error_code ignored;
    if (!fs::is_regular_file(directory / file, ignored)) return ENOENT;
    return access((directory / file).c_str(), X_OK) == 0 ? 0 : EACCES;
  };
  if (name.find('/') != std::string::npos) return {look(name), name};
  ProgramLookup best{ENOENT, {}};
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / name;
    const int found = look(file);
    if (found == 0) return {0, file};
    if (found == EACCES) best = {EACCES, file};
  }
  return best;
}

std::optional<fs::path> FindProgram(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return name;
  const ProgramLookup found = LookUpProgram(name, path);
  return found.error_number == 0 ? std::optional(found.file) : std::nullopt;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  return environment;
}

Result<ChildProcess> ChildProcess::Start(const ChildOptions& options, StartFailure* failure) {
  StartFailure unseen;
  StartFailure& why = failure != nullptr ? *failure : unseen;
  const auto fail = [&](const std::string& what, int error) {
    why.error_number = error;
    return FromErrno(what, error);
  };
  const std::string& name = options.argv.at(0);
  const auto program = options.program.empty() ? FindProgram(name, PathOf(options.environment))
                                               : std::optional(options.program);
  if (!program) {
    why = {StartFailure::kExec, ENOENT};
    return NotFound("program " + name + " is not found in PATH=" + PathOf(options.environment));
  }
  const Fd log(options.log.empty()
                   ? -1
                   : open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!options.log.empty() && log.get() < 0) {
    return fail("log file " + options.log.string(), errno);
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail("pipe", errno);
  Fd report_in(ends[0]), report_out(ends[1]);
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.get() < 0) return fail("eventfd", errno);

  const std::vector<char*> argv = Pointers(options.argv);
  const std::vector<char*> environment = Pointers(options.environment);
  const std::string directory = options.directory.string();
  const Image image{program->c_str(),
                    argv.data(),
                    environment.data(),
                    directory.c_str(),
                    log.get() < 0 ? options.output : log.get(),
                    log.get() < 0 ? options.error : log.get(),
                    report_out.get(),
                    options.group,
                    options.death_signal,
                    getpid()};
  const pid_t pid = fork();
  if (pid < 0) return fail("fork for " + name, errno);
  if (pid == 0) BecomeChild(image);
  report_out.Close();
  StartFailure told;
  ssize_t count;
  do {
    count = read(report_in.get(), &told, sizeof told);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof told) {
    waitpid(pid, nullptr, 0);
    why = told;
    return FromErrno("start " + program->string() + " in " + directory, told.error_number);
  }
  Fd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return ChildProcess(pid, options.group, std::move(pid_fd), std::move(wake));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      group_(other.group_),
      pid_fd_(std::move(other.pid_fd_)),
      wake_fd_(std::move(other.wake_fd_)),
      ended_(other.ended_) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  if (!ended_) KillAll();
  while (!ended_) (void)Wait(std::nullopt);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// It stays a zombie, which holds its number.
std::optional<ChildExit> ChildProcess::TakeExit() {
  siginfo_t info{};
  int failed;
  do {
    failed = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0 && info.si_pid == 0) return std::nullopt;
  ended_ = true;
  if (failed != 0) return ChildExit{.code = 255, .signal = {}};  // somebody else took the status
  if (info.si_code == CLD_EXITED) return ChildExit{.code = info.si_status, .signal = {}};
  return ChildExit{.code = {}, .signal = info.si_status};
}

std::optional<ChildExit> ChildProcess::Wait(std::optional<milliseconds> limit) {
  const auto start = Clock::now();
  while (!ended_) {
    if (auto exit = TakeExit()) return exit;
    milliseconds left = milliseconds::max();
    if (limit) left = *limit - std::chrono::duration_cast<milliseconds>(Clock::now() - start);
    pollfd fds[2] = {{pid_fd_.get(), POLLIN, 0}, {wake_fd_.get(), POLLIN, 0}};
    const auto most = pid_fd_.get() < 0 ? kLookInterval : milliseconds(1'000'000);
    poll(fds, 2, static_cast<int>(std::clamp(left, milliseconds(0), most).count()));
    if ((fds[1].revents & POLLIN) != 0) {
      std::uint64_t count = 0;
      while (read(wake_fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
      }
      break;
    }
    if (left <= milliseconds(0)) break;
  }
  return ended_ ? std::nullopt : TakeExit();
}

void ChildProcess::Wake() const {
  const std::uint64_t one = 1;
  while (write(wake_fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void ChildProcess::Terminate() const {
  if (pid_ > 0) kill(pid_, SIGTERM);
}

void ChildProcess::KillAll() const {
  if (pid_ <= 0) return;  // moved from: to signal -1 is to signal all
  kill(pid_, SIGKILL);
  if (group_ == ChildGroup::kGroup) kill(-pid_, SIGKILL);
  if (group_ != ChildGroup::kSession) return;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    int pid = 0;
    const auto [last, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc{} || last != name.data() + name.size() || pid == pid_) continue;
    const auto is_of_session = [&] { return SessionOf(name) == pid_; };
    if (is_of_session()) (void)SignalProcess(pid, SIGKILL, is_of_session);
  }
}

}  // namespace penstock
