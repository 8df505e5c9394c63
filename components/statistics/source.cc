#include "components/statistics/source.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "components/ingest/csv/options.h"
#include "components/ingest/files.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/scratch_folder.h"
#include "components/statistics/summary/collector.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

namespace fs = std::filesystem;
using ingest::Format;

constexpr std::uint64_t kMostUnpacked = 100ULL << 30;  // unpacked

// Batches of any size as blocks of kBlockRows.
class Blocks {
 public:
  explicit Blocks(const CollectOptions& options) : options_(options) {}

  Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema) {
    schema_ = schema;
    pending_.clear();
    pending_rows_ = 0;
    block_ = {};
    PENSTOCK_ASSIGN(auto collector, Collector::Create(*schema, options_));
    collector_.emplace(std::move(collector));
    return {};
  }
  Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
    pending_.push_back(batch);
    pending_rows_ += batch->num_rows();
    return pending_rows_ >= kBlockRows ? Flush(kBlockRows) : Result<void>();
  }
  Result<Statistics> Finish() {
    PENSTOCK_TRY(Flush(1));
    return collector_->Describe();
  }

 private:
  // Blocks while there are `least` rows.
  Result<void> Flush(std::int64_t least) {
    if (pending_.empty()) return {};
    PENSTOCK_ASSIGN(auto table,
                    sdk::FromArrow(arrow::Table::FromRecordBatches(schema_, pending_), "look"));
    while (table->num_rows() >= least) {
      const auto rows = table->Slice(0, kBlockRows);
      block_.rows = rows->num_rows();
      PENSTOCK_TRY(collector_->Add(
          block_, [&rows](std::size_t c) -> Result<std::shared_ptr<arrow::ChunkedArray>> {
            return rows->column(int(c));
          }));
      block_.first_row += block_.rows;
      ++block_.number;
      table = table->Slice(block_.rows);
    }
    pending_.clear();
    pending_rows_ = table->num_rows();
    arrow::TableBatchReader reader(*table);
    for (std::shared_ptr<arrow::RecordBatch> batch;;) {
      PENSTOCK_TRY(sdk::FromArrow(reader.ReadNext(&batch), "look"));
      if (batch == nullptr) return {};
      pending_.push_back(batch);
    }
  }

  const CollectOptions& options_;
  std::shared_ptr<arrow::Schema> schema_;
  arrow::RecordBatchVector pending_;
  std::int64_t pending_rows_ = 0;
  Block block_;
  std::optional<Collector> collector_;
};

// The named columns, in that order.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Select(const arrow::RecordBatch& batch,
                                                          const std::vector<std::string>& names) {
  std::vector<int> places;
  for (const auto& name : names) places.push_back(batch.schema()->GetFieldIndex(name));
  return batch.SelectColumns(places);
}

Result<Statistics> OfCsv(const std::vector<ingest::SourceFile>& files,
                         const CollectOptions& options) {
  const Json nothing = Json::object();
  sdk::Parameters parameters(nothing);
  ingest::CsvOptions csv = ingest::ReadCsvOptions(parameters);
  csv.columns = options.columns;
  Blocks blocks(options);
  std::vector<ingest::CsvFile> parts;
  for (const auto& file : files)
    parts.push_back({file.name, [&file](const std::string& encoding) {
                       return ingest::OpenText(file.path, encoding, kMostUnpacked);
                     }});
  PENSTOCK_ASSIGN(const auto report,
                  ingest::ReadCsvFiles(
                      parts, csv, [&](const auto& schema) { return blocks.Begin(schema); },
                      [](std::size_t) {}, [&](const auto& batch) { return blocks.Write(batch); }));
  static_cast<void>(report);
  return blocks.Finish();
}

// Parts must have the columns of the first.
Result<Statistics> OfParts(const std::vector<ingest::SourceFile>& files,
                           const CollectOptions& options) {
  PENSTOCK_ASSIGN(
      const auto scratch,
      sdk::ScratchFolder::Create(
          (fs::temp_directory_path() / ("penstock-look-" + std::to_string(::getpid()))).string()));
  ingest::ReadingOptions reading;
  reading.max_bytes = kMostUnpacked;
  Blocks blocks(options);
  std::shared_ptr<arrow::Schema> schema;
  for (const auto& file : files) {
    PENSTOCK_ASSIGN(const auto part, ingest::OpenPart(file, scratch.path(), reading));
    const auto columns = options.columns.empty() ? part->schema()->field_names() : options.columns;
    for (const auto& name : columns) {
      if (part->schema()->GetAllFieldIndices(name).size() == 1) continue;
      return Invalid(file.name + ": there is no column '" + name + "', or it stands twice");
    }
    PENSTOCK_TRY(part->Choose(columns));
    arrow::FieldVector fields;
    for (const auto& name : columns) fields.push_back(part->schema()->GetFieldByName(name));
    const auto chosen = arrow::schema(fields);
    if (schema == nullptr) PENSTOCK_TRY(blocks.Begin(chosen));
    if (schema != nullptr && !chosen->Equals(*schema, false)) {
      return Invalid(file.name + ": its columns are not those of " + files.front().name +
                     "; ingest unites them");
    }
    schema = schema == nullptr ? chosen : schema;
    for (;;) {
      PENSTOCK_ASSIGN(const auto batch, part->Next());
      if (batch == nullptr) break;
      PENSTOCK_ASSIGN(const auto selected, sdk::FromArrow(Select(*batch, columns), file.name));
      PENSTOCK_TRY(blocks.Write(selected));
    }
  }
  return blocks.Finish();
}

bool IsDataset(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return false;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() == ".parquet") return true;
  }
  return false;
}

}  // namespace

Result<Statistics> StatisticsOf(const std::string& path, const CollectOptions& options) {
  PENSTOCK_TRY(sdk::FromArrow(arrow::compute::Initialize(), "arrow"));
  if (IsDataset(path)) return CollectStatistics(path, options);
  ingest::ReadingOptions reading;
  reading.max_bytes = kMostUnpacked;
  PENSTOCK_ASSIGN(const auto files, ingest::ListFiles(path, reading));
  const auto& first = files.front();
  const bool plain = files.size() == 1 && first.packing == ingest::Packing::kNone;
  if (first.format == Format::kParquet && plain) {
    return CollectStatistics(first.path.string(), options);
  }
  if (!options.slices.empty()) return Invalid("slices are of datasets and of Parquet files");
  if (first.format != Format::kCsv) return OfParts(files, options);
  return OfCsv(files, options);
}

}  // namespace penstock::statistics
