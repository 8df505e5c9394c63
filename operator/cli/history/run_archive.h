// Runs, and what each was made of, as they are kept: in the state folder, or in a cluster. Used by
// the command's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/cli/objects/session.h"
#include "operator/cli/objects/state.h"
#include "operator/views/run/known_run.h"

namespace penstock::cli {

using views::KnownRun;
using views::ReadRun;

class RunArchive {
 public:
  // Where commands look (State::IfLocal).
  [[nodiscard]] static Result<RunArchive> Open(const Session& session);
  explicit RunArchive(State state) : state_(std::move(state)) {}
  RunArchive(kube::Client& client, std::string ns) : client_(&client), namespace_(std::move(ns)) {}

  // The run of that name, or the newest run of the Pipeline of that name, with its spec.
  [[nodiscard]] Result<KnownRun> Find(const std::string& name) const;
  // Every run older than that one, the newest first, and then those that are not older but made
  // what its steps took from the cache; without their specs.
  [[nodiscard]] Result<std::vector<KnownRun>> Before(const KnownRun& run) const;
  // The runs of the items of its looped step that is a Pipeline: of each item the newest attempt's,
  // in the order of the items; without their specs.
  [[nodiscard]] Result<std::vector<KnownRun>> OfItems(const KnownRun& run,
                                                      const std::string& step) const;
  // Reads the spec of a run that has none yet, where it is kept.
  [[nodiscard]] Result<void> ReadSpec(KnownRun& run) const;

 private:
  [[nodiscard]] Result<std::vector<Json>> All() const;  // the oldest first
  [[nodiscard]] Result<std::vector<Json>> Labelled(const std::string& labels) const;
  std::optional<State> state_;
  std::unique_ptr<kube::Client> owned_;
  kube::Client* client_ = nullptr;
  std::string namespace_ = kLocalNamespace;
};

}  // namespace penstock::cli
