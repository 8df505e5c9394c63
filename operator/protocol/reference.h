// The one reference syntax of manifests: $(parameters.x), $(steps.s.outputs.o), $(inputs.i.path)
// ...
//
//   names      $(parameters.x)  $(steps.s.results.r)      letters, digits, '_' and '-'
//   a field    $(parameters.limits.upper)                 or $(parameters.limits["any key"])
//   an item    $(parameters.files[0])                     counted from 0
//   all items  $(parameters.files[*])                     only as a whole item of a list
//
// Text is parsed once into literal pieces and references; values put in for references are never
// parsed again, so a parameter that contains "$(...)" stays data. "$$(" is a literal "$(".
// Pure; used by the operator (edges, parameters) and by the launcher (argv, env).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock {

// A reference split into its parts: {"steps","train","outputs","model"}. What follows the first
// bracket stands in `below`. How many of the names in `path` name the value, and how many a field
// in it, is the kind's to say ($(parameters.x.field): two).
struct Reference {
  using Below = std::variant<std::string, std::size_t>;  // a field, or an item
  std::vector<std::string> path;
  std::vector<Below> below{};
  bool all = false;                        // ends with [*]
  [[nodiscard]] std::string Text() const;  // "$(steps.train.outputs.model)"
  // True when the path begins with these parts: Is("steps", "*", "outputs") takes "*" for any.
  [[nodiscard]] bool Is(std::initializer_list<std::string_view> pattern) const;
  // True when it is these parts and nothing behind them.
  [[nodiscard]] bool IsJust(std::initializer_list<std::string_view> pattern) const;
  bool operator==(const Reference&) const = default;
};

// What the reference means of a value that its first `names` names name: the fields and items that
// follow. NotFound where there is none: no such field, or the list is shorter. Invalid where the
// value on the way has no fields or items. Both say what is there.
[[nodiscard]] Result<Json> Select(const Json& value, const Reference& reference, std::size_t names);

// A piece of a template: a literal, or a reference (then `literal` is empty).
struct TemplatePiece {
  std::string literal;
  Reference reference;
  [[nodiscard]] bool is_reference() const { return !reference.path.empty(); }
};

struct Template {
  std::vector<TemplatePiece> pieces;
  // The reference, where the whole text is exactly one; else nullptr.
  [[nodiscard]] const Reference* Whole() const;
  [[nodiscard]] std::vector<Reference> References() const;
};

// Invalid with the text where "$(" is not closed or what is in it is no reference.
[[nodiscard]] Result<Template> ParseTemplate(std::string_view text);

// Gives the value of a reference, or an error that names it; of one that ends with [*] the list.
using Lookup = std::function<Result<Json>(const Reference&)>;

// The text with every reference replaced by its value's canonical string (CanonicalText).
[[nodiscard]] Result<std::string> Expand(const Template& t, const Lookup& lookup);

// As Expand, but a whole reference keeps the JSON type of its value.
[[nodiscard]] Result<Json> ExpandValue(const Template& t, const Lookup& lookup);

// As Expand for a word of a command: one that is a whole $(...[*]) becomes a word an item, and none
// where the value is null.
[[nodiscard]] Result<std::vector<std::string>> ExpandWord(const Template& t, const Lookup& lookup);

// A value inside text: strings as they are, everything else as canonical JSON; null is "".
[[nodiscard]] std::string CanonicalText(const Json& value);

}  // namespace penstock
