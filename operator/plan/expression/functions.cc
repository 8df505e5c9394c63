#include "operator/plan/expression/functions.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace penstock::plan::expression {
namespace {

Error Overflow(const char* type) { return Invalid(std::string(type) + " overflow"); }

template <typename T>
Result<Value> OfWhole(char op, T a, T b, const char* type) {
  T out = 0;
  bool overflows = false;
  if (op == '+') overflows = __builtin_add_overflow(a, b, &out);
  if (op == '-') overflows = __builtin_sub_overflow(a, b, &out);
  if (op == '*') overflows = __builtin_mul_overflow(a, b, &out);
  if (op == '/' || op == '%') {
    if (b == 0) return Invalid(op == '/' ? "division by zero" : "modulus by zero");
    if constexpr (std::is_signed_v<T>) {
      if (a == std::numeric_limits<T>::min() && b == -1) return Overflow(type);
    }
    out = op == '/' ? a / b : a % b;
  }
  if (overflows) return Overflow(type);
  return Value(out);
}

Value OfDoubles(char op, double a, double b) {
  return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

Result<Value> WholeOf(double d, bool is_signed) {
  if (is_signed) {
    if (std::isnan(d) || d <= -9223372036854775808.0 || d >= 9223372036854775808.0)
      return Overflow("int");
    return Value(static_cast<std::int64_t>(d));
  }
  if (std::isnan(d) || d < 0 || d >= 18446744073709551616.0) return Overflow("uint");
  return Value(static_cast<std::uint64_t>(d));
}

Error NotA(const char* type, const std::string& text) {
  return Invalid("'" + text.substr(0, 80) + "' is no " + type);
}

template <typename T>
Result<Value> Parsed(std::string text, const char* type) {
  const std::string whole = text;
  if (std::is_signed_v<T> && text.starts_with("+") && !text.starts_with("+-")) text.erase(0, 1);
  T out = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, out);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return NotA(type, whole);
  return Value(out);
}

// Without those that stand between two digits.
std::string WithoutUnderscores(const std::string& text) {
  std::string out;
  const auto digit = [&](std::size_t i) {
    return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '_' || i == 0 || !digit(i - 1) || !digit(i + 1)) out += text[i];
  return out;
}

// As Go's ParseFloat.
Result<Value> ParsedDouble(const std::string& given) {
  const std::string text = WithoutUnderscores(given);
  static const re2::RE2 kForm(
      "(?i)[+-]?(inf|infinity|[0-9]+\\.?[0-9]*(e[+-]?[0-9]+)?|\\.[0-9]+(e[+-]?[0-9]+)?|"
      "0x([0-9a-f]+\\.?[0-9a-f]*|\\.[0-9a-f]+)p[+-]?[0-9]+)|nan");
  if (!re2::RE2::FullMatch(text, kForm)) return NotA("double", text);
  const double d = std::strtod(text.c_str(), nullptr);
  const bool named =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::tolower(c) == 'i'; });
  if (std::isinf(d) && !named) return NotA("double", text);
  return Value(d);
}

Result<Value> ParsedBool(const std::string& text) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return Value(true);
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return Value(false);
  return NotA("bool", text);
}

Result<Value> ToString(const Value& v) {
  if (v.As<std::string>() != nullptr) return v;
  if (const auto* b = v.As<bool>()) return Value(std::string(*b ? "true" : "false"));
  if (const auto* i = v.As<std::int64_t>()) return Value(std::to_string(*i));
  if (const auto* u = v.As<std::uint64_t>()) return Value(std::to_string(*u));
  if (const auto* d = v.As<double>()) return Value(DoubleText(*d));
  return NoSuchFunction("string", {v});
}

Result<Value> ToInt(const Value& v) {
  if (v.As<std::int64_t>() != nullptr) return v;
  if (const auto* d = v.As<double>()) return WholeOf(*d, true);
  if (const auto* s = v.As<std::string>()) return Parsed<std::int64_t>(*s, "int");
  if (const auto* u = v.As<std::uint64_t>()) {
    if (*u > static_cast<std::uint64_t>(INT64_MAX)) return Overflow("int");
    return Value(static_cast<std::int64_t>(*u));
  }
  return NoSuchFunction("int", {v});
}

Result<Value> ToUint(const Value& v) {
  if (v.As<std::uint64_t>() != nullptr) return v;
  if (const auto* d = v.As<double>()) return WholeOf(*d, false);
  if (const auto* s = v.As<std::string>()) return Parsed<std::uint64_t>(*s, "uint");
  if (const auto* i = v.As<std::int64_t>()) {
    if (*i < 0) return Overflow("uint");
    return Value(static_cast<std::uint64_t>(*i));
  }
  return NoSuchFunction("uint", {v});
}

