// Whether a run would be another one than the last that succeeded: by its pinned spec (steps,
// parameters, code, images) and by what its sources hold now.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/cli/history/run_archive.h"
#include "operator/sources/fingerprint.h"

namespace penstock::cli {

struct RunChange {
  std::string since;             // the last run that succeeded; empty: there is none
  std::vector<std::string> why;  // empty: nothing has changed
};

using AskSource = std::function<sources::Fingerprint(const std::string& uri)>;

// `run` has its spec. `last` is the newest run of its Pipeline that succeeded, with its spec where
// that is kept; null: none did. What cannot be told counts as changed, and says so.
[[nodiscard]] RunChange WhatChanged(const KnownRun& run, const KnownRun* last,
                                    const AskSource& ask);

// Of `older`, the newest first: the newest run of the same Pipeline that succeeded; null: none.
[[nodiscard]] KnownRun* LastSucceeded(const KnownRun& run, std::vector<KnownRun>& older);

}  // namespace penstock::cli
