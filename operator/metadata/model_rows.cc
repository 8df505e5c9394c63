#include "operator/metadata/model_rows.h"

#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

constexpr const char* kModels =
    "SELECT name, created, changed, newest, document FROM registered_models";
// v: of the versions.
constexpr const char* kVersions =
    "SELECT v.name, v.version, v.created, v.changed, v.document FROM model_versions v";

void ReadAliases(soci::session& db, const std::string& ns, RegisteredModel& model) {
  Rows rows = (db.prepare << "SELECT alias, version FROM model_aliases WHERE namespace = :ns AND"
                             " name = :name ORDER BY alias",
               soci::use(ns), soci::use(model.name));
  for (const soci::row& row : rows)
    model.aliases[row.get<std::string>("alias")] = IntegerOf(row, "version");
}

void ReadAliases(soci::session& db, const std::string& ns, ModelVersion& version) {
  const long long number = version.number;
  Rows rows = (db.prepare << "SELECT alias FROM model_aliases WHERE namespace = :ns AND"
                             " name = :name AND version = :version ORDER BY alias",
               soci::use(ns), soci::use(version.name), soci::use(number));
  for (const soci::row& row : rows) version.aliases.push_back(row.get<std::string>("alias"));
}

RegisteredModel ToRegistered(const soci::row& row) {
  RegisteredModel m;
  m.name = row.get<std::string>("name");
  m.created = *TimeOf(row, "created");
  m.changed = *TimeOf(row, "changed");
  m.newest = IntegerOf(row, "newest");
  const Json document = ParseStored(row.get<std::string>("document"));
  document.at("key").get_to(m.key);
  document.at("description").get_to(m.description);
  document.at("tags").get_to(m.tags);
  return m;
}

ModelVersion ToVersion(const soci::row& row) {
  ModelVersion v;
  v.name = row.get<std::string>("name");
  v.number = IntegerOf(row, "version");
  v.created = *TimeOf(row, "created");
  v.changed = *TimeOf(row, "changed");
  const Json document = ParseStored(row.get<std::string>("document"));
  document.at("key").get_to(v.key);
  document.at("description").get_to(v.description);
  document.at("user").get_to(v.user);
  document.at("source").get_to(v.source);
  document.at("location").get_to(v.location);
  document.at("run").get_to(v.run);
  document.at("runLink").get_to(v.run_link);
  document.at("loggedModel").get_to(v.logged_model);
  document.at("tags").get_to(v.tags);
  return v;
}

// The version of the one row, with its aliases.
std::optional<ModelVersion> OneVersion(soci::session& db, const std::string& ns, Rows& rows) {
  std::optional<ModelVersion> version;
  for (const soci::row& row : rows) version = ToVersion(row);
  if (version) ReadAliases(db, ns, *version);
  return version;
}

Result<void> CheckBounds(const char* what, std::size_t tags, std::size_t bytes) {
  if (tags <= kMostRegistryTags && bytes <= kMostRegistryBytes) return {};
  return Invalid(std::string(what) + " has at most " + std::to_string(kMostRegistryTags) +
                 " tags, which hold with its other texts at most 64 KiB together");
}

}  // namespace

Result<RegisteredModel> ReadRegistered(soci::session& db, const std::string& ns,
                                       const std::string& name) {
  std::optional<RegisteredModel> model;
  {
    Rows rows = (db.prepare << std::string(kModels) + " WHERE namespace = :ns AND name = :name",
                 soci::use(ns), soci::use(name));
    for (const soci::row& row : rows) model = ToRegistered(row);
  }
  if (!model)
    return NotFound("there is no registered model of the name " + name + " in namespace " + ns);
  ReadAliases(db, ns, *model);
  return *std::move(model);
}

Result<void> WriteRegistered(soci::session& db, const std::string& ns, const RegisteredModel& m) {
  const std::string document =
      Json{{"key", m.key}, {"description", m.description}, {"tags", m.tags}}.dump();
  if (auto fits = CheckBounds("a registered model", m.tags.size(), document.size()); !fits)
    return fits;
  const long long created = MillisecondsOf(m.created), changed = MillisecondsOf(m.changed),
                  newest = m.newest;
  db << "INSERT INTO registered_models(namespace, name, created, changed, newest, document)"
        " VALUES(:ns, :name, :created, :changed, :newest, :document) ON CONFLICT(namespace, name)"
        " DO UPDATE SET changed = excluded.changed, newest = excluded.newest,"
        " document = excluded.document",
      soci::use(ns), soci::use(m.name), soci::use(created), soci::use(changed), soci::use(newest),
      soci::use(document);
  return {};
}

