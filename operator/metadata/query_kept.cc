// What history says of artifacts, for whoever must not lose them.
#include <soci.h>

#include "operator/base/json.h"
#include "operator/metadata/packed.h"
#include "operator/metadata/query.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

// At a time: what one answer holds is theirs alone.
constexpr int kRunsAtOnce = 200;

constexpr const char* kKept =
    " WHERE r.namespace = :ns AND r.uid > :after AND r.uid <= :last"
    " AND (r.finished IS NULL OR r.finished >= :since)";

class KeptRuns {
 public:
  KeptRuns(soci::session& db, const std::string& ns, TimePoint since)
      : db_(db),
        ns_(ns),
        since_(std::chrono::duration_cast<Milliseconds>(since.time_since_epoch()).count()) {}

  // Goes on to the next few runs, in the order of their UIDs; false behind the last.
  bool Next() {
    after_ = last_;
    std::string uid;
    soci::statement st =
        (db_.prepare << "SELECT uid FROM runs WHERE namespace = :ns AND uid > :after AND"
                        " (finished IS NULL OR finished >= :since) ORDER BY uid LIMIT :limit",
         soci::use(ns_, "ns"), soci::use(after_, "after"), soci::use(since_, "since"),
         soci::use(kRunsAtOnce, "limit"), soci::into(uid));
    st.execute();
    while (st.fetch()) last_ = uid;
    return last_ != after_;
  }

  void Each(const std::string& column, const std::string& joined,
            const std::function<void(const std::string&)>& sink) {
    std::string text;
    soci::statement st =
        (db_.prepare << "SELECT DISTINCT " + column + " FROM runs r JOIN " + joined + kKept,
         soci::use(ns_, "ns"), soci::use(after_, "after"), soci::use(last_, "last"),
         soci::use(since_, "since"), soci::into(text));
    st.execute();
    while (st.fetch()) sink(text);
  }

 private:
  soci::session& db_;
  const std::string& ns_;
  const long long since_;
  std::string after_, last_;  // UIDs: behind the one, up to the other
};

// Documents of what programs logged, which name its files.
void EachDocument(soci::session& db, const std::string& table, const std::string& ns,
                  const std::function<void(const std::string&)>& sink) {
  std::string document;
  soci::statement st = (db.prepare << "SELECT document FROM " + table + " WHERE namespace = :ns",
                        soci::use(ns, "ns"), soci::into(document));
  st.execute();
  while (st.fetch()) sink(document);
}

}  // namespace

Result<void> Query::EachKept(const std::string& ns, TimePoint since, const KeptSinks& sinks) const {
  auto read = Ask<bool>(database_, [&](soci::session& db) -> Result<bool> {
    // Files of a run or model that a program logged stay as long as it does, however old it is.
    for (const char* table : {"tracked", "logged_models"}) EachDocument(db, table, ns, sinks.text);
    KeptRuns runs(db, ns, since);
    while (runs.Next()) {
      runs.Each("l.digest", "lineage l ON l.run = r.uid AND l.digest <> ''", sinks.text);
      runs.Each("s.object", "stories s ON s.run = r.uid", [&](const std::string& packed) {
        // One that is damaged tells nobody anything; its run's digests stand in the lineage too.
        if (const auto text = Unpack(packed)) sinks.text(*text);
      });
      runs.Each("v.object", "revisions v ON v.namespace = r.namespace AND v.name = r.revision",
                [&](const std::string& text) {
                  if (const auto revision = ParseJson(text, "a revision")) sinks.spec(*revision);
                });
    }
    return true;
  });
  if (read || read.error().kind == ErrorKind::kNotFound) return {};
  return read.error();
}

}  // namespace penstock::metadata
