// Where a step's own code comes from. For each repository that steps of a run name in `code.git`
// there is one more step, of the library's Component `git`. It runs in the run's own namespace as
// the service account of the step that asked, so that whoever names a repository reaches what his
// own pods reach; the operator fetches nothing. What it gives is an artifact like any step's. Steps
// of `finally` have theirs, of finally too: a cancel does not take it from them. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {

class CodeFetches {
 public:
  // `defaults`: of the spec, with its parameters put in.
  CodeFetches(const api::PipelineSpec& spec, api::StepDefaults defaults, const Surroundings& around,
              Findings& out);

  // Gives the step its code: that of its container's `code`, or of a step that fetches it. Errors
  // at `path`, of the field code.
  void Resolve(ResolvedStep& step, const std::string& path);

  // The steps, in the order in which they were asked for. They depend on nothing.
  [[nodiscard]] std::vector<ResolvedStep> Take() { return std::move(steps_); }

 private:
  void Add(ResolvedStep& user, const std::string& path);
  void SayWhyNone(const api::CodeSpec& code, const std::string& path);
  [[nodiscard]] bool CanBeReached(const api::CodeSpec::Git& git, const std::string& path);
  [[nodiscard]] const api::Component* FindComponent(const std::string& path);
  [[nodiscard]] std::string NewName(const std::string& what);
  [[nodiscard]] ResolvedStep MakeStep(const std::string& name, const api::CodeSpec::Git& git,
                                      const std::string& account,
                                      const api::Component& component) const;

  const api::StepDefaults defaults_;
  const Surroundings& around_;
  Findings& out_;
  std::optional<api::Component> component_;
  std::map<std::string, std::string> names_;  // by all that makes a fetch another one
  std::set<std::string> taken_;               // names of steps
  std::vector<ResolvedStep> steps_;
};

// What `code.git` may not say. Errors below `path`, of that field.
void CheckGit(const api::CodeSpec::Git& git, const std::string& path, Findings& out);

// A step's Python packages (container.code.requirements, code_requirements.cc). For each lock and
// image that steps of a run name there is one more step, which installs the lock with the image's
// own pip into an artifact; the launcher puts that in front of PYTHONPATH. Its cache key is that of
// any step: of the lock and the image's digest, so that it is done once for all runs.
class Installs {
 public:
  Installs(const api::PipelineSpec& spec, api::StepDefaults defaults, const Surroundings& around,
           Findings& out);

  // Gives the step its packages, of a step that installs them. Its code is resolved already
  // (CodeFetches). Errors below `path`, the container's.
  void Resolve(ResolvedStep& step, const std::string& path);

  // The steps, in the order in which they were asked for. They depend on those that fetch code.
  [[nodiscard]] std::vector<ResolvedStep> Take() { return std::move(steps_); }

 private:
  // The lock as the input of the step that installs it; nullopt: said why not.
  [[nodiscard]] std::optional<ResolvedInput> LockOf(const ResolvedStep& user,
                                                    const std::string& path);
  [[nodiscard]] std::string NewName(const std::string& what);
  [[nodiscard]] ResolvedStep MakeStep(const ResolvedStep& user) const;

  const api::StepDefaults defaults_;
  const Surroundings& around_;
  Findings& out_;
  std::map<std::string, std::string> names_;  // by all that makes an installation another one
  std::set<std::string> taken_;               // names of steps
  std::vector<ResolvedStep> steps_;
};

// What code.requirements of a container may not say. Errors below `at`, the container's path.
void CheckInstall(const api::ContainerSpec& container, const std::string& at, Findings& out);

}  // namespace penstock::plan
