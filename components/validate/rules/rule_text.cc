// Rules as parameters write them.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "components/model_format/column.h"
#include "components/validate/rules/rule.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

struct Form {
  const char* name;
  const char* type;
  std::vector<std::string> keys;  // beside those of all
};

// By Check.
const std::vector<Form>& Forms() {
  static const std::vector<Form> kForms = {
      {"matches", "RULE_PATTERN", {"column", "pattern"}},
      {"range", "RULE_RANGE", {"column", "minimum", "maximum"}},
      {"notNull", "RULE_NULL", {"column"}},
      {"allowed", "RULE_VALUE_NOT_ALLOWED", {"column", "values", "from"}},
      {"order", "RULE_ORDER", {"columns", "strictly"}},
      {"increasing", "RULE_NOT_INCREASING", {"column", "strictly"}},
      {"fresh", "RULE_STALE", {"column", "within"}},
      {"unique", "RULE_DUPLICATE_KEY", {"columns"}},
      {"sql", "RULE_SQL", {"sql"}},
      {"statistics", "CUSTOM_VALIDATION", {"sql"}},
  };
  return kForms;
}

// Keys of one rule, each read once; the first problem is kept.
class Keys {
 public:
  explicit Keys(const Json& json) : json_(json) {}

  void Fail(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const Json* Find(const char* key) const {
    const auto at = json_.find(key);
    return at == json_.end() || at->is_null() ? nullptr : &*at;
  }
  std::string Text(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return "";
    if (value->is_string() && !value->get<std::string>().empty()) return value->get<std::string>();
    Fail(std::string(key) + ": must be a text");
    return "";
  }
  bool Flag(const char* key, bool fallback) {
    const Json* value = Find(key);
    if (value == nullptr) return fallback;
    if (value->is_boolean()) return value->get<bool>();
    Fail(std::string(key) + ": must be true or false");
    return fallback;
  }

 private:
  const Json& json_;
  std::string problem_;
};

// "36h", "2d", "30m", "90s" in microseconds.
std::optional<std::int64_t> Duration(const std::string& text) {
  static const std::map<char, std::int64_t> kSeconds = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
  constexpr std::int64_t kMost = 100'000'000;
  if (text.size() < 2) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto read = std::from_chars(text.data(), end, number);
  const auto unit = kSeconds.find(text.back());
  if (read.ec != std::errc() || read.ptr != end || number < 1 || number > kMost ||
      unit == kSeconds.end()) {
    return std::nullopt;
  }
  return number * unit->second * 1'000'000;
}

void ReadColumns(Keys& keys, Rule& rule) {
  if (keys.Find("column") != nullptr) rule.columns = {keys.Text("column")};
  const Json* columns = keys.Find("columns");
  if (columns == nullptr) return;
  std::set<std::string> seen;
  const bool texts =
      columns->is_array() &&
      std::all_of(columns->begin(), columns->end(), [](const Json& c) { return c.is_string(); });
  if (!texts || columns->empty()) return keys.Fail("columns: must be a list of names");
  for (const auto& column : *columns) {
    rule.columns.push_back(column.get<std::string>());
    if (!seen.insert(rule.columns.back()).second) {
      keys.Fail("columns: '" + rule.columns.back() + "' stands twice");
    }
  }
}

// A number, or the text of a time.
Json BoundOf(Keys& keys, const char* key) {
  const Json* value = keys.Find(key);
  if (value == nullptr) return {};
  const bool time = value->is_string() && sdk::ParseTimestamp(value->get<std::string>());
  if (!value->is_number() && !time) {
    keys.Fail(std::string(key) + ": must be a number or a time such as \"2013-01-31\"");
  }
  return *value;
}

void ReadValues(Keys& keys, Rule& rule) {
  const Json* values = keys.Find("values");
  rule.from = keys.Text("from");
  if ((values == nullptr) == rule.from.empty()) {
    return keys.Fail("needs either values (a list) or from (a column of the input allowed)");
  }
  if (values == nullptr) return;
  const bool scalars = values->is_array() && !values->empty() &&
                       std::all_of(values->begin(), values->end(),
                                   [](const Json& v) { return v.is_primitive() && !v.is_null(); });
  if (!scalars) return keys.Fail("values: must be a list of at least one text, number or boolean");
  rule.values = *values;
}

void ReadOwn(Keys& keys, Rule& rule) {
  rule.pattern = keys.Text("pattern");
  rule.sql = keys.Text("sql");
  rule.minimum = BoundOf(keys, "minimum");
  rule.maximum = BoundOf(keys, "maximum");
  rule.strictly = keys.Flag("strictly", false);
  if (rule.check == Check::kAllowed) ReadValues(keys, rule);
  if (rule.check == Check::kMatches && rule.pattern.empty()) keys.Fail("pattern: is missing");
  if (rule.check == Check::kRange && rule.minimum.is_null() && rule.maximum.is_null()) {
    keys.Fail("needs minimum or maximum");
  }
  if (rule.check == Check::kRange && !rule.minimum.is_null() && !rule.maximum.is_null() &&
      (rule.minimum.is_string() != rule.maximum.is_string() ||
       (rule.minimum.is_number() && rule.minimum.get<double>() > rule.maximum.get<double>()))) {
    keys.Fail("minimum is above maximum, or they are a number and a time");
  }
  const bool sql = rule.check == Check::kSql || rule.check == Check::kStatistics;
  if (sql && rule.sql.empty()) keys.Fail("sql: is missing");
  if (!sql && rule.columns.empty()) {
    keys.Fail(rule.check == Check::kOrder || rule.check == Check::kUnique ? "columns: is missing"
                                                                          : "column: is missing");
  }
  if (rule.check == Check::kOrder && rule.columns.size() < 2) {
    keys.Fail("columns: two at least, in their order");
  }
  if (rule.check != Check::kFresh) return;
  const auto within = Duration(keys.Text("within"));
  if (!within) keys.Fail("within: must be a duration such as 36h (s, m, h, d or w)");
  rule.within = within.value_or(0);
}

void ReadShared(Keys& keys, Rule& rule) {
  rule.name = keys.Text("name");
  if (const Json* severity = keys.Find("severity")) {
    const auto parsed =
        severity->is_string() ? ParseSeverity(severity->get<std::string>()) : std::nullopt;
    if (!parsed) keys.Fail("severity: must be error, warn or info");
    rule.severity = parsed.value_or(Severity::kError);
  }
  if (const Json* mostly = keys.Find("mostly")) {
    const bool share = mostly->is_number() && *mostly > 0 && *mostly <= 1;
    if (!share) keys.Fail("mostly: must be a share above 0 and up to 1");
    if (!rule.IsOfRows()) keys.Fail("mostly: is for rules of rows");
    rule.mostly = share ? mostly->get<double>() : 1;
  }
  rule.quarantine = keys.Flag("quarantine", true);
}

Result<Rule> ParseRule(const Json& json) {
  if (!json.is_object()) return Invalid("must be an object such as {check: notNull, column: x}");
  std::vector<std::string> names;
  for (const auto& form : Forms()) names.emplace_back(form.name);
  const std::string check =
      json.value("check", Json()).is_string() ? json["check"].get<std::string>() : "";
  const auto at = std::find(names.begin(), names.end(), check);
  if (at == names.end()) {
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
    return Invalid("check: must be one of " + all + DidYouMean(check, names));
  }
  Rule rule;
  rule.check = Check(at - names.begin());
  std::vector<std::string> known = {"name", "check", "severity", "mostly", "quarantine"};
  const auto& own = Forms()[std::size_t(rule.check)].keys;
  known.insert(known.end(), own.begin(), own.end());
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return Invalid(check + " has no key '" + plan::Shown(key, 80) + "'" + DidYouMean(key, known));
  }
  Keys keys(json);
  ReadShared(keys, rule);
  ReadColumns(keys, rule);
  ReadOwn(keys, rule);
  if (!keys.problem().empty()) return Invalid(check + ": " + keys.problem());
  if (rule.name.empty()) {
    rule.name = check;
    for (const auto& column : rule.columns) {
      rule.name += (&column == &rule.columns.front() ? " of " : ", ") + column;
    }
  }
  return rule;
}

}  // namespace

const char* Name(Check check) { return Forms()[std::size_t(check)].name; }
const char* AnomalyTypeOf(Check check) { return Forms()[std::size_t(check)].type; }

Result<std::vector<Rule>> ParseRules(const Json& list) {
  constexpr std::size_t kMost = 500;  // each may need a bit a row
  if (list.size() > kMost) return Invalid("rules: at most " + std::to_string(kMost));
  std::vector<Rule> rules;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto rule = ParseRule(list[i]);
    if (!rule) return Wrap("rules[" + std::to_string(i) + "]", rule.error());
    rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace penstock::validate
