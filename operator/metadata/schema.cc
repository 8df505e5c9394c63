#include "operator/metadata/schema.h"

#include <soci.h>

#include <array>
#include <string>
#include <vector>

namespace penstock::metadata {
namespace {

using Statements = std::vector<const char*>;

// Times are Unix milliseconds; NULL where something has not happened. A version is never edited
// after a release: the next one goes to the end.
const std::array<Statements, 5>& Versions() {
  static const std::array<Statements, 5> kVersions{{
      {
          R"(CREATE TABLE runs(
               uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,
               pipeline TEXT NOT NULL, revision TEXT NOT NULL, outcome TEXT NOT NULL,
               message TEXT NOT NULL, parameters TEXT NOT NULL,
               created BIGINT, started BIGINT, finished BIGINT) WITHOUT ROWID)",
          "CREATE INDEX runs_by_pipeline ON runs(namespace, pipeline, created)",
          R"(CREATE TABLE steps(
               run TEXT NOT NULL REFERENCES runs(uid) ON DELETE CASCADE, step TEXT NOT NULL,
               component TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT NOT NULL,
               attempt INTEGER NOT NULL, cached INTEGER NOT NULL, cache_key TEXT NOT NULL,
               started BIGINT, finished BIGINT, PRIMARY KEY(run, step)) WITHOUT ROWID)",
          R"(CREATE TABLE attempts(
               run TEXT NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL,
               pod TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT NOT NULL,
               started BIGINT, finished BIGINT, PRIMARY KEY(run, step, attempt),
               FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE)
             WITHOUT ROWID)",
          R"(CREATE TABLE artifacts(
               namespace TEXT NOT NULL, digest TEXT NOT NULL, type TEXT NOT NULL,
               folder INTEGER NOT NULL, bytes INTEGER NOT NULL,
               PRIMARY KEY(namespace, digest)) WITHOUT ROWID)",
          R"(CREATE TABLE lineage(
               run TEXT NOT NULL, step TEXT NOT NULL, direction TEXT NOT NULL,
               name TEXT NOT NULL, namespace TEXT NOT NULL, digest TEXT NOT NULL,
               uri TEXT NOT NULL, PRIMARY KEY(run, step, direction, name),
               FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE)
             WITHOUT ROWID)",
          "CREATE INDEX lineage_by_digest ON lineage(namespace, digest, direction)",
          R"(CREATE TABLE results(
               run TEXT NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL,
               value TEXT NOT NULL, number REAL, PRIMARY KEY(run, step, name),
               FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE)
             WITHOUT ROWID)",
      },
      {
          // What lists of runs show, so that a page of them costs its own rows and no more.
          "ALTER TABLE runs ADD COLUMN phase TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN step TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN cause TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN user TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'",
          "ALTER TABLE runs ADD COLUMN counts TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE runs ADD COLUMN changed BIGINT NOT NULL DEFAULT 0",
          ("UPDATE runs SET phase = CASE outcome WHEN '' THEN 'Running' WHEN 'Succeeded' THEN"
           " 'Succeeded' WHEN 'Cancelled' THEN 'Cancelled' ELSE 'Failed' END,"
           " reason = CASE outcome WHEN 'Succeeded' THEN '' ELSE outcome END"),
          "CREATE INDEX runs_by_time ON runs(namespace, created, uid, name)",
          "CREATE INDEX runs_by_phase ON runs(namespace, phase, created)",
          "CREATE INDEX runs_by_cause ON runs(namespace, cause, created)",
          "CREATE INDEX runs_by_name ON runs(namespace, name, created)",
          "CREATE INDEX runs_by_change ON runs(changed)",
          "ALTER TABLE lineage ADD COLUMN fingerprint TEXT NOT NULL DEFAULT ''",
          R"(CREATE TABLE stories(
               run TEXT PRIMARY KEY REFERENCES runs(uid) ON DELETE CASCADE,
               object TEXT NOT NULL) WITHOUT ROWID)",
          R"(CREATE TABLE revisions(
               namespace TEXT NOT NULL, name TEXT NOT NULL, object TEXT NOT NULL,
               PRIMARY KEY(namespace, name)) WITHOUT ROWID)",
      },
      {"CREATE INDEX runs_by_uid ON runs(namespace, uid)"},
      {
          // Runs that programs log of themselves (tracking.h).
          R"(CREATE TABLE experiments(
               namespace TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
               created BIGINT NOT NULL, changed BIGINT NOT NULL, tags TEXT NOT NULL,
               PRIMARY KEY(namespace, id)) WITHOUT ROWID)",
          "CREATE UNIQUE INDEX experiments_by_name ON experiments(namespace, name)",
          R"(CREATE TABLE tracked(
               run TEXT PRIMARY KEY REFERENCES runs(uid) ON DELETE CASCADE,
               namespace TEXT NOT NULL, experiment TEXT NOT NULL, created BIGINT NOT NULL,
               deleted INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID)",
          "CREATE INDEX tracked_by_time ON tracked(namespace, experiment, deleted, created, run)",
          R"(CREATE TABLE points(
               run TEXT NOT NULL REFERENCES runs(uid) ON DELETE CASCADE, name TEXT NOT NULL,
               step BIGINT NOT NULL, at BIGINT NOT NULL, value TEXT NOT NULL,
               PRIMARY KEY(run, name, step, at, value)) WITHOUT ROWID)",
      },
      {
          // Models that programs log, and the registry of them (logged_models.h, model_registry.h).
          R"(CREATE TABLE logged_models(
               id TEXT PRIMARY KEY, namespace TEXT NOT NULL, experiment TEXT NOT NULL,
               created BIGINT NOT NULL, changed BIGINT NOT NULL, deleted INTEGER NOT NULL,
               document TEXT NOT NULL) WITHOUT ROWID)",
          "CREATE INDEX logged_models_by_time ON logged_models(namespace, deleted, created, id)",
          R"(CREATE TABLE registered_models(
               namespace TEXT NOT NULL, name TEXT NOT NULL, created BIGINT NOT NULL,
               changed BIGINT NOT NULL, newest BIGINT NOT NULL, document TEXT NOT NULL,
               PRIMARY KEY(namespace, name)) WITHOUT ROWID)",
          R"(CREATE TABLE model_versions(
               namespace TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL,
               created BIGINT NOT NULL, changed BIGINT NOT NULL, document TEXT NOT NULL,
               PRIMARY KEY(namespace, name, version),
               FOREIGN KEY(namespace, name) REFERENCES registered_models(namespace, name)
                 ON DELETE CASCADE ON UPDATE CASCADE) WITHOUT ROWID)",
          R"(CREATE TABLE model_aliases(
               namespace TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL,
               version BIGINT NOT NULL, PRIMARY KEY(namespace, name, alias),
               FOREIGN KEY(namespace, name, version)
                 REFERENCES model_versions(namespace, name, version)
                 ON DELETE CASCADE ON UPDATE CASCADE) WITHOUT ROWID)",
          "CREATE INDEX model_aliases_by_version ON model_aliases(namespace, name, version)",
      },
  }};
  return kVersions;
}

}  // namespace

int SchemaVersion() { return static_cast<int>(Versions().size()); }

int ReadSchemaVersion(soci::session& db) {
  int version = 0;
  db << "PRAGMA user_version", soci::into(version);
  return version;
}

void Migrate(soci::session& db) {
  for (int version = ReadSchemaVersion(db); version < SchemaVersion(); ++version) {
    // No soci::transaction: what fails would be rolled back before anybody asks why, and SQLite
    // then says that all is well. The session that is closed instead is rolled back, too.
    db << "BEGIN";
    const Statements& statements = Versions()[static_cast<std::size_t>(version)];
    for (const char* statement : statements) db << statement;
    db << "PRAGMA user_version = " + std::to_string(version + 1);
    db << "COMMIT";
  }
}

bool HasTables(soci::session& db) {
  int found = 0;
  db << "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN "
        "('runs', 'steps', 'attempts', 'artifacts', 'lineage', 'results', 'stories', 'revisions',"
        " 'experiments', 'tracked', 'points', 'logged_models', 'registered_models',"
        " 'model_versions', 'model_aliases')",
      soci::into(found);
  return found == 15;
}

}  // namespace penstock::metadata
