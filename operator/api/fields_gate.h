// The fields of what steps and runs wait for, and of Approval. See fields.h.
#pragma once

#include "operator/api/approval.h"
#include "operator/api/fields.h"
#include "operator/api/gate.h"

namespace penstock::api {

inline constexpr std::array<Named<ApprovalTimeout>, 3> kApprovalTimeouts{
    {{ApprovalTimeout::kFail, "Fail"},
     {ApprovalTimeout::kSkip, "Skip"},
     {ApprovalTimeout::kApprove, "Approve"}}};

template <typename Io>
void Fields(Io& io, typename Io::template Of<LockRef>& l) {
  io.String("name", l.name, kLabelName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<Approver>& a) {
  io.String("user", a.user, kObjectName);
  io.String("group", a.group, kObjectName);
  if constexpr (Io::kReads)
    io.Check(io.Has("user") != io.Has("group") || io.HasOthers(), "",
             "an approver is either a user or a group");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ApprovalStep>& a) {
  io.String("message", a.message, {1024});
  io.List("approvers", a.approvers, 50, nullptr);
  io.Integer("need", a.need, {1, 20}, 1);
  io.Bool("notBySubmitter", a.not_by_submitter, false);
  io.Duration("timeout", a.timeout);
  io.Enum("onTimeout", a.on_timeout, kApprovalTimeouts, ApprovalTimeout::kFail);
  io.List("values", a.values, 50, "name");
  if constexpr (Io::kReads)
    io.Check(a.on_timeout == ApprovalTimeout::kFail || a.timeout.has_value(), "onTimeout",
             "says what becomes of the step after timeout: add one");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<WaitStep>& w) {
  io.Duration("duration", w.duration);
  if constexpr (Io::kReads)
    io.Check(w.duration.has_value(), "duration", "is required, such as 10m");
}

inline constexpr std::array<Named<Decision>, 2> kDecisions{
    {{Decision::kApprove, "Approve"}, {Decision::kReject, "Reject"}}};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ApprovalSpec>& a) {
  io.Group("run", [&](auto& g) {
    g.String("name", a.run, kRequiredObjectName);
    g.String("uid", a.run_uid, {64, nullptr, true});
  });
  io.Group("modelDeployment", [&](auto& g) {
    g.String("name", a.model_deployment, kRequiredObjectName);
    g.String("uid", a.model_deployment_uid, {64, nullptr, true});
    g.Integer("version", a.model_version, {1, kMaxSafe, true}, 0);
  });
  if constexpr (Io::kReads)
    io.Check(io.Has("run") != io.Has("modelDeployment"), "",
             "a decision is about either a run or a modelDeployment");
  io.String("step", a.step, kLabelName);
  io.Enum("decision", a.decision, kDecisions, std::nullopt);
  io.Group(
      "approver",
      [&](auto& g) {
        g.String("user", a.user, kRequiredObjectName);
        g.StringList("groups", a.groups, 200, kObjectName);
      },
      true);
  io.ValueMap("values", a.values, 50, kIdentifierName);
  io.String("comment", a.comment, kDescription);
}

}  // namespace penstock::api
