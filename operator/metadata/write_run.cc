#include "operator/metadata/write_run.h"

#include <soci.h>

#include "operator/metadata/packed.h"

namespace penstock::metadata {
namespace {

// A nullable column: the value and SOCI's indicator, which must outlive the statement.
struct Stamp {
  long long value = 0;
  soci::indicator indicator = soci::i_null;
  explicit Stamp(const std::optional<TimePoint>& t) {
    if (!t) return;
    value = std::chrono::duration_cast<Milliseconds>(t->time_since_epoch()).count();
    indicator = soci::i_ok;
  }
};

// False where the run has said its last word already, and this is of before: an operator that has
// lost its lease may not know it yet. Programs that log by MLflow may begin a run anew.
bool WriteRunRow(soci::session& db, const RunRecord& r) {
  const std::string parameters = CanonicalJson(r.parameters);
  const std::string labels = CanonicalJson(Json(r.labels)), counts = FormatCounts(r.counts);
  Stamp created(r.created), started(r.started), finished(r.finished);
  soci::statement st =
      (db.prepare
           << "INSERT INTO runs(uid, namespace, name, pipeline, revision, outcome, message, "
              "parameters,"
              " created, started, finished, phase, reason, step, cause, \"user\", labels, counts, "
              "changed)"
              " VALUES(:uid, :ns, :name, :pipeline, :revision, :outcome,"
              " :message, :parameters, :created, :started, :finished, :phase, :reason, :step, "
              ":cause,"
              " :user, :labels, :counts, (SELECT coalesce(max(changed), 0) + 1 FROM runs))"
              " ON CONFLICT(uid) DO UPDATE SET revision = excluded.revision,"
              " outcome = excluded.outcome, message = excluded.message,"
              " parameters = excluded.parameters, started = excluded.started,"
              " finished = excluded.finished, phase = excluded.phase, reason = excluded.reason,"
              " step = excluded.step, cause = excluded.cause, \"user\" = excluded.\"user\","
              " labels = excluded.labels, counts = excluded.counts, changed = excluded.changed"
              " WHERE runs.outcome = '' OR excluded.outcome <> '' OR excluded.cause = 'MLflow'",
       soci::use(r.uid), soci::use(r.namespace_), soci::use(r.name), soci::use(r.pipeline),
       soci::use(r.revision), soci::use(r.outcome), soci::use(r.message), soci::use(parameters),
       soci::use(created.value, created.indicator), soci::use(started.value, started.indicator),
       soci::use(finished.value, finished.indicator), soci::use(r.phase), soci::use(r.reason),
       soci::use(r.step), soci::use(r.cause), soci::use(r.user), soci::use(labels),
       soci::use(counts));
  st.execute(true);
  return st.get_affected_rows() > 0;
}

// The revision's name is the hash of what it holds: one that is there stays.
void WriteStory(soci::session& db, const RunRecord& r) {
  if (!r.object.empty()) {
    const std::string object = Pack(r.object);
    db << "INSERT INTO stories(run, object) VALUES(:run, :object)"
          " ON CONFLICT(run) DO UPDATE SET object = excluded.object",
        soci::use(r.uid), soci::use(object);
  }
  if (r.spec.empty() || r.revision.empty()) return;
  db << "INSERT INTO revisions(namespace, name, object) VALUES(:ns, :name, :object)"
        " ON CONFLICT(namespace, name) DO NOTHING",
      soci::use(r.namespace_), soci::use(r.revision), soci::use(r.spec);
}

void WriteStepRow(soci::session& db, const std::string& run, const StepRecord& s) {
  const int cached = s.cached ? 1 : 0;
  Stamp started(s.started), finished(s.finished);
  db << "INSERT INTO steps(run, step, component, phase, reason, attempt, cached, cache_key,"
        " started, finished) VALUES(:run, :step, :component, :phase, :reason, :attempt, :cached,"
        " :key, :started, :finished) ON CONFLICT(run, step) DO UPDATE SET phase = excluded.phase,"
        " reason = excluded.reason, attempt = excluded.attempt, cached = excluded.cached,"
        " cache_key = excluded.cache_key, started = excluded.started,"
        " finished = excluded.finished",
      soci::use(run), soci::use(s.name), soci::use(s.component), soci::use(s.phase),
      soci::use(s.reason), soci::use(s.attempt), soci::use(cached), soci::use(s.cache_key),
      soci::use(started.value, started.indicator), soci::use(finished.value, finished.indicator);
}

void WriteAttempt(soci::session& db, const std::string& run, const StepRecord& s) {
  if (s.attempt == 0) return;
  Stamp started(s.started), finished(s.finished);
  db << "INSERT INTO attempts(run, step, attempt, pod, phase, reason, started, finished)"
        " VALUES(:run, :step, :attempt, :pod, :phase, :reason, :started, :finished)"
        " ON CONFLICT(run, step, attempt) DO UPDATE SET pod = excluded.pod,"
        " phase = excluded.phase, reason = excluded.reason, started = excluded.started,"
        " finished = excluded.finished",
      soci::use(run), soci::use(s.name), soci::use(s.attempt), soci::use(s.pod), soci::use(s.phase),
      soci::use(s.reason), soci::use(started.value, started.indicator),
      soci::use(finished.value, finished.indicator);
}

void WriteUse(soci::session& db, const RunRecord& r, const std::string& step,
              const std::string& direction, const ArtifactUse& a) {
  if (!a.digest.empty()) {
    const int folder = a.folder ? 1 : 0;
    const auto bytes = static_cast<long long>(a.bytes);
    db << "INSERT INTO artifacts(namespace, digest, type, folder, bytes)"
          " VALUES(:ns, :digest, :type, :folder, :bytes)"
          " ON CONFLICT(namespace, digest) DO NOTHING",
        soci::use(r.namespace_), soci::use(a.digest), soci::use(a.type), soci::use(folder),
        soci::use(bytes);
  }
  db << "INSERT INTO lineage(run, step, direction, name, namespace, digest, uri, fingerprint)"
        " VALUES(:run, :step, :direction, :name, :ns, :digest, :uri, :fingerprint)"
        " ON CONFLICT(run, step, direction, name) DO UPDATE SET namespace = excluded.namespace,"
        " digest = excluded.digest, uri = excluded.uri, fingerprint = excluded.fingerprint",
      soci::use(r.uid), soci::use(step), soci::use(direction), soci::use(a.name),
      soci::use(r.namespace_), soci::use(a.digest), soci::use(a.uri), soci::use(a.fingerprint);
}

void WriteResult(soci::session& db, const std::string& run, const std::string& step,
                 const std::string& name, const Json& value) {
  const std::string text = CanonicalJson(value);
  double number = value.is_number() ? value.get<double>() : 0;
  soci::indicator indicator = value.is_number() ? soci::i_ok : soci::i_null;
  db << "INSERT INTO results(run, step, name, value, number)"
        " VALUES(:run, :step, :name, :value, :number) ON CONFLICT(run, step, name) DO UPDATE SET"
        " value = excluded.value, number = excluded.number",
      soci::use(run), soci::use(step), soci::use(name), soci::use(text),
      soci::use(number, indicator);
}

}  // namespace

void WriteRun(soci::session& db, const RunRecord& record) {
  if (!WriteRunRow(db, record)) return;
  WriteStory(db, record);
  for (const StepRecord& step : record.steps) {
    WriteStepRow(db, record.uid, step);
    WriteAttempt(db, record.uid, step);
    for (const ArtifactUse& a : step.inputs) WriteUse(db, record, step.name, "in", a);
    for (const ArtifactUse& a : step.outputs) WriteUse(db, record, step.name, "out", a);
    for (const auto& [name, value] : step.results) {
      WriteResult(db, record.uid, step.name, name, value);
    }
  }
}

}  // namespace penstock::metadata
