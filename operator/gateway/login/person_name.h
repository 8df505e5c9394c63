// Names of users and groups that others vouch for. Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock::gateway::login {

// Why nobody may act under this name, as "is ..." or "has ..."; "" for a good one. A header of a
// request loses what is blank at its ends: a name of blanks alone would be none, and the request
// the operator's own.
[[nodiscard]] std::string WhyNoName(std::string_view name);

// Whether it begins as the names do that are Kubernetes' own.
[[nodiscard]] inline bool IsSystem(std::string_view name) { return name.starts_with("system:"); }

}  // namespace penstock::gateway::login
