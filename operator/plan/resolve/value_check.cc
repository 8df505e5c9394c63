#include "operator/plan/resolve/value_check.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/value_schema.h"
#include "operator/protocol/reference.h"
#include "operator/protocol/source_scheme.h"
#include "operator/protocol/span_uri.h"
#include "operator/protocol/table_uri.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

// A whole number that has lost digits on its way, in the API server or before it.
bool IsBeyondIntegers(const api::ParameterSpec& spec, const Json& value) {
  return spec.type == api::ValueType::kInteger && value.is_number_float() &&
         std::fabs(value.get<double>()) >= 9.2e18;
}

}  // namespace

Complaint CheckValue(const api::ParameterSpec& spec, const Json& value) {
  if (!HasType(value, Name(spec.type)))
    return ShowValue(value) + " is no " + Name(spec.type) + "; the parameter is declared as one" +
           (IsBeyondIntegers(spec, value) ? ", and Kubernetes keeps those of 64 bits only" : "");
  if (CanonicalText(value).size() > kMaxValueBytes)
    return "is over 64 KiB; hand it over as an input instead";
  return CheckAgainst(SchemaOf(spec), value);
}

std::optional<DeclarationComplaint> CheckDeclaration(const api::ParameterSpec& spec) {
  if (auto wrong = CheckSchema(SchemaOf(spec))) return wrong;
  if (spec.default_value && !spec.default_value->is_null())
    if (auto wrong = CheckValue(spec, *spec.default_value))
      return DeclarationComplaint{".default", *wrong};
  return std::nullopt;
}

std::vector<api::FieldError> CheckGiven(const std::vector<api::ParameterSpec>& declared,
                                        const std::map<std::string, Json>& given) {
  std::vector<api::FieldError> wrong;
  for (const auto& [name, value] : given) {
    const std::string path = api::ChildPath("spec.parameters", name);
    const auto spec = std::find_if(declared.begin(), declared.end(),
                                   [&name = name](const auto& p) { return p.name == name; });
    if (spec == declared.end())
      wrong.push_back({path, "the pipeline has no such parameter"});
    else if (auto complaint = value.is_null() ? std::nullopt : CheckValue(*spec, value))
      wrong.push_back({path, *complaint});
  }
  return wrong;
}

bool Fits(api::ValueType from, api::ValueType to) {
  return from == to || (from == api::ValueType::kInteger && to == api::ValueType::kNumber);
}

std::optional<double> ParseQuantity(const Json& quantity) {
  if (quantity.is_number()) return quantity.get<double>();
  if (!quantity.is_string()) return std::nullopt;
  static const re2::RE2 kForm(
      R"(([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([eE][+-]?[0-9]{1,3}|[KMGTPE]i|[numkMGTPE]?))");
  const auto& text = quantity.get_ref<const std::string&>();
  std::string digits, suffix;
  if (text.size() > 64 || !re2::RE2::FullMatch(text, kForm, &digits, &suffix)) return std::nullopt;
  const double number = std::strtod(digits.c_str(), nullptr);
  if (suffix.empty()) return number;
  if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E') && suffix[1] != 'i')
    return number * std::pow(10.0, std::atoi(suffix.c_str() + 1));
  if (suffix.size() == 2) {
    const auto power = std::string("KMGTPE").find(suffix[0]) + 1;
    return number * std::pow(1024.0, static_cast<double>(power));
  }
  const std::string decimal = "num kMGTPE";  // 10^-9, -6, -3, 0, 3, ...
  return number * std::pow(10.0, 3.0 * static_cast<double>(decimal.find(suffix[0])) - 9.0);
}

Complaint CheckUri(const std::string& uri) {
  const auto colon = uri.find("://");
  const std::string scheme = colon == std::string::npos ? "" : uri.substr(0, colon);
  const bool table = IsTableUri(uri);
  if (!IsSourceScheme(scheme) && !table)
    return "'" + ShownUri(uri).substr(0, 80) +
           "' is neither a reference like $(steps.s.outputs.o), nor the digest of an artifact "
           "(sha256:...), nor a URI that begins with one of " +
           SourceSchemes();
  const std::string rest = uri.substr(colon + 3);
  if (rest.empty()) return "'" + ShownUri(uri) + "' names no place";
  // A line's end in what becomes a request would begin a second one.
  const char lowest = scheme == "file" ? ' ' : '!';
  const auto odd = std::find_if(uri.begin(), uri.end(), [&](char c) {
    return static_cast<unsigned char>(c) < static_cast<unsigned char>(lowest) || c == 0x7F;
  });
  if (odd != uri.end())
    return "the URI has a space or control character after '" +
           ShownUri(std::string(uri.begin(), odd)) + "'; write it as % and two hex digits";
  if (uri.size() > 4096) return "the URI is over 4096 bytes";
  if (table) {
    const auto parsed = ParseTableUri(uri);
    if (!parsed) return "'" + ShownUri(uri).substr(0, 80) + "': " + parsed.error().message;
  }
  const bool spans = IsSpanUri(uri);
  if (spans) {
    const auto parsed = ParseSpanUri(uri);
    if (!parsed) return "'" + ShownUri(uri).substr(0, 80) + "': " + parsed.error().message;
    const auto clock = ClockOf(*parsed);
    if (!clock) return "'" + ShownUri(uri).substr(0, 80) + "': " + clock.error().message;
  }
  const bool web = scheme == "http" || scheme == "https";
  if (!web && !table && !spans && scheme != "file" && scheme != "s3" &&
      uri.find('?') != std::string::npos)
    return "'" + ShownUri(uri).substr(0, 80) +
           "' has a ?: everybody who may read the run could read a signature (SAS, token) in it; "
           "it "
           "stands in the step's env, with valueFrom.secretKeyRef. In a name it is written %3F";
  const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = authority.rfind('@');
  if (at != std::string::npos && authority.find(':') < at)
    return "the URI has a password in it, and everybody who may read the run could read it; put it "
           "into a Secret and name it in the step's env with valueFrom.secretKeyRef";
  return std::nullopt;
}

Complaint CheckSource(const std::string& text) {
  if (text.rfind("sha256:", 0) != 0) return CheckUri(text);
  if (IsDigest(text)) return std::nullopt;
  return "'" + text.substr(0, 80) +
         "' is no digest: that is sha256: and 64 hex digits, as `penstock artifact put` prints it";
}

bool IsIdentifier(const std::string& name, std::size_t limit) {
  if (name.empty() || name.size() > limit || std::isalpha(static_cast<unsigned char>(name[0])) == 0)
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

bool IsDnsLabel(const std::string& name, std::size_t limit) {
  if (name.empty() || name.size() > limit || name.front() == '-' || name.back() == '-')
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace penstock::plan
