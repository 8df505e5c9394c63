// The passes before the rows are written: facts on disk, occurrences, places. Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/sdk/spill/spill.h"
#include "components/split/facts.h"
#include "components/split/options.h"
#include "components/split/placement.h"

namespace penstock::sdk {
class DatasetReader;
}

namespace penstock::split {

struct Counts {
  std::int64_t duplicates = 0;     // rows that equal one before them
  std::int64_t dropped = 0;        // duplicates and null times that are in no part
  std::int64_t rows_across = 0;    // rows of valid and test that also stand in a part before theirs
  std::int64_t groups_across = 0;  // groups with rows in several parts
};

class Passes {
 public:
  // Files in `folder`, which exists; `rows` of the dataset say how many partitions there are.
  [[nodiscard]] static Result<Passes> Create(const SplitOptions& options, const std::string& folder,
                                             std::int64_t rows);

  // Reads the dataset to its end and decides.
  [[nodiscard]] Result<void> Run(sdk::DatasetReader& reader);

  // The codes (placement.h) of the next row of the dataset.
  [[nodiscard]] Result<void> NextCodes(std::uint8_t* codes);
  [[nodiscard]] std::size_t Levels() const { return placement_.Levels(); }
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  explicit Passes(const SplitOptions& options) : options_(options), placement_(options) {}
  [[nodiscard]] Result<void> ReadFacts(sdk::DatasetReader& reader, Strata& strata);
  [[nodiscard]] Result<void> CountOccurrences(std::size_t partition);
  [[nodiscard]] Result<void> Place(std::size_t partition);
  [[nodiscard]] Result<void> CountGroups(std::size_t partition);

  SplitOptions options_;
  Placement placement_;
  sdk::SpillFiles facts_;
  sdk::SpillFiles order_;   // one file: the partition of each row
  sdk::SpillFiles codes_;   // by row's partition
  sdk::SpillFiles groups_;  // by group; only where a group's rows may be parted
  Counts counts_;
};

}  // namespace penstock::split
