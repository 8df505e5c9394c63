// Approval: what one person has decided of a step of the kind approval, of a run or of the rollout
// of a model's version. Immutable. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "operator/api/meta.h"
#include "operator/base/json.h"

namespace penstock::api {

enum class Decision : std::uint8_t { kApprove, kReject };

// Of either a run or a version of a ModelDeployment.
struct ApprovalSpec {
  std::string run;
  std::string run_uid;
  std::string step;  // of a rollout: its number, from 1
  Decision decision = Decision::kApprove;
  // Who decides, and groups of theirs: the chart's policy lets nobody name another, or a group that
  // they are not in.
  std::string user;
  std::vector<std::string> groups;
  std::map<std::string, Json> values;
  std::string comment;
  std::string model_deployment = {};
  std::string model_deployment_uid = {};
  std::int64_t model_version = 0;
};

struct Approval {
  ObjectMeta meta;
  ApprovalSpec spec;
};

// Reasons of a step that waits for people.
inline constexpr const char* kAwaitingApproval = "AwaitingApproval";
inline constexpr const char* kApprovalRefused = "ApprovalRefused";  // a decision does not count
inline constexpr const char* kApprovalUnbound = "ApprovalUnbound";  // none would

// On a Pipeline and a PipelineRun: who made it, or changed it last. The chart's policy lets nobody
// name another.
inline constexpr const char* kSubmittedBy = "penstock.dev/submitted-by";

}  // namespace penstock::api
