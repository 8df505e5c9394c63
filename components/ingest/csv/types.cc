#include "components/ingest/csv/types.h"

#include <algorithm>
#include <limits>

#include "components/ingest/csv/number.h"
#include "components/ingest/csv/time.h"

namespace penstock::ingest {
namespace {

constexpr std::int64_t kExactIntegers = 1LL << 53;

Value OfNumber(std::string_view text, char mark) {
  const Number number = ParseNumber(text, mark);
  switch (number.form) {
    case NumberForm::kInteger: {
      const bool exact = number.integer >= -kExactIntegers && number.integer <= kExactIntegers;
      return {exact ? kSeenInteger : kSeenLong, number.integer, 0};
    }
    case NumberForm::kPlain:
      return {kSeenPlain, 0, number.real};
    case NumberForm::kMarked:
      return {MarkedKind(text, mark), 0, number.real};
    case NumberForm::kNone:
      break;
  }
  return {};
}

Value OfWord(std::string_view text) {
  for (const char* word : {"true", "True", "TRUE"}) {
    if (text == word) return {kSeenBool, 1, 0};
  }
  for (const char* word : {"false", "False", "FALSE"}) {
    if (text == word) return {kSeenBool, 0, 0};
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool negative = text.front() == '-';
  const std::string_view word = text.substr(negative ? 1 : 0);
  for (const char* infinity : {"inf", "Inf", "INF", "infinity", "Infinity"}) {
    if (word == infinity) return {kSeenWord, 0, negative ? -kInfinity : kInfinity};
  }
  for (const char* nan : {"nan", "NaN", "NAN"}) {
    if (text == nan) return {kSeenWord, 0, std::numeric_limits<double>::quiet_NaN()};
  }
  return {};
}

Value OfTime(const Time& time) {
  constexpr Seen kKinds[] = {kSeenDate, kSeenLocal, kSeenZoned};
  return {kKinds[static_cast<std::size_t>(time.form)], time.micros, 0};
}

// Of a text without blanks around it that is no null.
Value OfText(std::string_view text, const ValueRules& rules) {
  const char first = text.front();
  if (first >= '0' && first <= '9' && text.size() >= 10 && text[4] == '-') {
    const auto time = ParseTime(text);
    return time ? OfTime(*time) : Value{};
  }
  if ((first >= '0' && first <= '9') || first == '-' || first == '.' || first == ',') {
    const bool comma = rules.comma && text.find(',') != std::string_view::npos;
    const char mark = comma || !rules.point ? ',' : '.';
    const Value number = OfNumber(text, mark);
    if (number.kind != kSeenText || first != '-') return number;
  }
  return text.size() <= 9 ? OfWord(text) : Value{};
}

}  // namespace

NullWords::NullWords(std::vector<std::string> words) : words_(std::move(words)) {
  for (const auto& word : words_) {
    if (word.empty()) empty_ = true;
    if (!word.empty()) first_[static_cast<unsigned char>(word.front())] = true;
  }
}

bool NullWords::Find(std::string_view text) const {
  return std::find(words_.begin(), words_.end(), text) != words_.end();
}

std::string_view WithoutBlanks(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Value Classify(std::string_view text, bool quoted, const ValueRules& rules) {
  if (!quoted && rules.nulls.Has(text)) return {kSeenNull, 0, 0};
  const std::string_view core = WithoutBlanks(text);
  if (quoted && text.empty() && rules.nulls.Has("")) return {kSeenBlank, 0, 0};
  if (!quoted && core.size() < text.size() && rules.nulls.Has(core)) return {kSeenBlank, 0, 0};
  return core.empty() ? Value{} : OfText(core, rules);
}

Seen MarkedKind(std::string_view text, char mark) {
  const std::size_t first = text.front() == '-' ? 1 : 0;
  const std::size_t size = text.size() - first;
  const bool group = size >= 5 && size <= 7 && text[text.size() - 4] == mark &&
                     text[first] != '0' && text.find_first_of("eE") == std::string_view::npos;
  if (mark == ',') return group ? kSeenCommaGroup : kSeenComma;
  return group ? kSeenPointGroup : kSeenPoint;
}

CsvType TypeOf(Seen seen, char decimal) {
  const Seen values = seen & kSeenValues;
  const auto only = [values](Seen kinds) { return (values & ~kinds) == 0; };
  if (values == 0) return CsvType::kString;
  if (only(kSeenInteger | kSeenLong)) return CsvType::kInt64;
  if (values != kSeenWord && only(kSeenInteger | kSeenPlain | KindsWith(decimal) | kSeenWord)) {
    return CsvType::kFloat64;
  }
  if (only(kSeenBool)) return CsvType::kBool;
  if (only(kSeenDate)) return CsvType::kDate;
  if (only(kSeenDate | kSeenLocal)) return CsvType::kLocal;
  if (only(kSeenZoned)) return CsvType::kZoned;
  return CsvType::kString;
}

char SeeDecimal(const std::vector<Seen>& columns, const ValueRules& rules) {
  if (!rules.comma) return '.';
  if (!rules.point) return ',';
  const auto numbers_with = [&columns](char mark, Seen kind) {
    return std::any_of(columns.begin(), columns.end(), [&](Seen seen) {
      return (seen & kind) != 0 && TypeOf(seen, mark) == CsvType::kFloat64;
    });
  };
  return numbers_with(',', kSeenComma) && !numbers_with('.', kSeenPoint) ? ',' : '.';
}

}  // namespace penstock::ingest
