#include "operator/protocol/span_uri.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "operator/base/try.h"

namespace penstock {
namespace {

using Kind = SpanPart::Kind;

constexpr std::array<std::string_view, 7> kStores{"s3://",      "gs://",       "az://",  "abfss://",
                                                  "webhdfs://", "swebhdfs://", "file://"};
constexpr int kMostStars = 3;  // each may make the look at a key as much longer as the key is
constexpr const char* kParts = "{YYYY}, {MM}, {DD} and {HH}";
constexpr const char* kForm = "s3://lake/orders/{YYYY}/{MM}/{DD}/?window=7d";

struct Word {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Word, 4> kWords{
    {{"YYYY", Kind::kYear}, {"MM", Kind::kMonth}, {"DD", Kind::kDay}, {"HH", Kind::kHour}}};
// What others write for these; never a part of ours.
constexpr std::array<std::string_view, 8> kMeant{"yy",   "year", "month", "day",
                                                 "hour", "date", "span",  "version"};

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The word in braces that begins at `at`, which is a "{"; empty where none ends.
std::string_view Braced(std::string_view text, std::size_t at) {
  const auto end = text.find('}', at);
  return end == std::string_view::npos ? "" : text.substr(at + 1, end - at - 1);
}

bool IsMeant(std::string_view word) {
  const std::string low = Lower(word);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const Word& w) { return Lower(w.name) == low; }) ||
         std::find(kMeant.begin(), kMeant.end(), low) != kMeant.end();
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The character at `at`, which %41 is one of too; moves `at` to its last byte.
char CharacterAt(std::string_view text, std::size_t& at) {
  const bool coded = text[at] == '%' && at + 2 < text.size() && HexDigit(text[at + 1]) >= 0 &&
                     HexDigit(text[at + 2]) >= 0;
  if (!coded) return text[at];
  const char c = static_cast<char>(HexDigit(text[at + 1]) * 16 + HexDigit(text[at + 2]));
  at += 2;
  return c;
}

void AddText(std::vector<SpanPart>& parts, char c) {
  if (parts.empty() || parts.back().kind != Kind::kText) parts.push_back({Kind::kText, ""});
  parts.back().text += c;
}

Result<std::vector<SpanPart>> ReadParts(std::string_view key) {
  std::vector<SpanPart> parts;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '*') {
      if (!parts.empty() && parts.back().kind == Kind::kAny)
        return Invalid("has **: a * is any characters but /, and a / at the end all below");
      parts.push_back({Kind::kAny, ""});
      continue;
    }
    if (key[i] != '{') {
      AddText(parts, CharacterAt(key, i));
      continue;
    }
    const std::string_view name = Braced(key, i);
    const auto word =
        std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.name == name; });
    if (word == kWords.end())
      return Invalid("has {" + std::string(name.substr(0, 20)) + "}: the parts of a date are " +
                     kParts + ", and a brace of the key itself is written %7B");
    parts.push_back({word->kind, ""});
    i += name.size() + 1;
  }
  return parts;
}

int CountOf(const std::vector<SpanPart>& parts, Kind kind) {
  return static_cast<int>(
      std::count_if(parts.begin(), parts.end(), [&](const SpanPart& p) { return p.kind == kind; }));
}

Result<void> CheckParts(const SpanUri& uri) {
  for (const Word& word : kWords) {
    if (word.kind == Kind::kHour || CountOf(uri.parts, word.kind) > 0) continue;
    return Invalid("does not have all of {YYYY}, {MM} and {DD}, by which spans are told: " +
                   std::string(kForm));
  }
  if (CountOf(uri.parts, Kind::kAny) > kMostStars)
    return Invalid("has more than " + std::to_string(kMostStars) + " *");
  if (uri.parts.front().kind == Kind::kAny)
    return Invalid("begins with *: all of the store would be listed; name a folder before it");
  return {};
}

