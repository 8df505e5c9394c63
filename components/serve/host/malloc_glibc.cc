// Built instead of malloc.cc with PENSTOCK_JEMALLOC=OFF.
#include <malloc.h>

#include <algorithm>

#include "components/serve/host/malloc.h"

namespace penstock::serve {

// A block that was mapped by itself is unmapped when it is freed.
void GiveBackAtOnce(std::size_t above) {
  constexpr std::size_t kMost = 32U << 20;  // that glibc takes
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(std::min(above, kMost)));
}

}  // namespace penstock::serve
