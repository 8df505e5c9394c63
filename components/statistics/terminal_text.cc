#include "components/statistics/terminal_text.h"

#include <algorithm>
#include <array>

#include "operator/base/shown_text.h"

namespace penstock::statistics {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t n>
bool IsIn(char32_t code, const std::array<Range, n>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const Range& r) { return r.first <= code && code <= r.last; });
}

// Control and format characters, line separators, what turns the direction, what is not drawn.
constexpr std::array<Range, 12> kUnsafe = {{{0x00, 0x1F},
                                            {0x7F, 0x9F},
                                            {0xAD, 0xAD},
                                            {0x61C, 0x61C},
                                            {0x180B, 0x180F},
                                            {0x200B, 0x200F},
                                            {0x2028, 0x202E},
                                            {0x2060, 0x206F},
                                            {0xFE00, 0xFE0F},
                                            {0xFEFF, 0xFEFF},
                                            {0xFFF0, 0xFFFB},
                                            {0xE0000, 0xE0FFF}}};
// East Asian Wide and Fullwidth (Unicode's annex 11), and emoji.
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0xA4CF},
                                          {0xA960, 0xA97C},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> kCombining = {
    {{0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE20, 0xFE2F}}};

struct Piece {
  std::string_view bytes;
  std::size_t width = 1;
};

// The next character of valid text.
Piece Next(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t code = n == 1 ? first : first & (0xFFU >> (n + 1));
  for (std::size_t k = 1; k < n; ++k) {
    code = (code << 6) | (static_cast<unsigned char>(text[k]) & 0x3FU);
  }
  Piece piece{text.substr(0, n), 1};
  if (IsIn(code, kUnsafe)) piece.bytes = "?";
  if (IsIn(code, kCombining)) piece.width = 0;
  if (IsIn(code, kWide)) piece.width = 2;
  return {piece.bytes, piece.width};
}

std::size_t BytesOf(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// Broken bytes as "?".
std::string Valid(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  return plan::Shown(text, text.size() + 3);
}

}  // namespace

std::size_t WidthOf(std::string_view text) {
  const std::string valid = Valid(text);
  std::size_t width = 0;
  for (std::string_view rest = valid; !rest.empty(); rest.remove_prefix(BytesOf(rest))) {
    width += Next(rest).width;
  }
  return width;
}

std::string Fitted(std::string_view text, std::size_t width) {
  const std::string valid = Valid(text);
  std::string out;
  std::size_t used = 0;
  std::size_t cut = 0;  // the longest beginning that leaves room for the mark
  for (std::string_view rest = valid; !rest.empty(); rest.remove_prefix(BytesOf(rest))) {
    const Piece piece = Next(rest);
    if (used + piece.width > width) return width == 0 ? "" : out.substr(0, cut) + "…";
    out += piece.bytes;
    used += piece.width;
    if (used + 1 <= width) cut = out.size();
  }
  return out;
}

std::string Padded(std::string_view text, std::size_t width, bool right) {
  std::string out = Fitted(text, width);
  const std::size_t used = WidthOf(out);
  out.insert(right ? 0 : out.size(), width > used ? width - used : 0, ' ');
  return out;
}

}  // namespace penstock::statistics
