// A subset of JSON Schema, for what lists and objects hold: type (string, integer, number, boolean,
// list, object), enum, minimum, maximum, maxLength, pattern; of lists items, minItems, maxItems; of
// objects properties, required, additionalProperties. A declared parameter or result is such a
// schema. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/api/pipeline.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

// Null of one whose type is not known yet.
[[nodiscard]] Json SchemaOf(const api::ParameterSpec& parameter);
[[nodiscard]] Json SchemaOf(const api::ResultSpec& result);

// What is wrong with a value, and where in it: "[2].name: 3 is no string". A schema that is null
// takes everything.
[[nodiscard]] Complaint CheckAgainst(const Json& schema, const Json& value);

// What is wrong with a schema as it is declared: a pattern that does not compile, bounds out of
// order, an enum of another type, at its field (".items.pattern").
[[nodiscard]] std::optional<DeclarationComplaint> CheckSchema(const Json& schema);

// The schema of what a reference means of a value whose first `names` names name it; null: nothing
// is known of it. Invalid where no value of this schema has such a field or item.
[[nodiscard]] Result<Json> SchemaBelow(const Json& schema, const Reference& reference,
                                       std::size_t names);

// As values are shown in errors: canonical JSON, without control characters, at most 60 bytes.
[[nodiscard]] std::string ShowValue(const Json& value);

}  // namespace penstock::plan
