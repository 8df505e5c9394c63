// What the server asks of its allocator while it runs; malloc.cc has the rest.
#pragma once

#include <cstddef>

namespace penstock::serve {

// From now on memory of more than `above` bytes goes back to the system when it is freed, by the
// thread that frees it, not within the next seconds: where memory is limited, what large requests
// leave behind would be missing. Before other threads begin.
void GiveBackAtOnce(std::size_t above);

}  // namespace penstock::serve
