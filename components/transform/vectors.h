// Word vectors for the steps of a recipe (kWordVectors): which words of a file a step keeps, and
// the constants that bring pooled vectors to one scale.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "components/transform/column_table.h"
#include "operator/base/result.h"

namespace penstock::transform {

// Of a step of kWordVectors, in its recipe:
//   top     most words of the rows, the most frequent first, equals by word
//   parts   so many words of the file beside them, in its order: those that the rows lack and a
//           served text may have
// Fewer where all together would be more than sdk::kMostVectorValues numbers.
//
// Gives each such step of the recipe its vectors from `file`. `notes` gets a sentence for each
// column: how many of its words have none. Invalid as VectorFile::Scan is, and where no word of a
// column has a vector.
[[nodiscard]] Result<void> AddVectors(sdk::TransformSpec& recipe, const ColumnTable& table,
                                      const std::string& file, std::vector<std::string>* notes);

[[nodiscard]] bool NeedsVectors(const sdk::TransformSpec& recipe);

// Mean and deviation of each dimension over those rows that have a word with a vector; they depend
// on the multiset of rows only.
void FitVectorMoments(sdk::TransformStep& step, const sdk::TypedColumn& column,
                      std::span<const std::uint32_t> rows);

}  // namespace penstock::transform
