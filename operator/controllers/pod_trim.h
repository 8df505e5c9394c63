// What an informer keeps of objects of which the controllers read little. Pure.
#pragma once

#include "operator/base/json_fwd.h"

namespace penstock::controllers {

// A pod without its spec and its task: nothing of them is read after its creation.
void TrimPod(Json& pod);

// Name, labels and owners only: the object is a reason to look, and is read then.
void TrimToMetadata(Json& object);

// What an informer keeps of an object whose decoded state the engine holds: who it is and whose; of
// a run also its Pipeline, which is woken when the run is gone.
[[nodiscard]] Json KeepIdentity(const Json& object);
[[nodiscard]] Json KeepRunIdentity(const Json& run);

}  // namespace penstock::controllers
