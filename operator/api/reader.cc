#include "operator/api/reader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "operator/api/text_format.h"

namespace penstock::api {
namespace {

constexpr std::size_t kMaxValueBytes = 64 * 1024;
constexpr int kMaxValueLevels = 64;  // far below what ParseJsonCut cuts
constexpr Milliseconds kLongestDuration = std::chrono::hours(10 * 365 * 24);

std::string Shortest(double d) { return Json(d).dump(); }
std::string Number(double d) {
  return std::floor(d) == d ? std::to_string(static_cast<long long>(d)) : Shortest(d);
}

std::string Words(std::span<const char* const> words) {
  std::string out;
  for (const char* w : words) out += (out.empty() ? "\"" : ", \"") + std::string(w) + "\"";
  return out;
}

std::string NotA(const char* wanted, const Json& value) {
  std::string out = std::string("must be ") + wanted + ", is " + WhatIs(value);
  if (std::string_view(wanted) == "a string" && (value.is_number() || value.is_boolean()))
    out += "; put it in quotes";
  return out;
}

std::optional<std::int64_t> WholeNumber(const Json& j) {
  if (j.is_number_unsigned() && j.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (j.is_number_integer()) return j.get<std::int64_t>();
  if (!j.is_number_float()) return std::nullopt;
  const double d = j.get<double>();
  if (std::floor(d) != d || std::fabs(d) > kMaxSafe) return std::nullopt;
  return static_cast<std::int64_t>(d);
}

// What a value of a parameter is too large for, or nothing.
std::optional<std::string> ValueProblem(const Json& value) {
  if (LevelsOf(value) > kMaxValueLevels)
    return "must not be nested deeper than " + std::to_string(kMaxValueLevels) + " levels";
  if (value.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMaxValueBytes)
    return "must not be larger than 64 KiB as JSON";
  return std::nullopt;
}

}  // namespace

Reader::Reader(const Json& object, std::string path, std::vector<FieldError>* errors, bool strict)
    : path_(std::move(path)), errors_(errors), strict_(strict) {
  if (object.is_object())
    object_ = &object;
  else
    errors_->push_back({path_, NotA("an object", object)});
}

void Reader::Finish() {
  if (object_ == nullptr || !strict_) return;
  for (const auto& [name, value] : object_->items())
    if (!IsKnown(name)) errors_->push_back({ChildPath(path_, name), UnknownField(name, known_)});
}

const Json* Reader::Find(const char* name) {
  known_.emplace_back(name);
  if (object_ == nullptr) return nullptr;
  const auto it = object_->find(name);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool Reader::Has(const char* name) const {
  return object_ != nullptr && object_->contains(name) && !object_->at(name).is_null();
}

void Reader::Missing(const char* name) {
  if (object_ != nullptr) errors_->push_back({ChildPath(path_, name), "is required"});
}

void Reader::Fail(const char* name, std::string message) {
  errors_->push_back({ChildPath(path_, name), std::move(message)});
}

// Of a field that could not be read, what it lacks only follows.
void Reader::Check(bool holds, const char* field, const std::string& message) {
  if (holds || object_ == nullptr) return;
  const std::string path = *field == '\0' ? path_ : ChildPath(path_, field);
  const bool told =
      *field != '\0' && std::any_of(errors_->begin(), errors_->end(), [&](const FieldError& e) {
        return e.path == path || e.path.starts_with(path + ".") || e.path.starts_with(path + "[");
      });
  if (!told) errors_->push_back({path, message});
}

bool Reader::HasOthers() const {
  if (object_ == nullptr || !strict_) return false;
  for (const auto& [name, value] : object_->items())
    if (!IsKnown(name)) return true;
  return false;
}

bool Reader::IsKnown(const std::string& name) const {
  return std::find(known_.begin(), known_.end(), name) != known_.end();
}

bool Reader::ReadString(const char* name, std::string& v, Text limits) {
  const Json* j = Find(name);
  if (j == nullptr) {
    if (limits.required) Missing(name);
    return false;
  }
  if (!j->is_string()) {
    Fail(name, NotA("a string", *j));
    return false;
  }
  v = j->get<std::string>();
  if (const auto problem = TextProblem(v, limits)) Fail(name, *problem);
  return true;
}

void Reader::String(const char* name, std::string& v, Text limits) { ReadString(name, v, limits); }

void Reader::OptionalString(const char* name, std::optional<std::string>& v, Text limits) {
  std::string text;
  if (ReadString(name, text, limits)) v = std::move(text);
}

int Reader::ReadWord(const char* name, std::span<const char* const> words, bool required) {
  std::string text;
  const Json* j = Find(name);
  if (j == nullptr) {
    if (required) Missing(name);
    return -1;
  }
  if (!j->is_string()) {
    Fail(name, NotA("a string", *j));
    return -1;
  }
  text = j->get<std::string>();
  for (std::size_t i = 0; i < words.size(); ++i)
    if (text == words[i]) return static_cast<int>(i);
  Fail(name, "must be one of " + Words(words) + ", is \"" + text + "\"");
  return -1;
}

void Reader::Choice(const char* name, std::string& v, std::span<const char* const> choices,
                    const char* fallback) {
  if (const int i = ReadWord(name, choices, fallback == nullptr); i >= 0) v = choices[i];
}

void Reader::Bool(const char* name, bool& v, bool) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (j->is_boolean())
    v = j->get<bool>();
  else
    Fail(name, NotA("true or false", *j));
}

std::optional<std::int64_t> Reader::ReadInteger(const char* name, Range range) {
  const Json* j = Find(name);
  if (j == nullptr) {
    if (range.required) Missing(name);
    return std::nullopt;
  }
  const auto n = WholeNumber(*j);
  if (!n) {
    Fail(name, NotA("a whole number", *j));
    return std::nullopt;
  }
  if (static_cast<double>(*n) < range.min || static_cast<double>(*n) > range.max) {
    Fail(name, "must be from " + penstock::api::Number(range.min) + " to " +
                   penstock::api::Number(range.max) + ", is " + std::to_string(*n));
    return std::nullopt;
  }
  return n;
}

void Reader::Number(const char* name, std::optional<double>& v, Range range) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (!j->is_number()) return Fail(name, NotA("a number", *j));
  const double d = j->get<double>();
  if (!(d >= range.min && d <= range.max))
    return Fail(name, "must be from " + penstock::api::Number(range.min) + " to " +
                          penstock::api::Number(range.max));
  v = d;
}

void Reader::Duration(const char* name, std::optional<Milliseconds>& v, bool required) {
  const Json* j = Find(name);
  if (j == nullptr) {
    if (required) Fail(name, "is required, such as 48h");
    return;
  }
  if (!j->is_string()) return Fail(name, NotA("a string", *j));
  const auto d = ParseDuration(j->get<std::string>());
  if (!d) return Fail(name, d.error().message);
  if (*d > kLongestDuration) return Fail(name, "must not be longer than 87600h (ten years)");
  v = *d;
}

void Reader::DurationOrText(const char* name, std::optional<Milliseconds>& v, std::string& text) {
  const Json* j = Find(name);
  if (j == nullptr || !j->is_string() ||
      j->get_ref<const std::string&>().find("$(") == std::string::npos)
    return Duration(name, v);
  ReadString(name, text, {256, &kTemplateDuration, true});
}
void Reader::Duration(const char* name, Milliseconds& v, Milliseconds) {
  std::optional<Milliseconds> d;
  Duration(name, d);
  if (d) v = *d;
}

void Reader::Time(const char* name, std::optional<TimePoint>& v) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (!j->is_string()) return Fail(name, NotA("a string", *j));
  const auto t = ParseTime(j->get<std::string>());
  if (!t) return Fail(name, t.error().message);
  v = *t;
}

