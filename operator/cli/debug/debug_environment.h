// The environment of a step's pod as lines of a shell script. Pure but for reading ConfigMaps.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::cli {

// 'text' for sh, whatever it holds.
[[nodiscard]] std::string ShellQuoted(const std::string& text);

// The data of a ConfigMap of the step's namespace; kNotFound.
using ConfigMapData = std::function<Result<Json>(const std::string& name)>;

// "export NAME=..." lines for env and envFrom of the pod's first container, in order. No secret is
// written: a key of one is read from PENSTOCK_SECRET_<NAME>_<KEY> of the shell that runs the
// script, which stops and says so where it is missing. `shell` is that shell's environment as far
// as it is known now; envFrom of a Secret takes the keys that it has.
[[nodiscard]] Result<std::string> ExportLines(const Json& pod,
                                              const std::map<std::string, std::string>& shell,
                                              const ConfigMapData& config_map);

}  // namespace penstock::cli
