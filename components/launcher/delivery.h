// What the launcher does outside a task: copying itself into a step's pod, and fetching one
// artifact (the init container of a model server).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "components/launcher/model_fetch.h"
#include "components/launcher/signals.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// Copies this program to `target` (or into it, where it is a folder), mode 0755, by rename.
[[nodiscard]] Result<void> Install(const std::filesystem::path& target);

struct FetchOptions {
  TaskStore store;
  std::string namespace_;
  ArtifactRef artifact;  // its digest is that of `source`, where there is one
  ModelFetch model;      // where `model.source` is not empty: from there and not from the store
  bool verify = false;   // nothing is fetched: `to` is there, and must have the digest
  std::filesystem::path claim;  // not empty: kept there under the digest; `to` is not used
  std::filesystem::path to;     // replaced where it exists; not a volume's root itself
  // A public key in PEM. Not empty: `to` is there only where this key has signed it. What stands in
  // a claim, which others may write, is copied to `to` then, and the copy is what is looked at.
  std::string signed_by;
  std::filesystem::path from;  // with `signed_by`, in place of `verify`: what is copied
  std::chrono::milliseconds deadline{600'000};

  // Of what is kept in a claim: of an artifact its own; of a URI, whose digest is that of what was
  // sent, none is known.
  [[nodiscard]] std::string KeptDigest() const;
};
// Fetches beside `to` and renames, so that `to` is whole or absent. kCancelled within a second of
// a signal; the process must then end by _exit.
// `*not_signed` tells an error that is the model's own: it is not signed by that key as it is.
[[nodiscard]] Result<void> FetchArtifact(const FetchOptions& options, Signals& signals,
                                         bool* not_signed);

}  // namespace penstock::launcher
