// How to connect, as libpq's keywords: what the step's env says, under what the parameter says as
// far as that may say it.
#pragma once

#include <map>
#include <string>

#include "components/postgres/connection.h"

namespace penstock::postgres {

using Keywords = std::map<std::string, std::string>;

// Invalid for a text that is no connection string, holds a password, or would send one of the env
// elsewhere or with less protection. Writes certificates that stand in variables to the scratch
// folder.
[[nodiscard]] Result<Keywords> MakeKeywords(const ConnectionSettings& settings);

// libpq's or the server's words on one line; null: "".
[[nodiscard]] std::string Said(const char* text);

}  // namespace penstock::postgres
