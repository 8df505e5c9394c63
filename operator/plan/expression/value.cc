#include "operator/plan/expression/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace penstock::plan::expression {
namespace {

// As cel-go compares: an int is taken as the nearest double.
int CompareDoubles(double a, double b) { return a < b ? -1 : a > b ? 1 : 0; }

int CompareWith(double d, std::int64_t i) {
  if (d < -9223372036854775808.0) return -1;
  if (d > 9223372036854775807.0) return 1;
  return CompareDoubles(d, static_cast<double>(i));
}
int CompareWith(double d, std::uint64_t u) {
  if (d < 0) return -1;
  if (d > 18446744073709551615.0) return 1;
  return CompareDoubles(d, static_cast<double>(u));
}
int CompareWith(std::int64_t i, std::uint64_t u) {
  if (i < 0) return -1;
  const auto same = static_cast<std::uint64_t>(i);
  return same < u ? -1 : same > u ? 1 : 0;
}

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// Both are numbers, none is NaN.
int CompareNumbers(const Value& a, const Value& b) {
  const auto *ad = a.As<double>(), *bd = b.As<double>();
  const auto *ai = a.As<std::int64_t>(), *bi = b.As<std::int64_t>();
  const auto *au = a.As<std::uint64_t>(), *bu = b.As<std::uint64_t>();
  if (ad != nullptr && bd != nullptr) return CompareDoubles(*ad, *bd);
  if (ai != nullptr && bi != nullptr) return Order(*ai, *bi);
  if (au != nullptr && bu != nullptr) return Order(*au, *bu);
  if (ad != nullptr) return bi != nullptr ? CompareWith(*ad, *bi) : CompareWith(*ad, *bu);
  if (bd != nullptr) return -(ai != nullptr ? CompareWith(*bd, *ai) : CompareWith(*bd, *au));
  return ai != nullptr ? CompareWith(*ai, *bu) : -CompareWith(*bi, *au);
}

bool IsNan(const Value& v) {
  const auto* d = v.As<double>();
  return d != nullptr && std::isnan(*d);
}

constexpr std::size_t kBytesAStep = 10;       // compared
constexpr std::size_t kBytesAStepRead = 100;  // only carried along
constexpr std::size_t kKeysAStep = 10;

bool EqualTexts(const std::string& a, const std::string& b, Budget& budget) {
  return a.size() == b.size() && budget.Pay(a.size() / kBytesAStep) && a == b;
}

bool EqualLists(const List& a, const List& b, Budget& budget) {
  return std::equal(a->begin(), a->end(), b->begin(), b->end(),
                    [&](const Value& x, const Value& y) { return Equal(x, y, budget); });
}

// Two maps of one order, as those of JSON are, are compared in one pass.
bool EqualMaps(const Map& a, const Map& b, Budget& budget) {
  if (a->size() != b->size()) return false;
  std::size_t next = 0;
  for (const auto& [key, value] : *a) {
    const std::size_t place = PlaceOf(*b, key, budget, next);
    if (place == b->size() || !Equal(value, (*b)[place].second, budget)) return false;
    next = place + 1;
  }
  return true;
}

// Equal, but for the step that the pair itself costs.
bool Agree(const Value& a, const Value& b, Budget& budget) {
  if (a.IsNumber() && b.IsNumber()) return !IsNan(a) && !IsNan(b) && CompareNumbers(a, b) == 0;
  if (a.IsNull() || b.IsNull()) return a.IsNull() && b.IsNull();
  if (const auto* x = a.As<bool>())
    if (const auto* y = b.As<bool>()) return *x == *y;
  if (const auto* x = a.As<std::string>())
    if (const auto* y = b.As<std::string>()) return EqualTexts(*x, *y, budget);
  if (const auto* x = a.As<List>())
    if (const auto* y = b.As<List>()) return EqualLists(*x, *y, budget);
  if (const auto* x = a.As<Map>())
    if (const auto* y = b.As<Map>()) return EqualMaps(*x, *y, budget);
  return false;
}

void AddWeight(const Value& v, std::size_t most, std::size_t& weight) {
  if (++weight > most) return;
  if (const auto* s = v.As<std::string>()) weight += s->size() / kBytesAStepRead;
  if (const auto* list = v.As<List>())
    for (auto item = (*list)->begin(); item != (*list)->end() && weight <= most; ++item)
      AddWeight(*item, most, weight);
  if (const auto* map = v.As<Map>())
    for (auto entry = (*map)->begin(); entry != (*map)->end() && weight <= most; ++entry) {
      AddWeight(entry->first, most, weight);
      AddWeight(entry->second, most, weight);
    }
}

Value Whole(const Json& json, Numbers numbers) {
  if (numbers == Numbers::kAsDoubles) return json.get<double>();
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return json.get<std::uint64_t>();
  return json.get<std::int64_t>();
}

std::string ScalarText(const Value& v, std::size_t most) {
  if (const auto* b = v.As<bool>()) return *b ? "true" : "false";
  if (const auto* i = v.As<std::int64_t>()) return std::to_string(*i);
  if (const auto* u = v.As<std::uint64_t>()) return std::to_string(*u) + "u";
  if (const auto* d = v.As<double>()) {
    std::string text = DoubleText(*d);
    if (text.find_first_of(".eIN") == std::string::npos) text += ".0";
    return text;
  }
  if (const auto* s = v.As<std::string>())
    return Json(s->substr(0, most)).dump(-1, ' ', false, Json::error_handler_t::replace);
  return v.IsNull() ? "null" : "object";
}

// Until `out` has `most` bytes; each value adds one at least.
void Write(const Value& v, std::size_t most, std::string& out) {
  const auto* list = v.As<List>();
  const auto* map = v.As<Map>();
  if (list == nullptr && map == nullptr) {
    out += ScalarText(v, most);
    return;
  }
  out += list != nullptr ? "[" : "{";
  const std::size_t size = list != nullptr ? (*list)->size() : (*map)->size();
  for (std::size_t i = 0; i < size && out.size() < most; ++i) {
    if (i > 0) out += ", ";
    if (list != nullptr) {
      Write((**list)[i], most, out);
    } else {
      Write((**map)[i].first, most, out);
      out += ": ";
      Write((**map)[i].second, most, out);
    }
  }
  out += list != nullptr ? "]" : "}";
}

}  // namespace

