#include "operator/protocol/reference.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "operator/base/json.h"

namespace penstock {

namespace {

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool IsPlainName(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsNameChar);
}

}  // namespace

std::string Reference::Text() const {
  std::string out = "$(";
  for (std::size_t i = 0; i < path.size(); ++i) out += (i ? "." : "") + path[i];
  for (std::size_t i = 0; i < below.size(); ++i) {
    const auto* name = std::get_if<std::string>(&below[i]);
    if (name == nullptr)
      out += "[" + std::to_string(std::get<std::size_t>(below[i])) + "]";
    else
      out += i > 0 && IsPlainName(*name) ? "." + *name : "[\"" + *name + "\"]";
  }
  return out + (all ? "[*])" : ")");
}

bool Reference::Is(std::initializer_list<std::string_view> pattern) const {
  if (pattern.size() > path.size()) return false;
  auto part = path.begin();
  for (std::string_view want : pattern) {
    if (want != "*" && want != *part) return false;
    ++part;
  }
  return true;
}

bool Reference::IsJust(std::initializer_list<std::string_view> pattern) const {
  return pattern.size() == path.size() && below.empty() && !all && Is(pattern);
}

const Reference* Template::Whole() const {
  return pieces.size() == 1 && pieces[0].is_reference() ? &pieces[0].reference : nullptr;
}

std::vector<Reference> Template::References() const {
  std::vector<Reference> out;
  for (const auto& p : pieces)
    if (p.is_reference()) out.push_back(p.reference);
  return out;
}

namespace {

// Reads what stands between "$(" and ")".
class ReferenceReader {
 public:
  explicit ReferenceReader(std::string_view text) : text_(text) {}

  // False where it is no reference.
  bool Read(Reference& out) {
    if (!Name(out.path.emplace_back())) return false;
    while (at_ < text_.size()) {
      if (out.all) return false;
      if (Take('.')) {
        std::string name;
        if (!Name(name)) return false;
        if (out.below.empty())
          out.path.push_back(std::move(name));
        else
          out.below.emplace_back(std::move(name));
      } else if (!Take('[') || !Bracket(out) || !Take(']')) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kMostDigits = 9;

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool Name(std::string& out) {
    const std::size_t from = at_;
    while (at_ < text_.size() && IsNameChar(text_[at_])) ++at_;
    out = text_.substr(from, at_ - from);
    return !out.empty();
  }
  bool Bracket(Reference& out) {
    if (Take('*')) return out.all = true;
    if (Take('"')) {
      const std::size_t end = text_.find('"', at_);
      if (end == std::string_view::npos) return false;
      out.below.emplace_back(std::string(text_.substr(at_, end - at_)));
      at_ = end + 1;
      return true;
    }
    std::size_t index = 0;
    const std::size_t from = at_;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0; ++at_)
      if (at_ - from < kMostDigits) index = index * 10 + static_cast<std::size_t>(text_[at_] - '0');
    out.below.emplace_back(index);
    return at_ > from && at_ - from <= kMostDigits;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Where the ")" of a "$(" is, from the first byte behind that: a name in brackets may hold one.
std::size_t FindEnd(std::string_view text, std::size_t at) {
  for (; at < text.size() && text[at] != ')'; ++at) {
    if (text[at] != '"' || text[at - 1] != '[') continue;
    const std::size_t quote = text.find('"', at + 1);
    if (quote != std::string_view::npos) at = quote;
  }
  return at < text.size() ? at : std::string_view::npos;
}

Result<Reference> ParseReference(std::string_view inside) {
  Reference ref;
  if (ReferenceReader(inside).Read(ref)) return ref;
  return Invalid(
      "'$(" + std::string(inside.substr(0, 80)) +
      ")' is not a reference; write names separated by dots, then fields and items as in "
      "$(parameters.x.field[0]), or $$( for a literal $(");
}

}  // namespace

Result<Template> ParseTemplate(std::string_view text) {
  Template t;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) t.pieces.push_back({std::exchange(literal, ""), {}});
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i, 3) == "$$(") {
      literal += "$(";
      i += 3;
    } else if (text.substr(i, 2) == "$(") {
      const std::size_t end = FindEnd(text, i + 2);
      if (end == std::string_view::npos)
        return Invalid("'" + std::string(text.substr(i, 40)) + "' has a $( that is not closed");
      auto ref = ParseReference(text.substr(i + 2, end - i - 2));
      if (!ref) return ref.error();
      flush();
      t.pieces.push_back({"", std::move(*ref)});
      i = end + 1;
    } else {
      literal += text[i++];
    }
  }
  flush();
  return t;
}