void Reader::Time(const char* name, TimePoint& v) {
  std::optional<TimePoint> t;
  Time(name, t);
  if (t) v = *t;
}

void Reader::Value(const char* name, std::optional<Json>& v) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (auto problem = ValueProblem(*j)) Fail(name, std::move(*problem));
  v = *j;
}

void Reader::Raw(const char* name, Json& v, const Shape& shape) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  CheckShape(*j, shape, ChildPath(path_, name), errors_);
  v = *j;
}

const Json* Reader::FindList(const char* name, std::size_t max, std::size_t min) {
  const Json* j = Find(name);
  if (j == nullptr) {
    if (min > 0) Missing(name);
    return nullptr;
  }
  if (!j->is_array()) {
    Fail(name, NotA("a list", *j));
    return nullptr;
  }
  if (j->size() > max)
    Fail(name,
         "must have at most " + std::to_string(max) + " items, has " + std::to_string(j->size()));
  if (j->size() < min) Fail(name, "must have at least " + std::to_string(min) + " items");
  return j;
}

void Reader::RawList(const char* name, std::vector<Json>& v, std::size_t max, const Shape& shape,
                     const char* key) {
  const Json* j = FindList(name, max, 0);
  if (j == nullptr) return;
  const std::string path = ChildPath(path_, name);
  v.clear();
  for (std::size_t i = 0; i < j->size() && i < max; ++i) {
    CheckShape((*j)[i], shape, ItemPath(path, i), errors_);
    v.push_back((*j)[i]);
  }
  CheckUnique(*j, path, key);
}

