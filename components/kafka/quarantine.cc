#include "components/kafka/quarantine.h"

#include <arrow/api.h>

#include <filesystem>

#include "components/kafka/span.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

constexpr std::size_t kMostPendingBytes = 8 << 20;

std::shared_ptr<arrow::Schema> QuarantineSchema() {
  return arrow::schema(
      {arrow::field("partition", arrow::int64()), arrow::field("offset", arrow::int64()),
       arrow::field("reason", arrow::utf8()), arrow::field("raw", arrow::binary())});
}

}  // namespace

Result<void> Quarantine::Begin() {
  rows_.clear();
  bytes_ = 0;
  count_ = 0;
  if (folder_.empty()) return {};
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (error) return FromErrno(folder_, error.value());
  PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder_, QuarantineSchema()));
  return {};
}

Result<void> Quarantine::Add(std::int32_t partition, std::int64_t offset, const std::string& reason,
                             std::string_view raw) {
  if (is_error_) {
    return Invalid(PartitionName(partition) + ", offset " + std::to_string(offset) + ": " + reason +
                   "; it begins with '" + plan::Shown(std::string(raw.substr(0, 60)), 60) +
                   "' (onBadRow: Quarantine leaves such messages out and keeps them)");
  }
  ++count_;
  if (folder_.empty()) return {};
  rows_.push_back({partition, offset, reason, std::string(raw)});
  bytes_ += raw.size() + reason.size() + sizeof(Row);
  return bytes_ > kMostPendingBytes ? Flush() : Result<void>();
}

Result<void> Quarantine::Flush() {
  arrow::Int64Builder partitions, offsets;
  arrow::StringBuilder reasons;
  arrow::BinaryBuilder raws;
  for (const Row& row : rows_) {
    PENSTOCK_TRY(sdk::FromArrow(partitions.Append(row.partition), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(offsets.Append(row.offset), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(reasons.Append(row.reason), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(raws.Append(row.raw), "quarantine"));
  }
  arrow::ArrayVector arrays(4);
  PENSTOCK_TRY(sdk::FromArrow(partitions.Finish(&arrays[0]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(offsets.Finish(&arrays[1]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(reasons.Finish(&arrays[2]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(raws.Finish(&arrays[3]), "quarantine"));
  const auto count = std::int64_t(rows_.size());
  rows_.clear();
  bytes_ = 0;
  return writer_->Write(arrow::RecordBatch::Make(QuarantineSchema(), count, std::move(arrays)));
}

Result<void> Quarantine::TakeOver(Quarantine& other) {
  PENSTOCK_TRY(other.Finish());
  count_ += other.count_;
  if (folder_.empty() || other.folder_.empty()) return {};
  PENSTOCK_TRY(Flush());
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(other.folder_));
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) return {};
    PENSTOCK_TRY(writer_->Write(reader->source()));
  }
}

Result<void> Quarantine::Finish() {
  if (folder_.empty()) return {};
  PENSTOCK_TRY(Flush());
  return writer_->Finish();
}

}  // namespace penstock::kafka
