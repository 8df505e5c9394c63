#include "operator/metadata/logged_models.h"

#include <soci.h>

#include <charconv>
#include <limits>

#include "operator/base/try.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

constexpr const char* kModelColumns =
    "SELECT id, namespace, experiment, created, changed, deleted, document FROM logged_models";

// "<created, Unix milliseconds>.<id>", of the last one that was looked at.
struct ModelPlace {
  long long created = std::numeric_limits<long long>::max();
  std::string id;
};

Result<ModelPlace> ParseModelPlace(const std::string& text) {
  ModelPlace place;
  if (text.empty()) return place;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, place.created);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '.')
    return Invalid("page_token is none of ours");
  place.id.assign(read.ptr + 1, end);
  return place;
}

LoggedModel ToLogged(const soci::row& row) {
  LoggedModel m;
  m.id = row.get<std::string>("id");
  m.namespace_ = row.get<std::string>("namespace");
  m.experiment = row.get<std::string>("experiment");
  m.created = *TimeOf(row, "created");
  m.changed = *TimeOf(row, "changed");
  m.deleted = IntegerOf(row, "deleted") != 0;
  const Json document = ParseStored(row.get<std::string>("document"));
  document.at("name").get_to(m.name);
  document.at("type").get_to(m.type);
  document.at("user").get_to(m.user);
  document.at("run").get_to(m.run);
  document.at("status").get_to(m.status);
  document.at("parameters").get_to(m.parameters);
  document.at("tags").get_to(m.tags);
  m.metrics = ReadMetrics(document.at("metrics"));
  m.files = ReadFiles(document.at("files"));
  return m;
}

Result<LoggedModel> ReadModel(soci::session& db, const std::string& ns, const std::string& id) {
  Rows rows = (db.prepare << std::string(kModelColumns) + " WHERE id = :id AND namespace = :ns",
               soci::use(id), soci::use(ns));
  for (const soci::row& row : rows) return ToLogged(row);
  return NotFound("there is no logged model with the id " + id + " in namespace " + ns);
}

Result<void> WriteModel(soci::session& db, const LoggedModel& m) {
  const Json parts{{"name", m.name},
                   {"type", m.type},
                   {"user", m.user},
                   {"run", m.run},
                   {"status", m.status},
                   {"parameters", m.parameters},
                   {"tags", m.tags},
                   {"metrics", MetricsDocument(m.metrics)},
                   {"files", FilesDocument(m.files)}};
  const std::string document = parts.dump();
  if (document.size() > kMostTrackedOfRun)
    return Invalid(
        "the parameters, tags, metrics and names of files of one logged model are over 512 KiB "
        "together");
  const long long created = MillisecondsOf(m.created), changed = MillisecondsOf(m.changed);
  const int deleted = m.deleted ? 1 : 0;
  db << "INSERT INTO logged_models(id, namespace, experiment, created, changed, deleted, document)"
        " VALUES(:id, :ns, :experiment, :created, :changed, :deleted, :document) ON CONFLICT(id) DO"
        " UPDATE SET changed = excluded.changed, deleted = excluded.deleted,"
        " document = excluded.document",
      soci::use(m.id), soci::use(m.namespace_), soci::use(m.experiment), soci::use(created),
      soci::use(changed), soci::use(deleted), soci::use(document);
  return {};
}

// ":e0, :e1, ...", so many.
std::string Holes(std::size_t count) {
  std::string holes;
  for (std::size_t i = 0; i < count; ++i) holes += (i > 0 ? ", :e" : ":e") + std::to_string(i);
  return holes;
}

// The next few behind the place.
std::vector<LoggedModel> ReadModelsBehind(soci::session& db, const std::string& ns,
                                          const std::vector<std::string>& experiments,
                                          const ModelPlace& behind, std::size_t& bytes) {
  auto ask =
      (db.prepare << std::string(kModelColumns) +
                         " WHERE namespace = :ns AND deleted = 0 AND"
                         " (created, id) < (:created, :id) AND experiment IN (" +
                         Holes(experiments.size()) + ") ORDER BY created DESC, id DESC LIMIT 20",
       soci::use(ns, "ns"), soci::use(behind.created, "created"), soci::use(behind.id, "id"));
  for (std::size_t i = 0; i < experiments.size(); ++i)
    (ask, soci::use(experiments[i], "e" + std::to_string(i)));
  std::vector<LoggedModel> some;
  Rows rows(ask);
  for (const soci::row& row : rows) {
    bytes += row.get<std::string>("document").size();
    some.push_back(ToLogged(row));
  }
  return some;
}

}  // namespace

Result<void> LoggedModels::Begin(const LoggedModel& model, const std::stop_token& stop) {
  return tracking_.Write([&](soci::session& db) { return WriteModel(db, model); }, stop);
}

Result<LoggedModel> LoggedModels::Get(const std::string& ns, const std::string& id) const {
  return Ask<LoggedModel>(tracking_.database(),
                          [&](soci::session& db) { return ReadModel(db, ns, id); });
}

Result<LoggedModel> LoggedModels::Change(const std::string& ns, const std::string& id,
                                         const std::function<Result<void>(LoggedModel&)>& change,
                                         const std::stop_token& stop) {
  LoggedModel changed;
  PENSTOCK_TRY(tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(changed, ReadModel(db, ns, id));
        PENSTOCK_TRY(change(changed));
        return WriteModel(db, changed);
      },
      stop));
  return changed;
}

Result<LoggedModelPage> LoggedModels::Page(
    const std::string& ns, const std::vector<std::string>& experiments, std::size_t limit,
    const std::string& after, const std::function<bool(const LoggedModel&)>& keep) const {
  PENSTOCK_ASSIGN(const ModelPlace first, ParseModelPlace(after));
  if (experiments.empty()) return LoggedModelPage{};
  return Ask<LoggedModelPage>(tracking_.database(), [&](soci::session& db) {
    LoggedModelPage page;
    ModelPlace at = first;
    std::size_t bytes = 0;
    for (int seen = 0;;) {
      auto some = ReadModelsBehind(db, ns, experiments, at, bytes);
      if (some.empty()) return Result<LoggedModelPage>(std::move(page));
      for (LoggedModel& m : some) {
        if (page.models.size() == limit || seen >= kMostSeenOfPage) {
          page.next = std::to_string(at.created) + "." + at.id;
          return Result<LoggedModelPage>(std::move(page));
        }
        ++seen;
        at = {MillisecondsOf(m.created), m.id};
        if (keep(m)) page.models.push_back(std::move(m));
      }
      if (bytes > kMostTrackedBytes) seen = kMostSeenOfPage;
    }
  });
}

}  // namespace penstock::metadata
