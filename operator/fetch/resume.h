// A body that goes on where it broke, within a bound of failures one after the other. Blocks; used
// by one thread.
#pragma once

#include <cstdint>
#include <functional>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::fetch {

inline constexpr int kTries = 6;

// Calls `once` with the offset to begin at and where bytes go, until it has brought all: again from
// behind the last byte where its error passes by itself. So many failures without `least_bytes`
// between them are the last one's error. What `sink` returns ends the call.
[[nodiscard]] Result<void> Resume(
    const SourceSettings& settings, const Sink& sink,
    const std::function<Result<void>(std::uint64_t offset, const Sink& sink)>& once);

// The same of a request whose answer is taken as a whole.
[[nodiscard]] Result<void> Again(const SourceSettings& settings,
                                 const std::function<Result<void>()>& once);

}  // namespace penstock::fetch
