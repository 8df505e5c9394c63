#include "operator/plan/resolve/references.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace penstock::plan {
namespace {

constexpr std::string_view kFirstOf = "firstOf";

// The only field of an object that is firstOf, or would be without some '$' in front; else null.
const std::string* FirstOfKey(const Json& value) {
  if (!value.is_object() || value.size() != 1) return nullptr;
  const std::string& key = value.get_ref<const Json::object_t&>().begin()->first;
  return std::string_view(key).substr(std::min(key.find_first_not_of('$'), key.size())) == kFirstOf
             ? &key
             : nullptr;
}

// The value as text of a manifest that means just it.
Json Escaped(const Json& value) {
  if (value.is_string()) return EscapeTemplate(value.get_ref<const std::string&>());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(Escaped(item));
    return out;
  }
  if (!value.is_object()) return value;
  if (const std::string* key = FirstOfKey(value))
    return Json{{"$" + *key, Escaped(value.begin().value())}};
  Json out = Json::object();
  for (const auto& [key, item] : value.items()) out[key] = Escaped(item);
  return out;
}

// A value of which not all may be known yet. What is known is escaped where the rest is looked up
// later.
class Expander {
 public:
  using Known = std::function<bool(const Reference&)>;
  // `known` null: all is, and nothing is escaped.
  Expander(const Lookup& lookup, const Known* known) : lookup_(lookup), known_(known) {}

  Result<Json> Expand(const Json& value) const {
    if (value.is_string()) return Text(value.get_ref<const std::string&>());
    if (value.is_array()) return List(value);
    if (!value.is_object()) return value;
    if (const Json* choices = FirstOf(value)) return First(*choices);
    const std::string* escaped = known_ == nullptr ? FirstOfKey(value) : nullptr;
    Json out = Json::object();
    for (const auto& [key, item] : value.items()) {
      auto one = Expand(item);
      if (!one) return one;
      out[escaped != nullptr && key[0] == '$' ? key.substr(1) : key] = std::move(*one);
    }
    return out;
  }

 private:
  [[nodiscard]] bool IsKnown(const Reference& r) const { return known_ == nullptr || (*known_)(r); }
  [[nodiscard]] Json Put(const Json& value) const {
    return known_ == nullptr ? value : Escaped(value);
  }

  Result<Json> Text(const std::string& text) const {
    auto parsed = ParseTemplate(text);
    if (!parsed) return parsed.error();
    if (const Reference* whole = parsed->Whole()) {
      if (!IsKnown(*whole)) return Json(text);
      auto value = lookup_(*whole);
      if (!value) return value;
      return Put(*value);
    }
    std::string out;
    for (const TemplatePiece& piece : parsed->pieces) {
      if (!piece.is_reference()) {
        out += known_ == nullptr ? piece.literal : EscapeTemplate(piece.literal);
      } else if (!IsKnown(piece.reference)) {
        out += piece.reference.Text();
      } else {
        auto value = lookup_(piece.reference);
        if (!value) return value;
        const std::string put = CanonicalText(*value);
        out += known_ == nullptr ? put : EscapeTemplate(put);
      }
    }
    return Json(std::move(out));
  }

  Result<Json> List(const Json& list) const {
    Json out = Json::array();
    for (const Json& item : list) {
      auto one = Expand(item);
      if (!one) return one;
      if (Spreads(item) && !one->is_string())
        for (const Json& each : *one) out.push_back(each);
      else
        out.push_back(std::move(*one));
    }
    return out;
  }

  // One that is not known yet stays a text.
  static bool Spreads(const Json& item) {
    if (!item.is_string()) return false;
    const auto parsed = ParseTemplate(item.get_ref<const std::string&>());
    return parsed && parsed->Whole() != nullptr && parsed->Whole()->all;
  }

  [[nodiscard]] bool HasUnknown(const Json& value) const {
    std::vector<FoundReference> found;
    std::vector<api::FieldError> ignored;
    CollectReferences(value, "", found, ignored);
    return std::any_of(found.begin(), found.end(),
                       [&](const FoundReference& f) { return !IsKnown(f.reference); });
  }

  Result<Json> First(const Json& choices) const {
    std::optional<Error> absent;
    bool has_null = false;
    Json later = Json::array();  // from the first on that is not known yet
    for (const Json& choice : choices) {
      auto value = Expand(choice);
      if (!value && value.error().kind != ErrorKind::kNotFound) return value;
      const bool unknown = known_ != nullptr && HasUnknown(choice);
      if (!value) {
        if (!absent) absent = value.error();
      } else if (value->is_null()) {
        has_null = true;
        if (!later.empty()) later.push_back(nullptr);
      } else if (unknown) {
        later.push_back(std::move(*value));
      } else if (later.empty()) {
        return value;
      } else {
        later.push_back(std::move(*value));
        break;
      }
    }
    if (!later.empty()) return Json{{std::string(kFirstOf), std::move(later)}};
    if (has_null) return Json();
    return absent ? *absent : NotFound("firstOf has nothing to choose from");
  }

  const Lookup& lookup_;
  const Known* known_;
};

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
      const bool in_list = !parts.empty() && !parts.back().name;
      for (Reference& r : parsed->References())
        found.push_back({std::move(r), whole, whole && in_list && !is_choice, either > 0, Path()});
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) Below({std::nullopt, i}, value[i]);
    } else if (value.is_object()) {
      const bool chooses = FirstOf(value) != nullptr;
      either += chooses ? 1 : 0;
      for (const auto& [key, item] : value.items()) Below({key, 0}, item);
      either -= chooses ? 1 : 0;
    }
  }

  // A name, or else the number of an item.
  struct Part {
    std::optional<std::string_view> name;
    std::size_t index;
  };
  void Below(Part part, const Json& value) {
    is_choice = !part.name && !parts.empty() && parts.back().name == kFirstOf && either > 0;
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
  int either = 0;          // firstOf around it
  bool is_choice = false;  // an item of a firstOf
};

}  // namespace

void CollectReferences(const Json& value, const std::string& path,
                       std::vector<FoundReference>& found, std::vector<api::FieldError>& errors) {
  Collector{path, {}, found, errors}.Visit(value);
}

Result<Json> ExpandAll(const Json& value, const Lookup& lookup) {
  return Expander(lookup, nullptr).Expand(value);
}

Result<Json> ExpandKnown(const Json& value, const Lookup& lookup,
                         const std::function<bool(const Reference&)>& known) {
  return Expander(lookup, &known).Expand(value);
}

const Json* FirstOf(const Json& value) {
  const std::string* key = FirstOfKey(value);
  if (key == nullptr || *key != kFirstOf) return nullptr;
  const Json& choices = value.begin().value();
  return choices.is_array() ? &choices : nullptr;
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
