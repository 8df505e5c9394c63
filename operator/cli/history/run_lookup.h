// Runs and their pods by what a user types. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/cli/objects/session.h"

namespace penstock::cli {

// The last asked for at the end, by operator/plan's rule (change_run.h): of one second the change
// that was seen last, and of one change the greater number.
void SortAsAskedFor(std::vector<Json>& runs, const std::string& newest_hash = {});

// The run of that name, or the newest run of the Pipeline of that name.
[[nodiscard]] Result<Json> FindClusterRun(kube::Client& client, const std::string& ns,
                                          const std::string& name);
[[nodiscard]] inline Result<Json> FindClusterRun(const Cluster& cluster, const std::string& name) {
  return FindClusterRun(*cluster.client, cluster.namespace_, name);
}

struct StepPod {
  std::string step;
  std::string pod;  // of the newest attempt; empty: the step came from the cache, or is a run
  std::string run;  // of a step that is a Pipeline: its newest
  // Of a looped step, which has neither: its items have (cli/item_pods.h).
  bool looped = false;
  std::optional<int> item = {};  // the one that was asked for; nullopt: all
  bool gone = false;  // of an item that has ended: no pod of it stands, `pod` is that of attempt 1
  // Whose pod it is, where that is known: of a step from the cache those that made its outputs.
  std::string of_run = {}, of_step = {};
};
// The pods of all steps that had one or came from the cache, or of the named step; "each.3" names
// an item of a looped one. The error lists the steps, or says why the step has none.
[[nodiscard]] Result<std::vector<StepPod>> PodsOf(const Json& run, const std::string& step);

[[nodiscard]] bool StepHasEnded(const Json& run, const std::string& step);

}  // namespace penstock::cli
