#include "components/serve/host/malloc.h"

#include <jemalloc/jemalloc.h>

#include <string>

// Settings of jemalloc, which reads them by this name before main() is called.
//
// Memory that nobody holds goes back to the system within five seconds, by a thread of jemalloc's
// own: a server that rests after a burst does not keep its pages, and one in a burst does not fetch
// them again and again. Arenas by threads that run at once, not by the CPUs of the node.
const char* malloc_conf =
    "background_thread:true,max_background_threads:1,"
    "dirty_decay_ms:5000,muzzy_decay_ms:0,narenas:4,oversize_threshold:0";

namespace {

// What is larger than the threshold is given back at once by the thread that frees it, half a
// millisecond for 8 MiB in which the other requests of that thread wait. The setting above comes
// too late for the first arena (jemalloc 5.3.0), which keeps the default of 8 MiB until it is told.
[[maybe_unused]] const int kTold = [] {
  std::size_t never = std::size_t{1} << 46;
  return mallctl("arena.0.oversize_threshold", nullptr, nullptr, &never, sizeof never);
}();

}  // namespace

namespace penstock::serve {

void GiveBackAtOnce(std::size_t above) {
  unsigned home = 0;
  unsigned arenas = 0;
  std::size_t size = sizeof(unsigned);
  if (mallctl("thread.arena", &home, &size, nullptr, 0) != 0 ||
      mallctl("arenas.narenas", &arenas, &size, nullptr, 0) != 0)
    return;
  for (unsigned i = 0; i < arenas; ++i) {
    // An arena is made when a thread first has it.
    if (mallctl("thread.arena", nullptr, nullptr, &i, sizeof i) != 0) continue;
    const std::string name = "arena." + std::to_string(i) + ".oversize_threshold";
    mallctl(name.c_str(), nullptr, nullptr, &above, sizeof above);
  }
  mallctl("thread.arena", nullptr, nullptr, &home, sizeof home);
}

}  // namespace penstock::serve
