// The one reference syntax of manifests: $(parameters.x), $(steps.s.outputs.o), $(inputs.i.path)
// ...
//
// Text is parsed once into literal pieces and references; values put in for references are never
// parsed again, so a parameter that contains "$(...)" stays data. "$$(" is a literal "$(".
// Pure; used by the operator (edges, parameters) and by the launcher (argv, env).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock {

// A reference split at its dots: {"steps","train","outputs","model"}.
struct Reference {
  std::vector<std::string> path;
  [[nodiscard]] std::string Text() const;  // "$(steps.train.outputs.model)"
  // True when the path begins with these parts: Is("steps", "*", "outputs") takes "*" for any.
  [[nodiscard]] bool Is(std::initializer_list<std::string_view> pattern) const;
  bool operator==(const Reference&) const = default;
};

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

// Invalid with the position where "$(" is not closed or a name is malformed. Names are
// [a-zA-Z0-9_-]+ separated by dots.
[[nodiscard]] Result<Template> ParseTemplate(std::string_view text);

// Gives the value of a reference, or an error that names it.
using Lookup = std::function<Result<Json>(const Reference&)>;

// The text with every reference replaced by its value's canonical string (CanonicalText).
[[nodiscard]] Result<std::string> Expand(const Template& t, const Lookup& lookup);

// As Expand, but a whole reference keeps the JSON type of its value.
[[nodiscard]] Result<Json> ExpandValue(const Template& t, const Lookup& lookup);

// A value inside text: strings as they are, everything else as canonical JSON; null is "".
[[nodiscard]] std::string CanonicalText(const Json& value);

}  // namespace penstock
