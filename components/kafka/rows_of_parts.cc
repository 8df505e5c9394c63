#include <arrow/api.h>
#include <arrow/io/file.h>

#include <algorithm>

#include "components/ingest/parts/part.h"
#include "components/kafka/rows.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

using sdk::FromArrow;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

constexpr std::int64_t kMostBatchBytes = 64 << 20;

// One partition: what its messages hold, behind what Kafka knows of them.
class PartitionPart {
 public:
  PartitionPart(const Gathered& gathered, const RowOptions& options)
      : gathered_(gathered), options_(options) {}

  [[nodiscard]] std::string name() const { return PartitionName(gathered_.partition); }

  // Of JSON: looks at all values for what their columns are.
  Result<void> Open() {
    PENSTOCK_ASSIGN(metadata_, MetadataColumns::Make(options_.metadata));
    arrow::FieldVector fields = metadata_->fields();
    if (options_.form == Form::kText) fields.push_back(arrow::field("value", arrow::utf8()));
    if (options_.form == Form::kJsonl && gathered_.with_columns > 0) {
      PENSTOCK_ASSIGN(json_, ingest::OpenJsonl(
                                 [path = gathered_.paths.bodies.string()] { return Opened(path); },
                                 options_.texts,
                                 [paths = gathered_.paths](std::int64_t line) {
                                   return "offset " + std::to_string(OffsetOf(paths, line));
                                 }));
      for (const auto& field : json_->schema()->fields()) fields.push_back(field);
    }
    schema_ = arrow::schema(std::move(fields));
    return {};
  }

  [[nodiscard]] ingest::PartSchema Described() const {
    return {name(), schema_, true, options_.form == Form::kJsonl};
  }

  // All of it, into the sink.
  Result<void> Write(ingest::Sink& sink) {
    PENSTOCK_ASSIGN(spill_, SpillReader::Open(gathered_.paths));
    if (json_ != nullptr) {
      if (auto chosen = json_->Choose(JsonColumns(sink)); !chosen)
        return Wrap(name(), chosen.error());
    }
    sink.BeginPart();
    std::int64_t before = 0;
    for (;;) {
      PENSTOCK_ASSIGN(const BatchPtr batch, Next());
      if (batch == nullptr) return {};
      if (auto ok = sink.Write(*batch); !ok) return Placed(*batch, before, sink, ok.error());
      before += batch->num_rows();
    }
  }

 private:
  static Result<std::shared_ptr<arrow::io::InputStream>> Opened(const std::string& path) {
    PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(path), path));
    return std::shared_ptr<arrow::io::InputStream>(std::move(file));
  }

  std::vector<std::string> JsonColumns(const ingest::Sink& sink) const {
    std::vector<std::string> out;
    for (const auto& column : ColumnsIn(Described(), sink.plan())) {
      if (json_->schema()->GetFieldIndex(column) >= 0) out.push_back(column);
    }
    return out;
  }

  // The row of the batch that the sink did not take, by its offset.
  Error Placed(const arrow::RecordBatch& batch, std::int64_t before, const ingest::Sink& sink,
               const Error& whole) const {
    for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
      const auto row = ingest::Conform(*batch.Slice(i, 1), sink.plan(), before + i + 1);
      if (row) continue;
      return Wrap(name() + ", offset " + std::to_string(OffsetOf(gathered_.paths, before + i + 1)),
                  row.error());
    }
    return Wrap(name(), whole);
  }

  Result<BatchPtr> Next() {
    BatchPtr values;
    std::int64_t rows = 0;
    if (json_ != nullptr) {
      PENSTOCK_ASSIGN(values, json_->Next());
      if (values == nullptr) return values;
      for (; rows < values->num_rows(); ++rows) PENSTOCK_TRY(Take(nullptr));
    } else {
      arrow::StringBuilder texts;
      const bool text = options_.form == Form::kText;
      bytes_ = 0;
      while (rows < sdk::kBatchRows && bytes_ < kMostBatchBytes) {
        PENSTOCK_ASSIGN(const bool more, Take(text ? &texts : nullptr));
        if (!more) break;
        ++rows;
      }
      if (rows == 0) return BatchPtr();
      if (text) PENSTOCK_TRY(FromArrow(texts.Finish(&text_), "text"));
    }
    PENSTOCK_ASSIGN(auto arrays, metadata_->Take());
    arrow::FieldVector fields = metadata_->fields();
    if (options_.form == Form::kText) {
      fields.push_back(arrow::field("value", arrow::utf8()));
      arrays.push_back(text_);
    }
    for (int i = 0; values != nullptr && i < values->num_columns(); ++i) {
      fields.push_back(values->schema()->field(i));
      arrays.push_back(values->column(i));
    }
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(arrays));
  }

  // The next message's record, and its body where it is text.
  Result<bool> Take(arrow::StringBuilder* texts) {
    SpilledMessage message;
    PENSTOCK_ASSIGN(const bool more, spill_->Next(message));
    if (!more) return false;
    PENSTOCK_TRY(metadata_->Add(gathered_.partition, message));
    if (message.key) bytes_ += std::int64_t(message.key->size());
    if (texts == nullptr) return true;
    if (message.size < 0) {
      PENSTOCK_TRY(FromArrow(texts->AppendNull(), "text"));
      return true;
    }
    PENSTOCK_TRY(spill_->Body(message.size, body_));
    bytes_ += message.size;
    PENSTOCK_TRY(FromArrow(texts->Append(body_), "text"));
    return true;
  }

  const Gathered gathered_;
  const RowOptions& options_;
  std::unique_ptr<MetadataColumns> metadata_;
  std::unique_ptr<ingest::Part> json_;
  std::unique_ptr<SpillReader> spill_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Array> text_;
  std::string body_;
  std::int64_t bytes_ = 0;
};

