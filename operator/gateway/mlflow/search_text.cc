#include "operator/gateway/mlflow/search_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::gateway {
namespace {

using Of = Comparison::Of;

constexpr std::size_t kLongestFilter = 16'384;

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
  Reader(const std::string& text, const SearchedBy& by) : text_(text), by_(by) {}

  bool AtEnd() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ == text_.size();
  }

  // "metrics.auc", "params.`a b`", "status".
  Result<Comparison> Key() {
    PENSTOCK_ASSIGN(std::string first, Name());
    Comparison key;
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
    if (kind == "attribute" || kind == "attributes" || kind == "attr" || kind == "run") {
      key.name = Lower(key.name);
      return Attribute(std::move(key));
    }
    if (kind == "tag" || kind == "tags") {
      key.of = Of::kTag;
    } else if (kind == "metric" || kind == "metrics") {
      key.of = Of::kMetric;
    } else if (kind == "param" || kind == "params" || kind == "parameter" || kind == "parameters") {
      key.of = Of::kParameter;
    }
    const bool has = key.of == Of::kTag || (by_.values && key.of != Of::kAttribute);
    if (!has)
      return Wrong(by_.values ? "metrics, params, tags or attributes" : "tags or attributes");
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
  Result<void> Operand(Comparison& into) {
    if (AtEnd()) return Wrong("a value");
    const std::string what = into.of == Of::kMetric ? "a metric" : into.name;
    const bool of_numbers = TakesNumber(into);
    if (of_numbers && into.how.ends_with("LIKE"))
      return Invalid(what + " is a number, which is not compared by " + into.how);
    const char quote = text_[at_];
    if (quote == '\'' || quote == '"') {
      PENSTOCK_ASSIGN(into.text, Quoted(quote));
      if (of_numbers) return Invalid(what + " is compared with a number, which is not quoted");
      return {};
    }
    const char* const end = text_.data() + text_.size();
    const auto read = std::from_chars(text_.data() + at_, end, into.number);
    if (read.ec != std::errc()) return Wrong("a 'text' or a number");
    into.text = text_.substr(at_, static_cast<std::size_t>(read.ptr - text_.data()) - at_);
    at_ = static_cast<std::size_t>(read.ptr - text_.data());
    if (!of_numbers) return Invalid(what + " is compared with a 'text'");
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
  [[nodiscard]] bool TakesNumber(const Comparison& c) const {
    const auto& all = by_.numbers;
    return c.of == Of::kMetric ||
           (c.of == Of::kAttribute && std::find(all.begin(), all.end(), c.name) != all.end());
  }

  Result<Comparison> Attribute(Comparison key) const {
    if (const auto same = by_.same.find(key.name); same != by_.same.end()) key.name = same->second;
    std::string known;
    for (const auto* list : {&by_.texts, &by_.numbers})
      for (const std::string& name : *list) {
        if (name == key.name) return key;
        known += (known.empty() ? "" : ", ") + name;
      }
    return Invalid("there is no attribute '" + plan::Shown(key.name, 80) +
                   "' to search or sort by here, but: " + known);
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
  const SearchedBy& by_;
  std::size_t at_ = 0;
};

template <typename T>
bool Stands(const T& a, const std::string& how, const T& b) {
  if (how == "=") return a == b;
  if (how == "!=") return a != b;
  if (how == "<") return a < b;
  if (how == "<=") return a <= b;
  if (how == ">") return a > b;
  return a >= b;
}

}  // namespace

Result<Comparisons> ParseComparisons(const std::string& text, const SearchedBy& by) {
  if (text.size() > kLongestFilter) return Invalid("the filter is over 16 KiB");
  Comparisons all;
  Reader reader(text, by);
  while (!reader.AtEnd()) {
    if (!all.empty() && !reader.Word("and")) return reader.Wrong("'and'");
    PENSTOCK_ASSIGN(Comparison c, reader.Key());
    PENSTOCK_ASSIGN(c.how, reader.Operator());
    PENSTOCK_TRY(reader.Operand(c));
    all.push_back(std::move(c));
  }
  return all;
}

Result<Order> ParseOrder(const std::string& text, const SearchedBy& by) {
  if (text.size() > kLongestFilter) return Invalid("an order is over 16 KiB");
  Reader reader(text, by);
  Order order;
  PENSTOCK_ASSIGN(order.by, reader.Key());
  order.down = reader.Word("DESC");
  if (!order.down) static_cast<void>(reader.Word("ASC"));
  if (!reader.AtEnd()) return reader.Wrong("ASC, DESC or the end");
  return order;
}

MaybeValue TextIn(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  if (found == map.end()) return std::nullopt;
  return SearchedValue{found->second, std::nullopt};
}

MaybeValue MetricIn(const metadata::NewestMetrics& metrics, const std::string& name) {
  const auto found = metrics.find(name);
  if (found == metrics.end()) return std::nullopt;
  return SearchedValue{"", found->second.value};
}

SearchedValue NumberValue(std::int64_t number) {
  return {std::to_string(number), static_cast<double>(number)};
}

bool Holds(const MaybeValue& value, const Comparison& c) {
  if (!value) return false;
  if (c.how == "LIKE") return Like(value->text, c.text);
  if (c.how == "ILIKE") return Like(Lower(value->text), Lower(c.text));
  if (value->number) return Stands(*value->number, c.how, c.number);
  return Stands(value->text, c.how, c.text);
}

int CompareValues(const MaybeValue& x, const MaybeValue& y, bool down) {
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
  return down ? -sign : sign;
}

}  // namespace penstock::gateway