std::optional<int> Digits(std::string_view text, std::size_t count) {
  int number = 0;
  if (text.size() < count) return std::nullopt;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

Result<void> ReadWindow(std::string_view value, SpanUri& uri) {
  const auto wrong = [&](const std::string& why) {
    return Invalid(
        "its window is how many of the last " +
        std::string(uri.hourly ? "hours, such as window=24h" : "days, such as window=7d") +
        ", 1 to " + std::to_string(kMostSpans) + why);
  };
  const char unit = value.empty() ? '\0' : value.back();
  if (!value.empty()) value.remove_suffix(1);
  const auto read = std::from_chars(value.data(), value.data() + value.size(), uri.window);
  const bool number = read.ec == std::errc() && read.ptr == value.data() + value.size();
  if (!number || uri.window < 1 || uri.window > kMostSpans || (unit != 'h' && unit != 'd'))
    return wrong("");
  if (uri.hourly && unit == 'd') return wrong(": the key has {HH}, so that spans are hours");
  if (!uri.hourly && unit == 'h') return wrong(": the key has no {HH}, so that spans are days");
  return {};
}

Result<void> ReadZone(std::string_view value, SpanUri& uri) {
  if (value == "UTC" || value == "Z") return {};
  uri.zone = value;
  uri.ahead.reset();
  if (IsZoneName(value)) return {};
  const bool signs = value.size() == 6 && (value[0] == '+' || value[0] == '-') && value[3] == ':';
  const int hours = signs ? Digits(value.substr(1), 2).value_or(99) : 99;
  const int minutes = signs ? Digits(value.substr(4), 2).value_or(99) : 99;
  if (hours > 14 || minutes > 59)
    return Invalid(
        "its zone is UTC, what its clock is ahead of it, such as zone=+09:00, or a name such as "
        "zone=Europe/Berlin");
  uri.ahead = std::chrono::minutes{hours * 60 + minutes} * (value[0] == '-' ? -1 : 1);
  if (uri.ahead->count() == 0) uri.zone = "UTC";
  return {};
}

// A date is its midnight in the zone.
Result<void> ReadEnd(std::string_view value, SpanUri& uri) {
  const bool date = value.size() == 10;
  const auto time = ParseTime(date ? std::string(value) + "T00:00:00Z" : std::string(value));
  const auto year =
      time ? std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*time)).year()
           : std::chrono::year(0);
  if (year < std::chrono::year(1970) || year > std::chrono::year(2200))
    return Invalid("its to is a time or a date, such as to=2026-01-08T00:00:00Z or to=2026-01-08");
  if (date) uri.before = std::chrono::floor<std::chrono::hours>(*time);
  if (!date) uri.to = *time;
  return {};
}

Result<void> ReadColumn(std::string_view value, SpanUri& uri) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  if (value.empty() || value.size() > 64 || !std::all_of(value.begin(), value.end(), fits) ||
      std::isdigit(static_cast<unsigned char>(value.front())) != 0)
    return Invalid("its column is a name of letters, digits and _, such as column=day");
  uri.column = value;
  return {};
}

Result<void> ReadGaps(std::string_view value, SpanUri& uri) {
  uri.gaps = value == "allow";
  return uri.gaps || value == "refuse" ? Result<void>() : Invalid("its gaps is refuse or allow");
}

