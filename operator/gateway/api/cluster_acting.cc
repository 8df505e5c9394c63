#include "operator/gateway/api/cluster_acting.h"

#include <algorithm>

#include "operator/api/approval.h"
#include "operator/api/codec.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/login/person_name.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/world.h"
#include "operator/views/run/decision.h"
#include "operator/views/run/known_run.h"
#include "operator/views/run/rollout_words.h"
#include "operator/views/run/run_words.h"
#include "operator/views/run_view.h"

namespace penstock::gateway {
namespace {

constexpr std::chrono::milliseconds kWritePatience{15'000};

// A word of a shell's command line.
std::string Word(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_./:=,@%+") == std::string::npos;
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string ValueText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string RunCommand(const std::string& ns, const RunRequest& request) {
  std::string command = "penstock run " + request.pipeline + " -n " + ns;
  if (request.rerun) {
    command = "penstock rerun " + request.rerun->of + " -n " + ns;
    for (const std::string& step : request.rerun->from) command += " --from " + step;
  }
  for (const auto& [name, value] : request.parameters)
    command += " -p " + Word(name + "=" + ValueText(value));
  return command;
}

Json RunObject(const Caller& caller, const std::string& ns, const RunRequest& request) {
  Json meta{{"namespace", ns}, {"annotations", {{api::kSubmittedBy, caller.user}}}};
  if (!request.pipeline.empty()) meta["labels"] = {{plan::kLabelPipeline, request.pipeline}};
  if (request.name.empty())
    meta["generateName"] =
        (request.rerun && request.pipeline.empty() ? request.rerun->of : request.pipeline) + "-";
  else
    meta["name"] = request.name;
  Json spec = request.made_of;
  if (spec.empty()) spec["pipelineRef"] = {{"name", request.pipeline}};
  Json run{{"apiVersion", api::kApiVersion},
           {"kind", "PipelineRun"},
           {"metadata", std::move(meta)},
           {"spec", std::move(spec)}};
  if (!request.parameters.empty()) run["spec"]["parameters"] = request.parameters;
  if (!request.inputs.empty()) run["spec"]["inputs"] = request.inputs;
  if (!request.publish) run["spec"]["publish"] = false;
  if (request.scheduled_time) run["spec"]["scheduledTime"] = FormatTime(*request.scheduled_time);
  if (request.rerun) {
    run["spec"]["rerun"] = {{"of", request.rerun->of}};
    if (!request.rerun->from.empty()) run["spec"]["rerun"]["from"] = request.rerun->from;
  }
  return run;
}

bool IsStepOf(const plan::ResolvedRun& run, const std::string& name) {
  return std::any_of(run.steps.begin(), run.steps.end(),
                     [&](const plan::ResolvedStep& step) { return step.name == name; });
}

std::string StepsOf(const plan::ResolvedRun& run) {
  std::string names;
  for (const plan::ResolvedStep& step : run.steps) names += (names.empty() ? "" : ", ") + step.name;
  return names;
}

// For a run of the Pipeline as it is now. The spec of a rerun has only what it says otherwise.
Result<void> TakeWhatItHad(const views::KnownRun& known, RunRequest& request) {
  const api::PipelineRunSpec& spec = known.run.spec;
  const std::string run = "run " + known.run.meta.name;
  const std::string how =
      "; what failed in it, or a step and all after it, is done again with "
      "`from`";
  if (spec.pipeline_ref.empty())
    return Invalid(run + " was made of no Pipeline of the namespace, but of one in place" + how);
  if (spec.library) return Invalid(run + " is of a Pipeline of the library" + how);
  request.scheduled_time = spec.scheduled_time;
  request.parameters = spec.parameters;
  request.inputs = spec.inputs;
  if (!spec.rerun) return {};
  if (!known.resolved)
    return Invalid(run +
                   " does another one again, and what it was made of is not kept: start a new run");
  request.parameters = known.resolved->parameters;
  std::erase_if(request.parameters, [](const auto& value) { return value.second.is_null(); });
  request.inputs = known.resolved->inputs;
  return {};
}

// For the run itself, done again from these steps on, or what failed: the parameters and inputs
// that it had are taken with it.
Result<void> TakeItself(const views::KnownRun& known, const std::vector<std::string>& from,
                        RunRequest& request) {
  const std::string run = "run " + known.run.meta.name;
  const Json& spec = known.object.at("spec");
  if (views::ConditionStatus(known.object, "Finished") != "True") {
    Error e = Invalid(run + " has not ended: cancel it, and what it has made by then is taken");
    e.kind = ErrorKind::kConflict;
    return e;
  }
  for (const std::string& step : from) {
    if (!known.resolved || IsStepOf(*known.resolved, step)) continue;
    return Invalid(run + " has no step " + plan::Shown(step, 80) + "; it has " +
                   StepsOf(*known.resolved));
  }
  request.rerun = api::RerunSpec{known.run.meta.name, from, false};
  request.scheduled_time = api::ScheduledTime(known.run);
  for (const char* same : {"pipelineRef", "pipelineSpec", "ttlAfterFinished"})
    if (spec.contains(same)) request.made_of[same] = spec.at(same);
  return {};
}

// Why the decision is none of the step that waits now; "": it is.
std::string WhyNot(const api::ModelDeployment& md, const ApprovalRequest& request) {
  if (std::string why = views::WhyNotToBeDecided(md); !why.empty()) return why;
  const api::ModelVersionStatus& waits = *md.status.candidate;
  if (request.version.value_or(waits.version) == waits.version &&
      request.number.value_or(waits.step) == waits.step)
    return "";
  return "modeldeployment " + md.meta.name + ": version " + std::to_string(waits.version) +
         ", step " + std::to_string(waits.step) +
         " waits now, which is not what was decided; look at it first";
}

}  // namespace

Result<net::Headers> Impersonation(const Caller& caller) {
  // Without a user the request would be the operator's own.
  if (!caller.by_gateway || !login::WhyNoName(caller.user).empty() ||
      !std::all_of(caller.groups.begin(), caller.groups.end(),
                   [](const std::string& group) { return login::WhyNoName(group).empty(); })) {
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "the caller has no name to act under";
    return e;
  }
  net::Headers headers{{"Impersonate-User", caller.user}};
  for (const std::string& group : caller.groups)
    // The API server adds it by itself, and asks for no right to it then.
    if (group != "system:authenticated") headers.emplace_back("Impersonate-Group", group);
  return headers;
}

Result<std::unique_ptr<kube::Client>> ClusterActing::As(const Caller& caller) const {
  if (!caller.token.empty() || caller.by_gateway) return client_for_(caller);
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "the token of " + caller.user +
              " is meant for reading here: the API server does not take it, so nothing can be done "
              "with it";
  return e;
}

Result<Done> ClusterActing::Run(const Caller& caller, const std::string& ns,
                                const RunRequest& request, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto client, As(caller));
  if (request.made_of.empty()) {
    // A path without a name is that of all of them, which are there.
    if (request.pipeline.empty()) return Invalid("pipeline: is empty; name the Pipeline to run");
    PENSTOCK_TRY(place_.Get(kube::kPipelines, ns, request.pipeline, stop));
  }
  Done done;
  PENSTOCK_ASSIGN(done.object,
                  client->Create(kube::kPipelineRuns, ns, RunObject(caller, ns, request),
                                 {.stop = stop, .timeout = kWritePatience}));
  done.command = RunCommand(ns, request);
  return done;
}

Result<Done> ClusterActing::Cancel(const Caller& caller, const std::string& ns,
                                   const std::string& run, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto client, As(caller));
  PENSTOCK_ASSIGN(const Json object, place_.Get(kube::kPipelineRuns, ns, run, stop));
  if (views::ConditionStatus(object, "Finished") == "True") {
    Error e = Invalid("run " + run + " has ended already");
    e.kind = ErrorKind::kConflict;
    return e;
  }
  Done done;
  PENSTOCK_ASSIGN(done.object,
                  client->MergePatch(kube::kPipelineRuns, ns, run, {{"spec", {{"cancel", "Stop"}}}},
                                     {}, {.stop = stop, .timeout = kWritePatience}));
  done.command = "penstock cancel " + run + " -n " + ns;
  return done;
}

Result<Done> ClusterActing::Rerun(const Caller& caller, const std::string& ns,
                                  const std::string& run, const RerunRequest& asked,
                                  const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const views::FoundRun found, views::FindRun(place_, ns, run, stop));
  const views::KnownRun& known = found.known;
  RunRequest request;
  request.pipeline = known.run.spec.pipeline_ref;
  request.publish = known.run.spec.publish;
  if (asked.from) {
    PENSTOCK_TRY(TakeItself(known, *asked.from, request));
  } else {
    PENSTOCK_TRY(TakeWhatItHad(known, request));
  }
  for (const auto& [name, value] : asked.parameters) request.parameters[name] = value;
  return Run(caller, ns, request, stop);
}

