#include "components/drift/values.h"

#include <arrow/array.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "components/sdk/row_hash.h"

namespace penstock::drift {
namespace {

constexpr std::size_t kKeptBytes = 100;  // of a value
constexpr std::size_t kKeptWord = 40;
constexpr std::int64_t kLookedRows = 10'000;  // until a column's values are known as texts
constexpr double kTextWords = 3;              // on average
constexpr std::size_t kTextBytes = 4096;

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z');
}

// A place of at most `most` bytes that does not cut a character of UTF-8.
std::size_t CutAt(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t at = most;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

// Long values by their beginning and a hash, so that what is held of each is bounded.
std::string Shortened(std::string_view text) {
  char hash[24];
  std::snprintf(hash, sizeof hash, "...#%016llx",
                static_cast<unsigned long long>(sdk::HashText(text)));
  return std::string(text.substr(0, CutAt(text, kKeptBytes - 20))) + hash;
}

// 1 + hours since the beginning of Monday.
std::uint32_t HourOfWeek(std::int64_t micros) {
  using namespace std::chrono;
  const auto hours_since = floor<hours>(sys_time<microseconds>(microseconds(micros)));
  const auto day = floor<days>(hours_since);
  const unsigned weekday = std::chrono::weekday(day).iso_encoding() - 1;
  return std::uint32_t(weekday * 24 + unsigned((hours_since - day).count()) + 1);
}

template <typename Array>
void AddNumbers(const Array& array, const std::vector<std::int64_t>& rows, Values& values) {
  const auto* const raw = array.raw_values();
  const bool may_be_null = array.null_count() > 0;
  for (const std::int64_t row : rows) {
    if (may_be_null && array.IsNull(row)) {
      ++values.nulls;
      values.numbers.push_back(0);
      values.specials.push_back(Special::kNull);
      continue;
    }
    const auto number = double(raw[row]);
    Special special = Special::kNone;
    if (!std::isfinite(number)) {
      special = std::isnan(number) ? Special::kNan
                : number > 0       ? Special::kInfinite
                                   : Special::kMinusInfinite;
    }
    values.numbers.push_back(special == Special::kNone ? number : 0);
    values.specials.push_back(special);
  }
}

bool IsExact(std::int64_t whole) { return whole >= -kExactWhole && whole <= kExactWhole; }

// After AddNumbers: rounding is not undone.
void KeepWholes(const arrow::Int64Array& array, const std::vector<std::int64_t>& rows,
                Values& values) {
  const auto is_exact = [&](std::int64_t row) {
    return array.IsNull(row) || IsExact(array.Value(row));
  };
  if (values.wholes.empty()) {
    if (std::all_of(rows.begin(), rows.end(), is_exact)) return;
    const std::size_t before = values.numbers.size() - rows.size();
    values.wholes.reserve(values.numbers.capacity());
    for (std::size_t i = 0; i < before; ++i)
      values.wholes.push_back(std::int64_t(values.numbers[i]));
  }
  for (const std::int64_t row : rows)
    values.wholes.push_back(array.IsNull(row) ? 0 : array.Value(row));
}

void AddTimes(const arrow::TimestampArray& array, const std::vector<std::int64_t>& rows,
              Values& values) {
  for (const std::int64_t row : rows) {
    if (array.IsNull(row)) {
      ++values.nulls;
      values.codes.push_back(kNullCode);
      continue;
    }
    const std::int64_t time = array.Value(row);
    values.codes.push_back(HourOfWeek(time));
    values.first_time = std::min(values.first_time, time);
    values.last_time = std::max(values.last_time, time);
  }
}

}  // namespace

std::uint32_t Dictionary::CodeOf(std::string_view text) {
  if (places_.empty()) Grow();
  const std::size_t hash = std::hash<std::string_view>()(text);
  const auto tag = std::uint32_t(hash >> 32);
  std::size_t at = hash & (places_.size() - 1);
  for (; places_[at].taken != 0; at = (at + 1) & (places_.size() - 1)) {
    const std::uint32_t code = places_[at].taken - 1;
    if (places_[at].hash == tag && texts_[code] == text) return code;
  }
  if (texts_.size() >= most_) return std::uint32_t(most_);
  texts_.emplace_back(text);
  places_[at] = {tag, std::uint32_t(texts_.size())};
  if (2 * texts_.size() > places_.size()) Grow();
  return std::uint32_t(texts_.size() - 1);
}

void Dictionary::Grow() {
  places_.assign(std::max<std::size_t>(64, places_.size() * 2), {});
  for (std::size_t code = 0; code < texts_.size(); ++code) {
    const std::size_t hash = std::hash<std::string_view>()(texts_[code]);
    std::size_t at = hash & (places_.size() - 1);
    while (places_[at].taken != 0) at = (at + 1) & (places_.size() - 1);
    places_[at] = {std::uint32_t(hash >> 32), std::uint32_t(code + 1)};
  }
}

void ForEachWord(std::string_view text, const std::function<void(std::string_view)>& visit) {
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && !IsWordByte(text[at])) ++at;
    const std::size_t begin = at;
    while (at < text.size() && IsWordByte(text[at])) ++at;
    if (at > begin) visit(text.substr(begin, at - begin));
  }
}

