#include "components/ingest/csv/bad_rows.h"

#include <arrow/api.h>

#include <filesystem>

#include "components/sdk/arrow_result.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::size_t kMostPendingBytes = 8 << 20;

}  // namespace

std::shared_ptr<arrow::Schema> BadRows::MakeSchema() const {
  arrow::FieldVector fields;
  for (const auto& name : place_) fields.push_back(arrow::field(name, arrow::int64()));
  fields.push_back(arrow::field("reason", arrow::utf8()));
  fields.push_back(arrow::field("raw", arrow::binary()));
  return arrow::schema(std::move(fields));
}

Result<void> BadRows::Begin() {
  if (folder_.empty()) return {};
  writer_.reset();
  rows_.clear();
  bytes_ = 0;
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (error) return FromErrno(folder_, error.value());
  PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder_, MakeSchema()));
  return {};
}

Result<void> BadRows::Add(std::vector<std::int64_t> place, const std::string& reason,
                          std::string_view raw) {
  if (folder_.empty()) return {};
  bytes_ += raw.size() + reason.size() + place.size() * sizeof(std::int64_t) + sizeof(Row);
  rows_.push_back({std::move(place), reason, std::string(raw)});
  return bytes_ > kMostPendingBytes ? Flush() : Result<void>();
}

Result<void> BadRows::Flush() {
  std::vector<arrow::Int64Builder> places(place_.size());
  arrow::StringBuilder reasons;
  arrow::BinaryBuilder raws;
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < places.size(); ++i)
      PENSTOCK_TRY(sdk::FromArrow(places[i].Append(row.place[i]), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(reasons.Append(row.reason), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(raws.Append(row.raw), "quarantine"));
  }
  const std::size_t behind = places.size();
  arrow::ArrayVector arrays(behind + 2);
  for (std::size_t i = 0; i < behind; ++i)
    PENSTOCK_TRY(sdk::FromArrow(places[i].Finish(&arrays[i]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(reasons.Finish(&arrays[behind]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(raws.Finish(&arrays[behind + 1]), "quarantine"));
  const auto count = std::int64_t(rows_.size());
  rows_.clear();
  bytes_ = 0;
  return writer_->Write(arrow::RecordBatch::Make(MakeSchema(), count, std::move(arrays)));
}

Result<void> BadRows::TakeOver(BadRows& other) {
  PENSTOCK_TRY(other.Finish());
  if (folder_.empty() || other.folder_.empty()) return {};
  PENSTOCK_TRY(Flush());
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(other.folder_));
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) return {};
    PENSTOCK_TRY(writer_->Write(reader->source()));
  }
}

Result<void> BadRows::Finish() {
  if (folder_.empty()) return {};
  PENSTOCK_TRY(Flush());
  return writer_->Finish();
}

}  // namespace penstock::ingest
