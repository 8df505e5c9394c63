// Arrow's Status and Result as ours. An I/O error is Transient where the disk is full, else kept as
// Invalid (bad data) or Internal.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <string>

#include "operator/base/result.h"

namespace penstock::sdk {

[[nodiscard]] Error FromArrowStatus(const arrow::Status& status, const std::string& context);

[[nodiscard]] inline Result<void> FromArrow(const arrow::Status& status,
                                            const std::string& context) {
  if (status.ok()) return {};
  return FromArrowStatus(status, context);
}

template <typename T>
[[nodiscard]] Result<T> FromArrow(arrow::Result<T> result, const std::string& context) {
  if (result.ok()) return std::move(result).ValueUnsafe();
  return FromArrowStatus(result.status(), context);
}

}  // namespace penstock::sdk
