// Rows that are there more than once, within a part and across parts: equal, nearly equal, or equal
// but for their label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "operator/base/result.h"

namespace penstock::audit {

struct Part {
  std::string name;  // "train", "valid", "test"
  std::string path;
};

inline constexpr std::int64_t kMostHashes = 8'000'000;  // 24 bytes each

// Hashes of the rows of all parts. Of more than kMostHashes rows those whose hash is below a bound
// are looked at: equal rows are all in or all out, so that shares stay what they are.
struct RowHash {
  std::uint64_t row = 0;       // of all features and the label
  std::uint64_t features = 0;  // of the features
  std::uint32_t part = 0;
  std::uint32_t number = 0;  // in the part; the last one that fits for those beyond
};

struct DuplicateOptions {
  std::string label;
  std::int64_t most_hashes = kMostHashes;
};

// What is said of each pair of parts, and of each alone.
struct Overlap {
  std::uint32_t of = 0;    // of this part's rows
  std::uint32_t with = 0;  // so many stand in that one; the same part: stand in it before
  std::int64_t rows = 0;
  std::vector<std::int64_t> first;  // numbers of some in `of`
};
struct Duplicates {
  double share = 1;                    // of the rows that was looked at
  std::vector<std::int64_t> rows;      // of each part, looked at
  std::vector<std::int64_t> distinct;  // of each part
  std::vector<Overlap> overlaps;       // those with rows
  std::int64_t contradicting = 0;      // rows of the first part, whose features others have with
                                       // another label
  std::int64_t contradicting_groups = 0;
  std::int64_t with_majority = 0;  // rows right at best, where equal features answer equally
  std::vector<std::int64_t> first_contradicting;
};
// Columns with the roles id, ignored and weight are left out. Equal means equal in 64 bits of a
// hash. The collision of two different rows among 8 million has the chance 2e-6. Invalid where
// columns differ between parts.
[[nodiscard]] Result<Duplicates> FindDuplicates(const std::vector<Part>& parts,
                                                const DuplicateOptions& options);

// Findings duplicates and contradictions.
void SayDuplicates(const std::vector<Part>& parts, const Duplicates& found, Findings* findings);

[[nodiscard]] Json ToJson(const std::vector<Part>& parts, const Duplicates& found);

// The columns that tell rows apart: those of the first part but ids, ignored ones, weights and,
// where `with_label` is false, the label. Invalid where a part lacks one.
[[nodiscard]] Result<std::vector<std::string>> ComparedColumns(const std::vector<Part>& parts,
                                                               const std::string& label,
                                                               bool with_label);

}  // namespace penstock::audit
