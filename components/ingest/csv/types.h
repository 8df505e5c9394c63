// What a column of a CSV is: a function of the set of its values, so of no order, block, repetition
// or thread.
//
// Each value is of one kind; a column's Seen is the set of kinds of its values, and the union of
// two parts is the Seen of both. The type is read off that set when all is seen (TypeOf). What
// would not come back as it was written is text: 02138, +5, 0x1F, integers beyond int64, integers
// beyond 2^53 beside fractions, 1e400, true beside 1, times with a zone beside times without.
// Blanks around numbers, booleans and times decide nothing. Value types and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::ingest {

using Seen = std::uint32_t;  // a set of kinds

inline constexpr Seen kSeenNull = 1 << 0;   // nothing, or a word of nullValues
inline constexpr Seen kSeenBlank = 1 << 1;  // null beside other types, text beside text: " NA", ""
inline constexpr Seen kSeenInteger = 1 << 2;  // within +-2^53
inline constexpr Seen kSeenLong = 1 << 3;     // an integer that a double may not hold
inline constexpr Seen kSeenPlain = 1 << 4;    // 1e5, -0
inline constexpr Seen kSeenPoint = 1 << 5;    // 1.5
inline constexpr Seen kSeenComma = 1 << 6;    // 1,5
inline constexpr Seen kSeenWord = 1 << 7;     // inf, nan: numbers beside numbers, else text
inline constexpr Seen kSeenBool = 1 << 8;
inline constexpr Seen kSeenDate = 1 << 9;
inline constexpr Seen kSeenLocal = 1 << 10;  // a time without a zone
inline constexpr Seen kSeenZoned = 1 << 11;
inline constexpr Seen kSeenText = 1 << 12;
// 1.234 and 1,234, which may be a thousand: what they are says the file's mark.
inline constexpr Seen kSeenPointGroup = 1 << 13;
inline constexpr Seen kSeenCommaGroup = 1 << 14;
inline constexpr Seen kSeenValues = ~(kSeenNull | kSeenBlank);

enum class CsvType : std::uint8_t { kString, kInt64, kFloat64, kBool, kDate, kLocal, kZoned };

// Nothing but nulls is string.
[[nodiscard]] CsvType TypeOf(Seen seen, char decimal);

class NullWords {
 public:
  explicit NullWords(std::vector<std::string> words);
  [[nodiscard]] bool Has(std::string_view text) const {
    if (text.empty()) return empty_;
    return first_[static_cast<unsigned char>(text.front())] && Find(text);
  }
  // Could a value that begins so be one?
  [[nodiscard]] bool Begins(char c) const { return first_[static_cast<unsigned char>(c)]; }

 private:
  [[nodiscard]] bool Find(std::string_view text) const;
  std::vector<std::string> words_;
  std::array<bool, 256> first_{};
  bool empty_ = false;
};

struct ValueRules {
  NullWords nulls;
  bool point = true;  // may 1.5 be a number? and 1,5?
  bool comma = false;
};

// A value with its kind, one bit of Seen.
struct Value {
  Seen kind = kSeenText;
  std::int64_t integer = 0;  // also of booleans and times (microseconds)
  double real = 0;           // of kSeenPlain, kSeenPoint, kSeenComma, kSeenWord
};

[[nodiscard]] Value Classify(std::string_view text, bool quoted, const ValueRules& rules);

[[nodiscard]] std::string_view WithoutBlanks(std::string_view text);

// Of a number with a mark.
[[nodiscard]] Seen MarkedKind(std::string_view text, char mark);
[[nodiscard]] constexpr Seen KindsWith(char mark) {
  return mark == ',' ? kSeenComma | kSeenCommaGroup : kSeenPoint | kSeenPointGroup;
}

// The decimal mark of a file: the comma where some column is numbers with it and none is numbers
// with a point; groups of three digits count for neither.
[[nodiscard]] char SeeDecimal(const std::vector<Seen>& columns, const ValueRules& rules);

}  // namespace penstock::ingest
