// Whether a value is what a declared parameter takes, a quantity is one, a URI may be a source.
// Every function gives what is wrong and what to do, or nothing. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"

namespace penstock::plan {

inline constexpr std::size_t kMaxValueBytes = 64 * 1024;

using Complaint = std::optional<std::string>;

// Type, bounds, length, pattern and enum of a value that is not null.
[[nodiscard]] Complaint CheckValue(const api::ParameterSpec& spec, const Json& value);

// The declaration itself: bounds in order, a pattern that compiles, values of its own type.
struct DeclarationComplaint {
  std::string field;  // ".default", ".enum[2]"; "" for the declaration as a whole
  std::string message;
};
[[nodiscard]] std::optional<DeclarationComplaint> CheckDeclaration(const api::ParameterSpec& spec);

// What is wrong with the values that a run gives: unknown names, types, bounds. Not that one is
// missing, which may come from elsewhere. Paths are
// "spec.parameters.<name>".
[[nodiscard]] std::vector<api::FieldError> CheckGiven(
    const std::vector<api::ParameterSpec>& declared, const std::map<std::string, Json>& given);

// True when a value of type `from` is always one of type `to`.
[[nodiscard]] bool Fits(api::ValueType from, api::ValueType to);

// The number that a Kubernetes quantity stands for ("500m" is 0.5); nullopt when it is none.
[[nodiscard]] std::optional<double> ParseQuantity(const Json& quantity);

// Scheme file, http, https or s3, a place, no password in it, and nothing that ends a line (a space
// only where the scheme is file).
[[nodiscard]] Complaint CheckUri(const std::string& uri);

// What an input may be but a reference: the digest of an artifact, or a URI.
[[nodiscard]] Complaint CheckSource(const std::string& text);

[[nodiscard]] bool IsIdentifier(const std::string& name, std::size_t limit = 40);
[[nodiscard]] bool IsDnsLabel(const std::string& name, std::size_t limit);

}  // namespace penstock::plan