std::size_t Values::rows(Kind kind) const {
  if (kind == Kind::kNumber) return numbers.size();
  return kind == Kind::kText ? ends.size() : codes.size();
}

ColumnValues::ColumnValues(const Pair& p)
    : pair(p), dictionary(p.kind == Kind::kText ? kDistinctWords : SIZE_MAX) {
  if (p.kind == Kind::kCategory) (void)dictionary.CodeOf("null");  // kNullCode
}

void ColumnValues::Reserve(std::size_t side, std::size_t rows) {
  Values& values = sides[side];
  if (pair.kind == Kind::kNumber) {
    values.numbers.reserve(rows);
    values.specials.reserve(rows);
  } else if (pair.kind != Kind::kText) {
    values.codes.reserve(rows);
  }
}

std::uint32_t ColumnValues::CodeOfText(Values& values, std::string_view text) {
  if (pair.may_be_text && values.counted_rows < kLookedRows) {
    ++values.counted_rows;
    ForEachWord(text, [&](std::string_view) { ++values.words; });
  }
  if (text == "null") return dictionary.CodeOf("'null'");  // a value of its own
  return dictionary.CodeOf(text.size() > kKeptBytes ? Shortened(text) : text);
}

// Each entry of the dictionary is looked up once, when a row first has it.
void ColumnValues::AddEntries(Values& values, const BatchColumn& column, const RowList& rows) {
  constexpr std::uint32_t kUnknown = UINT32_MAX;
  const auto& texts = static_cast<const arrow::StringArray&>(*column.values.array);
  const auto& entries = static_cast<const arrow::Int32Array&>(*column.entries);
  std::vector<std::uint32_t> codes(std::size_t(texts.length()), kUnknown);
  for (const std::int64_t row : rows) {
    if (entries.IsNull(row)) {
      ++values.nulls;
      values.codes.push_back(kNullCode);
      continue;
    }
    std::uint32_t& code = codes[std::size_t(entries.Value(row))];
    const bool is_looked_at = pair.may_be_text && values.counted_rows < kLookedRows;
    if (code == kUnknown || is_looked_at)
      code = CodeOfText(values, texts.GetView(entries.Value(row)));
    values.codes.push_back(code);
  }
}

