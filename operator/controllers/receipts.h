// The store's receipts of runs that are gone, and their removal. Both block on the disk;
// thread-safe.
#pragma once

#include <string>
#include <vector>

#include "operator/controllers/context.h"

namespace penstock::controllers {

[[nodiscard]] Result<void> RemoveReceipts(const artifacts::Store& store, const std::string& ns,
                                          const std::string& run_uid);

struct RunReceipts {
  std::string ns, run_uid;
};
// Those whose run the snapshots, which must be whole, do not hold: it was deleted while no operator
// ran. Of these namespaces only; of all when there are none.
[[nodiscard]] std::vector<RunReceipts> StaleReceipts(const Context& context,
                                                     const std::vector<std::string>& namespaces);

}  // namespace penstock::controllers