Result<Done> ClusterActing::Approve(const Caller& caller, const std::string& ns,
                                    const std::string& run, const ApprovalRequest& request,
                                    const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto client, As(caller));
  PENSTOCK_ASSIGN(Json object, place_.Get(kube::kPipelineRuns, ns, run, stop));
  if (const std::string why = views::WhyNotToBeDecided(object, request.step); !why.empty()) {
    Error e = Invalid(why);
    e.kind = ErrorKind::kConflict;
    return e;
  }
  api::Approval approval = views::DecisionOf(
      object, request.step, request.approved ? api::Decision::kApprove : api::Decision::kReject,
      caller.user, caller.groups);
  approval.spec.comment = request.comment;
  approval.spec.values = request.values;
  PENSTOCK_ASSIGN(const Json made, client->Create(kube::kApprovals, ns, api::Encode(approval),
                                                  {.stop = stop, .timeout = kWritePatience}));
  Done done;
  done.object = std::move(object);
  done.command = "penstock approve " + run + " " + request.step + " -n " + ns +
                 (request.approved ? "" : " --reject");
  for (const auto& [name, value] : request.values)
    done.command += " --value " + Word(name + "=" + ValueText(value));
  if (!request.comment.empty()) done.command += " --comment " + Word(request.comment);
  return done;
}

