// How what is long stands in a column. Pure.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

// gzip in base64: a finished run of 20 steps takes about 3 KiB.
[[nodiscard]] std::string Pack(const std::string& text);
// Internal where the column holds something else, or over 64 MiB.
[[nodiscard]] Result<std::string> Unpack(const std::string& column);

// "total,succeeded,failed,running,cached,skipped"; all 0 of any other text.
[[nodiscard]] std::string FormatCounts(const StepCounts& counts);
[[nodiscard]] StepCounts ParseCounts(const std::string& column);

}  // namespace penstock::metadata
