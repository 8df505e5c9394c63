#include "components/sdk/page/page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::sdk {
namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.5 sans-serif;color:#222;background:#fff;margin:2em auto;max-width:72em;"
    "padding:0 1em}"
    "h1,h2,p,td,th,figcaption,text{unicode-bidi:isolate}"
    "table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}"
    "td,th{border:1px solid #ccc;padding:.2em .6em;text-align:right;vertical-align:top}"
    "td.t,th.t{text-align:left;overflow-wrap:anywhere}"
    "thead th{background:#f2f2f2}"
    "figure{margin:1em 0}svg{max-width:100%;height:auto;background:#fff}"
    "svg text{font:12px sans-serif;fill:#222}.n{color:#666;font-size:90%}";

struct Range {
  char32_t first;
  char32_t last;
};

// Of Unicode 15: control and format characters (Cc, Cf), line and paragraph separators, spaces but
// U+0020, what is drawn as nothing (Default_Ignorable_Code_Point), and what is no character.
constexpr std::array<Range, 34> kShownAsCode = {{
    {0x0000, 0x001F},   {0x007F, 0x00A0},     {0x00AD, 0x00AD},   {0x034F, 0x034F},
    {0x0600, 0x0605},   {0x061C, 0x061C},     {0x06DD, 0x06DD},   {0x070F, 0x070F},
    {0x0890, 0x0891},   {0x08E2, 0x08E2},     {0x115F, 0x1160},   {0x1680, 0x1680},
    {0x17B4, 0x17B5},   {0x180B, 0x180F},     {0x2000, 0x200F},   {0x2028, 0x202F},
    {0x205F, 0x206F},   {0x2800, 0x2800},     {0x3000, 0x3000},   {0x3164, 0x3164},
    {0xFDD0, 0xFDEF},   {0xFE00, 0xFE0F},     {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},     {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
    {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},   {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    {0x1FFFE, 0x1FFFF}, {0x10FFFE, 0x10FFFF},
}};

bool IsShownAsCode(char32_t c) {
  return std::any_of(kShownAsCode.begin(), kShownAsCode.end(),
                     [c](const Range& r) { return r.first <= c && c <= r.last; });
}

std::string Hex(std::uint32_t value, std::size_t digits) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (; value > 0 || text.size() < digits; value /= 16) text.insert(0, 1, kDigits[value % 16]);
  return text;
}

// One character of UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: the byte begins none
};

Character CharacterAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t k) {
    return std::uint32_t(static_cast<unsigned char>(text[k]));
  };
  const std::uint32_t first = byte(at);
  if (first < 0x80) return {char32_t(first), 1};
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + n > text.size()) return {};
  std::uint32_t code = first & (0xFFU >> (n + 1));
  for (std::size_t k = 1; k < n; ++k) {
    if ((byte(at + k) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte(at + k) & 0x3FU);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {char32_t(code), n};
}

std::size_t CountCharacters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    at += std::max<std::size_t>(1, CharacterAt(text, at).bytes);
  }
  return count;
}

std::string EscapedCharacter(std::string_view bytes, char32_t code) {
  switch (code) {
    case U'&':
      return "&amp;";
    case U'<':
      return "&lt;";
    case U'>':
      return "&gt;";
    case U'"':
      return "&quot;";
    case U'\'':
      return "&#39;";
    default:
      return IsShownAsCode(code) ? "[U+" + Hex(code, 4) + "]" : std::string(bytes);
  }
}

std::string Cell(const char* tag, bool is_text, std::string_view text) {
  return std::string("<") + tag + (is_text ? " class=\"t\">" : ">") + Escaped(text) + "</" + tag +
         ">";
}

std::string Note(const std::string& text) { return "<p class=\"n\">" + Escaped(text) + "</p>\n"; }

// As a policy names the one style that it allows.
std::string Base64OfSha256(std::string_view text) {
  const std::string hex = Sha256Hex(text);
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return EncodeBase64(bytes);
}

std::string NotAll(std::size_t shown, std::size_t all, const std::string& what) {
  if (shown >= all) return "";
  return Note("The first " + std::to_string(shown) + " of " + std::to_string(all) + " " + what +
              ".");
}

}  // namespace

std::string Escaped(std::string_view text, std::size_t most) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size() && count < most; ++count) {
    const Character c = CharacterAt(text, at);
    if (c.bytes == 0) {
      out += "[0x" + Hex(static_cast<unsigned char>(text[at]), 2) + "]";
      ++at;
      continue;
    }
    out += EscapedCharacter(text.substr(at, c.bytes), c.code);
    at += c.bytes;
  }
  if (at < text.size()) {
    out += "... (" + std::to_string(CountCharacters(text.substr(at))) + " more characters)";
  }
  return out;
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "not a number";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value == 0 ? 0.0 : value,
                                 std::chars_format::general, 6);
  return std::string(text, end.ptr);
}

Page::Page(std::string_view title) : title_(Escaped(title)) { body_ = "<h1>" + title_ + "</h1>\n"; }

void Page::Heading(std::string_view text) { body_ += "<h2>" + Escaped(text) + "</h2>\n"; }

void Page::Text(std::string_view text) {
  constexpr std::size_t kParagraph = 4000;
  body_ += "<p>" + Escaped(text, kParagraph) + "</p>\n";
}

void Page::Table(const PageTable& table) {
  const std::size_t columns = std::min(table.columns.size(), kPageColumns);
  const std::size_t rows = std::min(table.rows.size(), kPageRows);
  body_ += "<table>\n<thead><tr>";
  for (std::size_t c = 0; c < columns; ++c) {
    body_ += Cell("th", c < table.texts, table.columns[c]);
  }
  body_ += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < rows; ++r) {
    body_ += "<tr>";
    for (std::size_t c = 0; c < columns; ++c) {
      body_ += Cell("td", c < table.texts, c < table.rows[r].size() ? table.rows[r][c] : "");
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody>\n</table>\n" + NotAll(rows, table.rows.size(), "rows") +
           NotAll(columns, table.columns.size(), "columns");
}

void Page::Confusion(const std::vector<std::string>& classes,
                     const std::vector<std::vector<std::int64_t>>& counts) {
  // The most frequent classes, in their own order.
  std::vector<std::int64_t> seen(classes.size(), 0);
  for (std::size_t a = 0; a < classes.size(); ++a) {
    for (std::size_t d = 0; d < classes.size(); ++d) {
      seen[a] += counts[a][d];
      if (a != d) seen[d] += counts[a][d];
    }
  }
  std::vector<std::size_t> shown(classes.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  std::stable_sort(shown.begin(), shown.end(),
                   [&](std::size_t a, std::size_t b) { return seen[a] > seen[b]; });
  shown.resize(std::min(shown.size(), kPageClasses));
  std::sort(shown.begin(), shown.end());
  PageTable table;
  table.columns.emplace_back("actual \\ decided");
  for (const std::size_t c : shown) table.columns.push_back(classes[c]);
  for (const std::size_t a : shown) {
    auto& row = table.rows.emplace_back();
    row.push_back(classes[a]);
    for (const std::size_t d : shown) row.push_back(std::to_string(counts[a][d]));
  }
  Table(table);
  if (shown.size() < classes.size()) {
    body_ += Note("The " + std::to_string(shown.size()) + " most frequent of " +
                  std::to_string(classes.size()) + " classes.");
  }
}

std::string Page::Html() const {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'sha256-" +
         Base64OfSha256(kStyle) +
         "'; base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         title_ + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n" +
         body_ + "</body>\n</html>\n";
}

}  // namespace penstock::sdk
