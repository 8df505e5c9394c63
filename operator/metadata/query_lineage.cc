// What made what, over many runs: a walk from artifact to artifact in one session.
#include <deque>
#include <map>
#include <set>

#include "operator/metadata/query.h"
#include "operator/metadata/rows.h"

namespace penstock::metadata {
namespace {

constexpr int kMostReaders = 200;  // of one artifact

class Walker {
 public:
  Walker(soci::session& db, std::string ns, const LineageOptions& options)
      : db_(db), ns_(std::move(ns)), options_(options) {}

  LineageGraph Go(const std::vector<std::string>& digests) {
    if (options_.up) Follow(digests, true);
    if (options_.down) Follow(digests, false);
    return std::move(graph_);
  }

 private:
  void Follow(const std::vector<std::string>& digests, bool up) {
    std::deque<std::pair<std::string, int>> open;
    std::set<std::string> seen(digests.begin(), digests.end());
    for (const std::string& digest : digests) open.emplace_back(digest, 0);
    while (!open.empty()) {
      const auto [digest, depth] = open.front();
      open.pop_front();
      for (LineageGraph::Step& step : Steps(digest, up)) {
        if (depth >= options_.depth || graph_.steps.size() >= options_.most) {
          graph_.cut = true;
          return;
        }
        for (const std::string& next : Enter(step, up))
          if (seen.insert(next).second) open.emplace_back(next, depth + 1);
      }
    }
  }

  // Those that made the artifact, the first alone; or those that read it.
  std::vector<LineageGraph::Step> Steps(const std::string& digest, bool made) {
    const std::string direction = made ? "out" : "in";
    const int limit = made ? 1 : kMostReaders + 1;
    Rows rows = (db_.prepare << "SELECT r.uid, r.name, r.pipeline, l.step, s.component, s.started"
                                " FROM lineage l JOIN runs r ON r.uid = l.run JOIN steps s ON"
                                " s.run = l.run AND s.step = l.step WHERE l.namespace = :ns AND"
                                " l.digest = :digest AND l.direction = :direction AND"
                                " (s.cached = 0 OR l.direction = 'out')"
                                " ORDER BY s.cached, r.created, r.uid LIMIT :limit",
                 soci::use(ns_), soci::use(digest), soci::use(direction), soci::use(limit));
    std::vector<LineageGraph::Step> steps;
    for (const soci::row& row : rows)
      steps.push_back({row.get<std::string>("uid"), row.get<std::string>("name"),
                       row.get<std::string>("pipeline"), row.get<std::string>("step"),
                       row.get<std::string>("component"), TimeOf(row, "started")});
    if (!made && steps.size() > static_cast<std::size_t>(kMostReaders)) {
      steps.pop_back();
      graph_.cut = true;
    }
    return steps;
  }

  // Takes the step with all that it read and gave; the digests that the walk goes on with.
  std::vector<std::string> Enter(LineageGraph::Step& step, bool up) {
    const auto key = std::make_pair(step.run_uid, step.step);
    const auto [entry, is_new] = index_.emplace(key, graph_.steps.size());
    if (is_new) {
      graph_.steps.push_back(step);
      ReadUses(entry->second);
    }
    std::vector<std::string> next;
    for (const LineageGraph::Use& use : graph_.uses)
      if (use.step == entry->second && use.in == up && !use.what.digest.empty())
        next.push_back(use.what.digest);
    return next;
  }

  void ReadUses(std::size_t step) {
    const LineageGraph::Step& of = graph_.steps[step];
    Rows rows = (db_.prepare << "SELECT l.direction, l.name, l.digest, l.uri, l.fingerprint,"
                                " coalesce(a.type, '') AS type, coalesce(a.folder, 0) AS folder,"
                                " coalesce(a.bytes, 0) AS bytes FROM lineage l LEFT JOIN artifacts"
                                " a ON a.namespace = l.namespace AND a.digest = l.digest"
                                " WHERE l.run = :run AND l.step = :step ORDER BY l.name",
                 soci::use(of.run_uid), soci::use(of.step));
    for (const soci::row& row : rows)
      graph_.uses.push_back({step, row.get<std::string>("direction") == "in",
                             ArtifactUse{row.get<std::string>("name"), row.get<std::string>("type"),
                                         row.get<std::string>("digest"),
                                         row.get<std::string>("uri"), IntegerOf(row, "folder") != 0,
                                         static_cast<std::uint64_t>(IntegerOf(row, "bytes")),
                                         row.get<std::string>("fingerprint")}});
  }

  soci::session& db_;
  const std::string ns_;
  const LineageOptions& options_;
  LineageGraph graph_;
  std::map<std::pair<std::string, std::string>, std::size_t> index_;
};

}  // namespace

Result<LineageGraph> Query::Walk(const std::string& ns, const std::vector<std::string>& digests,
                                 const LineageOptions& options) const {
  return Ask<LineageGraph>(database_, [&](soci::session& db) {
    return Result<LineageGraph>(Walker(db, ns, options).Go(digests));
  });
}

Result<ArtifactUse> Query::Artifact(const std::string& ns, const std::string& digest) const {
  return Ask<ArtifactUse>(database_, [&](soci::session& db) -> Result<ArtifactUse> {
    Rows rows = (db.prepare << "SELECT type, folder, bytes FROM artifacts WHERE namespace = :ns"
                               " AND digest = :digest",
                 soci::use(ns), soci::use(digest));
    for (const soci::row& row : rows)
      return ArtifactUse{
          "", row.get<std::string>("type"),  digest,
          "", IntegerOf(row, "folder") != 0, static_cast<std::uint64_t>(IntegerOf(row, "bytes"))};
    return NotFound("no run of namespace " + ns + " has made or read " + digest);
  });
}

}  // namespace penstock::metadata
