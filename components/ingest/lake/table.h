// A state of a table: its columns, and the Parquet files whose rows are its rows. Value types.
//
//   delta.h, iceberg.h --> TableState --> rows.h --> record batches
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/ingest/lake/place.h"
#include "operator/base/result.h"

namespace penstock::ingest {

// How files name a column: by an id that they keep through renaming, else by a name.
struct TableColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;  // as the table says it; nested ones too
  std::int32_t id = 0;                    // above 0: of its field
  std::vector<std::string> file_names;    // without an id; or of files whose fields have none
  bool uuid = false;                      // 16 bytes in files, and text here
};

struct TableFile {
  std::string path;         // within the table's folder
  std::int64_t bytes = -1;  // as the table says; -1: it does not
  // Of columns, by name, whose one value is not in the file, or wins over what is there.
  std::map<std::string, std::shared_ptr<arrow::Scalar>> constants = {};
  // The same for columns that the file turns out not to have.
  std::map<std::string, std::shared_ptr<arrow::Scalar>> fallbacks = {};
  std::vector<std::int64_t> deleted = {};  // rows that are none any more, from 0, ascending
  std::int64_t rows = -1;                  // those of the file, deleted ones too, as the table says
};

struct TableState {
  std::vector<TableColumn> columns;
  std::vector<TableFile> files;  // by path
  std::string told;              // "Delta table, version 12 (?version=12&table=ID)"
  std::string format;            // "Delta", "Iceberg"
  std::string fingerprint;       // protocol/table_uri.h; empty: there is nothing in it
  std::string not_cached = {};   // why the fingerprint does not say all; empty: it does
};

}  // namespace penstock::ingest
