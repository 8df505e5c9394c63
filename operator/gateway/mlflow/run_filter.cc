#include "operator/gateway/mlflow/run_filter.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::gateway {
namespace {

using Of = RunComparison::Of;
using metadata::TrackedRun;

constexpr std::size_t kLongestFilter = 16'384;

// A value of a run: a text, or a number too.
struct Value {
  std::string text;
  std::optional<double> number;
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Of SQL: % is any text, _ one character.
bool Like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = pattern.npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  bool AtEnd() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ == text_.size();
  }

  // "metrics.auc", "params.`a b`", "status".
  Result<RunComparison> Key() {
    PENSTOCK_ASSIGN(std::string first, Name());
    RunComparison key;
    const std::string kind = Lower(first);
    const bool has_more = at_ < text_.size() && text_[at_] == '.';
    if (!has_more) {
      key.name = kind;
      return Attribute(std::move(key));
    }
    ++at_;
    PENSTOCK_ASSIGN(key.name, Name());
    // Names may hold dots, as tags.mlflow.user does.
    while (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      PENSTOCK_ASSIGN(const std::string more, Name());
      key.name += "." + more;
    }
    if (kind == "metric" || kind == "metrics") {
      key.of = Of::kMetric;
    } else if (kind == "param" || kind == "params" || kind == "parameter" || kind == "parameters") {
      key.of = Of::kParameter;
    } else if (kind == "tag" || kind == "tags") {
      key.of = Of::kTag;
    } else if (kind == "attribute" || kind == "attributes" || kind == "attr" || kind == "run") {
      key.name = Lower(key.name);
      return Attribute(std::move(key));
    } else {
      return Wrong("metrics, params, tags or attributes");
    }
    return key;
  }

  Result<std::string> Operator() {
    AtEnd();
    for (const char* how : {"!=", "<=", ">=", "=", "<", ">"}) {
      if (text_.compare(at_, std::string_view(how).size(), how) != 0) continue;
      at_ += std::string_view(how).size();
      return std::string(how);
    }
    if (Word("LIKE")) return std::string("LIKE");
    if (Word("ILIKE")) return std::string("ILIKE");
    return Wrong("one of =, !=, <, <=, >, >=, LIKE and ILIKE");
  }

  // 'text', "text" or a number.
  Result<void> Operand(RunComparison& into) {
    if (AtEnd()) return Wrong("a value");
    const char quote = text_[at_];
    if (quote == '\'' || quote == '"') {
      PENSTOCK_ASSIGN(into.text, Quoted(quote));
      if (into.of == Of::kMetric) return Invalid("a metric is compared with a number");
      return {};
    }
    const char* const end = text_.data() + text_.size();
    const auto read = std::from_chars(text_.data() + at_, end, into.number);
    if (read.ec != std::errc()) return Wrong("a 'text' or a number");
    into.text = text_.substr(at_, static_cast<std::size_t>(read.ptr - text_.data()) - at_);
    at_ = static_cast<std::size_t>(read.ptr - text_.data());
    const bool takes =
        into.of == Of::kMetric || into.name == "start_time" || into.name == "end_time";
    if (!takes) return Invalid(into.name + " is compared with a 'text'");
    return {};
  }

  bool Word(const std::string& word) {
    AtEnd();
    if (Lower(text_.substr(at_, word.size())) != Lower(word)) return false;
    const std::size_t behind = at_ + word.size();
    if (behind < text_.size() && std::isalnum(static_cast<unsigned char>(text_[behind])) != 0)
      return false;
    at_ = behind;
    return true;
  }

  [[nodiscard]] Error Wrong(const std::string& expected) const {
    return Invalid("'" + plan::Shown(text_, 200) + "' cannot be read at character " +
                   std::to_string(at_ + 1) + ": " + expected + " is expected there");
  }

 private:
  Result<RunComparison> Attribute(RunComparison key) const {
    for (const char* known : {"status", "run_id", "run_name", "user_id", "start_time", "end_time"})
      if (key.name == known) return key;
    if (key.name == "created") {
      key.name = "start_time";
      return key;
    }
    return Invalid("there is no attribute '" + plan::Shown(key.name, 80) +
                   "' to search by: status, run_id, run_name, user_id, start_time or end_time");
  }

  Result<std::string> Quoted(char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string::npos) return Wrong("an end of the text");
    std::string inner = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inner;
  }

  Result<std::string> Name() {
    if (AtEnd()) return Wrong("a name");
    if (text_[at_] == '`' || text_[at_] == '"') return Quoted(text_[at_]);
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  std::string_view("_-/:@").find(text_[at_]) != std::string::npos))
      ++at_;
    if (at_ == begin) return Wrong("a name");
    return text_.substr(begin, at_ - begin);
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

std::optional<Value> TimeOf(const std::optional<TimePoint>& time) {
  if (!time) return std::nullopt;
  const auto ms = std::chrono::duration_cast<Milliseconds>(time->time_since_epoch()).count();
  return Value{std::to_string(ms), static_cast<double>(ms)};
}

