// The folder of local runs: artifacts, logs, objects of runs, so that later commands find them.
//
//   <root>/artifacts/...                  the artifact store (artifacts/store.h)
//   <root>/objects/<plural>/<name>.json   Pipelines, PipelineRuns and ControllerRevisions (what a
//                                         run was made of) as the engine left them; ConfigMaps
//   <root>/pods, <root>/logs              of the process runner (local/pod_launch.h)
//   <root>/metadata.sqlite                runs, lineage, results
//   <root>/id                             what tells this folder from others
//   <root>/lock                           held by the `penstock run` at work, with its pid
//   <root>/serve.json                     where `penstock serve` last served what
//
// Everything is in namespace "default". Value type; safe between processes by atomic renames.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/cli/objects/session.h"
#include "operator/kube/client.h"
#include "operator/protocol/task.h"

namespace penstock::cli {

inline constexpr const char* kLocalNamespace = "default";

// The run of a process that was killed, as it ended then: Finished, Interrupted, and so its steps.
[[nodiscard]] Json ClosedRun(Json run, TimePoint now);

class State {
 public:
  explicit State(std::filesystem::path root) : root_(std::move(root)) {}

  // Where local commands keep things: --state, else PENSTOCK_HOME, else ./.penstock.
  [[nodiscard]] static State Of(const Session& session);
  // The rule that decides between this machine and a cluster: local when --state is given, or when
  // the state folder exists and none of --cluster, --context, --kubeconfig and --namespace is.
  [[nodiscard]] static std::optional<State> IfLocal(const Session& session);
  // True when one of the flags that mean a cluster is given.
  [[nodiscard]] static bool AsksForCluster(const Session& session);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] artifacts::Store store() const { return artifacts::Store(root_ / "artifacts"); }

  // What tells this state folder from others; made at the first call.
  [[nodiscard]] Result<std::string> Id() const;

  // Creates the folder for its user alone, with a .gitignore that keeps it out of Git.
  [[nodiscard]] Result<void> Create() const;

  [[nodiscard]] Result<void> Save(const kube::ResourceType& type, const Json& object) const;
  // By age. A run that has not ended, where no process is at work, is given as ClosedRun gives it.
  [[nodiscard]] Result<std::vector<Json>> Load(const kube::ResourceType& type) const;
  [[nodiscard]] Result<Json> Get(const kube::ResourceType& type, const std::string& name) const;
  [[nodiscard]] bool Has(const kube::ResourceType& type, const std::string& name) const;
  void Remove(const kube::ResourceType& type, const std::string& name) const;

  // The run whose name is `name`, or the newest run of the pipeline `name`.
  [[nodiscard]] Result<Json> FindRun(const std::string& name) const;

  // An artifact: sha256:<hex>, RUN/STEP/OUTPUT, PIPELINE/OUTPUT, or PIPELINE with one output.
  [[nodiscard]] Result<ArtifactRef> FindArtifact(const std::string& name) const;

  // The process that runs now, or 0.
  [[nodiscard]] int RunningProcess() const;

 private:
  [[nodiscard]] std::filesystem::path ObjectFile(const kube::ResourceType& type,
                                                 const std::string& name) const;
  [[nodiscard]] Result<std::vector<Json>> LoadAsKept(const kube::ResourceType& type) const;
  std::filesystem::path root_;
};

// Held while a run is at work in a state folder; one process at a time.
class StateLock {
 public:
  // Invalid, naming the process that holds it.
  [[nodiscard]] static Result<StateLock> Take(const State& state);
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace penstock::cli
