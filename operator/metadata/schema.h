// The tables, and how an older file becomes a newer one.
#pragma once

namespace soci {
class session;
}

namespace penstock::metadata {

// The version that this program writes.
[[nodiscard]] int SchemaVersion();

// The version of an open file: 0 for an empty one.
[[nodiscard]] int ReadSchemaVersion(soci::session& db);

// Brings the file to SchemaVersion(), one transaction a version. Throws soci::soci_error.
void Migrate(soci::session& db);

// Whether the tables of this version are there. Throws as Migrate.
[[nodiscard]] bool HasTables(soci::session& db);

}  // namespace penstock::metadata
