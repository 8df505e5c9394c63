#include "operator/metadata/tracking.h"

#include <soci.h>

#include <cmath>
#include <limits>

#include "operator/base/try.h"
#include "operator/metadata/rows.h"
#include "operator/metadata/write_run.h"

namespace penstock::metadata {
namespace {

constexpr const char* kStep = "run";

Json DocumentOf(const TrackedRun& run) {
  Json document{{"parameters", run.parameters},
                {"tags", run.tags},
                {"metrics", MetricsDocument(run.metrics)},
                {"points", run.points}};
  if (!run.files.empty()) document["files"] = FilesDocument(run.files);
  if (!run.models.empty()) document["models"] = run.models;
  return document;
}

void ReadDocument(const std::string& text, TrackedRun& run) {
  const Json document = ParseStored(text);
  run.parameters = document.at("parameters").get<std::map<std::string, std::string>>();
  run.points = document.value("points", std::int64_t{0});
  run.tags = document.at("tags").get<std::map<std::string, std::string>>();
  run.metrics = ReadMetrics(document.at("metrics"));
  if (document.contains("files")) run.files = ReadFiles(document.at("files"));
  if (document.contains("models")) document.at("models").get_to(run.models);
}

const std::string& TrackedColumns() {
  static const std::string kColumns =
      "t.experiment, t.deleted, t.document, r.uid, r.namespace, r.name, r.pipeline, r.revision,"
      " r.outcome, r.message, r.parameters, r.created, r.started, r.finished, r.phase, r.reason,"
      " r.step, r.cause, r.\"user\", r.labels, r.counts FROM tracked t JOIN runs r ON r.uid = "
      "t.run";
  return kColumns;
}

TrackedRun ToTracked(const soci::row& row) {
  TrackedRun run;
  run.record = ToRun(row);
  run.experiment = row.get<std::string>("experiment");
  run.deleted = IntegerOf(row, "deleted") != 0;
  ReadDocument(row.get<std::string>("document"), run);
  return run;
}

Result<TrackedRun> ReadTracked(soci::session& db, const std::string& ns, const std::string& uid) {
  Rows rows =
      (db.prepare << "SELECT " + TrackedColumns() + " WHERE t.run = :uid AND t.namespace = :ns",
       soci::use(uid), soci::use(ns));
  for (const soci::row& row : rows) return ToTracked(row);
  return NotFound("there is no run with the id " + uid + " in namespace " + ns);
}

// As lists and comparisons show it.
RunRecord Shown(const TrackedRun& run, const std::map<std::string, Json>& results) {
  RunRecord record = run.record;
  record.parameters = run.parameters;
  StepRecord step;
  step.name = kStep;
  step.phase = record.phase;
  step.started = record.started;
  step.finished = record.finished;
  step.results = results;
  record.steps = {step};
  const bool good = record.phase == "Succeeded", ended = !record.outcome.empty();
  record.counts = {1, good ? 1 : 0, ended && !good ? 1 : 0, ended ? 0 : 1, 0, 0};
  return record;
}

Result<void> WriteTracked(soci::session& db, const TrackedRun& run,
                          const std::map<std::string, Json>& results) {
  const std::string document = DocumentOf(run).dump();
  if (document.size() > kMostTrackedOfRun)
    return Invalid(
        "the parameters, tags, newest metrics and names of files of one run are over 512 KiB "
        "together");
  WriteRun(db, Shown(run, results));
  const int deleted = run.deleted ? 1 : 0;
  const long long created = MillisecondsOf(run.record.created.value_or(TimePoint{}));
  db << "INSERT INTO tracked(run, namespace, experiment, created, deleted, document)"
        " VALUES(:run, :ns, :experiment, :created, :deleted, :document) ON CONFLICT(run) DO UPDATE"
        " SET deleted = excluded.deleted, document = excluded.document",
      soci::use(run.record.uid), soci::use(run.record.namespace_), soci::use(run.experiment),
      soci::use(created), soci::use(deleted), soci::use(document);
  return {};
}

// False where it stands there already.
bool WritePoint(soci::session& db, const std::string& run, const MetricPoint& p) {
  const std::string value = TextOf(p.value);
  const long long at = p.at, step = p.step;
  soci::statement st =
      (db.prepare
           << "INSERT INTO points(run, name, step, at, value) VALUES(:run, :name, :step, :at,"
              " :value) ON CONFLICT(run, name, step, at, value) DO NOTHING",
       soci::use(run), soci::use(p.name), soci::use(step), soci::use(at), soci::use(value));
  st.execute(true);
  return st.get_affected_rows() > 0;
}

Experiment ToExperiment(const soci::row& row) {
  Experiment e;
  e.id = row.get<std::string>("id");
  e.name = row.get<std::string>("name");
  e.created = *TimeOf(row, "created");
  e.changed = *TimeOf(row, "changed");
  e.tags = ParseStored(row.get<std::string>("tags")).get<std::map<std::string, std::string>>();
  return e;
}

Result<Experiment> OneExperiment(soci::session& db, const std::string& ns, const char* column,
                                 const std::string& value) {
  Rows rows = (db.prepare << std::string("SELECT id, name, created, changed, tags FROM experiments"
                                         " WHERE namespace = :ns AND ") +
                                 column + " = :value",
               soci::use(ns), soci::use(value));
  for (const soci::row& row : rows) return ToExperiment(row);
  return NotFound("there is no experiment with the " + std::string(column) + " " + value +
                  " in namespace " + ns);
}

Result<void> WriteExperiment(soci::session& db, const std::string& ns, const Experiment& e) {
  const std::string tags = Json(e.tags).dump();
  if (e.tags.size() > kMostExperimentTags || tags.size() > kMostTagsOfExperiment)
    return Invalid("an experiment has at most " + std::to_string(kMostExperimentTags) +
                   " tags, which hold at most 64 KiB together");
  const long long created = MillisecondsOf(e.created), changed = MillisecondsOf(e.changed);
  db << "INSERT INTO experiments(namespace, id, name, created, changed, tags)"
        " VALUES(:ns, :id, :name, :created, :changed, :tags) ON CONFLICT(namespace, id) DO UPDATE"
        " SET changed = excluded.changed, tags = excluded.tags",
      soci::use(ns), soci::use(e.id), soci::use(e.name), soci::use(created), soci::use(changed),
      soci::use(tags);
  return {};
}

}  // namespace

class Tracking::Turn {
 public:
  explicit Turn(Tracking& of) : of_(of) {}
  ~Turn() {
    const std::lock_guard lock(of_.mutex_);
    of_.busy_ = false;
    of_.free_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Tracking& of_;
};

Result<void> Tracking::Wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!free_.wait_for(lock, stop, options_.patience, [&] { return !busy_; }))
    return Transient(stop.stop_requested() ? "the caller has gone"
                                           : "programs log too much at once; try again");
  busy_ = true;
  return {};
}

