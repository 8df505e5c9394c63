// The dataset artifact: a folder of Parquet parts with a description.
//
//   part-00000.parquet ...   zstd, rows in order; the parts follow each other by name
//   _schema.json             {"columns": [{"name", "type"}], "rows": n, "fingerprint":
//   "sha256:..."}
//
// Everything is read and written by record batch, so memory does not grow with the rows. Timestamps
// are microseconds in UTC without a zone. Each object is used by one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/model_format/column.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr const char* kSchemaFile = "_schema.json";
inline constexpr std::int64_t kBatchRows = 65'536;

// The five canonical types of column.h; nullopt for what no transform reads (lists, structs, ...).
[[nodiscard]] std::optional<ColumnType> ColumnTypeOf(const arrow::DataType& type);

// string -> utf8, every integer -> int64, every float and decimal -> double, bool, every date and
// timestamp -> timestamp[us]. A type that is none of them is kept.
[[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& batch);
[[nodiscard]] std::shared_ptr<arrow::Schema> CanonicalSchema(const arrow::Schema& schema);

class DatasetReader {
 public:
  // `path`: a dataset's folder, or one Parquet file. Only `columns` are read, in that order; empty
  // means all. Invalid for an unknown column (and says which exist), NotFound without parts.
  [[nodiscard]] static Result<std::unique_ptr<DatasetReader>> Open(
      const std::string& path, const std::vector<std::string>& columns = {});
  ~DatasetReader();

  [[nodiscard]] std::int64_t rows() const;
  // Of the batches that Next gives: canonical.
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const;
  // Null at the end.
  [[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> Next();

 private:
  struct Impl;
  explicit DatasetReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Calls `visit` for each batch; stops at the first error.
[[nodiscard]] Result<void> ForEachBatch(
    const std::string& path, const std::vector<std::string>& columns,
    const std::function<Result<void>(const arrow::RecordBatch&)>& visit);

class DatasetWriter {
 public:
  // Creates the folder. Batches must have this schema; it is made canonical.
  [[nodiscard]] static Result<std::unique_ptr<DatasetWriter>> Create(
      const std::string& folder, const std::shared_ptr<arrow::Schema>& schema);
  ~DatasetWriter();

  [[nodiscard]] Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& batch);
  // Writes _schema.json. Without it the folder is no dataset.
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] std::int64_t rows() const;

 private:
  struct Impl;
  explicit DatasetWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Writes _schema.json for parts that another program wrote; gives the number of rows.
[[nodiscard]] Result<std::int64_t> DescribeDataset(const std::string& folder);

// The folder's parts in order, or the file itself.
[[nodiscard]] Result<std::vector<std::string>> DatasetParts(const std::string& path);

}  // namespace penstock::sdk
