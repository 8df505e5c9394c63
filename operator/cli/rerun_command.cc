// penstock rerun: a run once more, from where it failed or from a step on.
#include <algorithm>
#include <ostream>
#include <variant>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/local_run.h"
#include "operator/cli/objects/manifest_check.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/progress.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/cli/run_refusals.h"
#include "operator/cli/run_report.h"
#include "operator/cli/run_start.h"
#include "operator/kube/resources.h"
#include "operator/net/url.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::cli {
namespace {

// The run that is done again, as far as it is known here.
struct Former {
  std::string name;
  std::string word;                // views::RunWord
  std::vector<std::string> steps;  // empty: not known
  Json spec;                       // of the PipelineRun; of one that is gone what is asked of it
  std::optional<TimePoint> scheduled_time;
  bool used_last_good = false;  // it succeeded, and a step of it has failed
};

Former FormerOf(const KnownRun& known) {
  Former former{known.run.meta.name,
                RunWord(known.object),
                {},
                known.object.at("spec"),
                api::ScheduledTime(known.run)};
  former.used_last_good = plan::UsedLastGood(known.run);
  if (known.run.status.revision.empty()) former.word = "Invalid";
  if (known.resolved)
    for (const plan::ResolvedStep& step : known.resolved->steps) former.steps.push_back(step.name);
  return former;
}

std::string PipelineOf(const Former& former) {
  return former.spec.value("pipelineRef", Json::object()).value("name", "");
}

// Why it cannot be done again as is asked for; empty: it can.
std::string WhyNot(const Former& former, const RerunOptions& options, const Session& session) {
  const std::string run = "run " + former.name;
  for (const char* goes_on : {"Running", "Suspended", "Pending"})
    if (former.word == goes_on)
      return run + " has not ended: `" + session.name + " cancel " + former.name +
             "` ends it; what it has made by then is taken";
  if (former.word == "Invalid")
    return run + " never began: correct what its status says and start a new one";
  for (const std::string& step : options.from) {
    if (former.steps.empty() || options.latest ||
        std::find(former.steps.begin(), former.steps.end(), step) != former.steps.end())
      continue;
    std::string names;
    for (const std::string& one : former.steps) names += (names.empty() ? "" : ", ") + one;
    return run + " has no step " + step + "; it has " + names;
  }
  if (former.word == "Succeeded" && options.from.empty() && options.parameters.empty() &&
      !options.latest && !former.used_last_good)
    return run +
           " succeeded: nothing of it failed. --from STEP does a step and all after it again, "
           "-p NAME=VALUE what a parameter touches, --latest what has changed since";
  return "";
}

api::RerunSpec SpecOf(const Former& former, const RerunOptions& options) {
  return {former.name, options.from, options.latest};
}

std::string WhatIsDone(const Former& former, const RerunOptions& options) {
  std::string from;
  for (const std::string& step : options.from) from += (from.empty() ? " from " : ", ") + step;
  return "does run " + former.name + " again" + from;
}

// --- on a cluster

// One that is deleted is asked of the operator's history.
Result<Former> FindOnCluster(const Cluster& cluster, const RerunOptions& options,
                             const Session& session) {
  const Result<Json> live = FindClusterRun(cluster, options.run);
  if (live) {
    const RunArchive archive(*cluster.client, cluster.namespace_);
    Result<KnownRun> known = ReadRun(*live);
    if (!known) return known.error();
    if (Result<void> read = archive.ReadSpec(*known); !read) return read.error();
    return FormerOf(*known);
  }
  if (live.error().kind != ErrorKind::kNotFound) return live.error();
  const auto gateway =
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, cluster, session);
  if (!gateway)
    return NotFound(live.error().message +
                    ", and history could not be asked: " + gateway.error().message);
  const Result<Json> kept = (*gateway)->Ask("/api/v1/namespaces/" + cluster.namespace_ + "/runs/" +
                                            net::UrlEncode(options.run));
  if (!kept && kept.error().kind == ErrorKind::kNotFound)
    return NotFound(live.error().message + ", nor in history");
  if (!kept) return kept.error();
  Former former{options.run, kept->value("phase", ""), {}, Json::object(), {}};
  for (const Json& node : kept->value("graph", Json::object()).value("nodes", Json::array()))
    former.steps.push_back(node.value("name", ""));
  const std::string pipeline = kept->value("pipeline", "");
  if (pipeline.empty())
    return Invalid("run " + options.run +
                   " is gone and was of no Pipeline, but of a spec of its own: apply a "
                   "PipelineRun with that pipelineSpec and rerun: {of: " +
                   options.run + "}");
  former.spec = kept->value("asked", Json::object());
  const auto time = ParseTime(former.spec.value("scheduledTime", ""));
  if (!former.spec.contains("pipelineRef") || !time)
    return Invalid("the gateway does not say what run " + options.run +
                   " was asked for: it is older than this program");
  former.scheduled_time = *time;
  return former;
}