Result<void> Tracking::Connect() {
  if (writer_ != nullptr) return {};
  const auto now = std::chrono::steady_clock::now();
  if (failed_ && now - failed_->at < options_.between_tries) return failed_->why;
  auto opened = database_->OpenIntact();
  if (!opened) {
    failed_ = {opened.error(), std::chrono::steady_clock::now()};
    return opened.error();
  }
  failed_.reset();
  writer_ = std::move(opened->session);
  return {};
}

Result<void> Tracking::Write(const std::function<Result<void>(soci::session&)>& write,
                             const std::stop_token& stop) {
  PENSTOCK_TRY(Wait(stop));
  const Turn turn(*this);
  for (bool again = false;; again = true) {
    PENSTOCK_TRY(Connect());
    Trouble trouble = Trouble::kPasses;
    bool begun = false;
    try {
      soci::transaction transaction(*writer_);
      begun = true;
      try {
        database_->BeginWriting(*writer_);
        PENSTOCK_TRY(write(*writer_));
        transaction.commit();
        return {};
      } catch (const std::exception& e) {
        trouble = database_->TroubleAfter(*writer_, e);
        throw;
      }
    } catch (const std::exception& e) {
      // A session that stood idle while its server died cannot even begin.
      if (!begun) trouble = database_->TroubleAfter(*writer_, e);
      if (trouble == Trouble::kLost) writer_.reset();
      if (trouble == Trouble::kLost && !again) continue;
      const std::string what = "writing to " + database_->name() + ": " + e.what();
      return trouble == Trouble::kRefused ? Invalid(what) : Transient(what);
    }
  }
}

