// Rows that are nearly equal, across parts and within the first: texts by SimHash, numbers rounded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/rows/duplicates.h"
#include "operator/base/result.h"

namespace penstock::audit {

inline constexpr std::int64_t kMostNear = 500'000;  // rows of all parts together, 40 bytes each
inline constexpr int kNearDigits = 3;

struct NearPair {
  std::uint32_t part = 0;  // the later one
  std::int64_t row = 0;
  std::uint32_t other_part = 0;
  std::int64_t other = 0;
  std::string by;  // "text", or "numbers"
};
struct NearDuplicates {
  std::int64_t rows = 0;  // looked at
  double share = 1;       // of all rows; a sample by the row's number finds its square of the pairs
  std::vector<NearPair> pairs;  // at most 1,000, exactly equal rows not among them
  std::int64_t found = 0;       // pairs, of at most 100,000 looked for
};
// Near by text: the texts of the columns (of the role feature) that have five words or more on
// average, joined, at a distance of at most 3 of 64 bits. Near by numbers, where there are three
// number columns with fractions or more: all columns equal, these to `kNearDigits` digits; a value
// beside the border of two roundings is missed. The label plays no part.
[[nodiscard]] Result<NearDuplicates> FindNearDuplicates(const std::vector<Part>& parts,
                                                        const std::string& label,
                                                        std::uint64_t seed);

void SayNearDuplicates(const std::vector<Part>& parts, const NearDuplicates& found,
                       Findings* findings);

}  // namespace penstock::audit
