// A CSV as record batches: what is in the file is what is in them, or an error says where it is
// not.
//
// The dialect is seen from the first records (dialect.h), what a record is says rows.h, what a
// column is types.h. Types are guessed from the first records and proved by every value; where
// the guess was wrong, reading starts over with what all values say. All processors split and
// convert blocks of the stream; batches come in the file's order, and depend on no number of
// threads.
//
// Several files of one source are one table: a column's type follows from its values in all of
// them, as if they were the rows of one file (heads.h has what must be alike).
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/ingest/csv/dialect.h"
#include "components/model_format/column.h"
#include "operator/base/result.h"

namespace penstock::ingest {

struct CsvOptions {
  DialectHints dialect;
  std::vector<std::string> null_values;
  std::vector<std::string> columns;              // only these, in this order; empty: all
  std::map<std::string, sdk::ColumnType> types;  // of some columns; never another
  // Of texts in `types` that must be written so that these can be made of them (date, decimal).
  std::map<std::string, std::shared_ptr<arrow::DataType>> made;
  std::string reserved = {};  // no column may have this name; empty: any may
  bool quarantine = false;    // bad rows go to on_bad_row, else they are errors
  int threads = 0;            // 0: as many as there are processors
};

struct CsvReport {
  Dialect dialect;
  std::int64_t bad_rows = 0;
  std::vector<std::string> notes;  // of lines that a quoted value may have taken in, of columns
                                   // that some files lack
  std::vector<std::string> empty_columns;  // without any value: text, all null
};

// Gives the file's bytes from their beginning, unpacked and decoded from an encoding (as iconv
// names it) to UTF-8; "utf-8" leaves them alone. Called more than once.
using OpenStream =
    std::function<Result<std::shared_ptr<arrow::io::InputStream>>(const std::string& encoding)>;
// Called with the schema before the first batch, again when reading starts over: drop what came,
// bad rows too.
using OnSchema = std::function<Result<void>(const std::shared_ptr<arrow::Schema>&)>;
using OnBatch = std::function<Result<void>(const std::shared_ptr<arrow::RecordBatch>&)>;
// A record that is none: the line where it begins, why, its bytes.
using OnBadRow =
    std::function<Result<void>(std::int64_t line, const std::string& reason, std::string_view raw)>;

struct CsvFile {
  std::string name;  // for errors, of several
  OpenStream open;
};
// Called with a file's place among them before what comes of it.
using OnFile = std::function<void(std::size_t file)>;

// At least one file. Each batch has all columns; of those that its file lacks nulls. Errors name
// the file, the line and the column. A file at a time is open, and blocks of it in memory.
[[nodiscard]] Result<CsvReport> ReadCsvFiles(const std::vector<CsvFile>& files,
                                             const CsvOptions& options, const OnSchema& on_schema,
                                             const OnFile& on_file, const OnBatch& on_batch,
                                             const OnBadRow& on_bad_row = {});

// The same of one. Errors name the line and the column. The functions are called by the calling
// thread.
[[nodiscard]] Result<CsvReport> ReadCsv(const OpenStream& open, const CsvOptions& options,
                                        const OnSchema& on_schema, const OnBatch& on_batch,
                                        const OnBadRow& on_bad_row = {});

}  // namespace penstock::ingest