Result<void> Tracking::MakeExperiment(const std::string& ns, const Experiment& experiment,
                                      const std::stop_token& stop) {
  return Write(
      [&](soci::session& db) -> Result<void> {
        const auto there = OneExperiment(db, ns, "name", experiment.name);
        if (!there && there.error().kind != ErrorKind::kNotFound) return there.error();
        // It was made, and the answer to that was lost with the session.
        if (there && there->id == experiment.id) return {};
        if (there) {
          Error e =
              Invalid("namespace " + ns + " has an experiment of the name " + experiment.name);
          e.kind = ErrorKind::kAlreadyExists;
          return e;
        }
        return WriteExperiment(db, ns, experiment);
      },
      stop);
}

Result<Experiment> Tracking::ExperimentOfId(const std::string& ns, const std::string& id) const {
  return Ask<Experiment>(database_,
                         [&](soci::session& db) { return OneExperiment(db, ns, "id", id); });
}

Result<Experiment> Tracking::ExperimentOfName(const std::string& ns,
                                              const std::string& name) const {
  return Ask<Experiment>(database_,
                         [&](soci::session& db) { return OneExperiment(db, ns, "name", name); });
}

Result<ExperimentPage> Tracking::Experiments(const std::string& ns, int limit,
                                             const std::string& after) const {
  return Ask<ExperimentPage>(database_, [&](soci::session& db) {
    ExperimentPage page;
    std::size_t bytes = 0;
    std::string last = after;
    // A few at a time, as an answer is held whole.
    for (bool any = true; any && !page.more;) {
      any = false;
      Rows rows = (db.prepare << "SELECT id, name, created, changed, tags FROM experiments WHERE"
                                 " namespace = :ns AND name > :after ORDER BY name LIMIT 20",
                   soci::use(ns), soci::use(last));
      for (const soci::row& row : rows) {
        any = true;
        bytes += row.get<std::string>("tags").size() + row.get<std::string>("name").size();
        page.more = page.experiments.size() == static_cast<std::size_t>(limit) ||
                    (bytes > kMostExperimentBytes && !page.experiments.empty());
        if (page.more) break;
        page.experiments.push_back(ToExperiment(row));
      }
      if (any && !page.experiments.empty()) last = page.experiments.back().name;
    }
    return Result<ExperimentPage>(std::move(page));
  });
}

Result<void> Tracking::TagExperiment(const std::string& ns, const std::string& id,
                                     const std::string& name, const std::string& value,
                                     TimePoint now, const std::stop_token& stop) {
  return Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(Experiment experiment, OneExperiment(db, ns, "id", id));
        experiment.tags[name] = value;
        experiment.changed = now;
        return WriteExperiment(db, ns, experiment);
      },
      stop);
}

Result<void> Tracking::Begin(const TrackedRun& run, const std::stop_token& stop) {
  return Write(
      [&](soci::session& db) {
        TrackedRun made = run;
        int taken = 0;
        db << "SELECT count(*) FROM (SELECT 1 FROM runs WHERE namespace = :ns AND name = :name AND"
              " uid <> :uid LIMIT 1) same",
            soci::use(run.record.namespace_), soci::use(run.record.name), soci::use(run.record.uid),
            soci::into(taken);
        if (taken != 0) made.record.name += "-" + run.record.uid.substr(0, 8);
        return WriteTracked(db, made, {});
      },
      stop);
}

