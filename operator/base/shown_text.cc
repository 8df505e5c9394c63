#include "operator/base/shown_text.h"

#include <algorithm>

#include "operator/base/json.h"

namespace penstock {

namespace {

// Behind spans of time (protocol/span_uri.h): which they are, and nothing else.
bool IsOfSpans(std::string_view words) {
  while (!words.empty()) {
    const auto end = std::min(words.find('&'), words.size());
    const std::string_view word = words.substr(0, end);
    const bool known = word.starts_with("window=") || word.starts_with("zone=") ||
                       word.starts_with("to=") || word.starts_with("gaps=") ||
                       word.starts_with("column=");
    if (!known) return false;
    words.remove_prefix(std::min(words.size(), end + 1));
  }
  return true;
}

}  // namespace

std::string ShownUri(std::string_view uri) {
  const bool file = uri.starts_with("file://") || uri.starts_with('/');
  const std::size_t query = file ? std::string_view::npos : uri.find('?');
  if (query == std::string_view::npos) return std::string(uri);
  const std::string_view words = uri.substr(query + 1);
  const bool table = uri.starts_with("delta+") || uri.starts_with("iceberg+");
  if (table && (words.starts_with("version=") || words.starts_with("snapshot=")))
    return std::string(uri);
  const bool spans = !uri.starts_with("http") && uri.find('{') < query;
  if (spans && IsOfSpans(words)) return std::string(uri);
  return std::string(uri.substr(0, query)) + "?...";
}

Json ShownValue(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  const bool uri = text != nullptr && text->find("://") != std::string::npos;
  return uri ? Json(ShownUri(*text)) : value;
}

namespace {

// Bytes of the UTF-8 sequence that begins at `i`; 0 when it is broken.
std::size_t SequenceLength(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  std::size_t n = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) n = 2;
  if (first >= 0xE0 && first <= 0xEF) n = 3;
  if (first >= 0xF0 && first <= 0xF4) n = 4;
  if (n == 0 || i + n > text.size()) return 0;
  for (std::size_t k = 1; k < n; ++k)
    if ((byte(i + k) & 0xC0U) != 0x80U) return 0;
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
  return overlong || outside ? 0 : n;
}

// The last `limit` bytes of valid text, without the sequence that they would begin in.
std::string_view Tail(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.remove_prefix(text.size() - limit);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U)
    text.remove_prefix(1);
  return text;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = SequenceLength(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

namespace plan {

std::string ShownEnd(std::string_view text, std::size_t limit) {
  std::string whole = Shown(text, text.size() + 3);
  if (whole.size() <= limit) return whole;
  return limit < 4 ? "" : "..." + std::string(Tail(whole, limit - 3));
}

std::string ShownEnds(std::string_view text, std::size_t limit) {
  std::string whole = Shown(text, text.size() + 3);
  if (whole.size() <= limit) return whole;
  const std::size_t head = limit / 3;
  return Shown(whole, head) + " " + std::string(Tail(whole, limit - head - 1));
}

std::string Shown(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t cut = 0;  // the longest whole prefix that leaves room for "..."
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = SequenceLength(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    std::string_view piece = text.substr(i, n == 0 ? 1 : n);
    if (n == 0) piece = "?";
    if (n == 1 && (c < 0x20 || c == 0x7F)) piece = " ";
    i += n == 0 ? 1 : n;
    out += piece;
    if (out.size() + 3 <= limit) cut = out.size();
    if (out.size() > limit) {
      out.resize(cut);
      out += "...";
      break;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace plan
}  // namespace penstock
