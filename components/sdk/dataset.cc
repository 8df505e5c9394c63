#include "components/sdk/dataset.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "components/sdk/arrow_result.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::int64_t kRowGroupRows = 131'072;
constexpr std::int64_t kPartRows = 4'194'304;

std::shared_ptr<arrow::DataType> CanonicalType(const std::shared_ptr<arrow::DataType>& type) {
  const auto column = ColumnTypeOf(*type);
  if (!column) return type;
  switch (*column) {
    case ColumnType::kString:
      return arrow::utf8();
    case ColumnType::kInt64:
      return arrow::int64();
    case ColumnType::kFloat64:
      return arrow::float64();
    case ColumnType::kBool:
      return arrow::boolean();
    case ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
  }
  return type;
}

std::string TypeName(const arrow::DataType& type) {
  const auto column = ColumnTypeOf(type);
  return column ? Name(*column) : type.ToString();
}

Result<std::shared_ptr<arrow::Array>> CastColumn(const std::shared_ptr<arrow::Array>& array,
                                                 const std::shared_ptr<arrow::DataType>& type,
                                                 const std::string& name) {
  if (array->type()->Equals(*type)) return array;
  auto options = arrow::compute::CastOptions::Safe(type);
  options.allow_time_truncate = true;  // nanoseconds become microseconds
  const bool zoned = array->type()->id() == arrow::Type::TIMESTAMP;
  std::shared_ptr<arrow::Array> source = array;
  if (zoned) {
    // The zone is only a label: the value is UTC already.
    const auto unit = static_cast<const arrow::TimestampType&>(*array->type()).unit();
    auto view = FromArrow(array->View(arrow::timestamp(unit)), "column '" + name + "'");
    if (!view) return view.error();
    source = *view;
    if (source->type()->Equals(*type)) return source;
  }
  return FromArrow(arrow::compute::Cast(*source, type, options), "column '" + name + "'");
}

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenPart(const std::string& path) {
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(path), path));
  parquet::arrow::FileReaderBuilder builder;
  PENSTOCK_TRY(FromArrow(builder.Open(file), path));
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(kBatchRows);
  properties.set_use_threads(true);
  properties.set_pre_buffer(false);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  PENSTOCK_TRY(FromArrow(builder.properties(properties)->Build(&reader), path));
  return reader;
}

std::string PartName(std::size_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "part-%05zu.parquet", index);
  return name;
}

Result<void> WriteDescription(const std::string& folder, const arrow::Schema& schema,
                              std::int64_t rows) {
  Json columns = Json::array();
  for (const auto& field : schema.fields()) {
    columns.push_back({{"name", field->name()}, {"type", TypeName(*field->type())}});
  }
  const Json description = {{"columns", columns},
                            {"rows", rows},
                            {"fingerprint", "sha256:" + Sha256Hex(CanonicalJson(columns))}};
  return WriteFileAtomically(std::filesystem::path(folder) / kSchemaFile,
                             description.dump(1) + "\n");
}

Result<int> ColumnIndex(const arrow::Schema& schema, const std::string& name) {
  const auto indices = schema.GetAllFieldIndices(name);
  if (indices.size() == 1) return indices.front();
  if (indices.size() > 1) return Invalid("column '" + name + "' stands twice");
  std::string known;
  for (const auto& field : schema.fields()) known += (known.empty() ? "" : ", ") + field->name();
  return Invalid("there is no column '" + name + "'; the dataset has " + known);
}

}  // namespace

