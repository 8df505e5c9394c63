#include "components/serve/thread_class.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace penstock::serve {
namespace {

constexpr std::uint64_t kShortest = 100'000;     // ns, the least that Linux takes
constexpr std::uint64_t kLongest = 100'000'000;  // ns, the most
constexpr std::int32_t kNice = 10;

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

void Ask(std::int32_t nice, std::uint64_t slice) {
  const SchedulingAttributes attributes = {
      sizeof(SchedulingAttributes), SCHED_OTHER, 0, nice, 0, slice, 0, 0};
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0U);  // refused: as before
}

}  // namespace

void AskForShortSlices() { Ask(0, kShortest); }

void GiveWayToOthers() { Ask(kNice, kLongest); }

}  // namespace penstock::serve
