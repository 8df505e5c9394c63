#include "components/split/run.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include <cstdio>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "components/sdk/scratch_folder.h"
#include "components/split/options.h"
#include "components/split/passes.h"
#include "components/split/report.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

struct Output {
  std::unique_ptr<sdk::DatasetWriter> writer;
  PartReport report;
};
using Outputs = std::vector<Output>;  // by Part

Result<std::shared_ptr<arrow::Schema>> SchemaOf(const std::shared_ptr<arrow::Schema>& input,
                                                const SplitOptions& options, Part part) {
  if (part != Part::kTrain) return input;
  auto fields = input->fields();
  for (const auto& name : options.FoldColumns()) {
    if (!input->GetAllFieldIndices(name).empty()) {
      return Invalid("folds: the dataset has a column '" + name +
                     "' already; rename it with query");
    }
    fields.push_back(arrow::field(name, arrow::int64()));
  }
  return arrow::schema(std::move(fields));
}

Result<Outputs> OpenOutputs(const sdk::Step& step, const sdk::DatasetReader& reader,
                            const SplitOptions& options, sdk::Schema described) {
  for (const auto& name : options.FoldColumns()) {  // no feature
    described.columns.push_back({.name = name, .type = "int64", .role = sdk::Role::kIgnored});
  }
  Outputs outputs;
  for (std::size_t i = 0; i < kPartNames.size(); ++i) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath(kPartNames[i]));
    PENSTOCK_ASSIGN(const auto schema, SchemaOf(reader.source_schema(), options, Part(i)));
    PENSTOCK_ASSIGN(auto writer, sdk::DatasetWriter::Create(path, schema));
    writer->Describe(described, sdk::Carry::kAll);
    outputs.push_back({std::move(writer), PartReport(options.label)});
  }
  return outputs;
}

// What is said of labels and groups needs no parameter where the schema knows them.
void TakeRoles(const sdk::Schema& schema, SplitOptions& options) {
  const auto label = sdk::TheColumnOf(schema, sdk::Role::kLabel);
  if (options.label.empty() && label) options.label = *label;
  const auto group = sdk::TheColumnOf(schema, sdk::Role::kGroup);
  const bool decides = options.by == SplitOptions::By::kHash;  // then it is for the user to say
  if (!decides && options.group.empty() && group) options.group = *group;
}

// The rows of one part, with their folds where the schema has any.
Result<Batch> RowsOf(const Batch& batch, const std::vector<std::uint8_t>& codes, std::size_t levels,
                     Part part) {
  arrow::BooleanBuilder mask;
  PENSTOCK_TRY(sdk::FromArrow(mask.Reserve(batch->num_rows()), "split"));
  std::vector<arrow::Int64Builder> folds(part == Part::kTrain ? levels - 1 : 0);
  for (std::size_t at = 0; at < codes.size(); at += levels) {
    const bool is_in = Part(codes[at]) == part;
    mask.UnsafeAppend(is_in);
    for (std::size_t f = 0; is_in && f < folds.size(); ++f) {
      PENSTOCK_TRY(sdk::FromArrow(folds[f].Append(codes[at + 1 + f]), "split"));
    }
  }
  PENSTOCK_ASSIGN(const auto filter, sdk::FromArrow(mask.Finish(), "split"));
  PENSTOCK_ASSIGN(const auto filtered,
                  sdk::FromArrow(arrow::compute::Filter(batch, filter), "split"));
  Batch rows = filtered.record_batch();
  for (std::size_t f = 0; f < folds.size(); ++f) {
    PENSTOCK_ASSIGN(const auto column, sdk::FromArrow(folds[f].Finish(), "split"));
    PENSTOCK_ASSIGN(rows, sdk::FromArrow(rows->AddColumn(rows->num_columns(),
                                                         arrow::field("", arrow::int64()), column),
                                         "split"));
  }
  return rows;
}

Result<void> WriteRows(sdk::DatasetReader& reader, Passes& passes, const SplitOptions& options,
                       Outputs& outputs) {
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader.Next());
    if (batch == nullptr) return {};
    std::vector<std::uint8_t> codes(std::size_t(batch->num_rows()) * passes.Levels());
    for (std::size_t at = 0; at < codes.size(); at += passes.Levels()) {
      PENSTOCK_TRY(passes.NextCodes(&codes[at]));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      PENSTOCK_ASSIGN(auto rows, RowsOf(reader.source(), codes, passes.Levels(), Part(i)));
      PENSTOCK_ASSIGN(const auto schema, SchemaOf(reader.source_schema(), options, Part(i)));
      rows = arrow::RecordBatch::Make(schema, rows->num_rows(), rows->columns());
      PENSTOCK_TRY(outputs[i].writer->Write(rows));
      PENSTOCK_ASSIGN(const auto canonical, sdk::Canonical(rows));
      PENSTOCK_TRY(outputs[i].report.Add(*canonical));
    }
  }
}

