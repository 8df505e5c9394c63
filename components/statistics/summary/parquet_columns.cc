#include "components/statistics/summary/parquet_columns.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/properties.h>

#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

using sdk::FromArrow;

constexpr std::int64_t kBufferBytes = 256 * 1024;

using FileReader = std::unique_ptr<parquet::arrow::FileReader>;

Result<FileReader> OpenFile(const std::string& path,
                            const parquet::ArrowReaderProperties& properties) {
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(path), path));
  parquet::ReaderProperties reading;
  reading.enable_buffered_stream();
  reading.set_buffer_size(kBufferBytes);
  parquet::arrow::FileReaderBuilder builder;
  PENSTOCK_TRY(FromArrow(builder.Open(file, reading), path));
  FileReader reader;
  PENSTOCK_TRY(FromArrow(builder.properties(properties)->Build(&reader), path));
  return reader;
}

parquet::ArrowReaderProperties Properties() {
  parquet::ArrowReaderProperties properties;
  properties.set_use_threads(false);
  properties.set_pre_buffer(false);
  // Nanoseconds, which is the default, end in 2262 and begin anew at 1677.
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  return properties;
}

// Dictionaries are kept for texts of 32 bit offsets only.
parquet::ArrowReaderProperties WithDictionaries(const parquet::arrow::SchemaManifest& manifest) {
  parquet::ArrowReaderProperties properties = Properties();
  for (const auto& field : manifest.schema_fields) {
    const bool text = field.field->type()->id() == arrow::Type::STRING ||
                      field.field->type()->id() == arrow::Type::BINARY;
    if (field.is_leaf() && text) properties.set_read_dictionary(field.column_index, true);
  }
  return properties;
}

Result<int> IndexOf(const arrow::Schema& schema, const std::string& name) {
  const auto indices = schema.GetAllFieldIndices(name);
  if (indices.size() == 1) return indices.front();
  if (indices.size() > 1) return Invalid("column '" + name + "' stands twice");
  std::string known;
  for (const auto& field : schema.fields()) known += (known.empty() ? "" : ", ") + field->name();
  return Invalid("there is no column '" + name + "'; the dataset has " + known);
}

}  // namespace

struct ParquetColumns::Impl {
  std::vector<std::string> files;
  std::vector<std::int64_t> rows;
  std::vector<std::string> names;
  std::shared_ptr<arrow::Schema> schema;
  FileReader file;  // outlives `columns`
  std::vector<std::unique_ptr<parquet::arrow::ColumnReader>> columns;

  Result<void> LookAt(const std::string& path, arrow::FieldVector& fields) {
    PENSTOCK_ASSIGN(const auto reader, OpenFile(path, Properties()));
    rows.push_back(reader->parquet_reader()->metadata()->num_rows());
    std::shared_ptr<arrow::Schema> found;
    PENSTOCK_TRY(FromArrow(reader->GetSchema(&found), path));
    if (names.empty()) names = found->field_names();
    fields.resize(names.size());
    for (std::size_t c = 0; c < names.size(); ++c) {
      auto index = IndexOf(*found, names[c]);
      if (!index) return Wrap(path, index.error());
      PENSTOCK_TRY(Agree(path, found->field(*index), fields[c]));
    }
    return {};
  }

  static Result<void> Agree(const std::string& path, const std::shared_ptr<arrow::Field>& field,
                            std::shared_ptr<arrow::Field>& known) {
    const bool nothing = field->type()->id() == arrow::Type::NA;
    if (known == nullptr || (known->type()->id() == arrow::Type::NA && !nothing)) known = field;
    if (nothing) return {};
    const auto a = sdk::StoredType(known->type());
    const auto b = sdk::StoredType(field->type());
    const bool same = a == nullptr || b == nullptr ? a == b : a->Equals(*b);
    if (same) return {};
    return Invalid(path + ": column '" + field->name() + "' is " + field->type()->ToString() +
                   ", in a part before it " + known->type()->ToString());
  }
};

ParquetColumns::ParquetColumns(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetColumns::~ParquetColumns() = default;
ParquetColumns::ParquetColumns(ParquetColumns&&) noexcept = default;
const std::shared_ptr<arrow::Schema>& ParquetColumns::schema() const { return impl_->schema; }
std::size_t ParquetColumns::parts() const { return impl_->files.size(); }
std::int64_t ParquetColumns::RowsOf(std::size_t part) const { return impl_->rows[part]; }

Result<ParquetColumns> ParquetColumns::Open(const std::string& path,
                                            const std::vector<std::string>& columns) {
  PENSTOCK_TRY(FromArrow(arrow::compute::Initialize(), "arrow"));
  auto impl = std::make_unique<Impl>();
  PENSTOCK_ASSIGN(impl->files, sdk::DatasetParts(path));
  impl->names = columns;
  arrow::FieldVector fields;
  for (const auto& file : impl->files) PENSTOCK_TRY(impl->LookAt(file, fields));
  impl->schema = arrow::schema(std::move(fields));
  return ParquetColumns(std::move(impl));
}

Result<void> ParquetColumns::OpenPart(std::size_t part) {
  const std::string& path = impl_->files[part];
  impl_->columns.clear();
  PENSTOCK_ASSIGN(impl_->file, OpenFile(path, Properties()));
  PENSTOCK_ASSIGN(impl_->file, OpenFile(path, WithDictionaries(impl_->file->manifest())));
  std::shared_ptr<arrow::Schema> found;
  PENSTOCK_TRY(FromArrow(impl_->file->GetSchema(&found), path));
  for (const auto& name : impl_->names) {
    PENSTOCK_ASSIGN(const int index, IndexOf(*found, name));
    std::unique_ptr<parquet::arrow::ColumnReader> column;
    PENSTOCK_TRY(FromArrow(impl_->file->GetColumn(index, &column), path));
    impl_->columns.push_back(std::move(column));
  }
  return {};
}

Result<std::shared_ptr<arrow::ChunkedArray>> ParquetColumns::Next(std::size_t column,
                                                                  std::int64_t rows) {
  std::shared_ptr<arrow::ChunkedArray> chunks;
  PENSTOCK_TRY(FromArrow(impl_->columns[column]->NextBatch(rows, &chunks),
                         "column '" + impl_->names[column] + "'"));
  return chunks;
}

}  // namespace penstock::statistics
