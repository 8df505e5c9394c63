#include "operator/os/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "operator/base/file.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

struct Fd {
  int fd = -1;
  ~Fd() { Close(); }
  void Close() {
    if (fd >= 0) close(std::exchange(fd, -1));
  }
  int Release() { return std::exchange(fd, -1); }
};

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

// Between fork and exec: async-signal-safe calls only. What fails is told through `report`.
[[noreturn]] void BecomeChild(const char* program, char* const* argv, char* const* environment,
                              const char* directory, int output, int report, int parent) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(143);  // the parent died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY);
  if (input >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
      chdir(directory) == 0) {
    execve(program, argv, environment);
  }
  const int error = errno;
  const ssize_t written = write(report, &error, sizeof error);
  _exit(written == sizeof error ? 127 : 126);
}

// The session of a process by /proc, or -1.
int SessionOf(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t end = text.rfind(')');  // the name may hold anything
  if (end == std::string::npos) return -1;
  std::istringstream fields(text.substr(end + 1));
  std::string state;
  int parent = -1, group = -1, session = -1;
  fields >> state >> parent >> group >> session;
  return fields ? session : -1;
}

}  // namespace

std::optional<fs::path> FindProgram(const std::string& name, const std::string& path) {
  std::error_code ignored;
  if (name.find('/') != std::string::npos) return fs::path(name);
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (fs::is_regular_file(candidate, ignored) && access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return std::nullopt;
}

Result<ChildProcess> ChildProcess::Start(const ChildOptions& options) {
  const std::string& name = options.argv.at(0);
  const auto program = FindProgram(name, PathOf(options.environment));
  if (!program) {
    return NotFound("program " + name + " is not found in PATH=" + PathOf(options.environment));
  }
  Fd output{open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (output.fd < 0) return FromErrno("log file " + options.log.string(), errno);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
  Fd report_in{ends[0]}, report_out{ends[1]};
  Fd wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (wake.fd < 0) return FromErrno("eventfd", errno);

  const std::vector<char*> argv = Pointers(options.argv);
  const std::vector<char*> environment = Pointers(options.environment);
  const std::string directory = options.directory.string();
  const int parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return FromErrno("fork for " + name, errno);
  if (pid == 0) {
    BecomeChild(program->c_str(), argv.data(), environment.data(), directory.c_str(), output.fd,
                report_out.fd, parent);
  }
  report_out.Close();
  int error = 0;
  ssize_t count;
  do {
    count = read(report_in.fd, &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof error) {
    waitpid(pid, nullptr, 0);
    return FromErrno("start " + program->string() + " in " + directory, error);
  }
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pid_fd < 0) {
    const int why = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return FromErrno("pidfd_open of " + name, why);
  }
  return ChildProcess(pid, pid_fd, wake.Release());
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_),
      pid_fd_(std::exchange(other.pid_fd_, -1)),
      wake_fd_(std::exchange(other.wake_fd_, -1)),
      reaped_(std::exchange(other.reaped_, true)) {}

ChildProcess::~ChildProcess() {
  if (!reaped_) {
    KillSession();
    while (!Wait(std::nullopt)) {
    }
  }
  if (pid_fd_ >= 0) close(pid_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

std::optional<ChildExit> ChildProcess::Wait(std::optional<std::chrono::milliseconds> limit) {
  pollfd fds[2] = {{pid_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  const int timeout = limit ? static_cast<int>(limit->count()) : -1;
  while (poll(fds, 2, timeout) < 0 && errno == EINTR) {
  }
  if ((fds[0].revents & POLLIN) != 0) {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    ChildExit exit;
    if (WIFEXITED(status)) {
      exit.code = WEXITSTATUS(status);
    } else {
      exit.signal = WTERMSIG(status);
    }
    return exit;
  }
  std::uint64_t count = 0;
  while (read(wake_fd_, &count, sizeof count) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

void ChildProcess::Wake() const {
  const std::uint64_t one = 1;
  while (write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void ChildProcess::Terminate() const {
  if (!reaped_) kill(pid_, SIGTERM);
}

void ChildProcess::KillSession() const {
  if (!reaped_) kill(pid_, SIGKILL);
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    int pid = 0;
    const auto [last, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc{} || last != name.data() + name.size()) continue;
    if (pid != pid_ && SessionOf(name) == pid_) kill(pid, SIGKILL);
  }
}

Result<std::string> AskCommand(const std::vector<std::string>& argv,
                               std::chrono::milliseconds limit) {
  std::string log = (fs::temp_directory_path() / "penstock-ask-XXXXXX").string();
  const Fd file{mkstemp(log.data())};
  if (file.fd < 0) return FromErrno("temporary file " + log, errno);
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  Result<ChildProcess> child = ChildProcess::Start({argv, environment, "/", log});
  std::optional<ChildExit> exit;
  if (child) exit = child->Wait(limit);
  Result<std::string> output = ReadFile(log, 64 << 10);
  std::error_code ignored;
  fs::remove(log, ignored);
  if (!child) return child.error();
  if (!exit) return Transient(argv[0] + " did not answer within its time");
  if (exit->ExitCode() != 0) {
    std::string said = output ? *output : "";
    while (!said.empty() && said.back() == '\n') said.pop_back();
    const std::size_t line = said.rfind('\n');
    return Internal(argv[0] + " ended with " + std::to_string(exit->ExitCode()) + ": " +
                    (line == std::string::npos ? said : said.substr(line + 1)));
  }
  return output;
}

}  // namespace penstock
