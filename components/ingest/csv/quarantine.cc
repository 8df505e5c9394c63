#include "components/ingest/csv/quarantine.h"

#include <arrow/api.h>

#include <filesystem>

#include "components/sdk/arrow_result.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::size_t kMostPendingBytes = 8 << 20;

std::shared_ptr<arrow::Schema> QuarantineSchema() {
  return arrow::schema({arrow::field("line", arrow::int64()), arrow::field("reason", arrow::utf8()),
                        arrow::field("raw", arrow::binary())});
}

}  // namespace

Result<void> CsvQuarantine::Begin() {
  if (folder_.empty()) return {};
  writer_.reset();
  rows_.clear();
  bytes_ = 0;
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (error) return FromErrno(folder_, error.value());
  PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder_, QuarantineSchema()));
  return {};
}

Result<void> CsvQuarantine::Add(std::int64_t line, const std::string& reason,
                                std::string_view raw) {
  if (folder_.empty()) return {};
  rows_.push_back({line, reason, std::string(raw)});
  bytes_ += raw.size() + reason.size() + sizeof(Row);
  return bytes_ > kMostPendingBytes ? Flush() : Result<void>();
}

Result<void> CsvQuarantine::Flush() {
  arrow::Int64Builder lines;
  arrow::StringBuilder reasons;
  arrow::BinaryBuilder raws;
  for (const Row& row : rows_) {
    PENSTOCK_TRY(sdk::FromArrow(lines.Append(row.line), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(reasons.Append(row.reason), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(raws.Append(row.raw), "quarantine"));
  }
  arrow::ArrayVector arrays(3);
  PENSTOCK_TRY(sdk::FromArrow(lines.Finish(&arrays[0]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(reasons.Finish(&arrays[1]), "quarantine"));
  PENSTOCK_TRY(sdk::FromArrow(raws.Finish(&arrays[2]), "quarantine"));
  const auto count = std::int64_t(rows_.size());
  rows_.clear();
  bytes_ = 0;
  return writer_->Write(arrow::RecordBatch::Make(QuarantineSchema(), count, std::move(arrays)));
}

Result<void> CsvQuarantine::Finish() {
  if (folder_.empty()) return {};
  PENSTOCK_TRY(Flush());
  return writer_->Finish();
}

Result<std::string> QuarantineFolder(const sdk::Step& step, const CsvOptions& options) {
  if (!step.HasOutput("quarantine")) {
    if (!options.quarantine) return std::string();
    return Invalid("parameter onBadRow: Quarantine needs the output quarantine");
  }
  return step.OutputPath("quarantine");
}

Result<void> WriteNoCsvResults(const sdk::Step& step) {
  PENSTOCK_TRY(step.WriteResult("dialect", Json::object()));
  PENSTOCK_TRY(step.WriteResult("badRows", 0));
  return step.WriteResult("emptyColumns", Json::array());
}

Result<void> WriteCsvResults(const CsvReport& report, const sdk::Step& step) {
  PENSTOCK_TRY(step.WriteResult("dialect", DialectJson(report.dialect)));
  PENSTOCK_TRY(step.WriteResult("badRows", report.bad_rows));
  return step.WriteResult("emptyColumns", report.empty_columns);
}

}  // namespace penstock::ingest
