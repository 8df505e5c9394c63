#include "operator/os/signal_process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "operator/os/fd.h"

namespace penstock {

bool SignalProcess(int pid, int signal, const std::function<bool()>& is_it) {
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (process.get() < 0 && errno == ESRCH) return false;
  if (!is_it()) return false;
  // Before Linux 5.3, in a container that forbids the call, or where no descriptor is left.
  if (process.get() < 0) return kill(pid, signal) == 0;
  return syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

}  // namespace penstock