std::optional<ColumnType> ColumnTypeOf(const arrow::DataType& type) {
  using arrow::Type;
  if (arrow::is_integer(type.id())) return ColumnType::kInt64;
  if (arrow::is_floating(type.id()) || arrow::is_decimal(type.id())) return ColumnType::kFloat64;
  switch (type.id()) {
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
      return ColumnType::kString;
    case Type::DICTIONARY:
      return ColumnTypeOf(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case Type::BOOL:
      return ColumnType::kBool;
    case Type::TIMESTAMP:
    case Type::DATE32:
    case Type::DATE64:
      return ColumnType::kTimestamp;
    default:
      return std::nullopt;
  }
}

std::shared_ptr<arrow::Schema> CanonicalSchema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(arrow::field(field->name(), CanonicalType(field->type())));
  }
  return arrow::schema(std::move(fields));
}

Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto schema = CanonicalSchema(*batch->schema());
  arrow::ArrayVector columns;
  for (int i = 0; i < batch->num_columns(); ++i) {
    PENSTOCK_ASSIGN(auto column, CastColumn(batch->column(i), schema->field(i)->type(),
                                            schema->field(i)->name()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, batch->num_rows(), std::move(columns));
}

Result<std::vector<std::string>> DatasetParts(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> parts;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() == ".parquet") parts.push_back(entry.path().string());
  }
  if (error) return FromErrno(path, error.value());
  if (parts.empty()) return NotFound(path + ": no part-*.parquet, so this is no dataset");
  std::sort(parts.begin(), parts.end());
  return parts;
}

struct DatasetReader::Impl {
  std::vector<std::string> parts;
  std::vector<std::string> names;  // columns to read, in order
  std::size_t next_part = 0;
  std::int64_t rows = 0;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileReader> file;  // outlives `batches`
  std::unique_ptr<arrow::RecordBatchReader> batches;

  Result<void> CountRows() {
    for (const auto& part : parts) {
      PENSTOCK_ASSIGN(auto reader, OpenPart(part));
      rows += reader->parquet_reader()->metadata()->num_rows();
    }
    return {};
  }

  // Opens the next part with only the columns asked for.
  Result<void> OpenNext() {
    const std::string& part = parts[next_part++];
    batches.reset();
    PENSTOCK_ASSIGN(file, OpenPart(part));
    std::shared_ptr<arrow::Schema> all;
    PENSTOCK_TRY(FromArrow(file->GetSchema(&all), part));
    if (names.empty()) names = all->field_names();
    std::vector<int> leaves;
    for (const auto& name : names) {
      auto index = ColumnIndex(*all, name);
      if (!index) return Wrap(part, index.error());
      const auto& field = file->manifest().schema_fields[std::size_t(*index)];
      CollectLeaves(field, leaves);
    }
    std::sort(leaves.begin(), leaves.end());
    std::vector<int> groups(std::size_t(file->num_row_groups()));
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = int(i);
    PENSTOCK_ASSIGN(batches, FromArrow(file->GetRecordBatchReader(groups, leaves), part));
    return {};
  }

  static void CollectLeaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
    if (field.is_leaf()) leaves.push_back(field.column_index);
    for (const auto& child : field.children) CollectLeaves(child, leaves);
  }

  // The order asked for, canonical.
  Result<std::shared_ptr<arrow::RecordBatch>> Arrange(
      const std::shared_ptr<arrow::RecordBatch>& batch) const {
    std::vector<int> order;
    for (const auto& name : names) order.push_back(batch->schema()->GetFieldIndex(name));
    auto selected = FromArrow(batch->SelectColumns(order), "select columns");
    if (!selected) return selected;
    return Canonical(*selected);
  }
};

DatasetReader::DatasetReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatasetReader::~DatasetReader() = default;
std::int64_t DatasetReader::rows() const { return impl_->rows; }
const std::shared_ptr<arrow::Schema>& DatasetReader::schema() const { return impl_->schema; }

Result<std::unique_ptr<DatasetReader>> DatasetReader::Open(
    const std::string& path, const std::vector<std::string>& columns) {
  PENSTOCK_TRY(FromArrow(arrow::compute::Initialize(), "arrow"));
  auto impl = std::make_unique<Impl>();
  PENSTOCK_ASSIGN(impl->parts, DatasetParts(path));
  impl->names = columns;
  PENSTOCK_TRY(impl->CountRows());
  PENSTOCK_TRY(impl->OpenNext());
  arrow::FieldVector fields;
  const auto schema = CanonicalSchema(*impl->batches->schema());
  for (const auto& name : impl->names) fields.push_back(schema->GetFieldByName(name));
  impl->schema = arrow::schema(std::move(fields));
  return std::unique_ptr<DatasetReader>(new DatasetReader(std::move(impl)));
}

