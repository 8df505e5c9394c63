// How many file descriptors this process may have open.
#pragma once

#include <cstdint>

#include "operator/base/result.h"

namespace penstock {

// Raises the limit to what the process may give itself (the soft limit, which most runtimes leave
// at 1024 for the sake of select(2), to the hard one), and gives it. For programs that serve many
// connections, before the first thread; children inherit it.
[[nodiscard]] Result<std::uint64_t> RaiseDescriptorLimit();

}  // namespace penstock
