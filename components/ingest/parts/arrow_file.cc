#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>

#include "components/ingest/parts/part.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using sdk::FromArrow;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// Reads whole batches, as they were written; chosen columns are a view of them.
class ArrowPart : public Part {
 public:
  using ReadNext = std::function<arrow::Result<BatchPtr>()>;

  ArrowPart(std::shared_ptr<arrow::Schema> schema, ReadNext read)
      : schema_(std::move(schema)), read_(std::move(read)) {}

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<void> Choose(const std::vector<std::string>& columns) override {
    for (const auto& name : columns) chosen_.push_back(schema_->GetFieldIndex(name));
    return {};
  }

  Result<BatchPtr> Next() override {
    PENSTOCK_ASSIGN(const auto batch, FromArrow(read_(), "Arrow"));
    if (batch == nullptr) return batch;
    PENSTOCK_ASSIGN(const auto chosen, FromArrow(batch->SelectColumns(chosen_), "Arrow"));
    // What a file says of its buffers is not believed: offsets that lead out, text that is none.
    for (int i = 0; i < chosen->num_columns(); ++i) {
      PENSTOCK_TRY(FromArrow(chosen->column(i)->ValidateFull(),
                             "column '" + plan::Shown(chosen->column_name(i), 120) + "'"));
    }
    return chosen;
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  ReadNext read_;
  std::vector<int> chosen_;
};

}  // namespace

Result<std::unique_ptr<Part>> OpenArrowFile(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(const auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  auto reader = FromArrow(arrow::ipc::RecordBatchFileReader::Open(file), "Arrow file");
  if (!reader) {
    return Invalid("an Arrow file that is not whole, or damaged (" + reader.error().message +
                   "); copy or write it again");
  }
  auto next = [reader = *reader, index = 0]() mutable -> arrow::Result<BatchPtr> {
    if (index == reader->num_record_batches()) return BatchPtr();
    return reader->ReadRecordBatch(index++);
  };
  return std::unique_ptr<Part>(std::make_unique<ArrowPart>((*reader)->schema(), std::move(next)));
}

Result<std::unique_ptr<Part>> OpenArrowStream(const std::filesystem::path& path) {
  const std::string name = path.string();
  PENSTOCK_ASSIGN(const auto file, FromArrow(arrow::io::ReadableFile::Open(name), name));
  PENSTOCK_ASSIGN(const auto reader,
                  FromArrow(arrow::ipc::RecordBatchStreamReader::Open(file), "Arrow stream"));
  auto next = [reader]() -> arrow::Result<BatchPtr> {
    BatchPtr batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    return batch;
  };
  return std::unique_ptr<Part>(std::make_unique<ArrowPart>(reader->schema(), std::move(next)));
}

}  // namespace penstock::ingest
