#include "operator/plan/resolve/references.h"

#include <optional>
#include <string_view>

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

// Walks a value. Where it stands is written out only for a reference or an error, and not without
// end: a deep value, or one below a long name, would have a path of its own size for each.
struct Collector {
  static constexpr std::size_t kMaxPath = 512;
  static constexpr std::size_t kMaxName = 80;

  void Visit(const Json& value) {
    if (value.is_string()) {
      auto parsed = ParseTemplate(value.get_ref<const std::string&>());
      if (!parsed) return errors.push_back({Path(), parsed.error().message});
      const bool whole = parsed->Whole() != nullptr;
      for (Reference& r : parsed->References()) found.push_back({std::move(r), whole, Path()});
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) Below({std::nullopt, i}, value[i]);
    } else if (value.is_object()) {
      for (const auto& [key, item] : value.items()) Below({key, 0}, item);
    }
  }

  // A name, or else the number of an item.
  struct Part {
    std::optional<std::string_view> name;
    std::size_t index;
  };
  void Below(Part part, const Json& value) {
    parts.push_back(part);
    Visit(value);
    parts.pop_back();
  }

  [[nodiscard]] std::string Path() const {
    std::string path = root;
    for (const Part& part : parts) {
      if (path.size() > kMaxPath) return path + "...";
      path = part.name ? api::ChildPath(path, part.name->substr(0, kMaxName))
                       : api::ItemPath(path, part.index);
    }
    return path;
  }

  const std::string& root;
  std::vector<Part> parts;
  std::vector<FoundReference>& found;
  std::vector<api::FieldError>& errors;
};

}  // namespace

void CollectReferences(const Json& value, const std::string& path,
                       std::vector<FoundReference>& found, std::vector<api::FieldError>& errors) {
  Collector{path, {}, found, errors}.Visit(value);
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