Result<void> ReadQuery(std::string_view query, SpanUri& uri) {
  std::array<std::optional<std::string_view>, 5> values;
  constexpr std::array<std::string_view, 5> kNames{"window", "zone", "to", "gaps", "column"};
  for (std::size_t begin = 0; !query.empty() && begin <= query.size();) {
    const auto end = std::min(query.find('&', begin), query.size());
    const std::string_view word = query.substr(begin, end - begin);
    const auto equals = std::min(word.find('='), word.size());
    const auto name = std::find(kNames.begin(), kNames.end(), word.substr(0, equals));
    // What it is may be a signature: it is not shown.
    if (name == kNames.end() || equals == word.size())
      return Invalid(
          "behind the ? of spans stand window, zone, to, gaps and column, with & between them, as "
          "in " +
          std::string(kForm) + "&zone=+09:00&gaps=allow; a key or signature stands in the env");
    auto& value = values[std::size_t(name - kNames.begin())];
    if (value) return Invalid("says " + std::string(*name) + " twice");
    value = word.substr(equals + 1);
    begin = end + 1;
  }
  if (!values[0])
    return Invalid("has parts of a date and no window: " + std::string(kForm) +
                   " is the last seven days; a brace of the key itself is written %7B");
  PENSTOCK_TRY(ReadWindow(*values[0], uri));
  if (values[1]) PENSTOCK_TRY(ReadZone(*values[1], uri));
  if (values[2]) PENSTOCK_TRY(ReadEnd(*values[2], uri));
  if (values[3]) PENSTOCK_TRY(ReadGaps(*values[3], uri));
  if (values[4]) PENSTOCK_TRY(ReadColumn(*values[4], uri));
  return {};
}

// Of a file system, which knows more spellings of one path than a store of one key.
Result<void> CheckPath(const SpanUri& uri) {
  if (uri.place != "file:///" && uri.place != "file://localhost/")
    return Invalid("names another machine; a file URI is file:///absolute/path");
  if (CommonFolder(uri).empty())
    return Invalid("has a pattern at the root of the disk: name a folder before it");
  std::string path;
  for (const SpanPart& part : uri.parts) path += part.kind == Kind::kText ? part.text : "0";
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos)
      return Invalid("has //, /./, /../ or a zero byte in its path");
    begin = end + 1;
  }
  return {};
}

}  // namespace

bool IsSpanUri(const std::string& uri) {
  if (std::none_of(kStores.begin(), kStores.end(),
                   [&](std::string_view store) { return uri.starts_with(store); }))
    return false;
  const auto query = std::min(uri.find('?'), uri.size());
  const std::string_view key = std::string_view(uri).substr(0, query);
  for (auto at = key.find('{'); at != std::string_view::npos; at = key.find('{', at + 1))
    if (IsMeant(Braced(key, at))) return true;
  const std::string words = "&" + uri.substr(std::min(query + 1, uri.size()));
  return words.find("&window=") != std::string::npos;
}

Result<SpanUri> ParseSpanUri(const std::string& text) {
  if (!IsSpanUri(text)) return Invalid("is no source of spans: " + std::string(kForm));
  const auto query = text.find('?');
  const std::string whole = text.substr(0, query);
  const auto slash = whole.find('/', whole.find("://") + 3);
  SpanUri uri;
  if (slash == std::string::npos || slash + 1 == whole.size())
    return Invalid("names no key: " + std::string(kForm));
  uri.place = whole.substr(0, slash + 1);
  const std::string key = whole.substr(slash + 1);
  if (key.find('#') != std::string::npos) return Invalid("has a #; it is written %23");
  if (uri.place.find_first_of("{*") != std::string::npos)
    return Invalid("has a pattern before its key: the store is named, " + std::string(kForm));
  PENSTOCK_ASSIGN(uri.parts, ReadParts(key));
  PENSTOCK_TRY(CheckParts(uri));
  uri.folder = key.ends_with('/');
  if (uri.place.starts_with("file:")) PENSTOCK_TRY(CheckPath(uri));
  uri.hourly = CountOf(uri.parts, Kind::kHour) > 0;
  PENSTOCK_TRY(
      ReadQuery(query == std::string::npos ? "" : std::string_view(text).substr(query + 1), uri));
  return uri;
}

std::string WithWindowEnd(const std::string& uri, TimePoint to) {
  if (to == TimePoint{} || !IsSpanUri(uri)) return uri;
  const auto parsed = ParseSpanUri(uri);
  if (!parsed || parsed->to || parsed->before) return uri;
  return uri + "&to=" + FormatTime(to);
}

}  // namespace penstock
