#include "operator/cli/store/report_text.h"

#include "operator/base/json.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {
namespace {

using retention::StoreJob;

struct Sum {
  std::uint64_t files = 0, bytes = 0;
  void Add(const Json& amount) {
    files += amount.value("files", std::uint64_t{0});
    bytes += amount.value("bytes", std::uint64_t{0});
  }
};

std::string Count(std::uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

constexpr const char* kUses[] = {"inUse", "cached", "recent", "orphaned"};

std::string UseTable(const Json& namespaces, std::size_t width) {
  Table table{{"NAMESPACE", "IN USE", "CACHED", "RECENT", "ORPHANED"}, {}};
  Sum sums[std::size(kUses)];
  for (const Json& use : namespaces) {
    std::vector<std::string> row{use.value("namespace", "")};
    for (std::size_t i = 0; i < std::size(kUses); ++i) {
      const Json amount = use.value(kUses[i], Json::object());
      sums[i].Add(amount);
      row.push_back(HumanBytes(amount.value("bytes", std::uint64_t{0})));
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.size() > 1) {
    std::vector<std::string> row{"all"};
    for (const Sum& sum : sums) row.push_back(HumanBytes(sum.bytes));
    table.rows.push_back(std::move(row));
  }
  return Format(table, width);
}

std::string Removed(const Json& namespaces, bool dry_run) {
  Sum orphaned;
  std::uint64_t entries = 0;
  for (const Json& use : namespaces) {
    orphaned.Add(use.value("orphaned", Json::object()));
    entries += use.value("cacheEntries", std::uint64_t{0});
  }
  return std::string(dry_run ? "would remove " : "removed ") +
         Count(orphaned.files, "file", "files") + ", " + HumanBytes(orphaned.bytes) + ", and " +
         Count(entries, "cache entry", "cache entries");
}

ReportText UseText(const Json& report, StoreJob job, std::size_t width) {
  const Json namespaces = report.value("namespaces", Json::array());
  ReportText text;
  text.out = UseTable(namespaces, width);
  if (job == StoreJob::kCollect)
    text.err = Removed(namespaces, report.value("dryRun", false)) + "\n";
  for (const Json& use : namespaces)
    if (use.contains("error"))
      text.err +=
          "namespace " + use.value("namespace", "") + ": " + OneLine(use.value("error", "")) + "\n";
  return text;
}

ReportText VerifyText(const Json& report) {
  ReportText text;
  const Json findings = report.value("findings", Json::array());
  for (const Json& f : findings) {
    const std::string where = f.value("where", "");
    text.out += f.value("what", "") + " " + f.value("digest", "") + " in namespace " +
                f.value("namespace", "") + (where.empty() ? "" : ", of " + OneLine(where)) + "\n";
  }
  for (const Json& d : report.value("dropped", Json::array())) {
    const std::string step = d.value("step", ""), run = d.value("run", "");
    text.out += "cache entry " + d.value("key", "").substr(0, 16) + " dropped in namespace " +
                d.value("namespace", "") + (step.empty() ? "" : ", of step " + OneLine(step)) +
                (run.empty() ? "" : " of run " + OneLine(run)) +
                ": the next run of the step makes it again\n";
  }
  const std::uint64_t found = findings.size() + report.value("more", std::uint64_t{0});
  text.err =
      Count(report.value("files", std::uint64_t{0}), "file", "files") + " read, " +
      HumanBytes(report.value("bytes", std::uint64_t{0})) + ": " +
      (found == 0 ? "all as they were written" : std::to_string(found) + " altered or missing") +
      "\n";
  for (const Json& error : report.value("errors", Json::array()))
    text.err += OneLine(error.get<std::string>()) + "\n";
  return text;
}

}  // namespace

ReportText TextOf(const Json& report, StoreJob job, std::size_t width) {
  return job == StoreJob::kVerify ? VerifyText(report) : UseText(report, job, width);
}

}  // namespace penstock::cli
