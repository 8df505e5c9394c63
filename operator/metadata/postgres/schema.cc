#include "operator/metadata/postgres/schema.h"

#include <soci.h>

#include <array>
#include <string>
#include <vector>

namespace penstock::metadata {
namespace {

using Statements = std::vector<const char*>;

// Of this database alone, and of nobody else: "penstock" in ASCII.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(8099843097283814251)";

// Times are Unix milliseconds; NULL where something has not happened. $K is a text that is sorted
// by its bytes, as SQLite does, so that an index outlives the server's collations. A version is
// never edited after a release: the next one goes to the end.
const std::array<Statements, 3>& Steps() {
  static const std::array<Statements, 3> kSteps{
      {{
           R"(CREATE TABLE runs(
           uid $K PRIMARY KEY, namespace $K NOT NULL, name $K NOT NULL,
           pipeline $K NOT NULL, revision $K NOT NULL, outcome $K NOT NULL,
           message TEXT NOT NULL, parameters TEXT NOT NULL,
           created BIGINT, started BIGINT, finished BIGINT,
           phase $K NOT NULL, reason $K NOT NULL, step $K NOT NULL, cause $K NOT NULL,
           "user" $K NOT NULL, labels TEXT NOT NULL, counts TEXT NOT NULL,
           changed BIGINT NOT NULL))",
           "CREATE INDEX runs_by_pipeline ON runs(namespace, pipeline, created, uid)",
           "CREATE INDEX runs_by_time ON runs(namespace, created, uid)",
           "CREATE INDEX runs_by_phase ON runs(namespace, phase, created, uid)",
           "CREATE INDEX runs_by_cause ON runs(namespace, cause, created, uid)",
           "CREATE INDEX runs_by_name ON runs(namespace, name, created)",
           "CREATE INDEX runs_by_uid ON runs(namespace, uid)",
           "CREATE INDEX runs_by_change ON runs(changed)",
           R"(CREATE TABLE steps(
           run $K NOT NULL REFERENCES runs(uid) ON DELETE CASCADE, step $K NOT NULL,
           component $K NOT NULL, phase $K NOT NULL, reason $K NOT NULL,
           attempt INTEGER NOT NULL, cached INTEGER NOT NULL, cache_key $K NOT NULL,
           started BIGINT, finished BIGINT, PRIMARY KEY(run, step)))",
           R"(CREATE TABLE attempts(
           run $K NOT NULL, step $K NOT NULL, attempt INTEGER NOT NULL,
           pod $K NOT NULL, phase $K NOT NULL, reason $K NOT NULL,
           started BIGINT, finished BIGINT, PRIMARY KEY(run, step, attempt),
           FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE))",
           R"(CREATE TABLE artifacts(
           namespace $K NOT NULL, digest $K NOT NULL, type $K NOT NULL,
           folder INTEGER NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY(namespace, digest)))",
           R"(CREATE TABLE lineage(
           run $K NOT NULL, step $K NOT NULL, direction $K NOT NULL, name $K NOT NULL,
           namespace $K NOT NULL, digest $K NOT NULL, uri TEXT NOT NULL,
           fingerprint TEXT NOT NULL, PRIMARY KEY(run, step, direction, name),
           FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE))",
           "CREATE INDEX lineage_by_digest ON lineage(namespace, digest, direction)",
           R"(CREATE TABLE results(
           run $K NOT NULL, step $K NOT NULL, name $K NOT NULL, value TEXT NOT NULL,
           number DOUBLE PRECISION, PRIMARY KEY(run, step, name),
           FOREIGN KEY(run, step) REFERENCES steps(run, step) ON DELETE CASCADE))",
           R"(CREATE TABLE stories(
           run $K PRIMARY KEY REFERENCES runs(uid) ON DELETE CASCADE, object TEXT NOT NULL))",
           R"(CREATE TABLE revisions(
           namespace $K NOT NULL, name $K NOT NULL, object TEXT NOT NULL,
           PRIMARY KEY(namespace, name)))",
       },
       {
           // Runs that programs log of themselves (tracking.h).
           R"(CREATE TABLE experiments(
           namespace $K NOT NULL, id $K NOT NULL, name $K NOT NULL, created BIGINT NOT NULL,
           changed BIGINT NOT NULL, tags TEXT NOT NULL, PRIMARY KEY(namespace, id)))",
           "CREATE UNIQUE INDEX experiments_by_name ON experiments(namespace, name)",
           R"(CREATE TABLE tracked(
           run $K PRIMARY KEY REFERENCES runs(uid) ON DELETE CASCADE, namespace $K NOT NULL,
           experiment $K NOT NULL, created BIGINT NOT NULL, deleted INTEGER NOT NULL,
           document TEXT NOT NULL))",
           "CREATE INDEX tracked_by_time ON tracked(namespace, experiment, deleted, created, run)",
           R"(CREATE TABLE points(
           run $K NOT NULL REFERENCES runs(uid) ON DELETE CASCADE, name $K NOT NULL,
           step BIGINT NOT NULL, at BIGINT NOT NULL, value $K NOT NULL,
           PRIMARY KEY(run, name, step, at, value)))",
       },
       {
           // Models that programs log, and the registry of them (logged_models.h,
           // model_registry.h).
           R"(CREATE TABLE logged_models(
           id $K PRIMARY KEY, namespace $K NOT NULL, experiment $K NOT NULL,
           created BIGINT NOT NULL, changed BIGINT NOT NULL, deleted INTEGER NOT NULL,
           document TEXT NOT NULL))",
           "CREATE INDEX logged_models_by_time ON logged_models(namespace, deleted, created, id)",
           R"(CREATE TABLE registered_models(
           namespace $K NOT NULL, name $K NOT NULL, created BIGINT NOT NULL,
           changed BIGINT NOT NULL, newest BIGINT NOT NULL, document TEXT NOT NULL,
           PRIMARY KEY(namespace, name)))",
           R"(CREATE TABLE model_versions(
           namespace $K NOT NULL, name $K NOT NULL, version BIGINT NOT NULL,
           created BIGINT NOT NULL, changed BIGINT NOT NULL, document TEXT NOT NULL,
           PRIMARY KEY(namespace, name, version),
           FOREIGN KEY(namespace, name) REFERENCES registered_models(namespace, name)
             ON DELETE CASCADE ON UPDATE CASCADE))",
           R"(CREATE TABLE model_aliases(
           namespace $K NOT NULL, name $K NOT NULL, alias $K NOT NULL, version BIGINT NOT NULL,
           PRIMARY KEY(namespace, name, alias),
           FOREIGN KEY(namespace, name, version)
             REFERENCES model_versions(namespace, name, version)
             ON DELETE CASCADE ON UPDATE CASCADE))",
           "CREATE INDEX model_aliases_by_version ON model_aliases(namespace, name, version)",
       }}};
  return kSteps;
}

