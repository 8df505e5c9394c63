#include "components/model_format/words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace penstock::sdk {
namespace {

constexpr char32_t kNone = 0xFFFFFFFF;  // a byte that is no UTF-8
constexpr char32_t kFirstSyllable = 0xAC00;
constexpr char32_t kLastSyllable = 0xD7A3;
constexpr char32_t kTrailing = 28;  // forms of a syllable, the one without a last letter too

struct Point {
  char32_t value = kNone;
  std::size_t bytes = 1;
};

// The code point that begins at `at`: no overlong form, no surrogate, nothing beyond U+10FFFF.
Point PointAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < bytes) return {};
  char32_t value = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    value = value << 6U | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[bytes] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, bytes};
}

struct Range {
  char32_t first;
  char32_t last;
};
// Blanks, punctuation and currencies beyond ASCII, ascending.
constexpr Range kSeparators[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x37E, 0x37E},   {0x387, 0x387},   {0x55A, 0x55F},   {0x589, 0x58A},
    {0x5BE, 0x5BE},   {0x5C0, 0x5C0},   {0x5C3, 0x5C3},   {0x5F3, 0x5F4},   {0x60C, 0x60D},
    {0x61B, 0x61B},   {0x61E, 0x61F},   {0x66A, 0x66D},   {0x6D4, 0x6D4},   {0x964, 0x965},
    {0xE3F, 0xE3F},   {0x1680, 0x1680}, {0x2000, 0x200B}, {0x200E, 0x206F}, {0x20A0, 0x20CF},
    {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030}, {0x303D, 0x303D},
    {0x30FB, 0x30FB}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFEFF, 0xFEFF}, {0xFF01, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF3E}, {0xFF40, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFE6}};

bool IsSeparator(char32_t c) {
  if (c < 0x80) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_');
  }
  const auto* at = std::upper_bound(std::begin(kSeparators), std::end(kSeparators), c,
                                    [](char32_t x, const Range& range) { return x < range.first; });
  return at != std::begin(kSeparators) && c <= (at - 1)->last;
}

// A word while it grows; Hangul letters join the syllable before them.
class Word {
 public:
  void Add(std::string_view bytes, char32_t point) {
    const char32_t joined = Joined(point);
    if (joined != kNone) {
      text_.resize(text_.size() - kBytes);
      last_ = joined;
      for (const unsigned shift : {12U, 6U, 0U}) {
        const char32_t part = joined >> shift & (shift == 12U ? 0xFU : 0x3FU);
        text_.push_back(static_cast<char>(part | (shift == 12U ? 0xE0U : 0x80U)));
      }
      return;
    }
    text_.append(bytes);
    last_ = point;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  void Clear() {
    text_.clear();
    last_ = kNone;
  }

 private:
  static constexpr std::size_t kBytes = 3;  // of a letter and of a syllable

  [[nodiscard]] char32_t Joined(char32_t point) const {
    constexpr char32_t kVowels = 21;
    if (last_ >= 0x1100 && last_ <= 0x1112 && point >= 0x1161 && point <= 0x1175) {
      return kFirstSyllable + ((last_ - 0x1100) * kVowels + (point - 0x1161)) * kTrailing;
    }
    const bool open = last_ >= kFirstSyllable && last_ <= kLastSyllable &&
                      (last_ - kFirstSyllable) % kTrailing == 0;
    return open && point >= 0x11A8 && point <= 0x11C2 ? last_ + (point - 0x11A7) : kNone;
  }

  std::string text_;
  char32_t last_ = kNone;
};

}  // namespace

void ForEachUnicodeWord(std::string_view text, const std::function<void(std::string_view)>& visit) {
  Word word;
  const auto end = [&] {
    if (!word.text().empty()) visit(word.text());
    word.Clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Point point = PointAt(text, at);
    if (point.value != kNone && IsSeparator(point.value)) {
      end();
    } else {
      word.Add(text.substr(at, point.bytes), point.value);
    }
    at += point.bytes;
  }
  end();
}

std::string ComposeHangul(std::string_view text) {
  Word word;
  for (std::size_t at = 0; at < text.size();) {
    const Point point = PointAt(text, at);
    word.Add(text.substr(at, point.bytes), point.value);
    at += point.bytes;
  }
  return word.text();
}

std::string SmallLetters(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

bool IsHangulWord(std::string_view word) {
  for (std::size_t at = 0; at < word.size();) {
    const Point point = PointAt(word, at);
    if (point.value == kNone || point.value < kFirstSyllable || point.value > kLastSyllable) {
      return false;
    }
    at += point.bytes;
  }
  return !word.empty();
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Point point = PointAt(text, at);
    if (point.value == kNone) return false;
    at += point.bytes;
  }
  return true;
}

}  // namespace penstock::sdk
