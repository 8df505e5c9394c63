#include "components/serve/host/thread_class.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace penstock::serve {
namespace {

constexpr std::uint64_t kShortest = 100'000;     // ns, the least that Linux takes
constexpr std::uint64_t kLongest = 100'000'000;  // ns, the most
constexpr std::int32_t kLast = 19;

// sched_setattr(2) has no wrapper in glibc 2.36.
struct SchedulingAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};

// What whoever started the process has set stays: only more is added to its niceness, and another
// policy than the usual one is left alone. What is refused changes nothing.
void Ask(std::int32_t nicer, std::uint64_t slice) {
  SchedulingAttributes now = {};
  if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0U) != 0 || now.policy != SCHED_OTHER) return;
  const SchedulingAttributes asked = {
      sizeof asked, SCHED_OTHER, now.flags, std::min(now.nice + nicer, kLast), 0, slice, 0, 0};
  (void)syscall(SYS_sched_setattr, 0, &asked, 0U);
}

}  // namespace

void AskForShortSlices() { Ask(0, kShortest); }

void GiveWayToOthers() { Ask(10, kLongest); }

}  // namespace penstock::serve
