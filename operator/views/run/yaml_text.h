// JSON as YAML that is read back as the same JSON. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"

namespace penstock::views {

[[nodiscard]] std::string YamlText(const Json& value);

}  // namespace penstock::views