Result<void> RefuseEmptyParts(const Outputs& outputs, const SplitOptions& options,
                              const Json& parts) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].writer->rows() > 0 || !options.IsExpected(Part(i))) continue;
    const std::string name = kPartNames[i];
    std::string advice = "give more rows, or give " + name + " no share in fractions";
    if (!options.group.empty()) advice = "there are too few groups; change fractions or seed";
    if (options.by == SplitOptions::By::kTime) {
      advice = "change cuts, such that some times are in each part";
      for (const auto& [part, said] : parts.items()) {
        const auto times = said.value("times", Json::object()).value(options.time, Json());
        if (!times.is_array()) continue;
        advice += "; " + part + " has those from " + times[0].get<std::string>() + " to " +
                  times[1].get<std::string>();
      }
    }
    return Invalid("the split gives " + name + " no rows: " + advice);
  }
  return {};
}

// What a reader of the log should know before he trusts a metric.
void SayWhatIsOdd(const Outputs& outputs, const SplitOptions& options, const Counts& counts) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string* only = outputs[i].report.OnlyLabel();
    if (only == nullptr) continue;
    std::printf("split: %s has one class only: '%s' is %s in every row\n", kPartNames[i],
                options.label.c_str(), only->c_str());
  }
  if (counts.rows_across > 0) {
    std::printf("split: %lld rows of valid and test also stand in a part before theirs%s\n",
                static_cast<long long>(counts.rows_across),
                options.duplicates == SplitOptions::Duplicates::kSpread
                    ? " (duplicates: together or drop keeps equal rows in one part)"
                    : "");
  }
  if (counts.groups_across > 0) {
    std::printf("split: %lld groups of '%s' have rows in several parts\n",
                static_cast<long long>(counts.groups_across), options.group.c_str());
  }
  if (!options.stratify.empty()) {
    std::printf("split: stratified by '%s', so that a row's part depends on the other rows\n",
                options.stratify.c_str());
  }
}

// Without what is too long for a result: texts as labels, many columns of times.
Json Shortened(Json parts) {
  constexpr std::size_t kMostBytes = 8 * 1024;  // the launcher takes no more
  for (const char* what : {"times", "labels"}) {
    if (parts.dump().size() <= kMostBytes) break;
    for (auto& part : parts) part.erase(what);
    std::printf("split: the %s of the parts are too long for the result parts\n", what);
  }
  return parts;
}

Result<void> WriteResults(const sdk::Step& step, const Outputs& outputs, const Json& parts,
                          const Counts& counts) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    PENSTOCK_TRY(step.WriteResult(std::string(kPartNames[i]) + "Rows", outputs[i].writer->rows()));
  }
  PENSTOCK_TRY(step.WriteResult("duplicates", counts.duplicates));
  PENSTOCK_TRY(step.WriteResult("droppedRows", counts.dropped));
  PENSTOCK_TRY(step.WriteResult("rowsAcrossParts", counts.rows_across));
  PENSTOCK_TRY(step.WriteResult("groupsAcrossParts", counts.groups_across));
  return step.WriteResult("parts", Shortened(parts));
}

}  // namespace

Result<void> RunSplit(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(auto reader, sdk::DatasetReader::Open(dataset));
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
  TakeRoles(schema, options);
  PENSTOCK_ASSIGN(auto outputs, OpenOutputs(step, *reader, options, schema));
  PENSTOCK_ASSIGN(const auto train, step.OutputPath("train"));
  Counts counts;
  {
    PENSTOCK_ASSIGN(const auto scratch, sdk::ScratchFolder::Create(train + "/.scratch"));
    PENSTOCK_ASSIGN(auto passes, Passes::Create(options, scratch.path(), reader->rows()));
    PENSTOCK_TRY(passes.Run(*reader));
    PENSTOCK_ASSIGN(reader, sdk::DatasetReader::Open(dataset));
    PENSTOCK_TRY(WriteRows(*reader, passes, options, outputs));
    counts = passes.counts();
  }
  Json parts = Json::object();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    parts[kPartNames[i]] = outputs[i].report.ToJson();
  PENSTOCK_TRY(RefuseEmptyParts(outputs, options, parts));
  for (auto& output : outputs) PENSTOCK_TRY(output.writer->Finish());
  SayWhatIsOdd(outputs, options, counts);
  return WriteResults(step, outputs, parts, counts);
}

}  // namespace penstock::split
