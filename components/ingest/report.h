// What ingest says of what it read: results, and a page for people.
#pragma once

#include <string>
#include <vector>

#include "components/ingest/files.h"
#include "components/ingest/parts/sink.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

// The results rows, columns, format and compression; prints the notes; writes the output `report`
// where it is wanted. `files` as they were read, `sink` finished.
[[nodiscard]] Result<void> WriteReport(const std::string& source,
                                       const std::vector<SourceFile>& files, const Sink& sink,
                                       const sdk::Schema& schema, const sdk::Step& step);

}  // namespace penstock::ingest
