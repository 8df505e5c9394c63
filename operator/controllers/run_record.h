// What the metadata store is told of runs. It is a projection: all of it can be told again.
#pragma once

#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/views/run/run_record.h"

namespace penstock::controllers {

using views::MakeRecord;

// Tells the recorder of every run of the snapshots, with what it is pinned to in these namespaces
// (none = all). Blocks on the API server; what cannot be read there is missing from the records.
void RecordRuns(const Context& context, std::vector<std::string> namespaces);

}  // namespace penstock::controllers
