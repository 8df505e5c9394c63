// A comparison of which a side is the statistics of a dataset (statistics.json, docs/data.md) and
// not its rows: a model's training rows are gone, of what was served only the statistics were kept.
// A side that is a dataset is brought to its statistics first. Used by one thread.
#pragma once

#include <string>

#include "components/drift/compare.h"
#include "components/drift/options.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::drift {

struct Source {
  std::string path;
  bool is_statistics = false;
};

// As Compare. `asked`: null for the schema of the reference, or else of current, where that is a
// dataset. Invalid for blocks and slices, which need rows. Comparison::Undecided() has the columns
// of which the statistics leave open whether they have drifted.
[[nodiscard]] Result<Comparison> CompareStored(const Source& reference, const Source& current,
                                               const sdk::Schema* asked, const Options& parameters);

}  // namespace penstock::drift
