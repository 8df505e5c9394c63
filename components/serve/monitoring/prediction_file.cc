// One Parquet file of the prediction log.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include "components/serve/monitoring/prediction_log.h"

namespace penstock::serve {
namespace {

using Records = std::vector<std::shared_ptr<LogRecord>>;

std::shared_ptr<arrow::DataType> TypeOf(Datatype datatype) {
  if (datatype == Datatype::kBytes) return arrow::utf8();
  if (datatype == Datatype::kBool) return arrow::boolean();
  return IsInteger(datatype) ? arrow::int64() : arrow::float64();
}

arrow::Status AppendValue(arrow::ArrayBuilder& builder, const std::string& value) {
  return static_cast<arrow::StringBuilder&>(builder).Append(value);
}
arrow::Status AppendValue(arrow::ArrayBuilder& builder, double value) {
  return static_cast<arrow::DoubleBuilder&>(builder).Append(value);
}
arrow::Status AppendValue(arrow::ArrayBuilder& builder, std::int64_t value) {
  return static_cast<arrow::Int64Builder&>(builder).Append(value);
}
arrow::Status AppendValue(arrow::ArrayBuilder& builder, std::uint8_t value) {
  return static_cast<arrow::BooleanBuilder&>(builder).Append(value != 0);
}

arrow::Status Append(arrow::ArrayBuilder& builder, const LogColumn& column) {
  return std::visit(
      [&](const auto& values) -> arrow::Status {
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (!column.nulls.empty() && column.nulls[i] != 0) {
            ARROW_RETURN_NOT_OK(builder.AppendNull());
          } else {
            ARROW_RETURN_NOT_OK(AppendValue(builder, values[i]));
          }
        }
        return arrow::Status::OK();
      },
      column.values);
}

// Which request and which row of it.
arrow::Status AppendKeys(const Records& records, const std::string& model,
                         const std::string& version, arrow::ArrayVector* arrays) {
  arrow::StringBuilder ids;
  arrow::Int64Builder rows;
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                arrow::default_memory_pool());
  arrow::StringBuilder models;
  arrow::StringBuilder versions;
  for (const auto& record : records) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(record->time.time_since_epoch());
    for (std::int64_t row = 0; row < record->rows; ++row) {
      ARROW_RETURN_NOT_OK(ids.Append(record->id));
      ARROW_RETURN_NOT_OK(rows.Append(row));
      ARROW_RETURN_NOT_OK(times.Append(micros.count()));
      ARROW_RETURN_NOT_OK(models.Append(model));
      ARROW_RETURN_NOT_OK(versions.Append(version));
    }
  }
  for (arrow::ArrayBuilder* builder :
       std::initializer_list<arrow::ArrayBuilder*>{&ids, &rows, &times, &models, &versions}) {
    ARROW_ASSIGN_OR_RAISE(arrays->emplace_back(), builder->Finish());
  }
  return arrow::Status::OK();
}

arrow::Status WriteTable(const std::string& path, const std::string& model,
                         const std::string& version, const std::vector<LogField>& fields,
                         const Records& records) {
  arrow::ArrayVector arrays;
  ARROW_RETURN_NOT_OK(AppendKeys(records, model, version, &arrays));
  arrow::FieldVector schema = {
      arrow::field("request_id", arrow::utf8()), arrow::field("row", arrow::int64()),
      arrow::field("time", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
      arrow::field("model", arrow::utf8()), arrow::field("version", arrow::utf8())};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto type = TypeOf(fields[i].datatype);
    ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(type));
    for (const auto& record : records) ARROW_RETURN_NOT_OK(Append(*builder, record->columns[i]));
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder->Finish());
    schema.push_back(arrow::field(fields[i].name, type));
  }
  const auto table = arrow::Table::Make(arrow::schema(schema), arrays);
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(path));
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  ARROW_RETURN_NOT_OK(
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 1 << 20, properties));
  return file->Close();
}

}  // namespace

Result<void> WritePredictionFile(const std::string& path, const std::string& model,
                                 const std::string& version, const std::vector<LogField>& fields,
                                 const Records& records) {
  const arrow::Status written = WriteTable(path, model, version, fields, records);
  if (written.ok()) return {};
  return Internal(path + ": " + written.message());
}

}  // namespace penstock::serve
