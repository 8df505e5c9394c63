#include "operator/protocol/reference.h"

#include <cctype>

#include "operator/base/json.h"

namespace penstock {

std::string Reference::Text() const {
  std::string out = "$(";
  for (std::size_t i = 0; i < path.size(); ++i) out += (i ? "." : "") + path[i];
  return out + ")";
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

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

Result<Reference> ParseReference(std::string_view inside) {
  Reference ref;
  std::string part;
  for (char c : inside) {
    if (c == '.') {
      if (part.empty()) break;
      ref.path.push_back(std::exchange(part, ""));
    } else if (IsNameChar(c)) {
      part += c;
    } else {
      part.clear();
      break;
    }
  }
  if (part.empty())
    return Invalid("'$(" + std::string(inside) +
                   ")' is not a reference; write names separated by dots, " +
                   "or $$( for a literal $(");
  ref.path.push_back(part);
  return ref;
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
      const std::size_t end = text.find(')', i);
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

Result<Json> ExpandValue(const Template& t, const Lookup& lookup) {
  if (const Reference* whole = t.Whole()) return lookup(*whole);
  auto text = Expand(t, lookup);
  if (!text) return text.error();
  return Json(std::move(*text));
}

}  // namespace penstock
