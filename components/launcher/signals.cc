#include "components/launcher/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace penstock::launcher {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::milliseconds(600);

// Owned by the waiting and the working thread, whichever ends last.
struct Work {
  int done_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::mutex mutex;
  std::optional<Result<void>> result;
  ~Work() { ::close(done_fd); }
  bool Done() {
    const std::lock_guard lock(mutex);
    return result.has_value();
  }
};

Result<void> CallGuarded(const std::function<Result<void>()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Internal(std::string("the launcher failed: ") + e.what());
  }
}

}  // namespace

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  ::signal(SIGPIPE, SIG_IGN);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::runtime_error("signalfd failed");
}

Signals::~Signals() {
  ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::Wait(Clock::time_point deadline, int other_fd) {
  for (;;) {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof(info)) == sizeof(info)) return static_cast<int>(info.ssi_signo);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd fds[] = {{fd_, POLLIN, 0}, {other_fd, POLLIN, 0}};
    const int ready =
        ::poll(fds, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000)));
    if (ready == 0 && Clock::now() >= deadline) return 0;
    if (ready > 0 && fds[0].revents == 0 && fds[1].revents != 0) return 0;
  }
}

Result<void> RunInterruptibly(Signals& signals, std::stop_source& stop,
                              std::function<Result<void>()> work) {
  auto shared = std::make_shared<Work>();
  std::thread([shared, work = std::move(work)] {
    auto result = CallGuarded(work);
    const std::lock_guard lock(shared->mutex);
    shared->result = std::move(result);
    const std::uint64_t one = 1;
    (void)!::write(shared->done_fd, &one, sizeof(one));
  }).detach();
  auto deadline = Clock::time_point::max() - std::chrono::hours(1);
  bool cancelled = false;
  while (!shared->Done()) {
    const int signal = signals.Wait(deadline, shared->done_fd);
    if (signal == SIGCHLD) {
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
    } else if (signal != 0 && !cancelled) {
      cancelled = true;
      stop.request_stop();
      deadline = Clock::now() + kPatience;
    } else if (signal == 0 && cancelled && !shared->Done()) {
      return Cancelled("stopped by a signal");
    }
  }
  if (cancelled) return Cancelled("stopped by a signal");
  const std::lock_guard lock(shared->mutex);
  return *shared->result;
}

}  // namespace penstock::launcher
