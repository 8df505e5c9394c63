// Tells the metadata store of every run that stands: it is a projection, so this rebuilds it.
#pragma once

#include <string>
#include <vector>

#include "operator/controllers/context.h"

namespace penstock::controllers {

// Runs of the snapshots, with what they are pinned to in these namespaces (none = all). Blocks on
// the API server; what cannot be read there is missing from the records and nothing else is.
void RecordRuns(const Context& context, std::vector<std::string> namespaces);

}  // namespace penstock::controllers
