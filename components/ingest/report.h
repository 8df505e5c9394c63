// What ingest says of what it read: results, and a page for people.
#pragma once

#include <string>
#include <vector>

#include "components/ingest/files.h"
#include "components/ingest/parts/sink.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

// What was read, in words.
struct Told {
  std::string source;
  std::string format;
  std::string compression;
  std::size_t parts = 1;
  std::string more = {};  // a sentence; may be empty
};
[[nodiscard]] Told TellFiles(const std::string& source, const std::vector<SourceFile>& files);

// The results rows, columns, format and compression; prints the notes; writes the output `report`
// where it is wanted. `sink` finished.
[[nodiscard]] Result<void> WriteReport(const Told& told, const Sink& sink,
                                       const sdk::Schema& schema, const sdk::Step& step);

}  // namespace penstock::ingest
