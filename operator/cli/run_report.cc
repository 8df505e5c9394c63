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
  bool said = false;
  const std::string run_name = run["metadata"].value("name", "");
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    if (step.value("phase", "") != "Failed") continue;
    const std::string name = step.value("name", "");
    const bool allowed = step.value("allowed", false);
    said = said || !allowed;
    session.err << (allowed ? "warning: step " : "error: step ") << name
                << (allowed ? " failed, as it may: " : " failed: ")
                << OneLine(step.value("message", "")) << "\n";
    if (state != nullptr) ShowLogTail(*state, step.value("pod", ""), session);
    session.err << "  see `" << session.name << " logs " << run_name << " " << name << "` and `"
                << session.name << " debug " << run_name << " " << name << " --local`\n";
  }
  // What is wrong with the run itself: it could not begin, or was ended.
  const bool ended = ConditionStatus(run, "Finished") == "True";
  const std::string why = ConditionMessage(run, ended ? "Succeeded" : "Stalled");
  const bool wrong =
      ConditionStatus(run, ended ? "Succeeded" : "Stalled") == (ended ? "False" : "True");
  if (wrong && !said && !why.empty()) session.err << "error: " << OneLine(why) << "\n";
}

void ShowResults(const Json& run, const Session& session) {
  Table table{{"STEP", "RESULT", "VALUE"}, {}};
  const auto add = [&](const std::string& step, const Json& results) {
    for (const auto& [name, value] : results.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      table.rows.push_back({step, name, Elide(OneLine(text), 40)});
    }
  };
  const Json status = run.value("status", Json::object());
  for (const Json& step : status.value("steps", Json::array()))
    add(step.value("name", ""), step.value("results", Json::object()));
  add("(run)", status.value("results", Json::object()));
  if (!table.rows.empty()) session.out << "\n" << Format(table);
}

}  // namespace

bool WasRefused(const Json& run) {
  if (ConditionStatus(run, "Finished") == "True")
    return ConditionReason(run, "Succeeded") == "InvalidSpec";
  return ConditionStatus(run, "Stalled") == "True";
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