namespace {

std::string KindOf(const Json& value) {
  if (value.is_array()) return "a list of " + std::to_string(value.size());
  if (value.is_object()) return "an object";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  return value.is_null() ? "null" : "a number";
}

// The names of an object's fields, as many as a person reads.
std::string FieldsOf(const Json& object) {
  constexpr std::size_t kMost = 10;
  std::string out;
  std::size_t count = 0;
  for (const auto& [name, value] : object.items())
    if (++count <= kMost) out += (out.empty() ? "it has " : ", ") + name.substr(0, 40);
  if (count > kMost) out += " and " + std::to_string(count - kMost) + " more";
  return out.empty() ? "it has none" : out;
}

Result<const Json*> Step(const Json& value, const Reference::Below& to, const std::string& at) {
  if (const auto* name = std::get_if<std::string>(&to)) {
    if (value.is_null()) return NotFound(at + " is null, so it has no field '" + *name + "'");
    if (!value.is_object())
      return Invalid(at + " is " + KindOf(value) + ", so it has no field '" + *name + "'");
    const auto it = value.find(*name);
    if (it == value.end())
      return NotFound(at + " has no field '" + *name + "'; " + FieldsOf(value));
    return &*it;
  }
  const std::size_t index = std::get<std::size_t>(to);
  if (value.is_null()) return NotFound(at + " is null, so it has no item " + std::to_string(index));
  if (!value.is_array())
    return Invalid(at + " is " + KindOf(value) + ", so it has no item " + std::to_string(index));
  if (index >= value.size())
    return NotFound(at + " is " + KindOf(value) + ", so it has no item " + std::to_string(index) +
                    ", counted from 0");
  return &value[index];
}

}  // namespace

Result<Json> Select(const Json& value, const Reference& reference, std::size_t names) {
  Reference at{{reference.path.begin(),
                reference.path.begin() +
                    static_cast<std::ptrdiff_t>(std::min(names, reference.path.size()))}};
  std::vector<Reference::Below> way(
      reference.path.begin() + static_cast<std::ptrdiff_t>(at.path.size()), reference.path.end());
  const std::size_t fields = way.size();
  way.insert(way.end(), reference.below.begin(), reference.below.end());
  const Json* now = &value;
  for (std::size_t i = 0; i < way.size(); ++i) {
    auto next = Step(*now, way[i], at.Text());
    if (!next) return next.error();
    now = *next;
    if (i < fields)
      at.path.push_back(reference.path[at.path.size()]);
    else
      at.below.push_back(way[i]);
  }
  if (reference.all && !now->is_null() && !now->is_array())
    return Invalid(reference.Text() + ": [*] spreads a list, and the value is " + KindOf(*now));
  return *now;
}

std::string CanonicalText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return CanonicalJson(value);
}

Result<std::string> Expand(const Template& t, const Lookup& lookup) {
  std::string out;
  for (const auto& piece : t.pieces) {
    if (!piece.is_reference()) {
      out += piece.literal;
      continue;
    }
    auto value = lookup(piece.reference);
    if (!value) return value.error();
    out += CanonicalText(*value);
  }
  return out;
}

Result<std::vector<std::string>> ExpandWord(const Template& t, const Lookup& lookup) {
  const Reference* whole = t.Whole();
  if (whole == nullptr || !whole->all) {
    auto text = Expand(t, lookup);
    if (!text) return text.error();
    return std::vector{std::move(*text)};
  }
  auto list = lookup(*whole);
  if (!list) return list.error();
  std::vector<std::string> words;
  if (list->is_null()) return words;
  if (!list->is_array())
    return Invalid(whole->Text() + ": [*] spreads a list, and the value is " + KindOf(*list));
  for (const Json& item : *list) words.push_back(CanonicalText(item));
  return words;
}

Result<Json> ExpandValue(const Template& t, const Lookup& lookup) {
  if (const Reference* whole = t.Whole()) return lookup(*whole);
  auto text = Expand(t, lookup);
  if (!text) return text.error();
  return Json(std::move(*text));
}

}  // namespace penstock
