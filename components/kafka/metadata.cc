#include "components/kafka/metadata.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

using sdk::FromArrow;

std::shared_ptr<arrow::Field> FieldOf(Metadata column) {
  switch (column) {
    case Metadata::kKey:
      return arrow::field("kafka_key", arrow::utf8());
    case Metadata::kKeyBytes:
      return arrow::field("kafka_key", arrow::binary());
    case Metadata::kPartition:
      return arrow::field("kafka_partition", arrow::int64());
    case Metadata::kOffset:
      return arrow::field("kafka_offset", arrow::int64());
    case Metadata::kTimestamp:
      return arrow::field("kafka_timestamp", arrow::timestamp(arrow::TimeUnit::MICRO));
  }
  return nullptr;
}

arrow::Status Append(arrow::ArrayBuilder& builder, Metadata column, std::int32_t partition,
                     const SpilledMessage& message) {
  switch (column) {
    case Metadata::kKey:
      if (!message.key) return builder.AppendNull();
      return static_cast<arrow::StringBuilder&>(builder).Append(*message.key);
    case Metadata::kKeyBytes:
      if (!message.key) return builder.AppendNull();
      return static_cast<arrow::BinaryBuilder&>(builder).Append(*message.key);
    case Metadata::kPartition:
      return static_cast<arrow::Int64Builder&>(builder).Append(partition);
    case Metadata::kOffset:
      return static_cast<arrow::Int64Builder&>(builder).Append(message.offset);
    case Metadata::kTimestamp: {
      std::int64_t micros = 0;
      if (!message.time_ms) return builder.AppendNull();
      if (__builtin_mul_overflow(*message.time_ms, std::int64_t(1000), &micros))
        return arrow::Status::Invalid("a time beyond microseconds since 1970 in 64 bits");
      return static_cast<arrow::TimestampBuilder&>(builder).Append(micros);
    }
  }
  return arrow::Status::OK();
}

}  // namespace

const std::vector<std::string>& MetadataNames() {
  static const std::vector<std::string> kNames{"key", "keyBytes", "partition", "offset",
                                               "timestamp"};
  return kNames;
}

Metadata MetadataOf(const std::string& name) {
  const auto& names = MetadataNames();
  return static_cast<Metadata>(std::find(names.begin(), names.end(), name) - names.begin());
}

MetadataColumns::MetadataColumns(std::vector<Metadata> columns) : columns_(std::move(columns)) {}
MetadataColumns::~MetadataColumns() = default;

Result<std::unique_ptr<MetadataColumns>> MetadataColumns::Make(std::vector<Metadata> columns) {
  std::unique_ptr<MetadataColumns> out(new MetadataColumns(std::move(columns)));
  for (const auto column : out->columns_) {
    out->fields_.push_back(FieldOf(column));
    std::unique_ptr<arrow::ArrayBuilder> builder;
    PENSTOCK_TRY(FromArrow(
        arrow::MakeBuilder(arrow::default_memory_pool(), out->fields_.back()->type(), &builder),
        "metadata"));
    out->builders_.push_back(std::move(builder));
  }
  return out;
}

Result<void> MetadataColumns::Add(std::int32_t partition, const SpilledMessage& message) {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    PENSTOCK_TRY(FromArrow(Append(*builders_[i], columns_[i], partition, message), "metadata"));
  return {};
}

Result<arrow::ArrayVector> MetadataColumns::Take() {
  arrow::ArrayVector out;
  for (const auto& builder : builders_) {
    std::shared_ptr<arrow::Array> array;
    PENSTOCK_TRY(FromArrow(builder->Finish(&array), "metadata"));
    out.push_back(std::move(array));
  }
  return out;
}

}  // namespace penstock::kafka
