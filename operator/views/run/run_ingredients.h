// What a step of a run was made of, an entry an ingredient, and how that differs between two runs.
// Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/views/run/known_run.h"

namespace penstock::views {

// "parameters.epochs", "inputs.train", "sources.source", "code", "env.TITLE", "command[2]" -> its
// value. `sources` are the fingerprints of URIs, as they were read.
using Ingredients = std::map<std::string, Json>;

// All that the step's cache key is made of (plan::CacheIngredients), and under "sources" the
// identities of its URIs, or the URI of one that told nothing. Null where the run's spec is not
// kept or has no such step.
[[nodiscard]] Json KeyIngredients(const KnownRun& run, const std::string& step);

// Its leaves but for the key's version and the namespace, which no two runs of a Pipeline differ
// in. Empty where that is null.
[[nodiscard]] Ingredients IngredientsOf(const KnownRun& run, const std::string& step);

// Of the pinned spec as a whole: everything that would run, but for data that steps hand on. What
// the run's own Pipeline published last is left out: a run that published would change the next.
[[nodiscard]] Ingredients IngredientsOf(const plan::ResolvedRun& resolved);

// The leaves of an object or list, "a.b[0]" -> value. An empty object or list is a leaf.
[[nodiscard]] Ingredients Leaves(const Json& value);

struct Difference {
  std::string what;
  Json before, after;  // null: not there
};
[[nodiscard]] std::vector<Difference> Compare(const Ingredients& before, const Ingredients& after);

}  // namespace penstock::views
