#include "components/ingest/csv/head.h"

#include <arrow/buffer.h>

#include <algorithm>

#include "components/ingest/csv/blocks.h"
#include "components/ingest/csv/rows.h"
#include "components/ingest/csv/scan.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::size_t kHeadBytes = 256 << 10;
constexpr std::size_t kMostHeadBytes = 16 << 20;

struct Sample {
  std::string bytes;  // whole lines, then kPadding zeros
  bool whole = false;
  [[nodiscard]] std::string_view From(std::size_t at) const {
    return std::string_view(bytes).substr(at, bytes.size() - kPadding - at);
  }
};

Result<std::string> SeeEncoding(const OpenStream& open, const std::string& told) {
  if (told != "auto") return told;
  PENSTOCK_ASSIGN(const auto stream, open("utf-8"));
  PENSTOCK_ASSIGN(const auto mark, sdk::FromArrow(stream->Read(2), "CSV"));
  const std::string bytes = mark->ToString();
  if (bytes == "\xFF\xFE") return std::string("utf-16le");
  if (bytes == "\xFE\xFF") return std::string("utf-16be");
  return std::string("utf-8");
}

Result<Sample> ReadSample(const OpenStream& open, const std::string& encoding) {
  PENSTOCK_ASSIGN(const auto stream, open(encoding));
  Sample sample;
  std::size_t line_end = 0;
  for (std::size_t size = kHeadBytes; line_end == 0 && size <= kMostHeadBytes; size *= 2) {
    while (sample.bytes.size() < size && !sample.whole) {
      PENSTOCK_ASSIGN(
          const auto piece,
          sdk::FromArrow(stream->Read(std::int64_t(size - sample.bytes.size())), "CSV"));
      sample.whole = piece->size() == 0;
      sample.bytes.append(reinterpret_cast<const char*>(piece->data()), std::size_t(piece->size()));
    }
    line_end = sample.whole ? sample.bytes.size() : sample.bytes.rfind('\n') + 1;
    if (sample.whole) break;
  }
  if (line_end == 0 && !sample.whole) {
    return Invalid("CSV: the first line is longer than 16 MiB; is the file a CSV?");
  }
  sample.bytes.resize(line_end);
  sample.bytes.append(kPadding, '\0');
  return sample;
}

// No header only where no value of the first record could be a name: each is a number, a boolean
// or a time, or nothing, and so are all below it.
bool SeeHeader(const Rows& rows, const ValueRules& rules) {
  if (rows.spans.size() < 2) return true;
  bool any = false;
  for (std::size_t c = 0; c < rows.width; ++c) {
    Seen seen = 0;
    for (std::size_t r = 0; r < rows.spans.size(); ++r) {
      const Field& field = rows.At(r, c);
      const Value value = Classify(rows.Text(field), field.quoted != 0, rules);
      if (r == 0) any = any || (value.kind & kSeenValues) != 0;
      seen |= value.kind;
      if ((seen & (kSeenText | kSeenWord)) != 0) return true;
    }
    const char mark = (seen & KindsWith(',')) != 0 ? ',' : '.';
    if ((seen & kSeenValues) != 0 && TypeOf(seen, mark) == CsvType::kString) return true;
  }
  return !any;
}

Result<std::vector<std::string>> NamesOf(const Rows& first, const Dialect& dialect) {
  std::vector<std::string> names;
  std::string name;
  for (std::size_t c = 0; c < first.width; ++c) {
    if (!dialect.header) {
      names.push_back("f" + std::to_string(c));
      continue;
    }
    const Field& field = first.At(0, c);
    name = first.Text(field);
    if (field.escaped != 0) Unescape(first.Text(field), dialect, name);
    names.push_back(name);
  }
  return names;
}

