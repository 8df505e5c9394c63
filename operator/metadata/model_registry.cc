#include "operator/metadata/model_registry.h"

#include <charconv>
#include <limits>

#include "operator/base/try.h"
#include "operator/metadata/model_rows.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

Error NameTaken(const std::string& ns, const std::string& name) {
  Error e = Invalid("namespace " + ns + " has a registered model of the name " + name);
  e.kind = ErrorKind::kAlreadyExists;
  return e;
}

// "<number>.<name>", of the last one that was looked at.
Result<VersionPlace> ParseVersionPlace(const std::string& text, bool oldest) {
  VersionPlace place{"", oldest ? 0 : std::numeric_limits<std::int64_t>::max()};
  if (text.empty()) return place;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, place.number);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '.')
    return Invalid("page_token is none of ours");
  place.name.assign(read.ptr + 1, end);
  return place;
}

}  // namespace

Result<void> ModelRegistry::Make(const std::string& ns, const RegisteredModel& model,
                                 const std::stop_token& stop) {
  return tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        const auto there = ReadRegistered(db, ns, model.name);
        if (!there && there.error().kind != ErrorKind::kNotFound) return there.error();
        // It was made, and the answer to that was lost with the session.
        if (there && there->key == model.key) return {};
        if (there) return NameTaken(ns, model.name);
        return WriteRegistered(db, ns, model);
      },
      stop);
}

Result<RegisteredModel> ModelRegistry::Get(const std::string& ns, const std::string& name) const {
  return Ask<RegisteredModel>(tracking_.database(),
                              [&](soci::session& db) { return ReadRegistered(db, ns, name); });
}

Result<RegisteredModel> ModelRegistry::Change(
    const std::string& ns, const std::string& name,
    const std::function<Result<void>(RegisteredModel&)>& change, const std::stop_token& stop) {
  RegisteredModel changed;
  PENSTOCK_TRY(tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(changed, ReadRegistered(db, ns, name));
        PENSTOCK_TRY(change(changed));
        return WriteRegistered(db, ns, changed);
      },
      stop));
  return changed;
}

Result<RegisteredModel> ModelRegistry::Rename(const std::string& ns, const std::string& name,
                                              const std::string& to, TimePoint now,
                                              const std::stop_token& stop) {
  RegisteredModel renamed;
  PENSTOCK_TRY(tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(renamed, ReadRegistered(db, ns, name));
        if (name == to) return {};
        const auto taken = ReadRegistered(db, ns, to);
        if (taken) return NameTaken(ns, to);
        if (taken.error().kind != ErrorKind::kNotFound) return taken.error();
        // Versions and aliases follow (ON UPDATE CASCADE).
        db << "UPDATE registered_models SET name = :to WHERE namespace = :ns AND name = :name",
            soci::use(to), soci::use(ns), soci::use(name);
        renamed.name = to;
        renamed.changed = now;
        return WriteRegistered(db, ns, renamed);
      },
      stop));
  return renamed;
}

Result<void> ModelRegistry::Remove(const std::string& ns, const std::string& name,
                                   const std::stop_token& stop) {
  return tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_TRY(ReadRegistered(db, ns, name));
        // Versions and aliases go, too (ON DELETE CASCADE).
        db << "DELETE FROM registered_models WHERE namespace = :ns AND name = :name", soci::use(ns),
            soci::use(name);
        return {};
      },
      stop);
}

Result<RegisteredModelPage> ModelRegistry::Page(
    const std::string& ns, std::size_t limit, const std::string& after,
    const std::function<bool(const RegisteredModel&)>& keep) const {
  return Ask<RegisteredModelPage>(tracking_.database(), [&](soci::session& db) {
    RegisteredModelPage page;
    std::string last = after;
    std::size_t bytes = 0;
    for (int seen = 0;;) {
      auto some = ReadRegisteredBehind(db, ns, last, bytes);
      if (some.empty()) return Result<RegisteredModelPage>(std::move(page));
      for (RegisteredModel& model : some) {
        if (page.models.size() == limit || seen >= kMostSeenOfPage) {
          page.next = last;
          return Result<RegisteredModelPage>(std::move(page));
        }
        ++seen;
        last = model.name;
        if (keep(model)) page.models.push_back(std::move(model));
      }
      if (bytes > kMostTrackedBytes) seen = kMostSeenOfPage;
    }
  });
}

Result<ModelVersion> ModelRegistry::AddVersion(const std::string& ns, const ModelVersion& version,
                                               const std::stop_token& stop) {
  ModelVersion added;
  PENSTOCK_TRY(tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(RegisteredModel model, ReadRegistered(db, ns, version.name));
        const auto last = ReadVersion(db, ns, version.name, model.newest);
        if (!last && last.error().kind != ErrorKind::kNotFound) return last.error();
        // It was made, and the answer to that was lost with the session.
        if (last && last->key == version.key) {
          added = *last;
          return {};
        }
        added = version;
        added.number = ++model.newest;
        model.changed = version.created;
        PENSTOCK_TRY(WriteRegistered(db, ns, model));
        return WriteVersion(db, ns, added);
      },
      stop));
  return added;
}

