#include "components/ingest/csv/options.h"

#include <arrow/type.h>

#include <algorithm>

#include "components/sdk/arrow_types.h"

namespace penstock::ingest {
namespace {

std::optional<char> ReadDelimiter(sdk::Parameters& p) {
  const std::string text = p.String("delimiter", "auto");
  if (text == "auto") return std::nullopt;
  if (text == "\\t") return '\t';
  const bool one = text.size() == 1 && text != "\"" && text != "\n" && text != "\r" &&
                   static_cast<unsigned char>(text.front()) < 0x80 && text.front() != '\0';
  if (!one) {
    p.Fail("delimiter: must be auto, or one character (\\t for a tab)");
    return std::nullopt;
  }
  return text.front();
}

std::optional<char> ReadQuote(sdk::Parameters& p) {
  const std::string text = p.OneOf("quote", "auto", {"auto", "\"", "'", "none"});
  if (text == "auto") return std::nullopt;
  return text == "none" ? '\0' : text.front();
}

DialectHints ReadHints(sdk::Parameters& p) {
  DialectHints hints;
  hints.delimiter = ReadDelimiter(p);
  hints.quote = ReadQuote(p);
  const std::string escape = p.OneOf("escape", "auto", {"auto", "doubled", "backslash"});
  if (escape != "auto") hints.backslash = escape == "backslash";
  hints.header = p.OptionalBoolean("header");
  const std::string decimal = p.OneOf("decimal", "auto", {"auto", ".", ","});
  if (decimal != "auto") hints.decimal = decimal.front();
  hints.encoding = p.String("encoding", "auto");
  return hints;
}

}  // namespace

CsvOptions ReadCsvOptions(sdk::Parameters& p) {
  CsvOptions csv;
  csv.dialect = ReadHints(p);
  csv.null_values = p.Strings(
      "nullValues", {"", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None"});
  csv.quarantine = p.OneOf("onBadRow", "Fail", {"Fail", "Quarantine"}) == "Quarantine";
  csv.columns = p.Strings("columns");
  const Json types = p.Object("types");
  for (const auto& [name, value] : types.items()) {
    const auto type = value.is_string() ? sdk::ParseTypeText(value.get<std::string>())
                                        : Invalid("a type is a string such as int64");
    if (!type) {
      p.Fail("types." + name + ": " + type.error().message);
      break;
    }
    TellType(name, *type, csv);
  }
  return csv;
}

void TellType(const std::string& column, const std::shared_ptr<arrow::DataType>& type,
              CsvOptions& options) {
  const auto cell = sdk::ParseColumnType(sdk::TypeText(*type));
  options.types[column] = cell.value_or(sdk::ColumnType::kString);
  // What no cell is of is made of the text later. Bytes are the text as it stands.
  if (!cell && type->id() != arrow::Type::BINARY) options.made[column] = type;
}

}  // namespace penstock::ingest