std::string WithKeys(const char* statement) {
  std::string text = statement;
  for (std::size_t at = 0; (at = text.find("$K", at)) != std::string::npos;)
    text.replace(at, 2, "TEXT COLLATE \"C\"");
  return text;
}

// 0 where there is none yet.
int ReadVersion(soci::session& db) {
  int version = 0;
  soci::indicator there = soci::i_null;
  db << "SELECT max(version) FROM penstock_schema", soci::into(version, there);
  return there == soci::i_ok ? version : 0;
}

// Without a lock, so that a start of the same version waits for nobody who writes.
bool HasVersion(soci::session& db) {
  int found = 0;
  db << "SELECT count(*) FROM pg_class WHERE oid = to_regclass('penstock_schema')",
      soci::into(found);
  return found != 0 && ReadVersion(db) == PostgresSchemaVersion();
}

}  // namespace

int PostgresSchemaVersion() { return static_cast<int>(Steps().size()); }

void LockForWriting(soci::session& db) { db << kLock; }

Result<bool> MigratePostgres(soci::session& db) {
  if (HasVersion(db)) return false;
  soci::transaction transaction(db);
  LockForWriting(db);
  db << "CREATE TABLE IF NOT EXISTS penstock_schema(version INTEGER NOT NULL PRIMARY KEY)";
  const int before = ReadVersion(db);
  if (before > PostgresSchemaVersion()) {
    Error newer =
        Invalid("its schema version " + std::to_string(before) + " is newer than this program's " +
                std::to_string(PostgresSchemaVersion()) +
                "; run the program that made it, or restore a copy of before");
    newer.kind = ErrorKind::kUnsupported;
    return newer;
  }
  for (int version = before; version < PostgresSchemaVersion(); ++version) {
    const auto& step = Steps()[static_cast<std::size_t>(version)];
    for (const char* statement : step) db << WithKeys(statement);
    db << "INSERT INTO penstock_schema(version) VALUES(" + std::to_string(version + 1) + ")";
  }
  transaction.commit();
  return before == 0;
}

}  // namespace penstock::metadata
