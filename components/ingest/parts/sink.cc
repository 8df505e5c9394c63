#include "components/ingest/parts/sink.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include <filesystem>

#include "components/sdk/arrow_result.h"
#include "components/sdk/row_hash.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

// The rows whose content falls into the share. Lists and bytes do not count.
Result<std::shared_ptr<arrow::RecordBatch>> SampleOf(
    const std::shared_ptr<arrow::RecordBatch>& batch, double share) {
  PENSTOCK_ASSIGN(const auto canonical, sdk::Canonical(batch));
  std::vector<std::string> names;
  for (const auto& field : canonical->schema()->fields()) {
    if (sdk::ColumnTypeOf(*field->type())) names.push_back(field->name());
  }
  if (names.empty()) return Invalid("sample: no column has values to choose rows by");
  PENSTOCK_ASSIGN(const auto hashes, sdk::HashRows(*canonical, names, 0));
  arrow::BooleanBuilder mask;
  PENSTOCK_TRY(sdk::FromArrow(mask.Reserve(batch->num_rows()), "sample"));
  for (const auto hash : hashes) mask.UnsafeAppend(sdk::UnitInterval(hash) < share);
  PENSTOCK_ASSIGN(const auto filter, sdk::FromArrow(mask.Finish(), "sample"));
  PENSTOCK_ASSIGN(const auto rows, sdk::FromArrow(arrow::compute::Filter(batch, filter), "sample"));
  return rows.record_batch();
}

}  // namespace

Result<void> Sink::Begin(UnitePlan plan) {
  writer_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (error) return FromErrno(folder_, error.value());
  plan_ = std::move(plan);
  PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder_, plan_.target));
  writer_->Describe(plan_.described, plan_.given ? sdk::Carry::kAll : sdk::Carry::kMeaning);
  next_row_ = 1;
  rows_read_ = 0;
  return {};
}

Result<void> Sink::Write(const arrow::RecordBatch& batch) {
  PENSTOCK_ASSIGN(auto rows, Conform(batch, plan_, next_row_));
  next_row_ += rows->num_rows();
  rows_read_ += rows->num_rows();
  if (sample_ < 1) {
    PENSTOCK_ASSIGN(rows, SampleOf(rows, sample_));
  }
  return writer_->Write(rows);
}

Result<void> Sink::Finish() { return writer_->Finish(); }

}  // namespace penstock::ingest
