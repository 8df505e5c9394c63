// Messages that lie on disk (messages.h) as rows of the dataset: partition by partition, each in
// the order of its offsets, whatever order they came in.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "components/ingest/csv/reader.h"
#include "components/ingest/parts/sink.h"
#include "components/kafka/messages.h"
#include "components/kafka/metadata.h"
#include "components/kafka/quarantine.h"
#include "operator/base/result.h"

namespace penstock::kafka {

struct RowOptions {
  std::filesystem::path scratch = {};  // a folder that exists
  Form form = Form::kJsonl;
  std::vector<Metadata> metadata = {};
  ingest::Wishes wishes = {};
  std::set<std::string> texts = {};     // of JSON: columns that are text
  std::vector<std::string> names = {};  // of a CSV's values
  char delimiter = ',';
  ingest::CsvOptions csv = {};  // types and nullValues
};

// Invalid names partition and offset of what cannot be a row, and says what to do where there are
// no columns at all. `sink` is not finished.
[[nodiscard]] Result<void> WriteRows(const std::vector<Gathered>& gathered,
                                     const RowOptions& options, Quarantine& quarantine,
                                     ingest::Sink& sink);

// The parts of it: rows_of_parts.cc (JSON, text), rows_of_csv.cc.
[[nodiscard]] Result<void> WriteParts(const std::vector<Gathered>& gathered,
                                      const RowOptions& options, ingest::Sink& sink);
[[nodiscard]] Result<void> WriteCsv(const std::vector<Gathered>& gathered,
                                    const RowOptions& options, Quarantine& quarantine,
                                    ingest::Sink& sink);

}  // namespace penstock::kafka
