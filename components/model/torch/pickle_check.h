// Python pickles: to load one is to run whatever program its author put there, so none is loaded,
// and the refusal says what to do instead. By content and by name; reads at most 1 MiB of a file.
#pragma once

#include <string>

#include "operator/base/result.h"

namespace penstock::model {

// Invalid when the file is a pickle, a joblib dump or a torch.save() archive. A file that cannot
// be read, or that is something else, passes: its own loader speaks of it.
[[nodiscard]] Result<void> RefusePickle(const std::string& path);

// model.yaml is missing: says so, and names the pickles that lie in the folder instead.
[[nodiscard]] Error NoManifest(const std::string& folder);

}  // namespace penstock::model
