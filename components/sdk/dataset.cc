#include "components/sdk/dataset.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <arrow/util/byte_size.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "components/sdk/arrow_result.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::int64_t kRowGroupRows = 131'072;
constexpr std::int64_t kPartRows = 4'194'304;
constexpr std::int64_t kPendingBytes = 256 << 20;  // far from what a text column's offsets reach

std::string TypeName(const arrow::DataType& type) {
  const auto column = ColumnTypeOf(type);
  return column ? Name(*column) : type.ToString();
}

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenPart(const std::string& path) {
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(path), path));
  parquet::arrow::FileReaderBuilder builder;
  PENSTOCK_TRY(FromArrow(builder.Open(file), path));
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(kBatchRows);
  properties.set_use_threads(true);
  properties.set_pre_buffer(false);
  // Nanoseconds, which is the default, end in 2262 and begin anew at 1677.
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
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
                              const Schema& described, std::int64_t rows) {
  PENSTOCK_TRY(SaveSchema((std::filesystem::path(folder) / kSchemaYaml).string(), described));
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
  // Of each column in the first part that has values of it: a part without any may not know.
  std::map<std::string, std::shared_ptr<arrow::DataType>> types;
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::Schema> source_schema;
  std::shared_ptr<arrow::RecordBatch> source;
  std::unique_ptr<parquet::arrow::FileReader> file;  // outlives `batches`
  std::unique_ptr<arrow::RecordBatchReader> batches;

  Result<void> LookAtParts() {
    for (const auto& part : parts) {
      PENSTOCK_ASSIGN(auto reader, OpenPart(part));
      rows += reader->parquet_reader()->metadata()->num_rows();
      std::shared_ptr<arrow::Schema> fields;
      PENSTOCK_TRY(FromArrow(reader->GetSchema(&fields), part));
      for (const auto& field : fields->fields()) {
        if (field->type()->id() != arrow::Type::NA) types.emplace(field->name(), field->type());
      }
    }
    return {};
  }

  [[nodiscard]] std::shared_ptr<arrow::Field> Typed(const std::shared_ptr<arrow::Field>& f) const {
    const auto known = types.find(f->name());
    const bool unknown = f->type()->id() == arrow::Type::NA && known != types.end();
    return unknown ? arrow::field(f->name(), known->second) : f;
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

  // The order asked for, a column of nulls with the type that it has in other parts.
  Result<std::shared_ptr<arrow::RecordBatch>> Arrange(
      const std::shared_ptr<arrow::RecordBatch>& batch) const {
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const auto& name : names) {
      const int index = batch->schema()->GetFieldIndex(name);
      const auto& field = batch->schema()->field(index);
      fields.push_back(Typed(field));
      columns.push_back(batch->column(index));
      if (fields.back() == field) continue;
      PENSTOCK_ASSIGN(columns.back(),
                      FromArrow(arrow::MakeArrayOfNull(fields.back()->type(), batch->num_rows()),
                                "column '" + name + "'"));
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), batch->num_rows(), columns);
  }

  [[nodiscard]] Result<void> CheckTypes(const arrow::Schema& found) const {
    for (int i = 0; i < found.num_fields(); ++i) {
      const auto& wanted = *schema->field(i);
      if (found.field(i)->type()->Equals(*wanted.type())) continue;
      return Invalid(parts[next_part - 1] + ": column '" + wanted.name() + "' is " +
                     TypeName(*found.field(i)->type()) + ", in the first part " +
                     TypeName(*wanted.type()));
    }
    return {};
  }
};

DatasetReader::DatasetReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatasetReader::~DatasetReader() = default;
std::int64_t DatasetReader::rows() const { return impl_->rows; }
const std::shared_ptr<arrow::Schema>& DatasetReader::schema() const { return impl_->schema; }
const std::shared_ptr<arrow::Schema>& DatasetReader::source_schema() const {
  return impl_->source_schema;
}
const std::shared_ptr<arrow::RecordBatch>& DatasetReader::source() const { return impl_->source; }

Result<std::unique_ptr<DatasetReader>> DatasetReader::Open(
    const std::string& path, const std::vector<std::string>& columns) {
  PENSTOCK_TRY(FromArrow(arrow::compute::Initialize(), "arrow"));
  auto impl = std::make_unique<Impl>();
  PENSTOCK_ASSIGN(impl->parts, DatasetParts(path));
  impl->names = columns;
  PENSTOCK_TRY(impl->LookAtParts());
  PENSTOCK_TRY(impl->OpenNext());
  arrow::FieldVector fields;
  for (const auto& name : impl->names) {
    fields.push_back(impl->Typed(impl->batches->schema()->GetFieldByName(name)));
  }
  impl->source_schema = arrow::schema(std::move(fields));
  impl->schema = CanonicalSchema(*impl->source_schema);
  return std::unique_ptr<DatasetReader>(new DatasetReader(std::move(impl)));
}

