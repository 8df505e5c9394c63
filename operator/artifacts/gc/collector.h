// Whose a namespace's artifacts are. A collection removes what its own cluster, or state folder,
// knows nothing of: where another one keeps its artifacts at the same place, it must not.
//
//   <namespace>/collectors/<id>    one object for each that has collected there: who, since when
//
// Each writes its own mark only and looks for others' before and after, so that no store needs a
// conditional write: of two that come at once both see the other's, and neither removes anything.
// One that comes second leaves no mark. Functions of their arguments; they block on the store.
#pragma once

#include <string>

#include "operator/artifacts/store.h"

namespace penstock::artifacts {

struct Collector {
  std::string id;    // of [a-z0-9-], at most 63: what no two clusters or state folders share
  std::string name;  // for people: "the cluster of namespace kube-system 1234..."
};

// Invalid, with whose it is and what to do, where another one's mark stands. `take_over` removes
// those first. With `dry_run` nothing is written.
[[nodiscard]] Result<void> CheckCollector(const Store& store, const std::string& ns,
                                          const Collector& own, bool take_over, bool dry_run,
                                          TimePoint now);

}  // namespace penstock::artifacts
