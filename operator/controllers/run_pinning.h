// What a run is pinned to: its Pipeline, parameters and Components resolved once, at the first
// visit, and kept as a ControllerRevision (revisions.h). Whatever happens to the Pipeline
// afterwards, the run goes on with this.
//
// Used by one thread at a time (the run's reconcile), but for is_pinned().
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/controllers/refusals.h"
#include "operator/controllers/run_facts.h"

namespace penstock::controllers {

class RunPinning {
 public:
  explicit RunPinning(const Context& context) : context_(context) {}

  // True when resolved() or errors() say how it stands; false when something that it needs has
  // been asked for and the run will be woken. An error is worth a retry with back-off.
  [[nodiscard]] Result<bool> Ensure(const Known<api::PipelineRun>& run, RunFacts& facts);

  [[nodiscard]] const std::shared_ptr<const plan::ResolvedRun>& resolved() const {
    return resolved_;
  }
  // The run that this one does again, until something of this one has begun; null: none.
  [[nodiscard]] const std::shared_ptr<const plan::FormerRun>& former() const { return former_; }
  [[nodiscard]] const std::string& revision() const { return revision_; }
  [[nodiscard]] const std::vector<api::FieldError>& errors() const { return errors_; }
  // True when errors() are of the run's own spec, which cannot change, and nothing that may still
  // come (a Pipeline, a Component, an output, code) cures them.
  [[nodiscard]] bool unresolvable() const { return unresolvable_; }
  // Why the API server would not take the ControllerRevision; nothing is wrong with the run then.
  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }
  // When to look again at what may be cured without an event that wakes the run.
  [[nodiscard]] std::optional<Milliseconds> look_again() const { return look_again_; }
  [[nodiscard]] bool is_pinned() const { return pinned_; }  // any thread

 private:
  static constexpr Milliseconds kLookAgain{30'000};  // also the longest pause between tries

  [[nodiscard]] Result<bool> Read(const api::PipelineRun& run);
  [[nodiscard]] Result<bool> Resolve(const Known<api::PipelineRun>& run, RunFacts& facts);
  // False: it is being looked for. True: it is known, or errors() say why not.
  [[nodiscard]] bool FindFormer(const api::PipelineRun& run, RunFacts& facts);
  [[nodiscard]] bool IsSameAsThen(const api::PipelineSpec& spec, plan::Surroundings around,
                                  const api::PipelineRun& run);
  // Whether it is to be what that one was pinned to.
  [[nodiscard]] bool IsAsFormer(const api::PipelineRun& run,
                                const std::map<std::string, Json>& parameters,
                                const std::map<std::string, std::string>& inputs,
                                const plan::Surroundings& around) const;
  // Before the run is resolved anew: without what is not declared any more, and, where it is no
  // newer Pipeline that is asked for, with what the former run read of other Pipelines. Of its own
  // it reads what stands now.
  void FitToFormer(const api::PipelineSpec& spec, const api::PipelineRun& run,
                   std::map<std::string, Json>& parameters,
                   std::map<std::string, std::string>& inputs, plan::Surroundings& around) const;
  // True: that is done, or errors() say why it cannot be.
  [[nodiscard]] Result<bool> PinAsFormer(const api::PipelineRun& run,
                                         const plan::Surroundings& around);
  // What the run asks for, with what the former one was resolved with where it says nothing.
  [[nodiscard]] std::map<std::string, Json> ParametersOf(const api::PipelineRun& run) const;
  [[nodiscard]] std::map<std::string, std::string> InputsOf(const api::PipelineRun& run) const;
  [[nodiscard]] Result<bool> IsNewest(const api::Pipeline& seen) const;
  [[nodiscard]] Result<bool> Pin(const api::PipelineRun& run, plan::ResolvedRun resolved);
  [[nodiscard]] std::optional<ArtifactRef> CodeOf(const api::CodeSpec& code, RunFacts& facts,
                                                  bool& asked);
  [[nodiscard]] static std::optional<ArtifactRef> LockOf(const api::CodeSpec& code,
                                                         RunFacts& facts);
  // The text of a key, for a parameter that comes from there.
  [[nodiscard]] static Result<std::string> ConfigOf(const std::string& name, const std::string& key,
                                                    RunFacts& facts, bool& asked);
  [[nodiscard]] std::optional<plan::ImageProgram> ImageOf(const std::string& image, RunFacts& facts,
                                                          bool& asked);
  [[nodiscard]] bool IsPaused();
  bool Stall(const std::string& path, const std::string& message);
  bool Refuse(const std::string& path, const std::string& message);  // for good

  const Context& context_;
  std::shared_ptr<const plan::ResolvedRun> resolved_;
  std::shared_ptr<const plan::FormerRun> former_;
  std::string revision_;
  std::vector<api::FieldError> errors_;
  std::optional<Error> refused_;
  RefusedTry refused_try_;
  std::optional<Milliseconds> look_again_;
  bool unresolvable_ = false;
  std::atomic<bool> pinned_ = false;
};

}  // namespace penstock::controllers
