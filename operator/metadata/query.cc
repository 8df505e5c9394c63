#include "operator/metadata/query.h"

#include <soci.h>

#include <algorithm>

#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

void ReadSteps(soci::session& db, RunRecord& run) {
  Rows steps = (db.prepare << "SELECT s.step, s.component, s.phase, s.reason, s.attempt,"
                              " s.cached, s.cache_key, coalesce(a.pod, '') AS pod, s.started,"
                              " s.finished FROM steps s LEFT JOIN attempts a ON a.run = s.run AND"
                              " a.step = s.step AND a.attempt = s.attempt WHERE s.run = :run"
                              " ORDER BY s.started IS NULL, s.started, s.step",
                soci::use(run.uid));
  for (const soci::row& row : steps) run.steps.push_back(ToStep(row));
}

void ReadArtifacts(soci::session& db, const std::string& run, StepRecord& step) {
  Rows uses = (db.prepare << "SELECT l.direction, l.name, l.digest, l.uri, l.fingerprint,"
                             " coalesce(a.type, '') AS type, coalesce(a.folder, 0) AS folder,"
                             " coalesce(a.bytes, 0) AS bytes FROM lineage l LEFT JOIN artifacts a"
                             " ON a.namespace = l.namespace AND a.digest = l.digest"
                             " WHERE l.run = :run AND l.step = :step ORDER BY l.name",
               soci::use(run), soci::use(step.name));
  for (const soci::row& row : uses) {
    ArtifactUse use{
        row.get<std::string>("name"),       row.get<std::string>("type"),
        row.get<std::string>("digest"),     row.get<std::string>("uri"),
        IntegerOf(row, "folder") != 0,      static_cast<std::uint64_t>(IntegerOf(row, "bytes")),
        row.get<std::string>("fingerprint")};
    (row.get<std::string>("direction") == "in" ? step.inputs : step.outputs).push_back(use);
  }
}

void ReadResults(soci::session& db, const std::string& run, StepRecord& step) {
  Rows results = (db.prepare << "SELECT name, value FROM results WHERE run = :run AND step = :step",
                  soci::use(run), soci::use(step.name));
  for (const soci::row& row : results) {
    step.results[row.get<std::string>("name")] = ParseStored(row.get<std::string>("value"));
  }
}

void ReadAll(soci::session& db, RunRecord& run) {
  ReadSteps(db, run);
  for (StepRecord& step : run.steps) {
    ReadArtifacts(db, run.uid, step);
    ReadResults(db, run.uid, step);
  }
}

}  // namespace

Result<RunRecord> Query::Run(const std::string& ns, const std::string& name) const {
  return Ask<RunRecord>(database_, [&](soci::session& db) -> Result<RunRecord> {
    Rows rows = (db.prepare << "SELECT " + std::string(kRunColumns) +
                                   " FROM runs WHERE namespace = :ns AND name = :name"
                                   " ORDER BY (cause = 'MLflow'), created DESC LIMIT 1",
                 soci::use(ns), soci::use(name));
    std::optional<RunRecord> run;
    for (const soci::row& row : rows) run = ToRun(row);
    if (!run) return NotFound("no run " + ns + "/" + name + " was ever recorded");
    ReadAll(db, *run);
    return *run;
  });
}

Result<RunRecord> Query::OfUid(const std::string& uid) const {
  return Ask<RunRecord>(database_, [&](soci::session& db) -> Result<RunRecord> {
    Rows rows = (db.prepare << "SELECT " + std::string(kRunColumns) + " FROM runs WHERE uid = :uid",
                 soci::use(uid));
    std::optional<RunRecord> run;
    for (const soci::row& row : rows) run = ToRun(row);
    if (!run) return NotFound("no run of the UID " + uid + " was ever recorded");
    ReadAll(db, *run);
    return *run;
  });
}

Result<std::vector<StepRecord>> Query::Attempts(const std::string& run_uid,
                                                const std::string& step) const {
  return Ask<std::vector<StepRecord>>(database_, [&](soci::session& db) {
    std::vector<StepRecord> attempts;
    Rows rows = (db.prepare << "SELECT a.step, s.component, a.phase, a.reason, a.attempt,"
                               " s.cached, s.cache_key, a.pod, a.started, a.finished"
                               " FROM attempts a JOIN steps s ON s.run = a.run AND s.step = a.step"
                               " WHERE a.run = :run AND a.step = :step"
                               " ORDER BY a.attempt DESC LIMIT 1000",
                 soci::use(run_uid), soci::use(step));
    for (const soci::row& row : rows) attempts.push_back(ToStep(row));
    std::reverse(attempts.begin(), attempts.end());
    return Result<std::vector<StepRecord>>(std::move(attempts));
  });
}

Result<std::optional<Maker>> Query::FirstMaker(const std::string& ns,
                                               const std::string& digest) const {
  return Ask<std::optional<Maker>>(database_, [&](soci::session& db) {
    std::optional<Maker> maker;
    Rows rows = (db.prepare << "SELECT r.name AS run, r.pipeline, l.step, l.name FROM lineage l"
                               " JOIN runs r ON r.uid = l.run WHERE l.namespace = :ns AND"
                               " l.digest = :digest AND l.direction = 'out'"
                               " ORDER BY r.created, r.uid, l.step, l.name LIMIT 1",
                 soci::use(ns), soci::use(digest));
    for (const soci::row& row : rows)
      maker = Maker{row.get<std::string>("run"), row.get<std::string>("pipeline"),
                    row.get<std::string>("step"), row.get<std::string>("name")};
    return Result<std::optional<Maker>>(std::move(maker));
  });
}

}  // namespace penstock::metadata
