#include "components/ingest/csv.h"

#include <arrow/api.h>
#include <arrow/csv/api.h>

#include <charconv>
#include <regex>
#include <set>

#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kBlockBytes = 16 << 20;

TypePtr ArrowType(sdk::ColumnType type) {
  switch (type) {
    case sdk::ColumnType::kInt64:
      return arrow::int64();
    case sdk::ColumnType::kFloat64:
      return arrow::float64();
    case sdk::ColumnType::kBool:
      return arrow::boolean();
    case sdk::ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case sdk::ColumnType::kString:
      break;
  }
  return arrow::utf8();
}

// Arrow takes times with a zone and times without one for two types.
TypePtr TimestampLike(const std::string& value) {
  const auto time = value.find_first_of("T ");
  const bool zoned =
      time != std::string::npos && value.find_first_of("Z+-", time) != std::string::npos;
  return arrow::timestamp(arrow::TimeUnit::MICRO, zoned ? "UTC" : "");
}

TypePtr TypeOfText(const std::string& text) {
  std::int64_t integer = 0;
  double number = 0;
  const char* end = text.data() + text.size();
  if (const auto r = std::from_chars(text.data(), end, integer);
      r.ec == std::errc() && r.ptr == end) {
    return arrow::int64();
  }
  if (const auto r = std::from_chars(text.data(), end, number);
      r.ec == std::errc() && r.ptr == end) {
    return arrow::float64();
  }
  if (text == "true" || text == "false") return arrow::boolean();
  return sdk::ParseTimestamp(text) ? TimestampLike(text) : arrow::utf8();
}

// The narrowest type that holds what was of type `name` and also `text`.
TypePtr Widen(const std::string& name, const std::string& text) {
  const TypePtr type = TypeOfText(text);
  if (name == "null") return type;
  if (name == "int64" && type->id() == arrow::Type::DOUBLE) return type;
  const bool was_date = name == "date32[day]" || name.rfind("timestamp[s", 0) == 0;
  if (was_date && type->id() == arrow::Type::TIMESTAMP) return type;
  return arrow::utf8();
}

// What Arrow says of a value that does not fit. Only its words tell: its code is Invalid for
// everything that is wrong with a file. The tests of widening and of lines and columns fail when
// they change.
struct BadValue {
  int column = 0;
  std::string row;  // "12", or empty
  std::string type;
  std::string value;
};

std::optional<BadValue> ParseBadValue(const std::string& message) {
  static const std::regex kPattern(
      R"(In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to ([^:]+): [a-z ]+ '([\s\S]*)')");
  std::smatch m;
  if (!std::regex_search(message, m, kPattern)) return std::nullopt;
  return BadValue{std::stoi(m[1]), m[2], m[3], m[4]};
}

// One pass over the file with the types known so far.
class CsvPass {
 public:
  CsvPass(const OpenStream& open, const CsvOptions& options,
          const std::map<std::string, TypePtr>& types)
      : open_(open), options_(options), types_(types) {}

  Result<std::shared_ptr<arrow::csv::StreamingReader>> Open(
      const std::vector<std::string>& columns) const {
    auto read = arrow::csv::ReadOptions::Defaults();
    read.use_threads = false;  // so that errors know their row
    read.block_size = kBlockBytes;
    read.autogenerate_column_names = !options_.header;
    auto parse = arrow::csv::ParseOptions::Defaults();
    parse.delimiter = options_.delimiter;
    parse.newlines_in_values = true;
    auto convert = arrow::csv::ConvertOptions::Defaults();
    convert.null_values = options_.null_values;
    convert.strings_can_be_null = true;
    convert.quoted_strings_can_be_null = false;
    convert.include_columns = columns;
    for (const auto& [name, type] : types_) convert.column_types[name] = type;
    PENSTOCK_ASSIGN(auto stream, open_());
    return sdk::FromArrow(
        arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), std::move(stream), read,
                                          parse, convert),
        "CSV");
  }

  Result<void> Run(const std::vector<std::string>& columns, const OnSchema& on_schema,
                   const OnBatch& on_batch) const {
    PENSTOCK_ASSIGN(auto reader, Open(columns));
    PENSTOCK_TRY(on_schema(reader->schema()));
    for (;;) {
      std::shared_ptr<arrow::RecordBatch> batch;
      PENSTOCK_TRY(sdk::FromArrow(reader->ReadNext(&batch), "CSV"));
      if (batch == nullptr) return {};
      PENSTOCK_TRY(on_batch(batch));
    }
  }

 private:
  const OpenStream& open_;
  const CsvOptions& options_;
  const std::map<std::string, TypePtr>& types_;
};

