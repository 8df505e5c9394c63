// `-p name=value` by the declared types of a Pipeline. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::cli {

// Strings as they are, numbers and booleans as they are written, lists and objects as JSON; "null"
// for no value but in strings. Invalid says everything that is wrong: no "=", unknown names (with
// those that exist), values of another type. Bounds are Resolve's to check.
[[nodiscard]] Result<std::map<std::string, Json>> ParseParameters(
    const std::vector<std::string>& given, const std::vector<api::ParameterSpec>& declared);

// `-i name=source`: digests of artifacts, or URIs, for a Pipeline's inputs. Invalid as above.
[[nodiscard]] Result<std::map<std::string, std::string>> ParseInputs(
    const std::vector<std::string>& given, const std::vector<api::InputSpec>& declared);

}  // namespace penstock::cli
