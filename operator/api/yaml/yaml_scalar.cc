#include "operator/api/yaml/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "operator/base/base64.h"

namespace penstock::api {
namespace {

bool OneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<bool> AsBoolean(std::string_view t) {
  if (OneOf(t, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}))
    return true;
  if (OneOf(t, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}))
    return false;
  return std::nullopt;
}

bool IsNull(std::string_view t) { return OneOf(t, {"", "~", "null", "Null", "NULL"}); }

bool IsNotFinite(std::string_view t) {
  if (OneOf(t, {".nan", ".NaN", ".NAN"})) return true;
  if (!t.empty() && (t[0] == '+' || t[0] == '-')) t.remove_prefix(1);
  return OneOf(t, {".inf", ".Inf", ".INF"});
}

}  // namespace

std::string WithoutUnderscores(std::string_view t) {
  std::string out(t);
  out.erase(std::remove(out.begin(), out.end(), '_'), out.end());
  return out;
}

namespace {

// As Go's strconv.ParseInt(text, 0, 64), then ParseUint: 0x, 0o, 0b and a leading 0 choose the
// base.
std::optional<Json> AsInteger(const std::string& text) {
  std::string_view t = text;
  const bool negative = !t.empty() && t[0] == '-';
  const bool sign = negative || (!t.empty() && t[0] == '+');
  if (sign) t.remove_prefix(1);
  int base = 10;
  if (t.size() > 1 && t[0] == '0') {
    const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(t[1])));
    base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
    t.remove_prefix(c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
  }
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(t.data(), t.data() + t.size(), n, base);
  if (ec != std::errc() || end != t.data() + t.size() || t.empty()) return std::nullopt;
  constexpr std::uint64_t kLimit = 1ULL << 63;
  if (negative && n <= kLimit) return Json(static_cast<std::int64_t>(0 - n));
  if (!negative && n < kLimit) return Json(static_cast<std::int64_t>(n));
  if (!sign) return Json(static_cast<double>(n));  // kubectl's JSON reader makes a float of it
  return std::nullopt;
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool LooksLikeFloat(std::string_view t) {
  std::size_t at = !t.empty() && (t[0] == '-' || t[0] == '+') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < t.size() && t[at] >= '0' && t[at] <= '9') ++at;
    return at - from;
  };
  const std::size_t whole = digits();
  if (at < t.size() && t[at] == '.') {
    ++at;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (at < t.size() && (t[at] == 'e' || t[at] == 'E')) {
    ++at;
    if (at < t.size() && (t[at] == '-' || t[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == t.size();
}

std::optional<Json> AsFloat(const std::string& text) {
  if (!LooksLikeFloat(text)) return std::nullopt;
  double d = 0;
  const char* first = text.c_str() + (text[0] == '+' ? 1 : 0);
  const auto [end, ec] = std::from_chars(first, text.c_str() + text.size(), d);
  if (ec == std::errc::result_out_of_range) d = std::strtod(first, nullptr);  // 0 or infinity
  if (!std::isfinite(d) || end != text.c_str() + text.size()) return std::nullopt;
  // Go writes 1.0 as 1, and the reader of that JSON takes an integer where one fits.
  if (std::floor(d) == d && std::fabs(d) < 9.2e18) return Json(static_cast<std::int64_t>(d));
  return Json(d);
}

std::optional<Json> AsNumber(const std::string& text) {
  if (text.empty() || (std::string_view("+-.0123456789").find(text[0]) == std::string_view::npos))
    return std::nullopt;
  const std::string plain = WithoutUnderscores(text);
  if (text[0] != '.')
    if (auto n = AsInteger(plain)) return n;
  return AsFloat(plain);
}

std::string LongTag(const std::string& tag) {
  constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
  return tag.rfind(kPrefix, 0) == 0 ? tag.substr(kPrefix.size()) : tag;
}

}  // namespace

Result<Json> ScalarValue(const YamlNode& n) {
  const std::string tag = LongTag(n.tag);
  const bool typed = tag == "int" || tag == "float" || tag == "bool" || tag == "null";
  if (tag == "binary") {
    std::string text = n.text;
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    auto bytes = DecodeBase64(text);
    if (!bytes) return ErrorAt(n, "the text of !!binary is not base64");
    return Json(std::move(*bytes));
  }
  if (tag.size() > 1 && tag[0] == '!' && n.text.empty())
    return ErrorAt(n, tag +
                          " is a tag to YAML, and nothing follows it; text that begins with '!' "
                          "stands in quotes");
  if (!n.plain && !typed) return Json(n.text);
  if (IsNull(n.text)) return Json();
  if (const auto b = AsBoolean(n.text)) return Json(*b);
  if (IsNotFinite(n.text)) return ErrorAt(n, n.text + " has no form in JSON; write it in quotes");
  if (auto number = AsNumber(n.text)) return *std::move(number);
  if (typed) return ErrorAt(n, "\"" + n.text + "\" does not fit its tag !!" + tag);
  return Json(n.text);
}

}  // namespace penstock::api