Result<Done> ClusterActing::ApproveModel(const Caller& caller, const std::string& ns,
                                         const std::string& model, const ApprovalRequest& request,
                                         const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto client, As(caller));
  Done done;
  PENSTOCK_ASSIGN(done.object, place_.Get(kube::kModelDeployments, ns, model, stop));
  const api::ModelDeployment md = api::DecodeModelDeployment(done.object).value;
  if (const std::string why = WhyNot(md, request); !why.empty()) {
    Error e = Invalid(why);
    e.kind = ErrorKind::kConflict;
    return e;
  }
  const api::ModelVersionStatus& waits = *md.status.candidate;
  api::Approval approval =
      views::RolloutDecisionOf(md.meta, waits.version, waits.step,
                               request.approved ? api::Decision::kApprove : api::Decision::kReject,
                               caller.user, caller.groups);
  approval.spec.comment = request.comment;
  PENSTOCK_TRY(client->Create(kube::kApprovals, ns, api::Encode(approval),
                              {.stop = stop, .timeout = kWritePatience}));
  done.command = std::string("penstock rollout ") + (request.approved ? "approve " : "reject ") +
                 model + " -n " + ns;
  if (!request.comment.empty()) done.command += " --comment " + Word(request.comment);
  return done;
}

Result<Done> ClusterActing::Steer(const Caller& caller, const std::string& ns,
                                  const std::string& model, const std::string& word,
                                  const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto client, As(caller));
  PENSTOCK_ASSIGN(const Json object, place_.Get(kube::kModelDeployments, ns, model, stop));
  auto words = views::RolloutWords(api::DecodeModelDeployment(object).value, word);
  if (!words && words.error().kind == ErrorKind::kInvalid) {
    Error e = words.error();
    e.kind = ErrorKind::kConflict;
    return e;
  }
  if (!words) return words.error();
  Done done;
  PENSTOCK_ASSIGN(done.object, client->MergePatch(kube::kModelDeployments, ns, model,
                                                  {{"metadata", {{"annotations", *words}}}}, {},
                                                  {.stop = stop, .timeout = kWritePatience}));
  done.command = "penstock rollout " + word + " " + model + " -n " + ns;
  return done;
}

}  // namespace penstock::gateway
