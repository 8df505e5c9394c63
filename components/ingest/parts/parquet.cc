#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>
#include <parquet/types.h>

#include <algorithm>
#include <numeric>

#include "components/ingest/parts/part.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using sdk::FromArrow;

constexpr std::int64_t kSmallestParquet = 12;

void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

// What Parquet calls an interval or a UUID comes from Arrow as bytes, without a word.
Result<std::shared_ptr<arrow::Schema>> NamedTypes(const parquet::arrow::FileReader& file,
                                                  std::shared_ptr<arrow::Schema> schema) {
  const auto& columns = *file.parquet_reader()->metadata()->schema();
  for (int i = 0; i < schema->num_fields(); ++i) {
    std::vector<int> leaves;
    AddLeaves(file.manifest().schema_fields[std::size_t(i)], leaves);
    const auto is = [&](auto which) {
      return std::any_of(leaves.begin(), leaves.end(), [&](int leaf) {
        const auto& type = columns.Column(leaf)->logical_type();
        return type != nullptr && which(*type);
      });
    };
    std::shared_ptr<arrow::Field> field = schema->field(i);
    if (is([](const parquet::LogicalType& type) { return type.is_interval(); })) {
      field = field->WithType(arrow::month_day_nano_interval());
    } else if (is([](const parquet::LogicalType& type) { return type.is_UUID(); })) {
      field = field->WithMergedMetadata(
          arrow::key_value_metadata({{"ARROW:extension:name", "arrow.uuid"}}));
    } else {
      continue;
    }
    PENSTOCK_ASSIGN(schema, FromArrow(schema->SetField(i, field), "Parquet"));
  }
  return schema;
}

class ParquetPart : public Part {
 public:
  ParquetPart(std::unique_ptr<parquet::arrow::FileReader> file,
              std::shared_ptr<arrow::Schema> schema)
      : file_(std::move(file)), schema_(std::move(schema)) {}

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<void> Choose(const std::vector<std::string>& columns) override {
    std::vector<int> leaves;
    for (const auto& name : columns) {
      const int index = schema_->GetFieldIndex(name);
      if (index < 0) return Internal("no column '" + name + "'");
      AddLeaves(file_->manifest().schema_fields[std::size_t(index)], leaves);
    }
    std::sort(leaves.begin(), leaves.end());
    std::vector<int> groups(std::size_t(file_->num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    PENSTOCK_ASSIGN(batches_, FromArrow(file_->GetRecordBatchReader(groups, leaves), "Parquet"));
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    PENSTOCK_TRY(FromArrow(batches_->ReadNext(&batch), "Parquet"));
    return batch;
  }

 private:
  std::unique_ptr<parquet::arrow::FileReader> file_;  // outlives `batches_`
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

// A copy or a download that broke off has its head only.
Result<void> CheckTail(arrow::io::ReadableFile& file) {
  PENSTOCK_ASSIGN(const auto size, FromArrow(file.GetSize(), "Parquet"));
  std::string tail;
  if (size >= kSmallestParquet) {
    PENSTOCK_ASSIGN(const auto bytes, FromArrow(file.ReadAt(size - 4, 4), "Parquet"));
    tail = bytes->ToString();
  }
  if (tail == "PAR1") return {};
  if (tail == "PARE") return Invalid("an encrypted Parquet file; write it without encryption");
  return Invalid(
      "a Parquet file that is not whole: its end, which says what is in it, is missing;" +
      std::string(" copy or write it again"));
}

}  // namespace

Result<std::unique_ptr<Part>> OpenParquet(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(const auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_TRY(CheckTail(*file));
  parquet::arrow::FileReaderBuilder builder;
  PENSTOCK_TRY(FromArrow(builder.Open(file), "Parquet"));
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(sdk::kBatchRows);
  properties.set_use_threads(true);
  properties.set_pre_buffer(false);
  // Nanoseconds, which is the default, end in 2262 and begin anew at 1677.
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  PENSTOCK_TRY(FromArrow(builder.properties(properties)->Build(&reader), "Parquet"));
  std::shared_ptr<arrow::Schema> schema;
  PENSTOCK_TRY(FromArrow(reader->GetSchema(&schema), "Parquet"));
  PENSTOCK_ASSIGN(schema, NamedTypes(*reader, std::move(schema)));
  return std::unique_ptr<Part>(std::make_unique<ParquetPart>(std::move(reader), std::move(schema)));
}

}  // namespace penstock::ingest
