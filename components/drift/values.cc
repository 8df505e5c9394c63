#include "components/drift/values.h"

#include <algorithm>
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

}  // namespace

std::uint32_t Dictionary::CodeOf(std::string_view text) {
  const auto found = codes_.find(text);
  if (found != codes_.end()) return found->second;
  if (texts_.size() >= most_) return std::uint32_t(most_);
  const auto [at, is_new] = codes_.emplace(std::string(text), std::uint32_t(texts_.size()));
  texts_.push_back(&at->first);
  return at->second;
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

void ColumnValues::AddNumber(Values& values, const sdk::Cell& cell) const {
  double number = 0;
  Special special = Special::kNone;
  if (const auto* real = std::get_if<double>(&cell)) {
    number = *real;
  } else if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
    number = double(*integer);
  } else {
    special = Special::kNull;
    ++values.nulls;
  }
  if (std::isnan(number)) special = Special::kNan;
  if (std::isinf(number)) special = number > 0 ? Special::kInfinite : Special::kMinusInfinite;
  values.numbers.push_back(special == Special::kNone ? number : 0);
  values.specials.push_back(special);
}

void ColumnValues::AddCategory(Values& values, const sdk::Cell& cell) {
  const auto* text = std::get_if<std::string_view>(&cell);
  if (cell.index() == 0) {
    ++values.nulls;
    values.codes.push_back(kNullCode);
  } else if (text == nullptr) {
    values.codes.push_back(dictionary.CodeOf(sdk::CellToText(cell)));
  } else {
    // A text "null" is a value of its own.
    const bool is_word = *text == "null";
    values.codes.push_back(dictionary.CodeOf(is_word                     ? "'null'"
                                             : text->size() > kKeptBytes ? Shortened(*text)
                                                                         : *text));
    if (pair.may_be_text && values.counted_rows < kLookedRows) {
      ++values.counted_rows;
      ForEachWord(*text, [&](std::string_view) { ++values.words; });
    }
  }
}

void ColumnValues::AddText(Values& values, const sdk::Cell& cell) {
  const std::size_t begin = values.codes.size();
  if (cell.index() == 0) {
    ++values.nulls;
    values.codes.push_back(dictionary.CodeOf("(null)"));
  } else {
    std::string_view text = std::get<std::string_view>(cell);
    int size = 0;  // a text's length counts by powers of two
    while (text.size() >> size != 0) ++size;
    values.codes.push_back(dictionary.CodeOf(size == 0 ? "(empty)"
                                                       : "(" + std::to_string(1ULL << (size - 1)) +
                                                             " bytes or more, less than " +
                                                             std::to_string(1ULL << size) + ")"));
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
  const auto first = values.codes.begin() + std::ptrdiff_t(begin);
  std::sort(first, values.codes.end());
  values.codes.erase(std::unique(first, values.codes.end()), values.codes.end());
  values.ends.push_back(values.codes.size());
}

void ColumnValues::Add(std::size_t side, const sdk::TypedColumn& column,
                       const std::vector<std::int64_t>& rows) {
  Values& values = sides[side];
  for (const std::int64_t row : rows) {
    const sdk::Cell cell = CellAt(column, row);
    switch (pair.kind) {
      case Kind::kNumber:
        AddNumber(values, cell);
        break;
      case Kind::kCategory:
        AddCategory(values, cell);
        break;
      case Kind::kText:
        AddText(values, cell);
        break;
      case Kind::kClock:
        if (const auto* time = std::get_if<std::int64_t>(&cell)) {
          values.codes.push_back(HourOfWeek(*time));
          values.first_time = std::min(values.first_time, *time);
          values.last_time = std::max(values.last_time, *time);
        } else {
          ++values.nulls;
          values.codes.push_back(kNullCode);
        }
        break;
      case Kind::kSkip:
        break;
    }
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