bool Value::IsNumber() const {
  return As<std::int64_t>() != nullptr || As<std::uint64_t>() != nullptr || As<double>() != nullptr;
}

const char* Value::TypeName() const {
  constexpr std::array kNames{"null",   "bool", "int", "uint",  "double",
                              "string", "list", "map", "object"};
  return kNames[v_.index()];
}

Value FromJson(const Json& json, Numbers numbers) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return Whole(json, numbers);
  if (json.is_number_float()) {
    const double d = json.get<double>();
    const bool whole = numbers == Numbers::kAsInts && std::floor(d) == d && std::fabs(d) < 9.2e18;
    if (whole) return static_cast<std::int64_t>(d);
    return d;
  }
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    std::vector<Value> items;
    items.reserve(json.size());
    for (const Json& item : json) items.push_back(FromJson(item));
    return List(std::make_shared<const std::vector<Value>>(std::move(items)));
  }
  if (json.is_object()) {
    std::vector<std::pair<Value, Value>> entries;
    for (const auto& [key, item] : json.items()) entries.emplace_back(key, FromJson(item));
    return Map(std::make_shared<const std::vector<std::pair<Value, Value>>>(std::move(entries)));
  }
  return {};
}

std::size_t WeightOf(const Value& value, std::size_t most) {
  std::size_t weight = 0;
  AddWeight(value, most, weight);
  return weight;
}

bool Equal(const Value& a, const Value& b, Budget& budget) {
  return budget.Pay(1) && Agree(a, b, budget);
}

Result<int> Compare(const Value& a, const Value& b) {
  if (IsNan(a) || IsNan(b)) return Invalid("NaN has no order");
  if (a.IsNumber() && b.IsNumber()) return CompareNumbers(a, b);
  if (const auto* x = a.As<bool>())
    if (const auto* y = b.As<bool>()) return Order(*x, *y);
  if (const auto* x = a.As<std::string>())
    if (const auto* y = b.As<std::string>()) return Order(*x, *y);
  return Invalid(std::string("there is no order between ") + a.TypeName() + " and " + b.TypeName());
}

std::size_t PlaceOf(const std::vector<std::pair<Value, Value>>& entries, const Value& key,
                    Budget& budget, std::size_t first) {
  const std::size_t size = entries.size();
  for (std::size_t i = 0; i < size; ++i) {
    if (i % kKeysAStep == 0 && !budget.Pay(1)) return size;
    const std::size_t place = (first + i) % size;
    if (Agree(entries[place].first, key, budget)) return place;
  }
  return size;
}

const Value* Find(const Map& map, const Value& key, Budget& budget) {
  const std::size_t place = PlaceOf(*map, key, budget);
  return place == map->size() ? nullptr : &(*map)[place].second;
}

std::string DoubleText(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d < 0 ? "-Inf" : "+Inf";
  std::array<char, 64> buffer{};
  auto end = std::to_chars(buffer.begin(), buffer.end(), d, std::chars_format::scientific).ptr;
  std::string text(buffer.begin(), end);
  const auto e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < -4 || exponent >= 6) return text;
  end = std::to_chars(buffer.begin(), buffer.end(), d, std::chars_format::fixed).ptr;
  return {buffer.begin(), end};
}

std::string Written(const Value& value, std::size_t most) {
  std::string out;
  Write(value, most, out);
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace penstock::plan::expression