void ColumnValues::AddCategories(Values& values, const sdk::TypedColumn& column,
                                 const RowList& rows) {
  const auto add = [&](const auto& code_of) {
    for (const std::int64_t row : rows) {
      const bool is_null = column.array->IsNull(row);
      values.nulls += is_null ? 1 : 0;
      values.codes.push_back(is_null ? kNullCode : code_of(row));
    }
  };
  switch (column.type) {
    case sdk::ColumnType::kString: {
      const auto& texts = static_cast<const arrow::StringArray&>(*column.array);
      return add([&](std::int64_t row) { return CodeOfText(values, texts.GetView(row)); });
    }
    case sdk::ColumnType::kBool: {
      const auto& flags = static_cast<const arrow::BooleanArray&>(*column.array);
      return add(
          [&](std::int64_t row) { return dictionary.CodeOf(flags.Value(row) ? "true" : "false"); });
    }
    case sdk::ColumnType::kInt64: {
      const auto& integers = static_cast<const arrow::Int64Array&>(*column.array);
      return add([&](std::int64_t row) {
        char text[24];
        const auto end = std::to_chars(text, text + sizeof text, integers.Value(row)).ptr;
        return dictionary.CodeOf({text, std::size_t(end - text)});
      });
    }
    case sdk::ColumnType::kFloat64:
    case sdk::ColumnType::kTimestamp:
      return add([&](std::int64_t row) {
        return dictionary.CodeOf(sdk::CellToText(CellAt(column, row)));
      });
  }
}

void ColumnValues::AddText(Values& values, const sdk::Cell& cell) {
  const std::size_t begin = values.codes.size();
  if (cell.index() == 0) {
    ++values.nulls;
    values.codes.push_back(dictionary.CodeOf("(null)"));
  } else {
    std::string_view text = std::get<std::string_view>(cell);
    AddSize(values, text.size(), "bytes");
    text = text.substr(0, CutAt(text, kTextBytes));
    std::string word;
    ForEachWord(text, [&](std::string_view written) {
      if (values.codes.size() - begin >= kWordsOfText) return;
      word.assign(written.substr(0, CutAt(written, kKeptWord)));
      for (char& c : word) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
      }
      const std::uint32_t code = dictionary.CodeOf(word);
      if (code < kDistinctWords) values.codes.push_back(code);
    });
  }
  EndRow(values, begin);
}

// It counts by powers of two.
void ColumnValues::AddSize(Values& values, std::size_t size, const char* of) {
  int bits = 0;
  while (size >> bits != 0) ++bits;
  values.codes.push_back(dictionary.CodeOf(bits == 0 ? "(empty)"
                                                     : "(" + std::to_string(1ULL << (bits - 1)) +
                                                           " " + of + " or more, less than " +
                                                           std::to_string(1ULL << bits) + ")"));
}

void ColumnValues::EndRow(Values& values, std::size_t begin) {
  const auto first = values.codes.begin() + std::ptrdiff_t(begin);
  std::sort(first, values.codes.end());
  values.codes.erase(std::unique(first, values.codes.end()), values.codes.end());
  values.ends.push_back(values.codes.size());
}

void ColumnValues::AddItems(Values& values, const sdk::TypedColumn& items, std::int64_t first,
                            std::int64_t count) {
  const std::size_t begin = values.codes.size();
  AddSize(values, std::size_t(count), "items");
  const auto looked = std::min(count, std::int64_t{kWordsOfText});
  for (std::int64_t item = first; item < first + looked; ++item) {
    const sdk::Cell cell = CellAt(items, item);
    std::string text = cell.index() == 0 ? "(null item)" : sdk::CellToText(cell);
    if (cell.index() != 0 && text.starts_with('(')) text = "'" + text + "'";  // none of ours
    const std::uint32_t code = dictionary.CodeOf(text.size() > kKeptBytes ? Shortened(text) : text);
    if (code < kDistinctWords) values.codes.push_back(code);
  }
  EndRow(values, begin);
}

void ColumnValues::AddLists(Values& values, const BatchColumn& column, const RowList& rows) {
  const auto add = [&](const auto& lists) {
    for (const std::int64_t row : rows) {
      if (!lists.IsNull(row)) {
        AddItems(values, column.values, lists.value_offset(row), lists.value_length(row));
        continue;
      }
      ++values.nulls;
      values.codes.push_back(dictionary.CodeOf("(null)"));
      values.ends.push_back(values.codes.size());
    }
  };
  const arrow::Array& lists = *column.lists;
  if (lists.type_id() == arrow::Type::LIST)
    add(static_cast<const arrow::ListArray&>(lists));
  else if (lists.type_id() == arrow::Type::LARGE_LIST)
    add(static_cast<const arrow::LargeListArray&>(lists));
  else
    add(static_cast<const arrow::FixedSizeListArray&>(lists));
}