std::vector<RegisteredModel> ReadRegisteredBehind(soci::session& db, const std::string& ns,
                                                  const std::string& name, std::size_t& bytes) {
  std::vector<RegisteredModel> some;
  {
    Rows rows = (db.prepare << std::string(kModels) +
                                   " WHERE namespace = :ns AND name > :name"
                                   " ORDER BY name LIMIT 20",
                 soci::use(ns), soci::use(name));
    for (const soci::row& row : rows) {
      bytes += row.get<std::string>("document").size();
      some.push_back(ToRegistered(row));
    }
  }
  for (RegisteredModel& model : some) ReadAliases(db, ns, model);
  return some;
}

Result<ModelVersion> ReadVersion(soci::session& db, const std::string& ns, const std::string& name,
                                 std::int64_t number) {
  const long long wanted = number;
  std::optional<ModelVersion> version;
  {
    Rows rows = (db.prepare << std::string(kVersions) +
                                   " WHERE v.namespace = :ns AND"
                                   " v.name = :name AND v.version = :version",
                 soci::use(ns), soci::use(name), soci::use(wanted));
    version = OneVersion(db, ns, rows);
  }
  if (version) return *std::move(version);
  return NotFound("the registered model " + name + " of namespace " + ns + " has no version " +
                  std::to_string(number));
}

Result<ModelVersion> ReadVersionOfAlias(soci::session& db, const std::string& ns,
                                        const std::string& name, const std::string& alias) {
  // In one statement: between two the alias could move, and what it pointed to could go.
  Rows rows = (db.prepare << std::string(kVersions) +
                                 " JOIN model_aliases a ON a.namespace = v.namespace AND"
                                 " a.name = v.name AND a.version = v.version WHERE"
                                 " a.namespace = :ns AND a.name = :name AND a.alias = :alias",
               soci::use(ns), soci::use(name), soci::use(alias));
  if (auto version = OneVersion(db, ns, rows)) return *std::move(version);
  return NotFound("the registered model " + name + " of namespace " + ns + " has no alias " +
                  alias);
}

Result<ModelVersion> ReadNewestVersion(soci::session& db, const std::string& ns,
                                       const std::string& name) {
  Rows rows = (db.prepare << std::string(kVersions) +
                                 " WHERE v.namespace = :ns AND v.name = :name"
                                 " ORDER BY v.version DESC LIMIT 1",
               soci::use(ns), soci::use(name));
  if (auto version = OneVersion(db, ns, rows)) return *std::move(version);
  return NotFound("the registered model " + name + " of namespace " + ns + " has no version");
}

Result<void> WriteVersion(soci::session& db, const std::string& ns, const ModelVersion& v) {
  const std::string document =
      Json{{"key", v.key},          {"description", v.description},  {"user", v.user},
           {"source", v.source},    {"location", v.location},        {"run", v.run},
           {"runLink", v.run_link}, {"loggedModel", v.logged_model}, {"tags", v.tags}}
          .dump();
  if (auto fits = CheckBounds("a version of a model", v.tags.size(), document.size()); !fits)
    return fits;
  const long long number = v.number, created = MillisecondsOf(v.created),
                  changed = MillisecondsOf(v.changed);
  db << "INSERT INTO model_versions(namespace, name, version, created, changed, document)"
        " VALUES(:ns, :name, :version, :created, :changed, :document)"
        " ON CONFLICT(namespace, name, version) DO UPDATE SET changed = excluded.changed,"
        " document = excluded.document",
      soci::use(ns), soci::use(v.name), soci::use(number), soci::use(created), soci::use(changed),
      soci::use(document);
  return {};
}

std::vector<ModelVersion> ReadVersionsBehind(soci::session& db, const std::string& ns,
                                             const std::string& only, bool oldest,
                                             const VersionPlace& place, std::size_t& bytes) {
  const std::string order = oldest ? "ASC" : "DESC", than = oldest ? ">" : "<";
  const long long number = place.number;
  std::vector<ModelVersion> some;
  {
    auto ask = (db.prepare << std::string(kVersions) + " WHERE v.namespace = :ns AND (v.name > " +
                                  ":above OR (v.name = :same AND v.version " + than +
                                  " :version))" + (only.empty() ? "" : " AND v.name = :only") +
                                  " ORDER BY v.name, v.version " + order + " LIMIT 20",
                soci::use(ns, "ns"), soci::use(place.name, "above"), soci::use(place.name, "same"),
                soci::use(number, "version"));
    if (!only.empty()) (ask, soci::use(only, "only"));
    Rows rows(ask);
    for (const soci::row& row : rows) {
      bytes += row.get<std::string>("document").size();
      some.push_back(ToVersion(row));
    }
  }
  for (ModelVersion& version : some) ReadAliases(db, ns, version);
  return some;
}

}  // namespace penstock::metadata