Result<std::shared_ptr<arrow::RecordBatch>> DatasetReader::Next() {
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    PENSTOCK_TRY(FromArrow(impl_->batches->ReadNext(&batch), impl_->parts[impl_->next_part - 1]));
    if (batch != nullptr) {
      if (batch->num_rows() == 0) continue;
      PENSTOCK_ASSIGN(batch, impl_->Arrange(batch));
      if (!batch->schema()->Equals(*impl_->schema, false)) {
        return Invalid(impl_->parts[impl_->next_part - 1] +
                       ": its columns have other types than the first part's");
      }
      return batch;
    }
    if (impl_->next_part == impl_->parts.size()) return std::shared_ptr<arrow::RecordBatch>();
    PENSTOCK_TRY(impl_->OpenNext());
  }
}

Result<void> ForEachBatch(const std::string& path, const std::vector<std::string>& columns,
                          const std::function<Result<void>(const arrow::RecordBatch&)>& visit) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(path, columns));
  for (;;) {
    PENSTOCK_ASSIGN(auto batch, reader->Next());
    if (batch == nullptr) return {};
    PENSTOCK_TRY(visit(*batch));
  }
}

struct DatasetWriter::Impl {
  std::string folder;
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::io::FileOutputStream> file;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::size_t parts = 0;
  std::int64_t rows = 0;
  std::int64_t part_rows = 0;

  Result<void> OpenPart() {
    const std::string path = folder + "/" + PartName(parts++);
    PENSTOCK_ASSIGN(file, FromArrow(arrow::io::FileOutputStream::Open(path), path));
    auto properties = parquet::WriterProperties::Builder()
                          .compression(arrow::Compression::ZSTD)
                          ->max_row_group_length(kRowGroupRows)
                          ->build();
    auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    PENSTOCK_ASSIGN(
        writer, FromArrow(parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(),
                                                           file, properties, arrow_properties),
                          path));
    part_rows = 0;
    return {};
  }

  Result<void> ClosePart() {
    PENSTOCK_TRY(FromArrow(writer->Close(), folder));
    PENSTOCK_TRY(FromArrow(file->Close(), folder));
    writer.reset();
    return {};
  }
};

DatasetWriter::DatasetWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatasetWriter::~DatasetWriter() = default;
std::int64_t DatasetWriter::rows() const { return impl_->rows; }

Result<std::unique_ptr<DatasetWriter>> DatasetWriter::Create(
    const std::string& folder, const std::shared_ptr<arrow::Schema>& schema) {
  PENSTOCK_TRY(FromArrow(arrow::compute::Initialize(), "arrow"));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return FromErrno(folder, error.value());
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  impl->schema = CanonicalSchema(*schema);
  PENSTOCK_TRY(impl->OpenPart());
  return std::unique_ptr<DatasetWriter>(new DatasetWriter(std::move(impl)));
}

Result<void> DatasetWriter::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  if (batch->num_rows() == 0) return {};
  PENSTOCK_ASSIGN(auto canonical, Canonical(batch));
  if (impl_->part_rows >= kPartRows) {
    PENSTOCK_TRY(impl_->ClosePart());
    PENSTOCK_TRY(impl_->OpenPart());
  }
  // Buffered, so that row groups do not depend on how the rows came in batches.
  PENSTOCK_TRY(FromArrow(impl_->writer->WriteRecordBatch(*canonical), impl_->folder));
  impl_->rows += canonical->num_rows();
  impl_->part_rows += canonical->num_rows();
  return {};
}

Result<void> DatasetWriter::Finish() {
  PENSTOCK_TRY(impl_->ClosePart());
  return WriteDescription(impl_->folder, *impl_->schema, impl_->rows);
}

Result<std::int64_t> DescribeDataset(const std::string& folder) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(folder));
  PENSTOCK_TRY(WriteDescription(folder, *reader->schema(), reader->rows()));
  return reader->rows();
}

}  // namespace penstock::sdk
