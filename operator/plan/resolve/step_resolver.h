// One step of a checked spec after the other, pinned: its Component and the defaults merged in, the
// parameters of the pipeline put in, and where its inputs come from. Pure. A part of resolve.h.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/resolve/code_fetch.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/step_interfaces.h"

namespace penstock::plan {

// What is put in before a run starts; all else waits for its step.
[[nodiscard]] inline bool IsPipelineParameter(const Reference& r) {
  return r.Is({"parameters", "*"});
}

// Borrows all that it is made of. `values` has every declared parameter; indexes are those of
// StepsOf.
class StepResolver {
 public:
  StepResolver(const std::string& pipeline, const api::PipelineSpec& spec, const Interfaces& picked,
               const Surroundings& around, const std::map<std::string, Json>& values,
               const std::map<std::string, std::string>& given_inputs, Findings& out);

  // What is wrong goes to the findings; the step is then not to be used.
  ResolvedStep Resolve(std::size_t index);

  void SetGraph(Graph graph) { graph_ = std::move(graph); }
  // The steps that fetch the code of those that were resolved, and install their packages.
  std::vector<ResolvedStep> TakeFetches();

 private:
  void ResolveNested(const api::StepSpec& step, ResolvedStep& r) const;
  // With the pipeline's parameters in what it says to people.
  void ResolveApproval(const api::ApprovalStep& approval, ResolvedStep& r);
  // With the pipeline's parameters in what its pod is made with.
  ResolvedStep Merged(const api::StepSpec& step);
  // As Value, of a parameter that is not given null whatever field of it is asked for.
  [[nodiscard]] Result<Json> PodValue(const Reference& r) const;
  // The pipeline's, for the steps that fetch code and install packages.
  [[nodiscard]] api::StepDefaults KnownDefaults() const;
  // How one that is referred to must have ended. What a finally step lacks then is told when it is
  // gathered.
  [[nodiscard]] api::DependencyOutcome OutcomeOf(std::size_t index, std::size_t on,
                                                 api::DependencyOutcome implied) const;
  const std::set<std::size_t>& DependsOn(std::size_t index) const { return graph_[index]; }
  Result<Json> Value(const Reference& r) const { return Select(values_.at(r.path[1]), r, 2); }
  void ResolveForEach(const api::StepSpec& step, ResolvedStep& r);
  // Of programs that say no command: the image's own, and the image by the digest that it is of.
  void FindEntryPoints(const api::StepSpec& step, ResolvedStep& r);
  void ResolveInputs(const api::StepSpec& step, ResolvedStep& r);
  // nullopt: it is absent for certain, or wrong, which is said.
  std::optional<ResolvedSource> FillSource(const std::string& text, const std::string& path,
                                           bool may_be_absent, std::string& type);
  // A digest or URI, as it is known now; "" of one that is absent.
  std::optional<ResolvedSource> Known(ResolvedSource source, const char* from,
                                      const std::string& path, bool may_be_absent,
                                      std::string& type);
  // "" of one that is not given.
  [[nodiscard]] std::string GivenInput(const std::string& name, std::string& type) const;
  std::optional<ResolvedSource> FillPublished(const Reference& r, const std::string& path,
                                              bool may_be_absent, std::string& type);
  void ResolveParameters(const api::StepSpec& step, ResolvedStep& r);
  // A field that a parameter does not have is named before anything runs.
  void CheckContainerParts(const ResolvedStep& r);
  // What the container says of the pipeline's parameters.
  void NameContainerParameters(const api::StepSpec& step, ResolvedStep& r);
  void AddParameter(const std::string& name, const Json& value, ResolvedStep& r);
  // A Pipeline by name has its own defaults; one in place sees the parameters around it.
  void PassParameters(const api::StepSpec& step, ResolvedStep& r) const;

  const std::string& pipeline_;
  const api::PipelineSpec& spec_;
  std::vector<ListedStep> listed_;
  const Interfaces& picked_;
  const Surroundings& around_;
  const std::map<std::string, Json>& values_;
  const std::map<std::string, std::string>& given_inputs_;
  Findings& out_;
  CodeFetches code_;
  Installs installs_;
  std::map<std::string, const api::StepSpec*> steps_;
  Graph graph_;
  std::string path_;
  decltype(ResolvedStep::published) published_;  // of the step that is being resolved
  const api::ComponentSpec* component_ = nullptr;
};

}  // namespace penstock::plan