void Reader::StringList(const char* name, std::vector<std::string>& v, std::size_t max, Text item) {
  const Json* j = FindList(name, max, 0);
  if (j == nullptr) return;
  const std::string path = ChildPath(path_, name);
  v.clear();
  for (std::size_t i = 0; i < j->size() && i < max; ++i) {
    const Json& value = (*j)[i];
    v.emplace_back();  // whatever it is: the others keep their places
    if (!value.is_string()) {
      errors_->push_back({ItemPath(path, i), NotA("a string", value)});
      continue;
    }
    v.back() = value.get<std::string>();
    if (const auto problem = TextProblem(v.back(), item))
      errors_->push_back({ItemPath(path, i), *problem});
  }
}

void Reader::StringMap(const char* name, std::map<std::string, std::string>& v, std::size_t max,
                       Text key, Text value) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (!j->is_object()) return Fail(name, NotA("an object", *j));
  if (j->size() > max) Fail(name, "must have at most " + std::to_string(max) + " entries");
  for (const auto& [k, item] : j->items()) {
    const std::string path = ChildPath(ChildPath(path_, name), k);
    if (const auto problem = TextProblem(k, key)) errors_->push_back({path, "name " + *problem});
    if (item.is_null()) continue;
    v[k].clear();  // whatever it is: something stands there
    if (!item.is_string()) {
      errors_->push_back({path, NotA("a string", item)});
      continue;
    }
    v[k] = item.get<std::string>();
    if (const auto problem = TextProblem(v[k], value)) errors_->push_back({path, *problem});
  }
}

namespace {

struct InputTexts {
  InputSource& source;
  Text limits;
};

void Fields(Reader& io, InputTexts& t) {
  constexpr std::size_t kMostChoices = 20;
  io.StringList("firstOf", t.source.first_of, kMostChoices, t.limits);
  io.Bool("optional", t.source.optional, false);
  io.Check(!t.source.first_of.empty(), "firstOf",
           "is required: a list of references, digests and URIs, of which the first that is there "
           "is taken");
}

}  // namespace

void Reader::Inputs(const char* name, std::map<std::string, InputSource>& v, std::size_t max,
                    Text key, Text value) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (!j->is_object()) return Fail(name, NotA("an object", *j));
  if (j->size() > max) Fail(name, "must have at most " + std::to_string(max) + " entries");
  for (const auto& [k, item] : j->items()) {
    const std::string path = ChildPath(ChildPath(path_, name), k);
    if (const auto problem = TextProblem(k, key)) errors_->push_back({path, "name " + *problem});
    if (item.is_null()) continue;
    InputSource& source = v[k];  // whatever it is: something stands there
    if (item.is_object()) {
      InputTexts texts{source, value};
      Reader child(item, path, errors_);
      Fields(child, texts);
      child.Finish();
    } else if (!item.is_string()) {
      errors_->push_back({path, NotA("a string", item)});
    } else {
      source = item.get<std::string>();
      if (const auto problem = TextProblem(source.first_of[0], value))
        errors_->push_back({path, *problem});
    }
  }
}

void Reader::ValueMap(const char* name, std::map<std::string, Json>& v, std::size_t max, Text key) {
  const Json* j = Find(name);
  if (j == nullptr) return;
  if (!j->is_object()) return Fail(name, NotA("an object", *j));
  if (j->size() > max) Fail(name, "must have at most " + std::to_string(max) + " entries");
  for (const auto& [k, item] : j->items()) {
    const std::string path = ChildPath(ChildPath(path_, name), k);
    if (const auto problem = TextProblem(k, key)) errors_->push_back({path, "name " + *problem});
    if (item.is_null()) continue;  // "not given"
    if (auto problem = ValueProblem(item)) errors_->push_back({path, std::move(*problem)});
    v[k] = item;
  }
}

void Reader::CheckUnique(const Json& list, const std::string& path, const char* key) {
  if (key == nullptr) return;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) continue;
    const auto it = list[i].find(key);
    if (it == list[i].end() || !it->is_string()) continue;
    if (!seen.insert(it->get<std::string>()).second)
      errors_->push_back({ChildPath(ItemPath(path, i), key),
                          "\"" + it->get<std::string>() + "\" stands in the list already"});
  }
}

std::optional<std::string> TextProblem(const std::string& text, Text limits) {
  if ((limits.required || limits.filled) && text.empty()) return "must not be empty";
  if (const std::size_t n = CodePoints(text); n > limits.max)
    return "must have at most " + std::to_string(limits.max) + " characters, has " +
           std::to_string(n);
  if (limits.format != nullptr && !(text.empty() && !limits.required) &&
      !Matches(*limits.format, text))
    return "must be " + std::string(limits.format->says) + ", is \"" + text + "\"";
  return std::nullopt;
}

}  // namespace penstock::api
