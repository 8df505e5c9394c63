// penstock run on a cluster: a PipelineRun of a Pipeline that stands there, followed to its end.
#include <ostream>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/await_object.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/progress.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/cli/run_report.h"
#include "operator/cli/run_start.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::cli {
namespace {

// Flags that change what is run, which on a cluster only the Pipeline does.
std::string LocalFlag(const RunOptions& options) {
  if (options.watch) return "--watch";
  if (options.no_cache) return "--no-cache";
  if (!options.sample.empty()) return "--sample";
  if (!options.pipeline.empty()) return "--pipeline";
  if (!options.approve.empty()) return "--approve";
  return "";
}

// The run that is asked for, by a name that the API server completes.
Result<Json> MakeRun(const Cluster& cluster, const RunOptions& options) {
  const std::string& name = options.files[0];
  const Result<Json> object = cluster.client->Get(kube::kPipelines, cluster.namespace_, name);
  if (!object) return object.error();
  const auto pipeline = api::DecodePipeline(*object);
  const auto parameters = ParseParameters(options.parameters, pipeline.value.spec.parameters);
  if (!parameters) return parameters.error();
  Json run{{"apiVersion", api::kApiVersion},
           {"kind", "PipelineRun"},
           {"metadata",
            {{"generateName", name + "-"},
             {"namespace", cluster.namespace_},
             {"labels", {{plan::kLabelPipeline, name}}}}},
           {"spec", {{"pipelineRef", {{"name", name}}}}}};
  // An approval may ask who it is; where the API server does not say, nobody is named.
  if (const auto me = WhoAmI(*cluster.client); me)
    run["metadata"]["annotations"] = {{api::kSubmittedBy, me->name}};
  if (!parameters->empty()) run["spec"]["parameters"] = *parameters;
  const auto inputs = ParseInputs(options.inputs, pipeline.value.spec.inputs);
  if (!inputs) return inputs.error();
  if (!inputs->empty()) run["spec"]["inputs"] = *inputs;
  if (options.if_changed) run["spec"]["suspend"] = true;
  return cluster.client->Create(kube::kPipelineRuns, cluster.namespace_, run);
}

void Report(const Json& run, const RunOptions& options, const Session& session) {
  if (options.output.empty() || options.output == "wide") {
    ReportRun(run, options, nullptr, session);
  } else {
    ReportRuns({run}, options, nullptr, session);
  }
}

}  // namespace

int FollowOnCluster(const Cluster& cluster, const std::string& name, const std::string& pipeline,
                    const RunOptions& options, Session& session) {
  const bool table = options.output.empty() || options.output == "wide";
  Progress progress(table ? session.out : session.err, table && session.terminal,
                    static_cast<std::size_t>(session.width));
  progress.Note("run " + name + " of Pipeline " + pipeline + " in namespace " + cluster.namespace_);
  const auto say = [&](const std::string& what) { progress.Note("note: run " + what); };
  const auto ended = [&](const Json& state) {
    progress.Show(state, session.clock.Now());
    return HasEnded(state);
  };
  const Result<Json> run = ReadUntil(*cluster.client, kube::kPipelineRuns, cluster.namespace_, name,
                                     ended, {.stop = session.interrupted, .say = say});
  if (!run && session.interrupted.stop_requested()) {
    return session.Fail(
        kFailed, "run " + name + " goes on; `" + session.name + " cancel " + name + "` ends it");
  }
  if (!run) return session.Fail(kFailed, "run " + name + ": " + run.error().message);
  Report(*run, options, session);
  if (ConditionStatus(*run, "Succeeded") == "True") return kOk;
  return WasRefused(*run) ? kInvalidSpec : kFailed;
}

int RunOnCluster(const RunOptions& options, Session& session) {
  if (const std::string flag = LocalFlag(options); !flag.empty()) {
    return session.Fail(kUsage, flag +
                                    " is for runs on this machine; on a cluster a run is what its "
                                    "Pipeline says");
  }
  if (options.files.size() != 1) {
    return session.Fail(kUsage, "on a cluster give one name: of the Pipeline to run");
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Json> made = MakeRun(*cluster, options);
  if (!made) {
    return session.Fail(made.error().kind == ErrorKind::kInvalid ? kUsage : kFailed,
                        made.error().message);
  }
  const std::string name = (*made)["metadata"].value("name", "");
  if (options.if_changed) {
    const RunArchive history(*cluster->client, cluster->namespace_);
    const Result<RunChange> change =
        StartIfChanged({*cluster->client, cluster->namespace_, name}, history, session);
    if (!change) return session.Fail(kFailed, change.error().message);
    if (change->why.empty()) {
      Report(NotStarted(*change), options, session);
      return kOk;
    }
  }
  return FollowOnCluster(*cluster, name, options.files[0], options, session);
}

}  // namespace penstock::cli
