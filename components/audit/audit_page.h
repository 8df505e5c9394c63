// The audit as a page for people. Pure.
#pragma once

#include <string>

#include "components/audit/audit.h"

namespace penstock::audit {

// `report` is the report artifact's JSON.
[[nodiscard]] std::string AuditPage(const Audited& audited, const Json& report);

}  // namespace penstock::audit
