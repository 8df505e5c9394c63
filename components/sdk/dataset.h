// The dataset artifact: a folder of Parquet parts with a description.
//
//   part-00000.parquet ...   zstd, rows in order; the parts follow each other by name
//   _schema.json             {"columns": [{"name", "type"}], "rows": n, "fingerprint":
//   "sha256:..."}
//   _schema.yaml             the types again, and what the columns are for (schema.h)
//
// Everything is read and written by record batch, so memory does not grow with the rows. Timestamps
// are microseconds in UTC without a zone. Parts keep stored types, readers give canonical ones
// (arrow_types.h). Each object is used by one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/sdk/arrow_types.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::sdk {

inline constexpr const char* kSchemaFile = "_schema.json";
inline constexpr std::int64_t kBatchRows = 65'536;

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
  // What Next gave last, and its schema, in the types of the parts: to be written again.
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& source() const;
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& source_schema() const;

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
  // Creates the folder. Batches must have these columns; what they hold is kept in stored types.
  [[nodiscard]] static Result<std::unique_ptr<DatasetWriter>> Create(
      const std::string& folder, const std::shared_ptr<arrow::Schema>& schema);
  ~DatasetWriter();

  [[nodiscard]] Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& batch);
  // What _schema.yaml will say beyond types, of columns that `from` has too. Without it: features,
  // nullable where a null was written.
  void Describe(Schema from, Carry what);
  // Writes _schema.json and _schema.yaml. Without the former the folder is no dataset.
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] std::int64_t rows() const;
  [[nodiscard]] const std::vector<std::int64_t>& null_counts() const;  // by column

 private:
  struct Impl;
  explicit DatasetWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Writes _schema.json and _schema.yaml for parts that another program wrote, with the roles that
// columns of the same name and type have in `sources`; gives the number of rows.
[[nodiscard]] Result<std::int64_t> DescribeDataset(const std::string& folder,
                                                   const std::vector<Schema>& sources = {});

// _schema.yaml where it tells of the columns that the parts have; else their types.
[[nodiscard]] Result<Schema> DatasetSchema(const std::string& path);

// The label that a step names, else the one column with that role; empty without any. Invalid when
// several columns have the role.
[[nodiscard]] Result<std::string> LabelColumn(const std::string& named, const std::string& dataset);

// The folder's parts in order, or the file itself.
[[nodiscard]] Result<std::vector<std::string>> DatasetParts(const std::string& path);

}  // namespace penstock::sdk
