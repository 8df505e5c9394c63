// penstock approve: decides an approval step of a run on a cluster; penstock rollout approve and
// reject: the step at which a new version of a model waits for people.
#include <ostream>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/cli/prompt/pinned_approval.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_approval.h"
#include "operator/plan/values/approval_verdict.h"
#include "operator/views/run/decision.h"

namespace penstock::cli {
namespace {

using Values = std::map<std::string, Json>;

// By the look of each, of a step that this person may not read: a text that is JSON is that.
Result<Values> Unread(const std::vector<std::string>& given) {
  Values values;
  for (const std::string& one : given) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0)
      return Invalid("--value " + one + ": write name=value");
    const std::string text = one.substr(equals + 1);
    Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    values[one.substr(0, equals)] = value.is_discarded() ? Json(text) : std::move(value);
  }
  return values;
}

// The step that waits for people now.
Result<api::ApprovalStep> WaitingStep(const api::ModelDeployment& md) {
  if (const std::string why = views::WhyNotToBeDecided(md); !why.empty()) return Invalid(why);
  return plan::ApprovalStepOf(md.spec.rollout, md.status.candidate->step).value();
}

// Who started the run that made the candidate's model; "" where that cannot be told.
std::string SubmitterOf(const Cluster& cluster, const api::ModelVersionStatus& candidate) {
  if (candidate.run.empty()) return "";
  const auto run = cluster.client->Get(kube::kPipelineRuns, cluster.namespace_, candidate.run);
  if (!run) return "";
  const Json annotations = run->at("metadata").value("annotations", Json::object());
  return annotations.value(api::kSubmittedBy, "");
}

}  // namespace

int Approve(const ApproveOptions& options, Session& session) {
  if (State::IfLocal(session))
    return session.Fail(kUsage,
                        "a local run asks on its terminal, or takes --approve; with --cluster this "
                        "decides one of the cluster");
  if (options.reject && !options.values.empty())
    return session.Fail(kUsage, "--value goes with an approval, not with --reject");
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Json> run = FindClusterRun(*cluster, options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  if (const std::string why = views::WhyNotToBeDecided(*run, options.step); !why.empty())
    return session.Fail(kFailed, why);
  const auto step = PinnedApproval(*cluster->client, *run, options.step);
  if (!step && step.error().kind != ErrorKind::kForbidden) return session.Fail(step.error());
  const Result<Values> values =
      step ? ParseParameters(options.values, step->values) : Unread(options.values);
  if (!values) return session.Fail(kUsage, values.error().message);
  const Result<Person> person = WhoAmI(*cluster->client);
  if (!person) return session.Fail(kFailed, "who you are: " + person.error().message);
  api::Approval approval = views::DecisionOf(
      *run, options.step, options.reject ? api::Decision::kReject : api::Decision::kApprove,
      person->name, person->groups);
  approval.spec.comment = options.comment;
  approval.spec.values = *values;
  const Json& meta = (*run)["metadata"];
  const std::string submitter =
      meta.value("annotations", Json::object()).value(api::kSubmittedBy, "");
  if (step) {
    const std::string why = plan::WhyNotCounted(*step, approval.spec, submitter);
    if (!why.empty())
      return session.Fail(kFailed,
                          "step " + options.step + ": your decision would not count: " + why);
  } else {
    session.err << "note: you may not read what the run is made of (controllerrevisions): whether "
                   "your decision counts, the run's status says\n";
  }
  const auto made =
      cluster->client->Create(kube::kApprovals, cluster->namespace_, api::Encode(approval));
  if (!made && made.error().kind == ErrorKind::kAlreadyExists)
    return session.Fail(kFailed, "you have decided already: approval " + approval.meta.name +
                                     "; delete it to decide again");
  if (!made) return session.Fail(kFailed, made.error().message);
  session.out << "approval.penstock.dev/" << approval.meta.name
              << " created: " << (options.reject ? "rejected" : "approved") << " by "
              << person->name << "\n";
  return kOk;
}

int DecideRollout(const RolloutOptions& options, Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const auto object =
      cluster->client->Get(kube::kModelDeployments, cluster->namespace_, options.name);
  if (!object) return session.Fail(kFailed, object.error().message);
  const api::ModelDeployment md = api::DecodeModelDeployment(*object).value;
  const auto step = WaitingStep(md);
  if (!step) return session.Fail(kFailed, step.error().message);
  const Result<Person> person = WhoAmI(*cluster->client);
  if (!person) return session.Fail(kFailed, "who you are: " + person.error().message);
  const bool reject = options.what == "reject";
  const api::ModelVersionStatus& c = *md.status.candidate;
  api::Approval approval = views::RolloutDecisionOf(
      md.meta, c.version, c.step, reject ? api::Decision::kReject : api::Decision::kApprove,
      person->name, person->groups);
  approval.spec.comment = options.comment;
  const std::string why = plan::WhyNotCounted(*step, approval.spec, SubmitterOf(*cluster, c));
  if (!why.empty()) return session.Fail(kFailed, "your decision would not count: " + why);
  const auto made =
      cluster->client->Create(kube::kApprovals, cluster->namespace_, api::Encode(approval));
  if (!made && made.error().kind == ErrorKind::kAlreadyExists)
    return session.Fail(kFailed, "you have decided already: approval " + approval.meta.name +
                                     "; delete it to decide again");
  if (!made) return session.Fail(kFailed, made.error().message);
  session.out << "approval.penstock.dev/" << approval.meta.name << " created: version " << c.version
              << ", step " << c.step << (reject ? " rejected" : " approved") << " by "
              << person->name << "\n";
  return kOk;
}

}  // namespace penstock::cli
