// History on a PostgreSQL server (13 and newer).
//
// The connection string is read anew for each connection, so that a password that was changed needs
// no restart. Questions share up to eight sessions; one that finds all of them taken waits five
// seconds. What a statement may take is bounded on the server: 30 s of a question, 60 s of a write.
#pragma once

#include <filesystem>

#include "operator/metadata/database.h"

namespace penstock::metadata {

struct PostgresSettings {
  std::filesystem::path url;  // the file with the connection string (ReadPostgresAddress)
  std::filesystem::path ca;   // the file of authorities, PEM; empty or not there: the system's
};

[[nodiscard]] DatabasePtr PostgresServerDatabase(PostgresSettings settings);

}  // namespace penstock::metadata
