// What `penstock run` prepares: the Pipeline as it runs here, and its run. Split from the command
// so that each part is tested alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/cli/objects/manifest_files.h"
#include "operator/cli/objects/session.h"
#include "operator/cli/objects/state.h"

namespace penstock::cli {

struct RunOptions {
  std::vector<std::string> files;
  std::vector<std::string> parameters;  // "name=value"
  std::vector<std::string> inputs;      // "name=digest or URI"
  std::vector<std::string> approve;     // "STEP" or "STEP=name=value"
  std::string pipeline;                 // which, where the files hold several
  bool watch = false;
  bool no_cache = false;
  std::string sample;  // "1%"
  std::string isolation = "auto";
  std::string output;
  bool if_changed = false;  // start only what would be another run than the last that succeeded
};

// One run that is meant: the Pipeline and the parameters that a PipelineRun gives. An inline
// pipelineSpec becomes a Pipeline of its run's name.
struct Choice {
  api::Pipeline pipeline;
  std::map<std::string, Json> parameters;
  std::map<std::string, std::string> inputs;
  std::string file;  // of the Pipeline: code paths are relative to it
  std::optional<api::PipelineRun> run;
};
// Every PipelineRun of the files (of the Pipeline `name`, where that is given), in their order;
// where there is none, the one Pipeline that is no step of another. Invalid lists the names.
[[nodiscard]] Result<std::vector<Choice>> ChooseRuns(const Manifests& manifests,
                                                     const std::string& name);

// Every step runs, whatever the cache holds.
void TurnCacheOff(api::PipelineSpec& spec);

// Sets the parameter `sample` of each step whose Component has one. Invalid when none has.
[[nodiscard]] Result<void> SetSample(api::PipelineSpec& spec, const std::string& sample,
                                     const std::vector<api::Component>& components);

// Uploads each `code: {path}` and writes its digest in the path's place.
[[nodiscard]] Result<void> PinCode(api::PipelineSpec& spec, const std::string& file,
                                   const Session& session, const State& state);

// "<pipeline>-<hash>-<n>" with the first n that the state folder does not hold.
[[nodiscard]] Result<std::string> NextRunName(const api::Pipeline& pipeline, const State& state);

// Everything that one run needs, ready to go.
struct PreparedRun {
  api::Pipeline pipeline;
  std::map<std::string, Json> parameters;
  std::map<std::string, std::string> inputs;
  std::vector<api::Pipeline> others;  // of the files, which steps may name
  std::string run_name;
  std::vector<api::Component> library;
  std::vector<api::Component> components;  // of the files
  std::vector<Json> config_maps;
  std::vector<Json> secrets;
  bool publish = true;
  std::optional<TimePoint> scheduled_time;
  std::optional<api::RerunSpec> rerun;
};

// Of its Pipeline and those that steps may name.
[[nodiscard]] std::vector<const api::PipelineSpec*> SpecsOf(const PreparedRun& prepared);

// A failure that has been told already, by its exit code.
struct Told {
  int code;
};

// Checks the manifests and says which runs are meant; problems and warnings go to session.err.
struct CheckedFiles {
  std::vector<api::Component> library;
  std::vector<Choice> choices;
};
[[nodiscard]] std::variant<CheckedFiles, Told> CheckFiles(const Manifests& manifests,
                                                          const RunOptions& options,
                                                          const Session& session);

// Puts the parts above together for one run.
[[nodiscard]] std::variant<PreparedRun, Told> PrepareRun(
    const Manifests& manifests, const CheckedFiles& files, const Choice& choice,
    const RunOptions& options, const Session& session, const State& state);

// Runs that a killed process left unfinished are marked as failed; call with the lock held.
[[nodiscard]] Result<void> CloseInterruptedRuns(const State& state, TimePoint now);

inline constexpr std::size_t kKeepRuns = 20;  // of each pipeline

// Removes all but the newest `keep` runs of each pipeline: objects, pods' folders, logs, receipts
// and metrics. The artifacts stay.
[[nodiscard]] Result<void> PruneRuns(const State& state, std::size_t keep);

}  // namespace penstock::cli
