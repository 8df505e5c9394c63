// The tables in PostgreSQL, and how older ones become newer ones.
#pragma once

#include "operator/base/result.h"

namespace soci {
class session;
}

namespace penstock::metadata {

// The version that this program writes. It is counted apart from that of SQLite's file.
[[nodiscard]] int PostgresSchemaVersion();

// Brings the schema to PostgresSchemaVersion() in one transaction, under a lock that the next
// process waits for; true where there was none. kUnsupported where a newer program made it. Throws
// soci::soci_error.
[[nodiscard]] Result<bool> MigratePostgres(soci::session& db);

// Waits, until the transaction ends, for whoever else writes or migrates. Throws.
void LockForWriting(soci::session& db);

}  // namespace penstock::metadata