// All columns as strings: the names, without a value that could fail.
Result<std::vector<std::string>> ReadNames(const OpenStream& open, const CsvOptions& options) {
  const std::map<std::string, TypePtr> none;
  PENSTOCK_ASSIGN(auto reader, CsvPass(open, options, none).Open({}));
  auto names = reader->schema()->field_names();
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (name.empty()) return Invalid("CSV line 1: a column has no name");
    if (!seen.insert(name).second) return Invalid("CSV line 1: column '" + name + "' stands twice");
  }
  return names;
}

Result<void> CheckNames(const std::vector<std::string>& names, const CsvOptions& options) {
  const std::set<std::string> known(names.begin(), names.end());
  const auto check = [&](const std::string& parameter, const std::string& name) -> Result<void> {
    if (known.contains(name)) return {};
    std::string list;
    for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
    return Invalid("parameter " + parameter + ": there is no column '" + name + "'; there are " +
                   list);
  };
  for (const auto& name : options.columns) PENSTOCK_TRY(check("columns", name));
  for (const auto& [name, type] : options.types) PENSTOCK_TRY(check("types", name));
  return {};
}

// "line 3: Expected 3 columns, got 2: a,b" and the like.
Error Readable(Error error) {
  static const std::regex kRow(R"(CSV parse error: Row #(\d+): )");
  error.message = std::regex_replace(error.message, kRow, "line $1: ");
  return error;
}

Error ReadableBadValue(const BadValue& bad, const std::string& column) {
  std::string value = bad.value.substr(0, 80);
  return Invalid("CSV " + (bad.row.empty() ? "" : "line " + bad.row + ", ") + "column '" + column +
                 "': '" + value + "' is no " + bad.type);
}

// Teaches `types` the wider type; an error when the user fixed it or nothing is wider.
Result<void> Learn(const BadValue& bad, const std::vector<std::string>& names,
                   const CsvOptions& options, std::map<std::string, TypePtr>& types) {
  if (std::size_t(bad.column) >= names.size()) return Internal("CSV: no such column in an error");
  const std::string& name = names[std::size_t(bad.column)];
  const auto fixed = options.types.find(name);
  if (fixed != options.types.end()) {
    const bool other_zone = fixed->second == sdk::ColumnType::kTimestamp &&
                            sdk::ParseTimestamp(bad.value) &&
                            !types[name]->Equals(*TimestampLike(bad.value));
    // One change only: a column that mixes both forms has no one type.
    if (!other_zone || types[name]->ToString().find("UTC") != std::string::npos) {
      return ReadableBadValue(bad, name);
    }
    types[name] = TimestampLike(bad.value);
    return {};
  }
  const TypePtr wider = Widen(bad.type, bad.value);
  if (types.contains(name) && types[name]->Equals(*wider)) {
    if (wider->id() == arrow::Type::STRING) return ReadableBadValue(bad, name);
    types[name] = arrow::utf8();
    return {};
  }
  types[name] = wider;
  return {};
}

}  // namespace

Result<void> ReadCsv(const OpenStream& open, const CsvOptions& options, const OnSchema& on_schema,
                     const OnBatch& on_batch) {
  auto names = ReadNames(open, options);
  if (!names) return Readable(names.error());
  PENSTOCK_TRY(CheckNames(*names, options));
  std::map<std::string, TypePtr> types;
  for (const auto& [name, type] : options.types) types[name] = ArrowType(type);
  // Times of day have no place in a signature: they stay text.
  const auto accept = [&](const std::shared_ptr<arrow::Schema>& schema) -> Result<void> {
    for (const auto& field : schema->fields()) {
      if (arrow::is_time(field->type()->id())) types[field->name()] = arrow::utf8();
    }
    return on_schema(schema);
  };
  for (;;) {
    const std::size_t known = types.size();
    const CsvPass pass(open, options, types);
    auto ok = pass.Run(options.columns, accept, on_batch);
    if (ok && types.size() == known) return {};
    if (ok) continue;
    const auto bad = ParseBadValue(ok.error().message);
    if (!bad) return Readable(ok.error());
    PENSTOCK_TRY(Learn(*bad, *names, options, types));
  }
}

}  // namespace penstock::ingest