void ColumnValues::Add(std::size_t side, const BatchColumn& from, const RowList& rows) {
  Values& values = sides[side];
  if (from.lists != nullptr) return AddLists(values, from, rows);
  const sdk::TypedColumn& column = from.values;
  switch (pair.kind) {
    case Kind::kNumber:
      if (column.type == sdk::ColumnType::kFloat64) {
        values.has_reals = true;
        AddNumbers(static_cast<const arrow::DoubleArray&>(*column.array), rows, values);
      } else if (column.type == sdk::ColumnType::kTimestamp) {
        AddNumbers(static_cast<const arrow::TimestampArray&>(*column.array), rows, values);
      } else {
        const auto& array = static_cast<const arrow::Int64Array&>(*column.array);
        AddNumbers(array, rows, values);
        KeepWholes(array, rows, values);
      }
      break;
    case Kind::kCategory:
      if (from.entries != nullptr)
        AddEntries(values, from, rows);
      else
        AddCategories(values, column, rows);
      break;
    case Kind::kText:
      for (const std::int64_t row : rows) AddText(values, TextAt(from, row));
      break;
    case Kind::kClock:
      AddTimes(static_cast<const arrow::TimestampArray&>(*column.array), rows, values);
      break;
    case Kind::kSkip:
      break;
  }
}

// Against floats whole numbers are what these can be.
void ColumnValues::TellWholesApart() {
  const bool big = !sides[kReference].wholes.empty() || !sides[kCurrent].wholes.empty();
  const bool reals = sides[kReference].has_reals || sides[kCurrent].has_reals;
  std::vector<std::int64_t> all;
  for (const Values& values : sides) {
    if (!big || reals) break;
    for (std::size_t i = 0; i < values.numbers.size(); ++i) {
      if (values.specials[i] != Special::kNone) continue;
      all.push_back(values.wholes.empty() ? std::int64_t(values.numbers[i]) : values.wholes[i]);
    }
  }
  wholes = WholeNumbers::Of(std::move(all));
  for (Values& values : sides) {
    for (std::size_t i = 0; i < values.wholes.size() && !wholes.empty(); ++i)
      if (values.specials[i] == Special::kNone)
        values.numbers[i] = wholes.ValueOf(values.wholes[i]);
    // Those of a side that has none beyond 2^53 may have made room.
    for (std::size_t i = 0; i < values.numbers.size() && values.wholes.empty() && !wholes.empty();
         ++i)
      if (values.specials[i] == Special::kNone)
        values.numbers[i] = wholes.ValueOf(std::int64_t(values.numbers[i]));
    values.wholes = {};
  }
}

bool ColumnValues::LooksLikeText() const {
  const Values& values = sides[kReference];
  const auto rows = double(values.counted_rows);
  return pair.may_be_text && pair.kind == Kind::kCategory && rows > 0 &&
         double(values.words) >= kTextWords * rows &&
         double(dictionary.size()) > 0.2 * double(sides[0].codes.size() + sides[1].codes.size());
}

bool ColumnValues::LooksLikeId() const {
  const auto& codes = sides[kReference].codes;  // one side's: both may have the same ids
  if (!pair.may_be_text || pair.kind != Kind::kCategory || codes.size() < 100) return false;
  std::vector<bool> seen(dictionary.size(), false);
  std::size_t distinct = 0;
  for (const std::uint32_t code : codes) {
    distinct += seen[code] ? 0 : 1;
    seen[code] = true;
  }
  return double(distinct) > 0.9 * double(codes.size());
}

}  // namespace penstock::drift
