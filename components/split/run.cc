#include "components/split/run.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include <cstdio>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

using Writers = std::array<std::unique_ptr<sdk::DatasetWriter>, 3>;

Result<void> WriteRows(const std::shared_ptr<arrow::RecordBatch>& batch,
                       const std::vector<Part>& parts, Part part, sdk::DatasetWriter& writer) {
  arrow::BooleanBuilder mask;
  PENSTOCK_TRY(sdk::FromArrow(mask.Reserve(batch->num_rows()), "split"));
  for (const Part p : parts) mask.UnsafeAppend(p == part);
  PENSTOCK_ASSIGN(const auto filter, sdk::FromArrow(mask.Finish(), "split"));
  PENSTOCK_ASSIGN(const auto rows, sdk::FromArrow(arrow::compute::Filter(batch, filter), "split"));
  return writer.Write(rows.record_batch());
}

Result<void> WriteParts(sdk::DatasetReader& reader, const SplitOptions& options, Writers& writers) {
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader.Next());
    if (batch == nullptr) return {};
    PENSTOCK_ASSIGN(const auto parts, Assign(*batch, options));
    for (std::size_t i = 0; i < writers.size(); ++i) {
      PENSTOCK_TRY(WriteRows(batch, parts, Part(i), *writers[i]));
    }
  }
}

// Was this part asked for? Then it may not be empty.
bool IsExpected(const SplitOptions& options, std::size_t part) {
  if (options.by != SplitOptions::By::kTime) return options.fractions[part] > 0;
  return part != std::size_t(Part::kValid) || options.valid_cut != options.test_cut;
}

Result<void> CheckRows(const Writers& writers, const SplitOptions& options) {
  for (std::size_t i = 0; i < writers.size(); ++i) {
    if (writers[i]->rows() > 0 || !IsExpected(options, i)) continue;
    return Invalid(std::string("the split gives ") + kPartNames[i] +
                   " no rows; change cuts or fractions");
  }
  return {};
}

}  // namespace

Result<void> RunSplit(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(auto reader, sdk::DatasetReader::Open(dataset));
  Writers writers;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    PENSTOCK_ASSIGN(const auto output, step.OutputPath(kPartNames[i]));
    PENSTOCK_ASSIGN(writers[i], sdk::DatasetWriter::Create(output, reader->schema()));
  }
  PENSTOCK_TRY(WriteParts(*reader, options, writers));
  PENSTOCK_TRY(CheckRows(writers, options));
  for (std::size_t i = 0; i < writers.size(); ++i) {
    PENSTOCK_TRY(writers[i]->Finish());
    PENSTOCK_TRY(step.WriteResult(std::string(kPartNames[i]) + "Rows", writers[i]->rows()));
  }
  return {};
}

}  // namespace penstock::split
