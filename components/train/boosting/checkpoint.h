// What a run of boosting has so far, in one file of the checkpoint's folder: it appears whole, and
// is taken only by a run of the same rows, settings, seed and threads.
#pragma once

#include <optional>
#include <string>

#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

// A digest of all that a run's bits depend on. `what`: which of a learner's runs it is, and its
// settings; `held_out` may be null.
[[nodiscard]] std::string RunDigest(const Json& what, const Rows& train, const Rows* held_out,
                                    const Context& context);

class Checkpoint {
 public:
  // `folder` empty: nothing is read or written.
  Checkpoint(std::string folder, std::string run);

  // The state of this run; nothing where there is none, where it is torn or another run's.
  [[nodiscard]] Result<std::optional<Json>> Read() const;
  // `state` may hold binary values.
  [[nodiscard]] Result<void> Write(const Json& state) const;
  [[nodiscard]] bool kept() const { return !path_.empty(); }

 private:
  std::string path_;
  std::string run_;
};

}  // namespace penstock::train
