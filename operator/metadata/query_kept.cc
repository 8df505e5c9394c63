// What history says of artifacts, for whoever must not lose them.
#include <soci.h>

#include "operator/base/json.h"
#include "operator/metadata/packed.h"
#include "operator/metadata/query.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

constexpr const char* kKeptRuns =
    " FROM runs r JOIN %s WHERE r.namespace = :ns AND (r.finished IS NULL OR r.finished >= :since)";

std::string Select(const std::string& columns, const std::string& joined) {
  std::string text = "SELECT DISTINCT " + columns + kKeptRuns;
  return text.replace(text.find("%s"), 2, joined);
}

}  // namespace

Result<void> Query::EachKept(const std::string& ns, TimePoint since, const KeptSinks& sinks) const {
  const long long from = std::chrono::duration_cast<Milliseconds>(since.time_since_epoch()).count();
  auto read = Ask<bool>(path_, [&](soci::session& db) -> Result<bool> {
    const auto rows = [&](const std::string& sql) -> Rows {
      return (db.prepare << sql, soci::use(ns, "ns"), soci::use(from, "since"));
    };
    for (const soci::row& row :
         rows(Select("l.digest AS text", "lineage l ON l.run = r.uid") + " AND l.digest <> ''"))
      sinks.text(row.get<std::string>("text"));
    for (const soci::row& row : rows(Select("s.object AS text", "stories s ON s.run = r.uid"))) {
      // One that is damaged tells nobody anything; its run's digests stand in the lineage too.
      if (const auto text = Unpack(row.get<std::string>("text"))) sinks.text(*text);
    }
    for (const soci::row& row :
         rows(Select("v.object AS text",
                     "revisions v ON v.namespace = r.namespace AND v.name = r.revision"))) {
      if (const auto revision = ParseJson(row.get<std::string>("text"), "a revision"))
        sinks.spec(*revision);
    }
    return true;
  });
  if (read || read.error().kind == ErrorKind::kNotFound) return {};
  return read.error();
}

}  // namespace penstock::metadata
