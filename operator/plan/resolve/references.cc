#include "operator/plan/resolve/references.h"

namespace penstock::plan {
namespace {

// Applies `f` to every string of a value.
Result<Json> MapStrings(const Json& value,
                        const std::function<Result<Json>(const std::string&)>& f) {
  if (value.is_string()) return f(value.get_ref<const std::string&>());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) {
      auto mapped = MapStrings(item, f);
      if (!mapped) return mapped;
      out.push_back(std::move(*mapped));
    }
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, item] : value.items()) {
      auto mapped = MapStrings(item, f);
      if (!mapped) return mapped;
      out[key] = std::move(*mapped);
    }
    return out;
  }
  return value;
}

Result<Json> Escaped(const Json& value) {
  return MapStrings(value,
                    [](const std::string& s) -> Result<Json> { return Json(EscapeTemplate(s)); });
}

Result<Json> ExpandText(const std::string& text, const Lookup& lookup,
                        const std::function<bool(const Reference&)>& known) {
  auto parsed = ParseTemplate(text);
  if (!parsed) return parsed.error();
  if (const Reference* whole = parsed->Whole()) {
    if (!known(*whole)) return Json(text);
    auto value = lookup(*whole);
    if (!value) return value;
    return Escaped(*value);
  }
  std::string out;
  for (const TemplatePiece& piece : parsed->pieces) {
    if (!piece.is_reference()) {
      out += EscapeTemplate(piece.literal);
    } else if (!known(piece.reference)) {
      out += piece.reference.Text();
    } else {
      auto value = lookup(piece.reference);
      if (!value) return value;
      out += EscapeTemplate(CanonicalText(*value));
    }
  }
  return Json(std::move(out));
}

}  // namespace

void CollectReferences(const Json& value, const std::string& path,
                       std::vector<FoundReference>& found, std::vector<api::FieldError>& errors) {
  if (value.is_string()) {
    auto parsed = ParseTemplate(value.get_ref<const std::string&>());
    if (!parsed) {
      errors.push_back({path, parsed.error().message});
      return;
    }
    const bool whole = parsed->Whole() != nullptr;
    for (Reference& r : parsed->References()) found.push_back({std::move(r), whole, path});
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      CollectReferences(value[i], api::ItemPath(path, i), found, errors);
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      CollectReferences(item, api::ChildPath(path, key), found, errors);
  }
}

Result<Json> ExpandAll(const Json& value, const Lookup& lookup) {
  return MapStrings(value, [&](const std::string& text) -> Result<Json> {
    auto parsed = ParseTemplate(text);
    if (!parsed) return parsed.error();
    return ExpandValue(*parsed, lookup);
  });
}

Result<Json> ExpandKnown(const Json& value, const Lookup& lookup,
                         const std::function<bool(const Reference&)>& known) {
  return MapStrings(value,
                    [&](const std::string& text) { return ExpandText(text, lookup, known); });
}

std::string EscapeTemplate(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "$(") == 0) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace penstock::plan
