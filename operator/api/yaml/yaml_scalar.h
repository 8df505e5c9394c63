// The type of a YAML scalar as kubectl's reader (a fork of go-yaml v2) takes it: YAML 1.1 with
// yes/no, on/off and y/n as booleans, 0777 as octal, 1_000 as 1000; times stay strings. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/api/yaml/yaml_tree.h"
#include "operator/base/json.h"

namespace penstock::api {

// Invalid for .inf and .nan, which JSON cannot say, and for a tag that its text does not fit.
[[nodiscard]] Result<Json> ScalarValue(const YamlNode& scalar);

// 1_000 is 1000.
[[nodiscard]] std::string WithoutUnderscores(std::string_view number);

}  // namespace penstock::api
