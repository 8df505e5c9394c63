#include "components/ingest/csv/testing/read_text.h"

#include <arrow/io/memory.h>

#include "components/ingest/csv/options.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::ingest {

std::string ReadTable::Types() const {
  std::string out;
  for (const auto& field : table->schema()->fields()) {
    out += (out.empty() ? "" : " ") + field->name() + ":" + field->type()->ToString();
  }
  return out;
}

std::shared_ptr<arrow::Scalar> ReadTable::Cell(int column, std::int64_t row) const {
  return *table->column(column)->GetScalar(row);
}

std::string ReadTable::Cells() const {
  std::string out;
  for (std::int64_t r = 0; r < table->num_rows(); ++r) {
    if (r > 0) out += ";";
    for (int c = 0; c < table->num_columns(); ++c) {
      if (c > 0) out += "|";
      out += Cell(c, r)->ToString();
    }
  }
  return out;
}

CsvOptions DefaultOptions() {
  const Json none = Json::object();
  sdk::Parameters parameters(none);
  return ReadCsvOptions(parameters);
}

Result<ReadTable> ReadText(const std::string& text, const CsvOptions& options) {
  ReadTable read;
  std::shared_ptr<arrow::Schema> schema;
  arrow::RecordBatchVector batches;
  const OpenStream open =
      [&](const std::string& encoding) -> Result<std::shared_ptr<arrow::io::InputStream>> {
    if (encoding != "utf-8") return Invalid("the test decodes nothing, asked for " + encoding);
    return std::shared_ptr<arrow::io::InputStream>(
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(text)));
  };
  PENSTOCK_ASSIGN(read.report, ReadCsv(
                                   open, options,
                                   [&](const auto& s) -> Result<void> {
                                     schema = s;
                                     batches.clear();
                                     read.bad.clear();
                                     return {};
                                   },
                                   [&](const auto& batch) -> Result<void> {
                                     batches.push_back(batch);
                                     return {};
                                   },
                                   [&](auto line, const auto& reason, auto raw) -> Result<void> {
                                     read.bad.push_back(std::to_string(line) + "|" + reason + "|" +
                                                        std::string(raw));
                                     return {};
                                   }));
  read.batches = int(batches.size());
  read.table = *arrow::Table::FromRecordBatches(schema, batches);
  return read;
}

std::string TypesOf(const std::string& text, const CsvOptions& options) {
  const auto read = ReadText(text, options);
  return read ? read->Types() : read.error().message;
}

std::string ProblemOf(const std::string& text, const CsvOptions& options) {
  const auto read = ReadText(text, options);
  return read ? "accepted" : read.error().message;
}

}  // namespace penstock::ingest
