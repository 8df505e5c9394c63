#include "operator/base/json.h"

#include <algorithm>
#include <cmath>

#include "operator/base/try.h"

namespace penstock {
namespace {

Json Normalised(const Json& v) {
  if (v.is_object()) {
    Json out = Json::object();
    for (const auto& [key, item] : v.items()) out[key] = Normalised(item);
    return out;
  }
  if (v.is_array()) {
    Json out = Json::array();
    for (const auto& item : v) out.push_back(Normalised(item));
    return out;
  }
  if (v.is_number_float()) {
    const double d = v.get<double>();
    if (std::floor(d) == d && std::fabs(d) < 9.0e15) return static_cast<std::int64_t>(d);
  }
  return v;
}

// Calls at(position, depth) at every bracket outside of strings: an opening one with the depth that
// it opens, a closing one with the depth that it ends.
template <typename At>
void EachBracket(std::string_view text, At at) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      at(i, ++depth);
    } else if (c == ']' || c == '}') {
      at(i, depth--);
    }
  }
}

// The deepest nesting that text opens. The library's own way to tell, a callback while parsing,
// takes time quadratic in the length of a list.
int Depth(std::string_view text) {
  int deepest = 0;
  EachBracket(text, [&](std::size_t, int depth) { deepest = std::max(deepest, depth); });
  return deepest;
}

// The text with null for what is nested deeper than kMaxJsonDepth.
std::string Cut(std::string_view text) {
  std::string out;
  std::size_t kept = 0;  // all before it is in `out`, or left out
  EachBracket(text, [&](std::size_t i, int depth) {
    if (depth != kMaxJsonDepth + 1) return;
    if (text[i] == '[' || text[i] == '{') out.append(text, kept, i - kept) += "null";
    kept = text[i] == '[' || text[i] == '{' ? i : i + 1;
  });
  return out.append(text, kept);
}

// The library's words without its name for them: "line 1, column 7: syntax error ...".
std::string Plainly(const Json::exception& e) {
  std::string text = e.what();
  for (const std::string_view before : {"] ", "parse error at "}) {
    const std::size_t at = text.find(before);
    if (at != std::string::npos) text.erase(0, at + before.size());
  }
  return text;
}

// The words that Python and JavaScript write for what JSON has not.
bool StandsForNoNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.starts_with("NaN") || text.starts_with("nan") || text.starts_with("Inf") ||
         text.starts_with("inf");
}

// The library takes a byte 0 for the end of the text, and what stands behind it for nothing.
Result<void> RefuseZero(std::string_view text, const std::string& what) {
  const std::size_t at = text.find('\0');
  if (at == std::string_view::npos) return {};
  return Invalid(what + " is not JSON: byte " + std::to_string(at + 1) + " is zero");
}

Result<Json> Parse(std::string_view text, const std::string& what) {
  PENSTOCK_TRY(RefuseZero(text, what));
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {  // its byte is the last that was read, counted from 1
    const std::size_t at = e.byte == 0 ? 0 : e.byte - 1;
    const bool no_number = at < text.size() && (StandsForNoNumber(text.substr(at)) ||
                                                (at > 0 && StandsForNoNumber(text.substr(at - 1))));
    return Invalid(
        what + " is not JSON: " + Plainly(e) +
        (no_number ? " (JSON has no NaN and no infinity; null stands for what is missing)" : ""));
  } catch (const Json::exception& e) {
    return Invalid(what + " is not JSON: " + Plainly(e));
  }
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const std::string& what) {
  if (Depth(text) > kMaxJsonDepth)
    return Invalid(what + " is not accepted: nested deeper than 256 levels");
  return Parse(text, what);
}

Result<Json> ParseJsonCut(std::string_view text, const std::string& what) {
  return Depth(text) > kMaxJsonDepth ? Parse(Cut(text), what) : Parse(text, what);
}

int LevelsOf(const Json& value) {
  if (!value.is_structured()) return 0;
  int inside = 0;
  for (const Json& item : value) inside = std::max(inside, LevelsOf(item));
  return inside + 1;
}

std::string CanonicalJson(const Json& value) {
  return Normalised(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock
