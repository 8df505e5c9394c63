// References inside JSON values: every string of a value is a template, keys are not. An item of a
// list that is a whole $(...[*]) stands for all items of that list.
//
//   {firstOf: [$(steps.a.results.r), $(parameters.x), 3]}    the first that is there
//
// An object that has firstOf alone, with a list, is its first item that is there: whose result was
// given, whose field exists, and which is not null. Nothing is: it is absent, as a result is that
// was not given; a literal null at the end makes it null, "not given". {$firstOf: [...]} is an
// object with that field. Pure.
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
  bool whole = false;    // the string is nothing else
  bool in_list = false;  // and an item of a list
  bool either = false;   // below a firstOf: it may be absent
  std::string path;      // of the string that holds it
};

// Appends the references of all strings in `value`; templates that cannot be parsed become errors.
void CollectReferences(const Json& value, const std::string& path,
                       std::vector<FoundReference>& found, std::vector<api::FieldError>& errors);

// The value with every template expanded. A string that is one whole reference becomes the
// referenced value with its type. Lookup's NotFound means that it is absent, for firstOf.
[[nodiscard]] Result<Json> ExpandAll(const Json& value, const Lookup& lookup);

// As ExpandAll for the references that `known` takes; the others stay, and what was put in is
// escaped, so that a later ExpandAll reads it as data.
[[nodiscard]] Result<Json> ExpandKnown(const Json& value, const Lookup& lookup,
                                       const std::function<bool(const Reference&)>& known);

// What a firstOf chooses from; null where the value is none.
[[nodiscard]] const Json* FirstOf(const Json& value);

// Text that ParseTemplate reads back as a literal.
[[nodiscard]] std::string EscapeTemplate(const std::string& text);

}  // namespace penstock::plan
