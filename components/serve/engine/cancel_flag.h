// Whether the client of a request has gone: set by the connection, looked at before the request
// costs anything more. Shared; null stands for a client that cannot go away.
#pragma once

#include <atomic>
#include <memory>

namespace penstock::serve {

using CancelFlag = std::shared_ptr<const std::atomic<bool>>;

inline bool IsCancelled(const CancelFlag& flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

}  // namespace penstock::serve
