// penstock rollout approve, reject: decides the step at which a new version of a model waits for
// people, by an object of the kind Approval.
#include <ostream>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_approval.h"
#include "operator/plan/values/approval_verdict.h"
#include "operator/views/run/decision.h"

namespace penstock::cli {
namespace {

// The step that waits for people now.
Result<api::ApprovalStep> WaitingStep(const api::ModelDeployment& md) {
  const std::string what = "modeldeployment " + md.meta.name;
  if (!md.status.candidate) return Invalid(what + " has no candidate: nothing waits for people");
  const api::ModelVersionStatus& c = *md.status.candidate;
  auto step = plan::ApprovalStepOf(md.spec.rollout, c.step);
  if (step && c.phase == api::kPhasePaused) return *std::move(step);
  return Invalid(what + ": version " + std::to_string(c.version) +
                 " waits for no approval: it is " + (c.phase.empty() ? "new" : c.phase) +
                 (c.step > 0 ? ", step " + std::to_string(c.step) : ""));
}

// Who started the run that made the candidate's model; "" where that cannot be told.
std::string SubmitterOf(const Cluster& cluster, const api::ModelVersionStatus& candidate) {
  if (candidate.run.empty()) return "";
  const auto run =
      cluster.client->Get(kube::kPipelineRuns, cluster.namespace_, candidate.run);
  if (!run) return "";
  const Json annotations = run->at("metadata").value("annotations", Json::object());
  return annotations.value(api::kSubmittedBy, "");
}

}  // namespace

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
  session.out << "approval.penstock.dev/" << approval.meta.name << " created: version "
              << c.version << ", step " << c.step << (reject ? " rejected" : " approved")
              << " by " << person->name << "\n";
  return kOk;
}

}  // namespace penstock::cli