std::optional<Value> TextIn(const std::map<std::string, std::string>& map,
                            const std::string& name) {
  const auto found = map.find(name);
  if (found == map.end()) return std::nullopt;
  return Value{found->second, std::nullopt};
}

std::optional<Value> ValueOf(const TrackedRun& run, const RunComparison& key) {
  switch (key.of) {
    case Of::kParameter:
      return TextIn(run.parameters, key.name);
    case Of::kTag:
      return TextIn(run.tags, key.name);
    case Of::kMetric: {
      const auto found = run.metrics.find(key.name);
      if (found == run.metrics.end()) return std::nullopt;
      return Value{"", found->second.value};
    }
    case Of::kAttribute:
      break;
  }
  if (key.name == "status") return Value{StatusOf(run), std::nullopt};
  if (key.name == "run_id") return Value{run.record.uid, std::nullopt};
  if (key.name == "run_name") return Value{NameOf(run), std::nullopt};
  if (key.name == "user_id") return Value{run.record.user, std::nullopt};
  return TimeOf(key.name == "start_time" ? run.record.started : run.record.finished);
}

template <typename T>
bool Holds(const T& a, const std::string& how, const T& b) {
  if (how == "=") return a == b;
  if (how == "!=") return a != b;
  if (how == "<") return a < b;
  if (how == "<=") return a <= b;
  if (how == ">") return a > b;
  return a >= b;
}

bool Holds(const TrackedRun& run, const RunComparison& c) {
  const auto value = ValueOf(run, c);
  if (!value) return false;
  if (c.how == "LIKE") return Like(value->text, c.text);
  if (c.how == "ILIKE") return Like(Lower(value->text), Lower(c.text));
  if (value->number) return Holds(*value->number, c.how, c.number);
  return Holds(value->text, c.how, c.text);
}

// -1, 0 or 1, what is not there last in either direction.
int Compare(const TrackedRun& a, const TrackedRun& b, const RunOrder& order) {
  const auto x = ValueOf(a, order.by), y = ValueOf(b, order.by);
  if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1);
  int sign = 0;
  if (x->number && y->number) {
    const bool x_nan = *x->number != *x->number, y_nan = *y->number != *y->number;
    if (x_nan || y_nan) return (x_nan ? 1 : 0) - (y_nan ? 1 : 0);
    sign = *x->number < *y->number ? -1 : *x->number > *y->number ? 1 : 0;
  } else {
    sign = x->text.compare(y->text);
    sign = sign < 0 ? -1 : sign > 0 ? 1 : 0;
  }
  return order.down ? -sign : sign;
}

}  // namespace

Result<RunFilter> ParseRunFilter(const std::string& text) {
  if (text.size() > kLongestFilter) return Invalid("the filter is over 16 KiB");
  RunFilter filter;
  Reader reader(text);
  while (!reader.AtEnd()) {
    if (!filter.empty() && !reader.Word("and")) return reader.Wrong("'and'");
    PENSTOCK_ASSIGN(RunComparison c, reader.Key());
    PENSTOCK_ASSIGN(c.how, reader.Operator());
    PENSTOCK_TRY(reader.Operand(c));
    filter.push_back(std::move(c));
  }
  return filter;
}

bool Matches(const RunFilter& filter, const TrackedRun& run) {
  return std::all_of(filter.begin(), filter.end(), [&](const auto& c) { return Holds(run, c); });
}

Result<RunOrder> ParseRunOrder(const std::string& text) {
  if (text.size() > kLongestFilter) return Invalid("an order is over 16 KiB");
  Reader reader(text);
  RunOrder order;
  PENSTOCK_ASSIGN(order.by, reader.Key());
  order.down = reader.Word("DESC");
  if (!order.down) static_cast<void>(reader.Word("ASC"));
  if (!reader.AtEnd()) return reader.Wrong("ASC, DESC or the end");
  return order;
}

void Sort(std::vector<TrackedRun>& runs, const std::vector<RunOrder>& orders) {
  std::stable_sort(runs.begin(), runs.end(), [&](const TrackedRun& a, const TrackedRun& b) {
    for (const RunOrder& order : orders)
      if (const int sign = Compare(a, b, order); sign != 0) return sign < 0;
    return false;
  });
}

std::string StatusOf(const TrackedRun& run) {
  const std::string& phase = run.record.phase;
  if (phase == "Succeeded") return "FINISHED";
  if (phase == "Failed") return "FAILED";
  if (phase == "Cancelled") return "KILLED";
  return phase == "Pending" ? "SCHEDULED" : "RUNNING";
}

std::string NameOf(const TrackedRun& run) {
  const auto named = run.tags.find("mlflow.runName");
  return named == run.tags.end() ? run.record.name : named->second;
}

}  // namespace penstock::gateway
