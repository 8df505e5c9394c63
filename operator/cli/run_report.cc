#include "operator/cli/run_report.h"

#include <deque>
#include <fstream>
#include <ostream>

#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"

namespace penstock::cli {
namespace {

constexpr int kLogTail = 15;

void ShowLogTail(const State& state, const std::string& pod, const Session& session) {
  std::ifstream log(local::PathsOf(state.root(), kLocalNamespace, pod).log);
  std::deque<std::string> tail;
  for (std::string line; std::getline(log, line);) {
    tail.push_back(std::move(line));
    if (tail.size() > kLogTail) tail.pop_front();
  }
  for (const std::string& line : tail) session.err << "  | " << OneLine(line) << "\n";
}

// Why each failed step did, the end of its log, and where to look further.
void ShowTrouble(const Json& run, const State* state, const Session& session) {
  if (WasRefused(run)) session.err << "error: " << ConditionMessage(run, "Stalled") << "\n";
  const std::string run_name = run["metadata"].value("name", "");
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    if (step.value("phase", "") != "Failed") continue;
    const std::string name = step.value("name", "");
    session.err << "error: step " << name << " failed: " << OneLine(step.value("message", ""))
                << "\n";
    if (state != nullptr) ShowLogTail(*state, step.value("pod", ""), session);
    session.err << "  see `" << session.name << " logs " << run_name << " " << name << "` and `"
                << session.name << " debug " << run_name << " " << name << " --local`\n";
  }
}

void ShowResults(const Json& run, const Session& session) {
  Table table{{"STEP", "RESULT", "VALUE"}, {}};
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    const Json results = step.value("results", Json::object());
    for (const auto& [name, value] : results.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      table.rows.push_back({step.value("name", ""), name, Elide(OneLine(text), 40)});
    }
  }
  if (!table.rows.empty()) session.out << "\n" << Format(table);
}

}  // namespace

bool WasRefused(const Json& run) {
  return ConditionStatus(run, "Finished") != "True" && ConditionStatus(run, "Stalled") == "True";
}

Json NotStarted(const RunChange& unchanged) {
  return {{"started", false}, {"since", unchanged.since}};
}

void ReportRun(const Json& run, const RunOptions& options, const State* state,
               const Session& session) {
  if (run.contains("started")) {
    session.out << "unchanged since run " << run.value("since", "") << ": nothing is started\n";
    return;
  }
  const OutputFormat format = *ParseOutputFormat(options.output);
  const auto width = static_cast<std::size_t>(session.width);
  session.out << "\n"
              << Format(StepTable(run, format == OutputFormat::kWide, width, session.clock.Now()),
                        width);
  ShowResults(run, session);
  session.out << "\n"
              << Format(TableOf(kube::kPipelineRuns, {run}, {}, session.clock.Now()), width);
  ShowTrouble(run, state, session);
}

void ReportRuns(const std::vector<Json>& runs, const RunOptions& options, const State* state,
                const Session& session) {
  const OutputFormat format = *ParseOutputFormat(options.output);
  const bool single = runs.size() == 1;
  if (format == OutputFormat::kJson) session.out << ToJsonText(runs, single);
  if (format == OutputFormat::kYaml) session.out << ToYamlText(runs, single);
  for (const Json& run : runs) {
    if (run.contains("started")) continue;  // says it all
    if (format == OutputFormat::kName) session.out << ToNames(kube::kPipelineRuns, {run});
    ShowTrouble(run, state, session);
  }
}

}  // namespace penstock::cli
