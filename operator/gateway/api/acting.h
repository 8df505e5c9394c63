// What people do through the API. Implementations are thread-safe; calls block.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/json.h"
#include "operator/gateway/api/access.h"

namespace penstock::gateway {

struct Done {
  Json object;          // the PipelineRun or ModelDeployment as it is now
  std::string command;  // that does the same
};

struct RunRequest {
  std::string pipeline;
  std::string name;  // empty: one that is completed
  std::map<std::string, Json> parameters;
  std::optional<api::RerunSpec> rerun = {};
  std::map<std::string, std::string> inputs = {};
  bool publish = true;
  std::optional<TimePoint> scheduled_time = {};
  // Of a rerun: what the spec of the former run says of its Pipeline, which may be in place or the
  // library's; empty: `pipeline`.
  Json made_of = Json::object();
};
struct RerunRequest {
  std::map<std::string, Json> parameters;
  // Given, the run itself is done again (spec.rerun): from these steps, or, where there are none,
  // what failed. Not given, its Pipeline is run as it is now.
  std::optional<std::vector<std::string>> from;
};
struct ApprovalRequest {
  std::string step;  // of a run
  bool approved = false;
  std::string comment;
  std::map<std::string, Json> values;
  // Of a model: what the person looked at; absent: what waits now.
  std::optional<std::int64_t> version = {}, number = {};
};

// With the caller's own rights; kForbidden where these do not suffice, kUnsupported (with the
// command that does it) for what cannot be done from here.
class Acting {
 public:
  virtual ~Acting() = default;
  [[nodiscard]] virtual Result<Done> Run(const Caller& caller, const std::string& ns,
                                         const RunRequest& request,
                                         const std::stop_token& stop) = 0;
  [[nodiscard]] virtual Result<Done> Cancel(const Caller& caller, const std::string& ns,
                                            const std::string& run,
                                            const std::stop_token& stop) = 0;
  // Another run of the same Pipeline with the run's parameters, but for these.
  [[nodiscard]] virtual Result<Done> Rerun(const Caller& caller, const std::string& ns,
                                           const std::string& run, const RerunRequest& request,
                                           const std::stop_token& stop) = 0;
  [[nodiscard]] virtual Result<Done> Approve(const Caller& caller, const std::string& ns,
                                             const std::string& run, const ApprovalRequest& request,
                                             const std::stop_token& stop) = 0;
  // Decides the step at which the version of a model that is coming in waits for people; `request`
  // has no step and no values. kConflict where none waits, or another than was looked at.
  [[nodiscard]] virtual Result<Done> ApproveModel(const Caller& caller, const std::string& ns,
                                                  const std::string& model,
                                                  const ApprovalRequest& request,
                                                  const std::stop_token& stop) = 0;
  // promote, pause, resume or abort.
  [[nodiscard]] virtual Result<Done> Steer(const Caller& caller, const std::string& ns,
                                           const std::string& model, const std::string& word,
                                           const std::stop_token& stop) = 0;
};

}  // namespace penstock::gateway
