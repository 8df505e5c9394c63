// penstock run: the runs that the files mean, on this machine.
#include <algorithm>
#include <ostream>
#include <variant>

#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/local_run.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/source_watch.h"
#include "operator/cli/run_refusals.h"
#include "operator/cli/run_report.h"
#include "operator/cli/run_start.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// What a run's manifest asks for and only a cluster does.
void NoteLeftOut(const Choice& choice, Progress& progress) {
  if (!choice.run || !choice.run->spec.ttl_after_finished) return;
  progress.Note("note: ttlAfterFinished is left to a cluster; here the newest " +
                std::to_string(kKeepRuns) + " runs of each pipeline are kept");
}

// All of them, one after the other; the code is the worst.
int RunAll(const Manifests& manifests, const CheckedFiles& files, const RunOptions& options,
           const Session& session, const State& state, Progress& progress) {
  const OutputFormat format = *ParseOutputFormat(options.output);
  const bool table = format == OutputFormat::kTable || format == OutputFormat::kWide;
  std::vector<Json> runs;
  int worst = kOk;
  for (const Choice& choice : files.choices) {
    if (session.interrupted.stop_requested()) {
      progress.Note("not run: " + choice.pipeline.meta.name);
      worst = std::max(worst, kFailed);
      continue;
    }
    if (files.choices.size() > 1) progress.Begin(choice.pipeline.meta.name);
    NoteLeftOut(choice, progress);
    auto made = PrepareRun(manifests, files, choice, options, session, state);
    if (const Told* told = std::get_if<Told>(&made)) {
      worst = std::max(worst, told->code);
      continue;
    }
    Json run;
    worst = std::max(worst,
                     RunHere(std::get<PreparedRun>(made), options, session, state, progress, run));
    if (run.is_null()) continue;
    if (table) ReportRun(run, options, &state, session);
    runs.push_back(std::move(run));
  }
  if (!table && !runs.empty()) ReportRuns(runs, options, &state, session);
  return worst;
}

// On a cluster these would run by change.
void NoteNotRun(const Manifests& manifests, const CheckedFiles& files, Progress& progress) {
  if (!files.choices.front().run) return;  // one Pipeline alone
  for (const auto& pipeline : manifests.pipelines) {
    const std::string& name = pipeline.value.meta.name;
    const bool named =
        std::any_of(files.choices.begin(), files.choices.end(),
                    [&](const Choice& choice) { return choice.pipeline.meta.name == name; });
    if (!named) {
      progress.Note("note: Pipeline " + name +
                    " is not run: no PipelineRun of the files names it; --pipeline " + name +
                    " runs it");
    }
  }
}

int RunOnce(const RunOptions& options, Session& session, const State& state,
            std::vector<fs::path>& sources) {
  const Manifests manifests = LoadManifests(options.files, session.directory, session.in);
  sources = SourcesOf(manifests, session.directory);
  const bool table = options.output.empty() || options.output == "wide";
  Progress progress(table ? session.out : session.err, table && session.terminal,
                    static_cast<std::size_t>(session.width));
  auto checked = CheckFiles(manifests, options, session);
  if (const Told* told = std::get_if<Told>(&checked)) return told->code;
  const std::vector<std::string> wrong =
      WrongApprovals(manifests, std::get<CheckedFiles>(checked), options, session);
  for (const std::string& why : wrong) session.err << "error: " << why << "\n";
  if (!wrong.empty()) return kInvalidSpec;
  for (const auto& model : manifests.models) {
    progress.Note("note: ModelDeployment " + model.value.meta.name + " is left to a cluster; `" +
                  session.name + " serve` serves its model here");
  }
  if (options.pipeline.empty()) NoteNotRun(manifests, std::get<CheckedFiles>(checked), progress);
  return RunAll(manifests, std::get<CheckedFiles>(checked), options, session, state, progress);
}

}  // namespace

int RunPipeline(const RunOptions& options, Session& session) {
  if (const auto format = ParseOutputFormat(options.output); !format) {
    return session.Fail(kUsage, format.error().message);
  }
  if (State::AsksForCluster(session)) return RunOnCluster(options, session);
  if (options.watch && std::count(options.files.begin(), options.files.end(), "-") > 0) {
    return session.Fail(kUsage, "--watch needs files, not stdin");
  }
  if (const std::string name = PipelinesNameIn(options, session); !name.empty()) {
    return session.Fail(kInvalidSpec, "there is no file or folder " + name + " here; `" +
                                          session.name + " run " + name +
                                          " --cluster` runs the Pipeline of that name there");
  }
  const State state = State::Of(session);
  if (Result<void> created = state.Create(); !created) return session.Fail(created.error());
  const Result<StateLock> lock = StateLock::Take(state);
  if (!lock) return session.Fail(kFailed, lock.error().message);
  if (Result<void> closed = CloseInterruptedRuns(state, session.clock.Now()); !closed) {
    return session.Fail(kFailed, closed.error().message);
  }
  std::vector<fs::path> sources;
  int code = RunOnce(options, session, state, sources);
  while (options.watch && !session.interrupted.stop_requested()) {
    session.out << "\nwatching " << sources.size() << " files and folders; Ctrl-C ends\n"
                << std::flush;
    if (!AwaitChange(sources, session.interrupted)) break;
    code = RunOnce(options, session, state, sources);
  }
  const Result<void> pruned = PruneRuns(state, kKeepRuns);
  if (!pruned) session.err << "warning: " << pruned.error().message << "\n";
  return code;
}

}  // namespace penstock::cli