Result<Value> ToDouble(const Value& v) {
  if (v.As<double>() != nullptr) return v;
  if (const auto* i = v.As<std::int64_t>()) return Value(static_cast<double>(*i));
  if (const auto* u = v.As<std::uint64_t>()) return Value(static_cast<double>(*u));
  if (const auto* s = v.As<std::string>()) return ParsedDouble(*s);
  return NoSuchFunction("double", {v});
}

Result<Value> Joined(const Value& a, const Value& b) {
  if (const auto* x = a.As<std::string>())
    if (const auto* y = b.As<std::string>()) return Value(*x + *y);
  if (const auto* x = a.As<List>())
    if (const auto* y = b.As<List>()) {
      std::vector<Value> items(**x);
      items.insert(items.end(), (*y)->begin(), (*y)->end());
      return Value(List(std::make_shared<const std::vector<Value>>(std::move(items))));
    }
  return NoSuchFunction("_+_", {a, b});
}

// RE2 takes text x pattern steps at most: "(a{20}){20}" is a pattern of 400.
Result<Value> Matches(const std::string& text, const std::string& wanted, Budget& budget) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(1 << 20);
  const re2::RE2 pattern(wanted, options);
  if (!pattern.ok())
    return Invalid("'" + wanted.substr(0, 80) + "' is no regular expression: " + pattern.error());
  const auto size = static_cast<std::size_t>(pattern.ProgramSize());
  if (!budget.Pay(size / 10 + text.size() / 10 * (size / 100))) return Value(false);
  return Value(re2::RE2::PartialMatch(text, pattern));
}

}  // namespace

Error NoSuchFunction(const std::string& function, const std::vector<Value>& given) {
  std::string types;
  for (const Value& v : given) types += (types.empty() ? "" : " and ") + std::string(v.TypeName());
  std::string name = function;
  if (name.find('_') != std::string::npos) std::erase(name, '_');
  return Invalid("'" + name + "' takes no " + types);
}

Result<Value> Arithmetic(const std::string& function, const Value& a, const Value& b) {
  const char op = function[1];
  if (const auto* x = a.As<std::int64_t>())
    if (const auto* y = b.As<std::int64_t>()) return OfWhole(op, *x, *y, "int");
  if (const auto* x = a.As<std::uint64_t>())
    if (const auto* y = b.As<std::uint64_t>()) return OfWhole(op, *x, *y, "uint");
  if (const auto* x = a.As<double>())
    if (const auto* y = b.As<double>(); y != nullptr && op != '%') return OfDoubles(op, *x, *y);
  if (op == '+') return Joined(a, b);
  return NoSuchFunction(function, {a, b});
}

Result<Value> Negated(const Value& a) {
  if (const auto* d = a.As<double>()) return Value(-*d);
  if (const auto* i = a.As<std::int64_t>()) return OfWhole<std::int64_t>('-', 0, *i, "int");
  return NoSuchFunction("-_", {a});
}

Result<Value> Converted(const std::string& to, const Value& v) {
  if (to == "string") return ToString(v);
  if (to == "int") return ToInt(v);
  if (to == "uint") return ToUint(v);
  if (to == "double") return ToDouble(v);
  if (v.As<bool>() != nullptr) return v;
  if (const auto* s = v.As<std::string>()) return ParsedBool(*s);
  return NoSuchFunction(to, {v});
}

Result<Value> OfTexts(const std::string& function, const std::string& text,
                      const std::string& other, Budget& budget) {
  if (function == "startsWith") return Value(text.starts_with(other));
  if (function == "endsWith") return Value(text.ends_with(other));
  if (function == "contains") return Value(text.find(other) != std::string::npos);
  if (function != "matches") return NoSuchFunction(function, {text, other});
  return Matches(text, other, budget);
}

Result<Value> Size(const Value& v) {
  if (const auto* s = v.As<std::string>())
    return Value(static_cast<std::int64_t>(
        std::count_if(s->begin(), s->end(), [](unsigned char c) { return (c & 0xC0) != 0x80; })));
  if (const auto* list = v.As<List>()) return Value(static_cast<std::int64_t>((*list)->size()));
  if (const auto* map = v.As<Map>()) return Value(static_cast<std::int64_t>((*map)->size()));
  return NoSuchFunction("size", {v});
}

}  // namespace penstock::plan::expression