// Where there is no message, the columns are those that were told.
Result<void> WriteNoRows(const sdk::Schema& schema, const RowOptions& options, ingest::Sink& sink) {
  arrow::FieldVector fields;
  for (const auto& column : schema.columns) {
    PENSTOCK_ASSIGN(auto type, sdk::ParseTypeText(column.type));
    fields.push_back(arrow::field(column.name, std::move(type)));
  }
  PENSTOCK_ASSIGN(auto plan, ingest::Unite({{.name = "the topic",
                                             .schema = arrow::schema(std::move(fields)),
                                             .text = true,
                                             .sparse = true}},
                                           options.wishes));
  return sink.Begin(std::move(plan));
}

}  // namespace

Result<void> WriteParts(const std::vector<Gathered>& gathered, const RowOptions& options,
                        ingest::Sink& sink) {
  const bool nothing =
      std::all_of(gathered.begin(), gathered.end(), [](const auto& one) { return one.count == 0; });
  if (nothing && options.wishes.schema) return WriteNoRows(*options.wishes.schema, options, sink);
  std::vector<std::unique_ptr<PartitionPart>> parts;
  std::vector<ingest::PartSchema> schemas;
  for (const auto& one : gathered) {
    // Of no messages only what is there without them.
    if (one.count == 0 && &one != &gathered.front()) continue;
    parts.push_back(std::make_unique<PartitionPart>(one, options));
    if (auto ok = parts.back()->Open(); !ok) return Wrap(parts.back()->name(), ok.error());
    schemas.push_back(parts.back()->Described());
  }
  const bool columns = std::any_of(schemas.begin(), schemas.end(), [](const auto& schema) {
    return schema.schema->num_fields() > 0;
  });
  if (!columns && !options.wishes.schema) {
    return Invalid(
        "no message has a column, so that there is no dataset to write; with the input schema, or "
        "with metadata: [offset], it is one without rows");
  }
  PENSTOCK_ASSIGN(auto plan, ingest::Unite(schemas, options.wishes));
  PENSTOCK_TRY(sink.Begin(std::move(plan)));
  for (auto& part : parts) {
    PENSTOCK_TRY(part->Write(sink));
    part.reset();
  }
  return {};
}

Result<void> WriteRows(const std::vector<Gathered>& gathered, const RowOptions& options,
                       Quarantine& quarantine, ingest::Sink& sink) {
  return options.form == Form::kCsv ? WriteCsv(gathered, options, quarantine, sink)
                                    : WriteParts(gathered, options, sink);
}

}  // namespace penstock::kafka