Result<std::map<std::string, Json>> ParametersOf(const Cluster& cluster, const Former& former,
                                                 const RerunOptions& options) {
  if (options.parameters.empty()) return std::map<std::string, Json>();
  if (former.spec.contains("pipelineSpec"))
    return ParseParameters(
        options.parameters,
        api::DecodePipelineSpec(former.spec.at("pipelineSpec"), "spec").value.parameters);
  const Result<Json> pipeline =
      cluster.client->Get(kube::kPipelines, cluster.namespace_, PipelineOf(former));
  if (!pipeline) return Wrap("Pipeline " + PipelineOf(former), pipeline.error());
  return ParseParameters(options.parameters, api::DecodePipeline(*pipeline).value.spec.parameters);
}

Result<Json> MakeRerun(const Cluster& cluster, const Former& former, const RerunOptions& options) {
  const auto parameters = ParametersOf(cluster, former, options);
  if (!parameters) return parameters.error();
  const std::string pipeline = PipelineOf(former);
  Json run{{"apiVersion", api::kApiVersion},
           {"kind", "PipelineRun"},
           {"metadata",
            {{"generateName", (pipeline.empty() ? former.name : pipeline) + "-"},
             {"namespace", cluster.namespace_}}},
           {"spec", Json::object()}};
  if (!pipeline.empty()) run["metadata"]["labels"] = {{plan::kLabelPipeline, pipeline}};
  if (const auto me = WhoAmI(*cluster.client); me)
    run["metadata"]["annotations"] = {{api::kSubmittedBy, me->name}};
  Json& spec = run["spec"];
  for (const char* same : {"pipelineRef", "pipelineSpec", "publish", "ttlAfterFinished"})
    if (former.spec.contains(same)) spec[same] = former.spec.at(same);
  if (former.scheduled_time) spec["scheduledTime"] = FormatTime(*former.scheduled_time);
  if (!parameters->empty()) spec["parameters"] = *parameters;
  spec["rerun"] = {{"of", former.name}};
  if (!options.from.empty()) spec["rerun"]["from"] = options.from;
  if (options.latest) spec["rerun"]["latest"] = true;
  return cluster.client->Create(kube::kPipelineRuns, cluster.namespace_, run);
}

int RerunOnCluster(const RerunOptions& options, Session& session) {
  for (const auto& [given, flag] :
       {std::pair{!options.files.empty(), "-f"}, std::pair{!options.approve.empty(), "--approve"}})
    if (given) return session.Fail(kUsage, std::string(flag) + " is for runs on this machine");
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Former> former = FindOnCluster(*cluster, options, session);
  if (!former) return session.Fail(kFailed, former.error().message);
  if (const std::string why = WhyNot(*former, options, session); !why.empty())
    return session.Fail(kFailed, why);
  const Result<Json> made = MakeRerun(*cluster, *former, options);
  if (!made)
    return session.Fail(made.error().kind == ErrorKind::kInvalid ? kUsage : kFailed,
                        made.error().message);
  const std::string name = (*made)["metadata"].value("name", "");
  session.err << "note: run " << name << " " << WhatIsDone(*former, options) << "\n";
  RunOptions run;
  run.output = options.output;
  const std::string pipeline = PipelineOf(*former);
  return FollowOnCluster(*cluster, name, pipeline.empty() ? former->name : pipeline, run, session);
}

// --- on this machine