// A title above a table: one value, and below it records that all have several under a delimiter.
Result<void> RefuseTitle(std::string_view below, const Dialect& dialect) {
  for (const char delimiter : {';', '\t', '|'}) {
    Dialect other = dialect;
    other.delimiter = delimiter;
    const Rows rows = SplitRows(below, other, 0);
    if (rows.width < 2 || rows.spans.size() < 2 || !rows.bad.empty()) continue;
    const std::string name = delimiter == '\t' ? "\\t" : std::string(1, delimiter);
    return Invalid("CSV line 1 is one value, and all lines below it are " +
                   std::to_string(rows.width) + " between '" + name +
                   "': if it is a title, take it away; if the file is one column of text, set the "
                   "parameter delimiter to ,");
  }
  return {};
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != text.npos;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// Values between blanks, as numpy.savetxt and R's write.table put them: the first line may have one
// fewer (row names), and two or more are numbers in all lines below it.
Result<void> RefuseBlanks(const Rows& rows, const ValueRules& rules) {
  std::vector<Seen> seen;
  for (std::size_t r = 1; r < rows.spans.size(); ++r) {
    const Field& field = rows.At(r, 0);
    const auto words = Words(rows.Text(field));
    if (words.empty()) continue;
    if (seen.empty()) seen.resize(words.size());
    if (field.quoted != 0 || words.size() != seen.size()) return {};
    for (std::size_t w = 0; w < words.size(); ++w) seen[w] |= Classify(words[w], false, rules).kind;
  }
  const auto is_number = [](Seen kinds) {
    const CsvType type = TypeOf(kinds, '.');
    return type == CsvType::kInt64 || type == CsvType::kFloat64;
  };
  const std::size_t first = rows.spans.empty() ? 0 : Words(rows.Text(rows.At(0, 0))).size();
  const bool fits = first == seen.size() || first + 1 == seen.size();
  if (first < 2 || !fits || std::count_if(seen.begin(), seen.end(), is_number) < 2) return {};
  return Invalid("CSV: each line is " + std::to_string(seen.size()) +
                 " values between blanks: where it is one blank, set the parameter delimiter to "
                 "a blank, else write the file with commas; if the file is one column of text, set "
                 "it to ,");
}

// Excel's first line "sep=;", which names the delimiter and is no record: its bytes, or 0.
std::size_t SeparatorLine(std::string_view text) {
  constexpr std::size_t kAt = 4;
  if (text.size() < kAt + 2 || (!text.starts_with("sep=") && !text.starts_with("SEP="))) return 0;
  const std::size_t end = text[kAt + 1] == '\r' ? kAt + 2 : kAt + 1;
  const bool may_be = std::string_view("\"'\r\n").find(text[kAt]) == std::string_view::npos &&
                      static_cast<unsigned char>(text[kAt]) < 0x80;
  return may_be && end < text.size() && text[end] == '\n' ? end + 1 : 0;
}

Error BadHeader(const BadRow& bad, std::string_view text, std::int64_t first_line) {
  const auto line = first_line + CountLines(text.data(), text.data() + bad.begin);
  return Invalid("CSV line " + std::to_string(line) + ": " + bad.reason);
}

std::vector<Seen> SeenIn(const Rows& rows, const ValueRules& rules) {
  std::vector<Seen> seen(rows.width);
  for (std::size_t r = 0; r < rows.spans.size(); ++r) {
    for (std::size_t c = 0; c < rows.width; ++c) {
      const Field& field = rows.At(r, c);
      if ((seen[c] & kSeenText) != 0) continue;
      seen[c] |= field.escaped != 0 ? kSeenText
                                    : Classify(rows.Text(field), field.quoted != 0, rules).kind;
    }
  }
  return seen;
}

}  // namespace

ValueRules RulesOf(const NullWords& nulls, const DialectHints& hints, const Dialect& dialect) {
  const bool told = hints.decimal.has_value();
  return {nulls, !told || *hints.decimal == '.',
          told ? *hints.decimal == ',' : dialect.delimiter != ','};
}

Result<CsvHead> ReadCsvHead(const OpenStream& open, const DialectHints& told,
                            const ValueRules& nulls) {
  DialectHints hints = told;
  PENSTOCK_ASSIGN(const auto encoding, SeeEncoding(open, hints.encoding));
  PENSTOCK_ASSIGN(const auto sample, ReadSample(open, encoding));
  std::size_t mark = sample.From(0).starts_with("\xEF\xBB\xBF") ? 3 : 0;
  CsvHead head;
  if (const std::size_t line = SeparatorLine(sample.From(mark)); line > 0) {
    if (!hints.delimiter) hints.delimiter = sample.From(mark)[4];
    mark += line;
    head.first_line = 2;
  }
  const std::string_view text = sample.From(mark);
  head.dialect = SeeDialect(text, hints);
  head.dialect.encoding = encoding;
  const ValueRules rules = RulesOf(nulls.nulls, hints, head.dialect);
  Rows first = SplitRows(text, head.dialect, 0, 1);
  CheckBytes(first);
  if (!first.bad.empty()) return BadHeader(first.bad.front(), text, head.first_line);
  if (first.spans.empty()) return Invalid("CSV: Empty CSV file");
  const std::size_t end = sample.whole ? text.size() : CutOfRecords(text, head.dialect);
  if (first.width == 1 && !hints.delimiter) {
    const std::size_t below = first.spans.front().end;
    PENSTOCK_TRY(RefuseTitle(text.substr(below, end - below), head.dialect));
  }
  Rows rows = SplitRows(text.substr(0, end), head.dialect, first.width);
  if (first.width == 1 && !hints.delimiter) PENSTOCK_TRY(RefuseBlanks(rows, rules));
  head.dialect.header = hints.header ? *hints.header : SeeHeader(rows, rules);
  PENSTOCK_ASSIGN(head.names, NamesOf(first, head.dialect));
  if (head.dialect.header) {
    head.skip = first.spans.front().end;
    head.first_line += CountLines(text.data(), text.data() + head.skip);
    rows.Drop({0});
  }
  head.skip += mark;
  head.seen = SeenIn(rows, rules);
  head.dialect.decimal = SeeDecimal(head.seen, rules);
  return head;
}

}  // namespace penstock::ingest
