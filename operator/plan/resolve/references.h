// References inside JSON values: every string of a value is a template, keys are not. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/api/meta.h"
#include "operator/base/json.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

struct FoundReference {
  Reference reference;
  bool whole = false;  // the value is nothing else
  std::string path;    // of the string that holds it
};

// Appends the references of all strings in `value`; templates that cannot be parsed become errors.
void CollectReferences(const Json& value, const std::string& path,
                       std::vector<FoundReference>& found, std::vector<api::FieldError>& errors);

// The value with every template expanded. A string that is one whole reference becomes the
// referenced value with its type.
[[nodiscard]] Result<Json> ExpandAll(const Json& value, const Lookup& lookup);

// As ExpandAll for the references that `known` takes; the others stay, and what was put in is
// escaped, so that a later ExpandAll reads it as data.
[[nodiscard]] Result<Json> ExpandKnown(const Json& value, const Lookup& lookup,
                                       const std::function<bool(const Reference&)>& known);

// Text that ParseTemplate reads back as a literal.
[[nodiscard]] std::string EscapeTemplate(const std::string& text);

}  // namespace penstock::plan
