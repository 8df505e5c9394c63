// The files of a source into the dataset, as one table.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/ingest/csv/reader.h"
#include "components/ingest/files.h"
#include "components/ingest/parts/sink.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

// A column that the files do not have: one value for all rows of a file.
struct FileColumn {
  std::shared_ptr<arrow::Field> field;         // a date, or a timestamp in UTC
  std::map<std::string, std::int64_t> values;  // by the file's name: days, microseconds
};

struct TableOptions {
  ReadingOptions reading;
  Wishes wishes;
  CsvOptions csv;
  std::optional<FileColumn> column;  // behind the others, unless they are named
};

// What a step writes to, but for the dataset.
struct Places {
  std::string quarantine;  // a folder, or empty
  std::filesystem::path scratch;
};

// All rows, the files one after the other; writes the results that are of a CSV alone. `sink` is
// not finished. Of several files errors name the file. Invalid where a file has a column of the
// name of options.column.
[[nodiscard]] Result<void> ReadFilesInto(const std::vector<SourceFile>& files, TableOptions options,
                                         const Places& places, const sdk::Step& step, Sink& sink);

}  // namespace penstock::ingest
