#include "components/kafka/messages.h"

#include <algorithm>

#include "components/ingest/csv/blocks.h"
#include "components/ingest/csv/rows.h"
#include "components/ingest/csv/scan.h"
#include "components/ingest/parts/json_row.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

// A zero and a schema's number before the value, as the clients of schema registries write it.
bool HasSchemaId(std::string_view value) { return value.size() >= 5 && value.front() == '\0'; }

std::string LookAtJson(std::string_view value, std::string& body, bool& with_columns) {
  const auto row = ingest::ParseJsonRow(value);
  if (!row) return row.error().message;
  with_columns = !row->empty();
  // Within JSON a line's end stands between words only.
  body.assign(value);
  std::replace(body.begin(), body.end(), '\n', ' ');
  std::replace(body.begin(), body.end(), '\r', ' ');
  body += '\n';
  return "";
}

std::string LookAtCsv(std::string_view value, const IntakeOptions& options, std::string& body) {
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
  if (value.empty() && options.csv_columns > 1) return "an empty value is no record";
  body = "\n";
  if (value.empty()) return "";
  if (value.size() > ingest::kMostRecordBytes - 256) return "a record of more than 16 MiB";
  std::string text(value);
  text += '\n';
  const std::size_t size = text.size();
  text.append(ingest::kPadding, '\0');
  ingest::Dialect dialect;
  dialect.delimiter = options.delimiter;
  auto rows =
      ingest::SplitRows(std::string_view(text).substr(0, size), dialect, options.csv_columns);
  ingest::CheckBytes(rows);
  if (!rows.bad.empty()) return rows.bad.front().reason;
  if (rows.spans.size() != 1) return std::to_string(rows.spans.size()) + " records in one message";
  body.assign(value);
  body += '\n';
  return "";
}

std::string CsvPrefix(const Message& message, char delimiter) {
  return std::to_string(message.partition) + delimiter + std::to_string(message.offset) + delimiter;
}

}  // namespace

Result<void> Intake::Begin(const std::vector<Span>& spans) {
  for (const auto& span : spans) {
    Open& open = open_[span.partition];
    open.gathered.partition = span.partition;
    open.gathered.paths = SpillPaths::In(options_.folder, span.partition);
    PENSTOCK_ASSIGN(open.writer, SpillWriter::Create(open.gathered.paths));
  }
  return {};
}

std::string Intake::Look(const Message& message, bool& with_columns) {
  body_.clear();
  if (options_.keys == KeyForm::kText && message.key && !IsUtf8(*message.key))
    return "its key is no UTF-8; metadata: keyBytes reads it as it is";
  if (!message.value) {
    if (options_.form == Form::kJsonl) body_ = "{}\n";
    if (options_.form != Form::kCsv) return "";
    if (!options_.empty_is_null) return "it has no value, and nullValues has no empty text";
    body_ = std::string(options_.csv_columns - 1, options_.delimiter) + "\n";
    return "";
  }
  if (options_.form != Form::kText && HasSchemaId(*message.value)) {
    return "it is written with a schema registry (Avro, Protobuf, JSON with a schema's number), "
           "which is not read";
  }
  if (options_.form == Form::kJsonl) return LookAtJson(*message.value, body_, with_columns);
  if (options_.form == Form::kCsv) return LookAtCsv(*message.value, options_, body_);
  if (!IsUtf8(*message.value)) return "it is no UTF-8 text";
  body_.assign(*message.value);
  return "";
}

Result<void> Intake::Add(const Message& message) {
  const auto found = open_.find(message.partition);
  if (found == open_.end()) return Internal("a message of a partition that is not read");
  ++messages_;
  if (!message.value) ++without_value_;
  bytes_ += (message.value ? message.value->size() : 0) + (message.key ? message.key->size() : 0);
  if (bytes_ > options_.max_bytes)
    return Invalid("more than maxBytes, " + std::to_string(options_.max_bytes));
  bool with_columns = false;
  if (const auto problem = Look(message, with_columns); !problem.empty()) {
    return quarantine_.Add(message.partition, message.offset, problem,
                           message.value.value_or(std::string_view()));
  }
  if (options_.form == Form::kCsv) body_.insert(0, CsvPrefix(message, options_.delimiter));
  SpilledMessage kept{message.offset, message.time_ms, {}, -1};
  if (message.value) kept.size = std::int64_t(body_.size());
  if (options_.keys != KeyForm::kNone && message.key) kept.key.emplace(*message.key);
  Gathered& gathered = found->second.gathered;
  ++gathered.count;
  if (with_columns) ++gathered.with_columns;
  return found->second.writer->Add(kept, body_);
}

Result<void> Intake::Finish() {
  for (auto& [partition, open] : open_) {
    PENSTOCK_TRY(open.writer->Finish());
    gathered_.push_back(open.gathered);
  }
  open_.clear();
  return {};
}

}  // namespace penstock::kafka
