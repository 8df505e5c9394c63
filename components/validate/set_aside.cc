#include "components/validate/set_aside.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;
using Writer = std::unique_ptr<sdk::DatasetWriter>;

Result<Writer> Open(const std::optional<std::string>& folder,
                    const std::shared_ptr<arrow::Schema>& schema, const sdk::Schema& described) {
  if (!folder) return Writer();
  PENSTOCK_ASSIGN(auto writer, sdk::DatasetWriter::Create(*folder, schema));
  writer->Describe(described, sdk::Carry::kAll);
  return writer;
}

// The batch's rows with and without something broken.
struct Parted {
  arrow::BooleanBuilder good;
  arrow::BooleanBuilder bad;
  arrow::StringBuilder broken;  // of the bad ones
  std::int64_t bad_rows = 0;

  Result<void> Add(const std::vector<std::string>& names) {
    PENSTOCK_TRY(sdk::FromArrow(good.Append(names.empty()), "quarantine"));
    PENSTOCK_TRY(sdk::FromArrow(bad.Append(!names.empty()), "quarantine"));
    if (names.empty()) return {};
    ++bad_rows;
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : "; ") + name;
    return sdk::FromArrow(broken.Append(text), "quarantine");
  }
};

Result<Batch> RowsOf(const Batch& batch, arrow::BooleanBuilder& mask) {
  PENSTOCK_ASSIGN(const auto filter, sdk::FromArrow(mask.Finish(), "quarantine"));
  PENSTOCK_ASSIGN(const auto rows,
                  sdk::FromArrow(arrow::compute::Filter(batch, filter), "quarantine"));
  return rows.record_batch();
}

Result<void> WriteBatch(const Batch& batch, Parted& parted, sdk::DatasetWriter* rest,
                        sdk::DatasetWriter* quarantine,
                        const std::shared_ptr<arrow::Schema>& with_broken) {
  if (rest != nullptr && parted.bad_rows == 0) {
    PENSTOCK_TRY(rest->Write(batch));
  } else if (rest != nullptr) {
    PENSTOCK_ASSIGN(const auto rows, RowsOf(batch, parted.good));
    PENSTOCK_TRY(rest->Write(rows));
  }
  if (quarantine == nullptr || parted.bad_rows == 0) return {};
  PENSTOCK_ASSIGN(const auto rows, RowsOf(batch, parted.bad));
  PENSTOCK_ASSIGN(auto broken, sdk::FromArrow(parted.broken.Finish(), "quarantine"));
  arrow::ArrayVector columns = rows->columns();
  columns.push_back(std::move(broken));
  return quarantine->Write(
      arrow::RecordBatch::Make(with_broken, rows->num_rows(), std::move(columns)));
}

}  // namespace

Result<std::int64_t> Part(const SetAsidePlan& plan) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(plan.dataset));
  const auto& schema = reader->source_schema();
  if (schema->GetFieldByName(kBrokenColumn) != nullptr) {
    return Invalid(std::string("the dataset has a column '") + kBrokenColumn +
                   "' already; rename it with query");
  }
  auto fields = schema->fields();
  fields.push_back(arrow::field(kBrokenColumn, arrow::utf8()));
  const auto with_broken = arrow::schema(std::move(fields));
  sdk::Schema described = plan.described;
  PENSTOCK_ASSIGN(const auto rest, Open(plan.rest, schema, described));
  described.columns.push_back(
      {.name = kBrokenColumn, .type = "string", .role = sdk::Role::kIgnored});
  PENSTOCK_ASSIGN(const auto quarantine, Open(plan.quarantine, with_broken, described));
  std::int64_t row = 0;
  std::int64_t set_aside = 0;
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    Parted parted;
    for (std::int64_t end = row + batch->num_rows(); row < end; ++row) {
      PENSTOCK_TRY(parted.Add(plan.broken(row)));
    }
    set_aside += parted.bad_rows;
    PENSTOCK_TRY(WriteBatch(reader->source(), parted, rest.get(), quarantine.get(), with_broken));
  }
  if (rest != nullptr) PENSTOCK_TRY(rest->Finish());
  if (quarantine != nullptr) PENSTOCK_TRY(quarantine->Finish());
  return set_aside;
}

}  // namespace penstock::validate