Result<TrackedRun> Tracking::Get(const std::string& ns, const std::string& uid) const {
  return Ask<TrackedRun>(database_, [&](soci::session& db) { return ReadTracked(db, ns, uid); });
}

Result<TrackedRun> Tracking::Change(const std::string& ns, const std::string& uid,
                                    const std::function<Result<void>(TrackedRun&)>& change,
                                    const std::vector<MetricPoint>& points,
                                    const std::stop_token& stop) {
  std::optional<TrackedRun> changed;
  PENSTOCK_TRY(Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(TrackedRun run, ReadTracked(db, ns, uid));
        PENSTOCK_TRY(change(run));
        std::map<std::string, Json> results;
        for (const MetricPoint& p : points) {
          if (WritePoint(db, uid, p)) ++run.points;
          TakeNewer(p, run.metrics);
          const double value = run.metrics.at(p.name).value;
          results[p.name] = std::isfinite(value) ? Json(value) : Json(TextOf(value));
        }
        if (!points.empty() && run.points > options_.most_points)
          return Invalid("the run " + uid + " would hold over " +
                         std::to_string(options_.most_points) +
                         " values of metrics; log fewer steps, or begin another run");
        PENSTOCK_TRY(WriteTracked(db, run, results));
        changed = std::move(run);
        return {};
      },
      stop));
  return *std::move(changed);
}

Result<TrackedPage> Tracking::Runs(const std::string& ns, const std::string& experiment,
                                   bool deleted, int limit) const {
  return Ask<TrackedPage>(database_, [&](soci::session& db) {
    TrackedPage page;
    std::size_t bytes = 0;
    const int hidden = deleted ? 1 : 0;
    // A few at a time, as an answer is held whole.
    long long created = std::numeric_limits<long long>::max();
    std::string uid;
    for (bool any = true; any && !page.more;) {
      any = false;
      Rows rows = (db.prepare << "SELECT " + TrackedColumns() +
                                     " WHERE t.namespace = :ns AND t.experiment = :experiment AND"
                                     " t.deleted = :deleted AND (t.created, t.run) < (:created,"
                                     " :uid) ORDER BY t.created DESC, t.run DESC LIMIT 20",
                   soci::use(ns), soci::use(experiment), soci::use(hidden), soci::use(created),
                   soci::use(uid));
      for (const soci::row& row : rows) {
        any = true;
        bytes += row.get<std::string>("document").size();
        page.more =
            page.runs.size() == static_cast<std::size_t>(limit) || bytes > kMostTrackedBytes;
        if (page.more) break;
        page.runs.push_back(ToTracked(row));
      }
      if (page.runs.empty()) continue;
      created = MillisecondsOf(page.runs.back().record.created.value_or(TimePoint{}));
      uid = page.runs.back().record.uid;
    }
    return Result<TrackedPage>(std::move(page));
  });
}

Result<std::vector<MetricPoint>> Tracking::Points(const std::string& uid, const std::string& name,
                                                  int limit, int offset) const {
  using List = std::vector<MetricPoint>;
  return Ask<List>(database_, [&](soci::session& db) {
    List list;
    Rows rows =
        (db.prepare << "SELECT step, at, value FROM points WHERE run = :run AND name = :name"
                       " ORDER BY step, at, value LIMIT :limit OFFSET :offset",
         soci::use(uid), soci::use(name), soci::use(limit), soci::use(offset));
    for (const soci::row& row : rows)
      list.push_back({name, NumberOf(row.get<std::string>("value")), IntegerOf(row, "at"),
                      IntegerOf(row, "step")});
    return Result<List>(std::move(list));
  });
}

}  // namespace penstock::metadata
