#include "operator/cli/ui/local_acting.h"

#include <signal.h>

#include "operator/base/try.h"
#include "operator/cli/objects/object_table.h"
#include "operator/kube/resources.h"
#include "operator/os/signal_process.h"

namespace penstock::cli {
namespace {

Error NotFromHere(const std::string& message) {
  Error e;
  e.kind = ErrorKind::kUnsupported;
  e.message = message;
  return e;
}

}  // namespace

Result<gateway::Done> LocalActing::Run(const gateway::Caller&, const std::string& ns,
                                       const gateway::RunRequest& request,
                                       const std::stop_token& stop) {
  PENSTOCK_TRY(place_.Get(kube::kPipelines, ns, request.pipeline, stop));
  return NotFromHere(
      "a run on this machine is made of its files; in the folder of its manifest run: penstock run "
      "FILE");
}

Result<gateway::Done> LocalActing::Rerun(const gateway::Caller&, const std::string& ns,
                                         const std::string& run,
                                         const gateway::RerunRequest& /*request*/,
                                         const std::stop_token& stop) {
  PENSTOCK_TRY(place_.Get(kube::kPipelineRuns, ns, run, stop));
  return NotFromHere(
      "a run on this machine goes on where it was started; there run: penstock rerun " + run +
      ", which takes what has succeeded, or penstock run FILE");
}

Result<gateway::Done> LocalActing::Cancel(const gateway::Caller&, const std::string& ns,
                                          const std::string& run, const std::stop_token& stop) {
  gateway::Done done;
  PENSTOCK_ASSIGN(done.object, place_.Get(kube::kPipelineRuns, ns, run, stop));
  const int pid = state_.RunningProcess();
  if (ConditionStatus(done.object, "Finished") == "True" || pid == 0) {
    Error e = Invalid("run " + run + " is not running");
    e.kind = ErrorKind::kConflict;
    return e;
  }
  // One process holds the state folder's lock, and it runs this run.
  if (!SignalProcess(pid, SIGINT, [&] { return state_.RunningProcess() == pid; }))
    return Transient("process " + std::to_string(pid) + " cannot be told to cancel");
  done.command = "penstock cancel " + run + " " + place_.Flags(ns);
  return done;
}

Result<gateway::Done> LocalActing::Approve(const gateway::Caller&, const std::string& ns,
                                           const std::string& run,
                                           const gateway::ApprovalRequest& request,
                                           const std::stop_token& stop) {
  PENSTOCK_TRY(place_.Get(kube::kPipelineRuns, ns, run, stop));
  return NotFromHere(
      "a run on this machine asks on the terminal where it was started; or start it "
      "with: penstock run FILE --approve " +
      request.step);
}

Result<gateway::Done> LocalActing::ApproveModel(const gateway::Caller& caller,
                                                const std::string& ns, const std::string& model,
                                                const gateway::ApprovalRequest& request,
                                                const std::stop_token& stop) {
  return Steer(caller, ns, model, request.approved ? "approve" : "reject", stop);
}

Result<gateway::Done> LocalActing::Steer(const gateway::Caller&, const std::string& ns,
                                         const std::string& model, const std::string& word,
                                         const std::stop_token& stop) {
  PENSTOCK_TRY(place_.Get(kube::kModelDeployments, ns, model, stop));
  return NotFromHere("models are rolled out on a cluster: penstock rollout " + word + " " + model);
}

}  // namespace penstock::cli
