// Where a step's own code comes from. For each repository that steps of a run name in `code.git`
// there is one more step, of the library's Component `git`. It runs in the run's own namespace as
// the service account of the step that asked, so that whoever names a repository reaches what his
// own pods reach; the operator fetches nothing. What it gives is an artifact like any step's. Pure.
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
  CodeFetches(const api::PipelineSpec& spec, const Surroundings& around, Findings& out);

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

  const api::PipelineSpec& spec_;
  const Surroundings& around_;
  Findings& out_;
  std::optional<api::Component> component_;
  std::map<std::string, std::string> names_;  // by all that makes a fetch another one
  std::set<std::string> taken_;               // names of steps
  std::vector<ResolvedStep> steps_;
};

// What `code.git` may not say. Errors below `path`, of that field.
void CheckGit(const api::CodeSpec::Git& git, const std::string& path, Findings& out);

}  // namespace penstock::plan
