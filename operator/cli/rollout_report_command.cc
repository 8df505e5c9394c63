// penstock rollout report: what a version was rejected or rolled back for, from its report in the
// store of the cluster.
#include <algorithm>
#include <ostream>

#include "operator/api/codec.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/copy_folder.h"
#include "operator/cli/objects/table.h"
#include "operator/kube/resources.h"
#include "operator/plan/rollout/report.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kMostOfAReport = 8UL << 20;

// The entry that is asked for: of the version, or the newest that has a report.
Result<api::ModelHistoryEntry> FindEntry(const api::ModelDeployment& md, std::int64_t version) {
  const auto refused = [](const auto& h) { return h.outcome != "Promoted" && h.to == 0; };
  const auto& history = md.status.history;
  const auto found = std::find_if(history.begin(), history.end(), [&](const auto& h) {
    return refused(h) && (version == 0 ? !h.report.empty() : h.version == version);
  });
  const std::string of = md.meta.name;
  if (found != history.end() && !found->report.empty()) return *found;
  if (found != history.end())
    return NotFound("version " + std::to_string(version) + " of " + of + " was " +
                    (found->outcome == "Rejected" ? "rejected" : "rolled back") + " (" +
                    found->reason +
                    ") and has no report: it is stored within seconds, and not "
                    "for versions that an earlier release refused");
  if (version != 0)
    return NotFound("the history of " + of + " has no version " + std::to_string(version) +
                    " that was rejected or rolled back: `penstock rollout status " + of + "`");
  return NotFound("the history of " + of +
                  " has no version that was rejected or rolled back with "
                  "a report");
}

std::string OrNone(const std::string& text) { return text.empty() ? "-" : text; }

void PrintReport(const Json& report, const std::string& digest, Session& session) {
  const Json& md = Member(report, "modelDeployment");
  session.out << TextAt(md, "namespace") << "/" << TextAt(md, "name") << ", version "
              << Member(report, "version").dump() << ": " << TextAt(report, "outcome") << " "
              << TextAt(report, "time") << "\n"
              << OneLine(TextAt(report, "reason")) << "\n\n";
  Table table;
  table.header = {"GATE", "VERDICT", "VALUE", "LOWER", "UPPER", "SAMPLES", "MESSAGE"};
  if (const Json& gates = Member(report, "gates"); gates.is_array())
    for (const Json& g : gates)
      table.rows.push_back({TextAt(g, "name"), OrNone(TextAt(g, "verdict")),
                            OrNone(TextAt(g, "value")), OrNone(TextAt(g, "lower")),
                            OrNone(TextAt(g, "upper")),
                            Member(g, "samples").is_null() ? "0" : Member(g, "samples").dump(),
                            OneLine(TextAt(g, "message"))});
  if (!table.rows.empty())
    session.out << Format(table, static_cast<std::size_t>(session.width)) << "\n";
  session.out << "artifact " << digest << "; -o html has it as a page\n";
}

}  // namespace

int RolloutReport(const RolloutOptions& options, const ArtifactOptions& artifact,
                  Session& session) {
  if (!options.output.empty() && options.output != "json" && options.output != "html")
    return session.Fail(kUsage, "-o " + options.output + " is not known; there are json and html");
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const auto object =
      cluster->client->Get(kube::kModelDeployments, cluster->namespace_, options.name);
  if (!object) return session.Fail(kFailed, object.error().message);
  const auto entry = FindEntry(api::DecodeModelDeployment(*object).value, options.version);
  if (!entry) return session.Fail(kFailed, entry.error().message);
  const Result<CopyFolder> folder = CopyFolder::Create("report");
  if (!folder) return session.Fail(kFailed, folder.error().message);
  ArtifactOptions of_report = artifact;
  of_report.source = entry->report;
  const auto copy = folder->path() / "copy";
  if (const auto got = CopyClusterArtifact(of_report, copy, session); !got)
    return session.Fail(kFailed, "the report of version " + std::to_string(entry->version) + ": " +
                                     got.error().message);
  const auto text =
      ReadFile(copy / (options.output == "html" ? rollout::kReportPage : rollout::kReportJson),
               kMostOfAReport);
  if (!text) return session.Fail(kFailed, text.error().message);
  if (!options.output.empty()) {
    session.out << *text;
    return kOk;
  }
  const Json report = Json::parse(*text, nullptr, false);
  if (!report.is_object())
    return session.Fail(kFailed, "artifact " + entry->report + " holds no report of a rollout");
  PrintReport(report, entry->report, session);
  return kOk;
}

}  // namespace penstock::cli
