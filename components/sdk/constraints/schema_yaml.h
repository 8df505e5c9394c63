// Pieces of a schema's YAML, for schema_text.cc and constraints_text.cc. Errors begin with the
// line.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "components/sdk/constraints/constraints.h"
#include "operator/base/result.h"

namespace penstock::sdk {

[[nodiscard]] Error At(const YAML::Node& node, const std::string& problem);
// The keys of a mapping, each known and there once.
[[nodiscard]] Result<void> CheckKeys(const YAML::Node& map, const std::vector<std::string>& known);
// UTF-8 under a key that is there.
[[nodiscard]] Result<std::string> TextOf(const YAML::Node& map, const char* key);

// Of a column of `type`, under the keys of ConstraintKeys(). `has_domain`: a domain is given.
[[nodiscard]] Result<Constraints> ParseConstraints(const YAML::Node& column,
                                                   const std::string& type, bool has_domain);
[[nodiscard]] Result<RowConstraints> ParseRowConstraints(const YAML::Node& node);
// A list of names under a key that is there.
[[nodiscard]] Result<std::vector<std::string>> ParseNames(const YAML::Node& map, const char* key);

}  // namespace penstock::sdk