// With the files that are given, or else with what the state folder keeps of them.
std::variant<PreparedRun, Told> PrepareHere(const Former& former, const RunOptions& run,
                                            const Session& session, const State& state) {
  if (!run.files.empty()) {
    const Manifests manifests = LoadManifests(run.files, session.directory, session.in);
    auto checked = CheckFiles(manifests, run, session);
    if (const Told* told = std::get_if<Told>(&checked)) return *told;
    const CheckedFiles& files = std::get<CheckedFiles>(checked);
    return PrepareRun(manifests, files, files.choices.front(), run, session, state);
  }
  PreparedRun prepared;
  const Result<std::vector<api::Component>> library = LoadLibrary(session);
  if (!library && library.error().kind != ErrorKind::kNotFound)
    return Told{session.Fail(library.error())};
  if (library) prepared.library = *library;
  prepared.pipeline.meta.name = PipelineOf(former);
  const Result<Json> kept = state.Get(kube::kPipelines, PipelineOf(former));
  if (!kept && kept.error().kind != ErrorKind::kNotFound) return Told{session.Fail(kept.error())};
  if (kept) prepared.pipeline.spec = api::DecodePipeline(*kept).value.spec;
  prepared.pipeline.spec.run_policy = api::RunPolicy::kManual;
  for (api::ScheduleSpec& schedule : prepared.pipeline.spec.schedules) schedule.suspend = true;
  prepared.pipeline.spec.triggers.clear();
  const Result<std::vector<Json>> maps = state.Load(kube::kConfigMaps);
  if (!maps) return Told{session.Fail(maps.error())};
  prepared.config_maps = *maps;
  const auto given = ParseParameters(run.parameters, prepared.pipeline.spec.parameters);
  if (!given) return Told{session.Fail(kUsage, given.error().message)};
  prepared.parameters = *given;
  if (kept) {
    const std::vector<std::string> refused =
        WhatCannotRunHere(prepared, {prepared.pipeline, {}, {}, "", {}}, run, session, state);
    for (const std::string& why : refused) session.err << "error: " << why << "\n";
    if (!refused.empty()) {
      session.err << "note: -f FILE gives what the run's files had\n";
      return Told{kInvalidSpec};
    }
  }
  const Result<std::string> name = NextRunName(prepared.pipeline, state);
  if (!name) return Told{session.Fail(name.error())};
  prepared.run_name = *name;
  return prepared;
}

int RerunLocked(const RerunOptions& options, Session& session, const State& state) {
  const RunArchive archive(state);
  const Result<KnownRun> known = archive.Find(options.run);
  if (!known) return session.Fail(kFailed, known.error().message);
  const Former former = FormerOf(*known);
  if (const std::string why = WhyNot(former, options, session); !why.empty())
    return session.Fail(kFailed, why);
  RunOptions run;
  run.files = options.files;
  run.parameters = options.parameters;
  run.approve = options.approve;
  run.pipeline = PipelineOf(former);
  run.isolation = options.isolation;
  run.output = options.output;
  auto made = PrepareHere(former, run, session, state);
  if (const Told* told = std::get_if<Told>(&made)) return told->code;
  PreparedRun& prepared = std::get<PreparedRun>(made);
  // All that is not said anew is the former run's.
  const auto given = ParseParameters(options.parameters, prepared.pipeline.spec.parameters);
  if (!given) return session.Fail(kUsage, given.error().message);
  prepared.parameters = *given;
  prepared.inputs.clear();
  prepared.publish = known->run.spec.publish;
  prepared.scheduled_time = former.scheduled_time;
  prepared.rerun = SpecOf(former, options);
  const bool table = options.output.empty() || options.output == "wide";
  Progress progress(table ? session.out : session.err, table && session.terminal,
                    static_cast<std::size_t>(session.width));
  progress.Note("note: run " + prepared.run_name + " " + WhatIsDone(former, options));
  Json done;
  const int code = RunHere(prepared, run, session, state, progress, done);
  if (!done.is_null()) {
    if (table)
      ReportRun(done, run, &state, session);
    else
      ReportRuns({done}, run, &state, session);
  }
  if (const Result<void> pruned = PruneRuns(state, kKeepRuns); !pruned)
    session.err << "warning: " << pruned.error().message << "\n";
  return code;
}

}  // namespace

int Rerun(const RerunOptions& options, Session& session) {
  if (const auto format = ParseOutputFormat(options.output); !format)
    return session.Fail(kUsage, format.error().message);
  if (options.failed && !options.from.empty())
    return session.Fail(kUsage, "give --from or --failed, not both");
  const std::optional<State> state = State::IfLocal(session);
  if (!state) return RerunOnCluster(options, session);
  const Result<StateLock> lock = StateLock::Take(*state);
  if (!lock) return session.Fail(kFailed, lock.error().message);
  if (Result<void> closed = CloseInterruptedRuns(*state, session.clock.Now()); !closed)
    return session.Fail(kFailed, closed.error().message);
  return RerunLocked(options, session, *state);
}

}  // namespace penstock::cli