Result<std::shared_ptr<arrow::RecordBatch>> DatasetReader::Next() {
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    PENSTOCK_TRY(FromArrow(impl_->batches->ReadNext(&batch), impl_->parts[impl_->next_part - 1]));
    if (batch != nullptr) {
      if (batch->num_rows() == 0) continue;
      PENSTOCK_ASSIGN(impl_->source, impl_->Arrange(batch));
      PENSTOCK_TRY(impl_->CheckTypes(*CanonicalSchema(*impl_->source->schema())));
      auto canonical = Canonical(impl_->source);
      if (!canonical) return Wrap(impl_->parts[impl_->next_part - 1], canonical.error());
      return canonical;
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
  arrow::RecordBatchVector pending;  // fewer than kBatchRows rows, unless they are long
  std::int64_t pending_rows = 0;
  std::int64_t pending_bytes = 0;
  std::vector<std::int64_t> nulls;  // by column
  Schema described;
  Carry carry = Carry::kRole;

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

  // Rows are written kBatchRows at a time, so that parts, row groups and pages do not depend on how
  // the rows came in batches.
  Result<void> Keep(std::shared_ptr<arrow::RecordBatch> batch) {
    PENSTOCK_ASSIGN(const auto bytes, FromArrow(arrow::util::ReferencedBufferSize(*batch), folder));
    pending_rows += batch->num_rows();
    pending_bytes += bytes;
    pending.push_back(std::move(batch));
    if (pending_bytes >= kPendingBytes) return WritePending(1);
    return pending_rows >= kBatchRows ? WritePending(kBatchRows) : Result<void>();
  }

  // Writes what is pending while that is `least` rows.
  Result<void> WritePending(std::int64_t least) {
    if (pending.empty()) return {};
    PENSTOCK_ASSIGN(const auto table,
                    FromArrow(arrow::Table::FromRecordBatches(schema, pending), folder));
    PENSTOCK_ASSIGN(const auto all, FromArrow(table->CombineChunksToBatch(), folder));
    pending.clear();
    std::int64_t at = 0;
    while (all->num_rows() - at >= least) {
      const auto slice = all->Slice(at, kBatchRows);
      PENSTOCK_TRY(WriteBatch(*slice));
      at += slice->num_rows();
    }
    const auto rest = all->Slice(at);
    pending_rows = rest->num_rows();
    PENSTOCK_ASSIGN(pending_bytes, FromArrow(arrow::util::ReferencedBufferSize(*rest), folder));
    if (pending_rows > 0) pending.push_back(rest);
    return {};
  }

  Result<void> WriteBatch(const arrow::RecordBatch& batch) {
    if (part_rows >= kPartRows) {
      PENSTOCK_TRY(ClosePart());
      PENSTOCK_TRY(OpenPart());
    }
    part_rows += batch.num_rows();
    return FromArrow(writer->WriteRecordBatch(batch), folder);
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
  arrow::FieldVector fields;
  for (const auto& field : schema->fields()) {
    const auto type = StoredType(field->type());
    fields.push_back(arrow::field(field->name(), type == nullptr ? field->type() : type));
  }
  impl->schema = arrow::schema(std::move(fields));
  impl->nulls.resize(std::size_t(schema->num_fields()));
  PENSTOCK_TRY(impl->OpenPart());
  return std::unique_ptr<DatasetWriter>(new DatasetWriter(std::move(impl)));
}

Result<void> DatasetWriter::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  if (batch->num_rows() == 0) return {};
  arrow::ArrayVector columns;
  for (int i = 0; i < impl_->schema->num_fields(); ++i) {
    const auto& field = *impl_->schema->field(i);
    auto column = ToStored(batch->column(i), field.type(), impl_->rows);
    if (!column) return Wrap("column '" + field.name() + "'", column.error());
    impl_->nulls[std::size_t(i)] += (*column)->null_count();
    columns.push_back(std::move(*column));
  }
  impl_->rows += batch->num_rows();
  return impl_->Keep(arrow::RecordBatch::Make(impl_->schema, batch->num_rows(), columns));
}

Result<void> DatasetWriter::Finish() {
  PENSTOCK_TRY(impl_->WritePending(1));
  PENSTOCK_TRY(impl_->ClosePart());
  Schema schema = SchemaOf(*impl_->schema);
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    schema.columns[i].nullable = impl_->nulls[i] > 0;
  }
  CarryOver(impl_->described, impl_->carry, schema);
  return WriteDescription(impl_->folder, *impl_->schema, schema, impl_->rows);
}

void DatasetWriter::Describe(Schema from, Carry what) {
  impl_->described = std::move(from);
  impl_->carry = what;
}
const std::vector<std::int64_t>& DatasetWriter::null_counts() const { return impl_->nulls; }

Result<std::int64_t> DescribeDataset(const std::string& folder,
                                     const std::vector<Schema>& sources) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(folder));
  Schema schema = SchemaOf(*reader->source_schema());
  // The first source that has a column of that name is the one that counts.
  for (auto source = sources.rbegin(); source != sources.rend(); ++source) {
    CarryOver(*source, Carry::kRole, schema);
  }
  PENSTOCK_TRY(WriteDescription(folder, *reader->schema(), schema, reader->rows()));
  return reader->rows();
}

Result<Schema> DatasetSchema(const std::string& path) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(path));
  Schema schema = SchemaOf(*reader->source_schema());
  const std::string file = (std::filesystem::path(path) / kSchemaYaml).string();
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return schema;
  PENSTOCK_ASSIGN(const Schema described, LoadSchema(file));
  CarryOver(described, Carry::kAll, schema);
  return schema;
}

Result<std::string> LabelColumn(const std::string& named, const std::string& dataset) {
  if (!named.empty()) return named;
  PENSTOCK_ASSIGN(const Schema schema, DatasetSchema(dataset));
  return schema.Of(Role::kLabel).empty() ? std::string() : TheColumnOf(schema, Role::kLabel);
}

}  // namespace penstock::sdk
