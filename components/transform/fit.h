// The fit of a transform: a recipe and its constants from a training dataset. They depend on the
// multiset of rows only, not on their order, batches or shards.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "components/transform/plan.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::transform {

struct VocabularyOptions {
  std::int64_t top_k = 1000;
  std::int64_t oov_buckets = 1;
};

struct FitOptions {
  std::string label;
  std::vector<std::string> more_labels;  // of several, the others: no features either
  std::string weight;  // how much a row counts, which is no feature either; empty: none is named
  // Column -> mean, median, mostFrequent, unseen (categories only) or a constant; "*" for the
  // others. Without an entry: median for numbers, the place of the unseen for categories.
  Json impute = Json::object();
  std::vector<std::string> scale;
  std::vector<std::string> one_hot;
  std::map<std::string, VocabularyOptions> vocabulary;
  std::vector<std::string> passthrough;
  std::vector<Operation> operations;  // any others, and these
  std::string vectors;                // the file of wordVectors; empty: none

  // No column named: every column but the label is treated by its type and values. Left out, and
  // noted: what tells a model nothing (plan.h), lists and bytes, and columns whose role in the
  // dataset's schema is another than feature (protected ones too: they are learnt from only when
  // they are named).
  [[nodiscard]] bool Automatic() const { return Operations().empty(); }
  [[nodiscard]] std::vector<Operation> Operations() const;  // all of them

  // Beyond so many bytes of columns the fit is of a sample of the rows, by hash.
  std::int64_t most_bytes = 128 << 20;
};

// Invalid names the column: one that is missing, the label among the features, a string to be
// scaled, more than 1000 categories for oneHot, a column of nulls only.
// `notes` gets a sentence for each column that people should look at: one that is left out or
// constant; and one where the fit is of a sample.
[[nodiscard]] Result<sdk::TransformSpec> Fit(const std::string& dataset, const FitOptions& options,
                                             std::vector<std::string>* notes = nullptr);

}  // namespace penstock::transform
