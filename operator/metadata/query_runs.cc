// Lists of runs: pages, grids, comparisons, changes, and the stories of those that are deleted.
#include <charconv>

#include "operator/base/try.h"
#include "operator/metadata/packed.h"
#include "operator/metadata/query.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

// "<created, Unix milliseconds>.<uid>"
struct Cursor {
  long long created = 0;
  std::string uid;
};

constexpr std::size_t kMostValues = 300'000;  // results and inputs that are compared

std::string FormatCursor(const RunRecord& last) {
  const auto created = last.created.value_or(TimePoint{}).time_since_epoch();
  return std::to_string(std::chrono::duration_cast<Milliseconds>(created).count()) + "." + last.uid;
}

Result<Cursor> ParseCursor(const std::string& text) {
  Cursor cursor;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, cursor.created);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '.')
    return Invalid("after: '" + text.substr(0, 80) + "' is no `next` of a list of runs");
  cursor.uid.assign(read.ptr + 1, end);
  return cursor;
}

// Which runs, by what one index holds in its order.
std::string Where(const RunFilter& filter, bool after) {
  // Not those that a program has deleted, a look into another index for each.
  std::string sql =
      " WHERE namespace = :ns AND coalesce((SELECT t.deleted FROM tracked t WHERE t.run = uid), 0)"
      " = 0";
  if (!filter.pipeline.empty()) sql += " AND pipeline = :pipeline";
  if (!filter.phase.empty()) sql += " AND phase = :phase";
  if (!filter.cause.empty()) sql += " AND cause = :cause";
  if (!filter.text.empty()) sql += " AND replace(name, :text, '') <> name";  // holds it
  if (after) sql += " AND (created, uid) < (:created, :uid)";
  return sql;
}

std::vector<RunRecord> ReadPage(soci::session& db, const RunFilter& f, int limit,
                                const std::optional<Cursor>& after) {
  // Chosen by the index alone; then only the rows of the page are read.
  auto ask = (db.prepare << "SELECT " + std::string(kRunColumns) +
                                " FROM runs WHERE uid IN (SELECT uid FROM runs" +
                                Where(f, after.has_value()) +
                                " ORDER BY created DESC, uid DESC LIMIT :limit)"
                                " ORDER BY created DESC, uid DESC",
              soci::use(f.namespace_, "ns"), soci::use(limit, "limit"));
  if (!f.pipeline.empty()) (ask, soci::use(f.pipeline, "pipeline"));
  if (!f.phase.empty()) (ask, soci::use(f.phase, "phase"));
  if (!f.cause.empty()) (ask, soci::use(f.cause, "cause"));
  if (!f.text.empty()) (ask, soci::use(f.text, "text"));
  if (after) (ask, soci::use(after->created, "created"), soci::use(after->uid, "uid"));
  std::vector<RunRecord> runs;
  Rows rows(ask);
  for (const soci::row& row : rows) runs.push_back(ToRun(row));
  return runs;
}

void ReadPhases(soci::session& db, RunRecord& run) {
  std::string step, phase;
  int cached = 0;
  soci::statement st =
      (db.prepare << "SELECT step, phase, cached FROM steps WHERE run = :run"
                     " ORDER BY started IS NULL, started, step",
       soci::use(run.uid), soci::into(step), soci::into(phase), soci::into(cached));
  st.execute();
  while (st.fetch()) {
    StepRecord& s = run.steps.emplace_back();
    s.name = step;
    s.phase = phase;
    s.cached = cached != 0;
  }
}

StepRecord& StepNamed(RunRecord& run, const std::string& name) {
  if (!run.steps.empty() && run.steps.back().name == name) return run.steps.back();
  for (StepRecord& step : run.steps)
    if (step.name == name) return step;
  run.steps.emplace_back().name = name;
  return run.steps.back();
}

// Numbers stand in a column of their own, so that a thousand metrics need no parsing.
void ReadAllResults(soci::session& db, RunRecord& run) {
  std::string step, name, value;
  double number = 0;
  soci::indicator is_number = soci::i_null;
  soci::statement st = (db.prepare << "SELECT step, name, number, CASE WHEN number IS NULL THEN"
                                      " value ELSE '' END FROM results WHERE run = :run",
                        soci::use(run.uid), soci::into(step), soci::into(name),
                        soci::into(number, is_number), soci::into(value));
  st.execute();
  while (st.fetch())
    StepNamed(run, step).results[name] =
        is_number == soci::i_ok ? Json(number) : ParseStored(value);
}

void ReadInputs(soci::session& db, RunRecord& run) {
  std::string step, name, digest, uri, fingerprint;
  soci::statement st = (db.prepare << "SELECT step, name, digest, uri, fingerprint FROM lineage"
                                      " WHERE run = :run AND direction = 'in'",
                        soci::use(run.uid), soci::into(step), soci::into(name), soci::into(digest),
                        soci::into(uri), soci::into(fingerprint));
  st.execute();
  while (st.fetch())
    StepNamed(run, step).inputs.push_back({name, "", digest, uri, false, 0, fingerprint});
}

std::optional<RunRecord> NewestOfName(soci::session& db, const std::string& ns,
                                      const std::string& name) {
  Rows rows = (db.prepare << "SELECT " + std::string(kRunColumns) +
                                 " FROM runs WHERE namespace = :ns AND name = :name"
                                 " ORDER BY (cause = 'MLflow'), created DESC LIMIT 1",
               soci::use(ns), soci::use(name));
  std::optional<RunRecord> run;
  for (const soci::row& row : rows) run = ToRun(row);
  return run;
}

