// Finished trials in a folder that survives the process: one that was killed goes on from them. A
// trial's key is a digest of all that it depends on, so that a folder of another training, other
// rows or another release is simply not found. Used by one thread.
//
//   trial-<key>.cbor   {"trials": [{"setting", "answers", "rounds"}]}; written whole or not at all
//   <key>/             the learner's own, while it is under way
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/result.h"

namespace penstock::train {

class TrialStore {
 public:
  // An empty folder keeps nothing.
  explicit TrialStore(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool active() const { return !folder_.empty(); }
  // Nothing where there is no such trial; a file that is damaged is an error that names it.
  [[nodiscard]] Result<std::optional<std::vector<Trial>>> Find(const std::string& key) const;
  [[nodiscard]] Result<void> Keep(const std::string& key, const std::vector<Trial>& trials) const;
  // For the learner; made if need be. Empty where nothing is kept.
  [[nodiscard]] Result<std::string> FolderFor(const std::string& key) const;
  // What the learner left there is of no use any more.
  void Drop(const std::string& key) const;

 private:
  std::string folder_;
};

// Of all that a trial depends on. `what` is the rest of it: learner, parameters, seed, threads.
[[nodiscard]] std::string TrialKey(const Json& what, const Rows& train, const Rows* held_out);

}  // namespace penstock::train
