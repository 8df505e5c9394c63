// Decisions on approval steps of a local run: those that --approve gives, else those of whoever
// sits at the terminal. Used by the command's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/cli/objects/session.h"

namespace penstock::cli {

class LocalApprovals {
 public:
  // Gives the step of the run as the run was pinned.
  using ReadStep = std::function<Result<api::ApprovalStep>(kube::Client&, const Json& run,
                                                           const std::string& step)>;
  // `given`: "STEP" or "STEP=name=value", a value each. `specs`: of all Pipelines that may run. The
  // session must outlive it.
  LocalApprovals(const std::vector<std::string>& given,
                 const std::vector<const api::PipelineSpec*>& specs, const Session& session,
                 ReadStep read_step);

  // Everything that is wrong: steps that are none, values that do not fit, steps that nobody here
  // can decide.
  [[nodiscard]] const std::vector<std::string>& wrong() const { return wrong_; }

  // Decides what the run, or one within it, waits for, once each. Asks at the terminal, and waits
  // for the answer as long as the step does and nobody interrupts. The error says which step cannot
  // be decided.
  [[nodiscard]] Result<void> Decide(kube::Client& client, const Json& run);

 private:
  [[nodiscard]] Result<void> DecideSteps(kube::Client& client, const Json& run);
  [[nodiscard]] Result<void> DecideStep(kube::Client& client, const Json& run, const Json& step);
  using GoOn = std::function<bool()>;
  // Nothing: it is rejected. Cancelled when `go_on` says that the answer is wanted no more.
  [[nodiscard]] Result<std::optional<std::map<std::string, Json>>> Ask(
      const std::string& step, const std::string& message,
      const std::vector<api::ParameterSpec>& values, const GoOn& go_on) const;
  [[nodiscard]] Result<std::string> ReadLine(const std::string& prompt, const GoOn& go_on) const;

  const Session& session_;
  const ReadStep read_step_;
  std::map<std::string, std::vector<api::ApprovalStep>> steps_;  // by name, of any Pipeline
  std::map<std::string, std::vector<std::string>> given_;        // texts of values, by step
  std::vector<std::string> wrong_;
  std::set<std::pair<std::string, std::string>> decided_;  // run UID, step
};

}  // namespace penstock::cli