// The one text of a statement that its values are bound to already.
std::optional<std::string> OneText(soci::details::prepare_temp_type ask) {
  std::string text;
  soci::indicator there = soci::i_null;
  soci::statement st((ask, soci::into(text, there)));
  if (!st.execute(true) || there != soci::i_ok) return std::nullopt;
  return text;
}

Result<Json> ReadRevision(soci::session& db, const std::string& ns, const std::string& name) {
  const auto text =
      OneText((db.prepare << "SELECT object FROM revisions WHERE namespace = :ns AND name = :name",
               soci::use(ns), soci::use(name)));
  if (!text) return NotFound("what revision " + name + " pinned is not kept");
  return ParseJson(*text, "revision " + name);
}

}  // namespace

Result<RunPage> Query::Page(const RunFilter& filter, int limit, const std::string& after) const {
  std::optional<Cursor> cursor;
  if (!after.empty()) {
    PENSTOCK_ASSIGN(cursor, ParseCursor(after));
  }
  return Ask<RunPage>(database_, [&](soci::session& db) {
    RunPage page;
    page.runs = ReadPage(db, filter, limit + 1, cursor);
    if (page.runs.size() > static_cast<std::size_t>(limit)) {
      page.runs.pop_back();
      page.next = FormatCursor(page.runs.back());
    }
    return Result<RunPage>(std::move(page));
  });
}

Result<std::vector<std::string>> Query::Namespaces(std::size_t most) const {
  using Names = std::vector<std::string>;
  return Ask<Names>(database_, [&](soci::session& db) {
    // From one to the next by the index, however many runs each has.
    Names names;
    std::string last;
    while (names.size() < most) {
      std::string next;
      soci::indicator there = soci::i_null;
      db << "SELECT min(namespace) FROM runs WHERE namespace > :last", soci::use(last),
          soci::into(next, there);
      if (there != soci::i_ok) break;
      names.push_back(next);
      last = next;
    }
    return Result<Names>(std::move(names));
  });
}

Result<std::vector<RunRecord>> Query::Grid(const std::string& ns, const std::string& pipeline,
                                           int limit) const {
  return Ask<std::vector<RunRecord>>(database_, [&](soci::session& db) {
    RunFilter filter;
    filter.namespace_ = ns;
    filter.pipeline = pipeline;
    std::vector<RunRecord> runs = ReadPage(db, filter, limit, std::nullopt);
    for (RunRecord& run : runs) ReadPhases(db, run);
    return Result<std::vector<RunRecord>>(std::move(runs));
  });
}

Result<std::vector<RunRecord>> Query::Compared(const std::string& ns,
                                               const std::vector<std::string>& names) const {
  using Runs = std::vector<RunRecord>;
  return Ask<Runs>(database_, [&](soci::session& db) -> Result<Runs> {
    Runs runs;
    std::size_t values = 0;
    for (const std::string& name : names) {
      auto run = NewestOfName(db, ns, name);
      if (!run) return NotFound("no run " + ns + "/" + name + " was ever recorded");
      ReadAllResults(db, *run);
      ReadInputs(db, *run);
      for (const StepRecord& step : run->steps) values += step.results.size() + step.inputs.size();
      if (values > kMostValues)
        return Invalid("runs: they have over " + std::to_string(kMostValues) +
                       " results and inputs; name fewer");
      runs.push_back(*std::move(run));
    }
    return runs;
  });
}

Result<std::vector<std::string>> Query::Pods(const std::string& run_uid) const {
  using Names = std::vector<std::string>;
  return Ask<Names>(database_, [&](soci::session& db) {
    Names names;
    std::string pod;
    soci::statement st = (db.prepare << "SELECT pod FROM attempts WHERE run = :run AND pod <> ''"
                                        " ORDER BY step, attempt",
                          soci::use(run_uid), soci::into(pod));
    st.execute();
    while (st.fetch()) names.push_back(pod);
    return Result<Names>(std::move(names));
  });
}

Result<std::vector<RunChange>> Query::Changes(long long since, int limit) const {
  return Ask<std::vector<RunChange>>(database_, [&](soci::session& db) {
    std::vector<RunChange> changes;
    Rows rows =
        (db.prepare << "SELECT changed, " + std::string(kRunColumns) +
                           " FROM runs WHERE changed > :since ORDER BY changed LIMIT :limit",
         soci::use(since), soci::use(limit));
    for (const soci::row& row : rows) changes.push_back({IntegerOf(row, "changed"), ToRun(row)});
    return Result<std::vector<RunChange>>(std::move(changes));
  });
}

Result<long long> Query::NewestChange() const {
  return Ask<long long>(database_, [&](soci::session& db) {
    long long newest = 0;
    db << "SELECT coalesce(max(changed), 0) FROM runs", soci::into(newest);
    return Result<long long>(newest);
  });
}

Result<Story> Query::StoryOf(const std::string& ns, const std::string& name) const {
  return Ask<Story>(database_, [&](soci::session& db) -> Result<Story> {
    const auto run = NewestOfName(db, ns, name);
    if (!run) return NotFound("no run " + ns + "/" + name + " was ever recorded");
    const auto packed =
        OneText((db.prepare << "SELECT object FROM stories WHERE run = :run", soci::use(run->uid)));
    if (!packed) return NotFound("of run " + ns + "/" + name + " no story is kept");
    PENSTOCK_ASSIGN(const std::string text, Unpack(*packed));
    Story story;
    PENSTOCK_ASSIGN(story.object, ParseJson(text, "the story of run " + name));
    auto spec = ReadRevision(db, ns, run->revision);
    if (spec) story.spec = *std::move(spec);
    return story;
  });
}

Result<Json> Query::Revision(const std::string& ns, const std::string& name) const {
  return Ask<Json>(database_, [&](soci::session& db) { return ReadRevision(db, ns, name); });
}

}  // namespace penstock::metadata
