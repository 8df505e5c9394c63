#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/io/interfaces.h>

#include <algorithm>
#include <charconv>

#include "components/kafka/rows.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

using sdk::FromArrow;

// Before each record stands where it came from, which leads from a row back to its message.
constexpr const char* kPlace[] = {"kafka_partition", "kafka_offset"};

// A header, then the records of all partitions, as one CSV.
class AllRecords : public arrow::io::InputStream {
 public:
  AllRecords(std::string header, std::vector<std::string> paths)
      : header_(std::move(header)), paths_(std::move(paths)) {}

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  [[nodiscard]] bool closed() const override { return closed_; }
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return position_; }

  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override {
    std::int64_t read = 0;
    if (!header_.empty()) {
      read = std::min(size, std::int64_t(header_.size()));
      std::copy_n(header_.data(), read, static_cast<char*>(out));
      header_.erase(0, std::size_t(read));
    }
    while (read == 0 && size > 0) {
      if (file_ == nullptr && next_ == paths_.size()) break;
      if (file_ == nullptr) {
        ARROW_ASSIGN_OR_RAISE(file_, arrow::io::ReadableFile::Open(paths_[next_++]));
      }
      ARROW_ASSIGN_OR_RAISE(read, file_->Read(size, out));
      if (read == 0) file_.reset();
    }
    position_ += read;
    return read;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
    std::int64_t filled = 0;
    while (filled < size) {
      ARROW_ASSIGN_OR_RAISE(const auto n, Read(size - filled, buffer->mutable_data() + filled));
      if (n == 0) break;
      filled += n;
    }
    ARROW_RETURN_NOT_OK(buffer->Resize(filled));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

 private:
  std::string header_;
  const std::vector<std::string> paths_;
  std::size_t next_ = 0;
  std::shared_ptr<arrow::io::ReadableFile> file_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

std::string Quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// What Kafka knows of the messages whose rows come, in their order; those between became none.
class Follower {
 public:
  Follower(const std::vector<Gathered>& gathered, const RowOptions& options)
      : gathered_(gathered), options_(options) {}

  Result<void> Begin() {
    next_ = 0;
    spill_.reset();
    PENSTOCK_ASSIGN(columns_, MetadataColumns::Make(options_.metadata));
    return {};
  }
  [[nodiscard]] const arrow::FieldVector& fields() const { return columns_->fields(); }

  Result<arrow::ArrayVector> Take(const arrow::Int64Array& partitions,
                                  const arrow::Int64Array& offsets) {
    for (std::int64_t i = 0; i < offsets.length(); ++i)
      PENSTOCK_TRY(Add(std::int32_t(partitions.Value(i)), offsets.Value(i)));
    return columns_->Take();
  }

 private:
  Result<void> Add(std::int32_t partition, std::int64_t offset) {
    SpilledMessage message;
    for (;;) {
      if (spill_ == nullptr) {
        if (next_ == gathered_.size()) return Internal("a row of no message that was read");
        PENSTOCK_ASSIGN(spill_, SpillReader::Open(gathered_[next_++].paths));
      }
      PENSTOCK_ASSIGN(const bool more, spill_->Next(message));
      if (!more)
        spill_.reset();
      else if (gathered_[next_ - 1].partition == partition && message.offset == offset)
        return columns_->Add(partition, message);
    }
  }

  const std::vector<Gathered>& gathered_;
  const RowOptions& options_;
  std::size_t next_ = 0;  // the partition to open next
  std::unique_ptr<SpillReader> spill_;
  std::unique_ptr<MetadataColumns> columns_;
};

// "3;17;the rest" -> 3, 17, the rest.
Result<std::string_view> TakeNumber(std::string_view text, char delimiter, std::int64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto size = std::size_t(read.ptr - text.data());
  if (read.ec != std::errc() || size >= text.size() || text[size] != delimiter)
    return Internal("a record without its place");
  return text.substr(size + 1);
}

ingest::CsvOptions OptionsOf(const RowOptions& options) {
  ingest::CsvOptions csv = options.csv;
  csv.dialect.delimiter = options.delimiter;
  csv.dialect.quote = '"';
  csv.dialect.backslash = false;
  csv.dialect.header = true;
  csv.dialect.decimal = '.';
  csv.dialect.encoding = "utf-8";
  csv.quarantine = true;
  csv.columns.clear();
  for (const char* place : kPlace) {
    csv.types[place] = sdk::ColumnType::kInt64;
    if (!options.wishes.columns.empty()) csv.columns.emplace_back(place);
  }
  for (const auto& column : options.wishes.columns) {
    const auto& names = options.names;
    if (std::find(names.begin(), names.end(), column) != names.end()) csv.columns.push_back(column);
  }
  return csv;
}

}  // namespace

Result<void> WriteCsv(const std::vector<Gathered>& gathered, const RowOptions& options,
                      Quarantine& quarantine, ingest::Sink& sink) {
  std::vector<std::string> paths;
  for (const auto& one : gathered) paths.push_back(one.paths.bodies.string());
  std::string header;
  for (const char* place : kPlace) header += std::string(place) + options.delimiter;
  for (const auto& name : options.names)
    header += Quoted(name) + (&name == &options.names.back() ? '\n' : options.delimiter);
  const ingest::OpenStream open = [&](const std::string&) {
    return Result<std::shared_ptr<arrow::io::InputStream>>(
        std::make_shared<AllRecords>(header, paths));
  };
  Follower follower(gathered, options);
  // Begun anew when reading starts over, unlike what was refused before.
  Quarantine refused(quarantine.keeps() ? options.scratch / "refused" : "", quarantine.is_error());
  const auto on_schema = [&](const std::shared_ptr<arrow::Schema>& schema) -> Result<void> {
    PENSTOCK_TRY(follower.Begin());
    PENSTOCK_TRY(refused.Begin());
    arrow::FieldVector fields = follower.fields();
    fields.insert(fields.end(), schema->fields().begin() + 2, schema->fields().end());
    PENSTOCK_ASSIGN(
        auto plan,
        ingest::Unite(
            {{.name = "the messages", .schema = arrow::schema(std::move(fields)), .text = true}},
            options.wishes));
    return sink.Begin(std::move(plan));
  };
  const auto on_batch = [&](const std::shared_ptr<arrow::RecordBatch>& batch) -> Result<void> {
    PENSTOCK_ASSIGN(auto arrays,
                    follower.Take(static_cast<const arrow::Int64Array&>(*batch->column(0)),
                                  static_cast<const arrow::Int64Array&>(*batch->column(1))));
    arrow::FieldVector fields = follower.fields();
    for (int i = 2; i < batch->num_columns(); ++i) {
      fields.push_back(batch->schema()->field(i));
      arrays.push_back(batch->column(i));
    }
    return sink.Write(*arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch->num_rows(),
                                                std::move(arrays)));
  };
  const auto on_bad_row = [&](std::int64_t, const std::string& reason,
                              std::string_view raw) -> Result<void> {
    std::int64_t partition = 0, offset = 0;
    PENSTOCK_ASSIGN(const auto rest, TakeNumber(raw, options.delimiter, partition));
    PENSTOCK_ASSIGN(const auto value, TakeNumber(rest, options.delimiter, offset));
    return refused.Add(std::int32_t(partition), offset, reason, value);
  };
  PENSTOCK_TRY(ReadCsv(open, OptionsOf(options), on_schema, on_batch, on_bad_row));
  return quarantine.TakeOver(refused);
}

}  // namespace penstock::kafka