Result<ModelVersion> ModelRegistry::Version(const std::string& ns, const std::string& name,
                                            std::int64_t number) const {
  return Ask<ModelVersion>(tracking_.database(),
                           [&](soci::session& db) { return ReadVersion(db, ns, name, number); });
}

Result<ModelVersion> ModelRegistry::OfAlias(const std::string& ns, const std::string& name,
                                            const std::string& alias) const {
  return Ask<ModelVersion>(tracking_.database(), [&](soci::session& db) {
    return ReadVersionOfAlias(db, ns, name, alias);
  });
}

Result<std::optional<ModelVersion>> ModelRegistry::Newest(const std::string& ns,
                                                          const std::string& name) const {
  auto newest = Ask<ModelVersion>(
      tracking_.database(), [&](soci::session& db) { return ReadNewestVersion(db, ns, name); });
  if (newest) return std::optional<ModelVersion>(*std::move(newest));
  if (newest.error().kind == ErrorKind::kNotFound) return std::optional<ModelVersion>();
  return newest.error();
}

Result<ModelVersion> ModelRegistry::ChangeVersion(
    const std::string& ns, const std::string& name, std::int64_t number,
    const std::function<Result<void>(ModelVersion&)>& change, const std::stop_token& stop) {
  ModelVersion changed;
  PENSTOCK_TRY(tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(changed, ReadVersion(db, ns, name, number));
        PENSTOCK_TRY(change(changed));
        return WriteVersion(db, ns, changed);
      },
      stop));
  return changed;
}

Result<void> ModelRegistry::RemoveVersion(const std::string& ns, const std::string& name,
                                          std::int64_t number, TimePoint now,
                                          const std::stop_token& stop) {
  return tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_TRY(ReadVersion(db, ns, name, number));
        PENSTOCK_ASSIGN(RegisteredModel model, ReadRegistered(db, ns, name));
        const long long gone = number;
        // Aliases of it go, too (ON DELETE CASCADE).
        db << "DELETE FROM model_versions WHERE namespace = :ns AND name = :name AND"
              " version = :version",
            soci::use(ns), soci::use(name), soci::use(gone);
        model.changed = now;
        return WriteRegistered(db, ns, model);
      },
      stop);
}

Result<ModelVersionPage> ModelRegistry::Versions(
    const std::string& ns, const std::string& only, bool oldest, std::size_t limit,
    const std::string& after, const std::function<bool(const ModelVersion&)>& keep) const {
  PENSTOCK_ASSIGN(const VersionPlace first, ParseVersionPlace(after, oldest));
  return Ask<ModelVersionPage>(tracking_.database(), [&](soci::session& db) {
    ModelVersionPage page;
    VersionPlace at = first;
    std::size_t bytes = 0;
    for (int seen = 0;;) {
      auto some = ReadVersionsBehind(db, ns, only, oldest, at, bytes);
      if (some.empty()) return Result<ModelVersionPage>(std::move(page));
      for (ModelVersion& version : some) {
        if (page.versions.size() == limit || seen >= kMostSeenOfPage) {
          page.next = std::to_string(at.number) + "." + at.name;
          return Result<ModelVersionPage>(std::move(page));
        }
        ++seen;
        at = {version.name, version.number};
        if (keep(version)) page.versions.push_back(std::move(version));
      }
      if (bytes > kMostTrackedBytes) seen = kMostSeenOfPage;
    }
  });
}

Result<void> ModelRegistry::SetAlias(const std::string& ns, const std::string& name,
                                     const std::string& alias, std::int64_t number, TimePoint now,
                                     const std::stop_token& stop) {
  return tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_TRY(ReadVersion(db, ns, name, number));
        PENSTOCK_ASSIGN(RegisteredModel model, ReadRegistered(db, ns, name));
        if (model.aliases.size() >= kMostAliases && !model.aliases.contains(alias))
          return Invalid("a registered model has at most " + std::to_string(kMostAliases) +
                         " aliases");
        const long long to = number;
        db << "INSERT INTO model_aliases(namespace, name, alias, version)"
              " VALUES(:ns, :name, :alias, :version) ON CONFLICT(namespace, name, alias)"
              " DO UPDATE SET version = excluded.version",
            soci::use(ns), soci::use(name), soci::use(alias), soci::use(to);
        model.changed = now;
        return WriteRegistered(db, ns, model);
      },
      stop);
}

Result<void> ModelRegistry::RemoveAlias(const std::string& ns, const std::string& name,
                                        const std::string& alias, TimePoint now,
                                        const std::stop_token& stop) {
  return tracking_.Write(
      [&](soci::session& db) -> Result<void> {
        PENSTOCK_ASSIGN(RegisteredModel model, ReadRegistered(db, ns, name));
        if (!model.aliases.contains(alias))
          return NotFound("the registered model " + name + " has no alias " + alias);
        db << "DELETE FROM model_aliases WHERE namespace = :ns AND name = :name AND"
              " alias = :alias",
            soci::use(ns), soci::use(name), soci::use(alias);
        model.changed = now;
        return WriteRegistered(db, ns, model);
      },
      stop);
}

}  // namespace penstock::metadata
