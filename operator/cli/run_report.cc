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

// The end of a failed step's log, which most often says why.
void ShowFailures(const Json& run, const State& state, const Session& session) {
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    if (step.value("phase", "") != "Failed") continue;
    const std::string name = step.value("name", ""), pod = step.value("pod", "");
    session.err << "error: step " << name << " failed: " << OneLine(step.value("message", ""))
                << "\n";
    std::ifstream log(local::PathsOf(state.root(), kLocalNamespace, pod).log);
    std::deque<std::string> tail;
    for (std::string line; std::getline(log, line);) {
      tail.push_back(std::move(line));
      if (tail.size() > kLogTail) tail.pop_front();
    }
    for (const std::string& line : tail) session.err << "  | " << OneLine(line) << "\n";
    session.err << "  see `" << session.name << " logs " << run["metadata"].value("name", "") << " "
                << name << "` and `" << session.name << " debug "
                << run["metadata"].value("name", "") << " " << name << " --local`\n";
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

void ReportRun(const Json& run, const RunOptions& options, const State& state,
               const Session& session) {
  const OutputFormat format = *ParseOutputFormat(options.output);
  if (format == OutputFormat::kJson) {
    session.out << ToJsonText({run}, true);
  } else if (format == OutputFormat::kYaml) {
    session.out << ToYamlText({run}, true);
  } else if (format == OutputFormat::kName) {
    session.out << ToNames(kube::kPipelineRuns, {run});
  } else {
    const auto width = static_cast<std::size_t>(session.width);
    session.out << "\n"
                << Format(StepTable(run, format == OutputFormat::kWide, width, session.clock.Now()),
                          width);
    ShowResults(run, session);
    const Json table_run = run;
    session.out << "\n"
                << Format(TableOf(kube::kPipelineRuns, {table_run}, {}, session.clock.Now()),
                          width);
  }
  if (WasRefused(run)) {
    session.err << "error: " << ConditionMessage(run, "Stalled") << "\n";
  }
  ShowFailures(run, state, session);
}

}  // namespace penstock::cli
