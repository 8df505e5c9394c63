#include "components/split/passes.h"

#include <arrow/api.h>

#include <bit>
#include <unordered_map>

#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

// 32 MiB of facts, and about as much for the table that finds equal rows.
constexpr std::int64_t kPartitionRows = 1 << 20;
constexpr std::size_t kMostPartitions = 128;

struct GroupPart {
  std::uint64_t group = 0;
  std::uint64_t part = 0;
};

std::size_t PartitionOf(std::uint64_t hash, std::size_t partitions) {
  // Other bits than those that decide where the row goes.
  return std::size_t(sdk::MixBits(~hash)) & (partitions - 1);
}

}  // namespace

Result<Passes> Passes::Create(const SplitOptions& options, const std::string& folder,
                              std::int64_t rows) {
  const auto wanted = std::size_t(rows / kPartitionRows) + 1;
  const auto partitions = std::min(std::bit_ceil(wanted), kMostPartitions);
  Passes passes(options);
  PENSTOCK_ASSIGN(passes.facts_, sdk::SpillFiles::Create(folder, "facts", partitions));
  PENSTOCK_ASSIGN(passes.order_, sdk::SpillFiles::Create(folder, "order", 1));
  PENSTOCK_ASSIGN(passes.codes_, sdk::SpillFiles::Create(folder, "codes", partitions));
  if (options.by == SplitOptions::By::kTime && !options.group.empty()) {
    PENSTOCK_ASSIGN(passes.groups_, sdk::SpillFiles::Create(folder, "groups", partitions));
  }
  return passes;
}

Result<void> Passes::ReadFacts(sdk::DatasetReader& reader, Strata& strata) {
  std::int64_t first_row = 0;
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader.Next());
    if (batch == nullptr) return {};
    PENSTOCK_ASSIGN(const auto facts, FactsOf(*batch, options_, first_row, strata));
    for (const RowFacts& row : facts) {
      const auto partition = std::uint8_t(PartitionOf(row.row, facts_.partitions()));
      PENSTOCK_TRY(facts_.Append(partition, &row, sizeof row));
      PENSTOCK_TRY(order_.Append(0, &partition, 1));
    }
    first_row += batch->num_rows();
  }
}

// Equal rows are in one partition, in the dataset's order.
Result<void> Passes::CountOccurrences(std::size_t partition) {
  PENSTOCK_ASSIGN(auto rows, facts_.ReadAll<RowFacts>(partition));
  std::unordered_map<std::uint64_t, std::uint32_t> seen;
  seen.reserve(rows.size());
  bool is_changed = false;
  for (RowFacts& row : rows) {
    const std::uint32_t before = seen[row.row]++;
    if (before == 0) continue;
    ++counts_.duplicates;
    if (options_.duplicates == SplitOptions::Duplicates::kTogether) continue;
    is_changed = true;
    if (options_.duplicates == SplitOptions::Duplicates::kDrop) {
      row.part = std::uint32_t(Part::kDropped);
    } else {
      row.decides = sdk::MixBits(row.decides ^ sdk::MixBits(before));
    }
  }
  return is_changed ? facts_.Replace(partition, rows) : Result<void>();
}

Result<void> Passes::Place(std::size_t partition) {
  PENSTOCK_ASSIGN(const auto rows, facts_.ReadAll<RowFacts>(partition));
  std::vector<std::uint8_t> codes(rows.size() * Levels());
  std::unordered_map<std::uint64_t, std::uint8_t> parts;  // of equal rows, a bit each
  parts.reserve(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::uint8_t* code = &codes[r * Levels()];
    placement_.CodesOf(rows[r], code);
    if (Part(*code) == Part::kDropped) {
      ++counts_.dropped;
      continue;
    }
    parts[rows[r].row] |= std::uint8_t(1U << *code);
    if (groups_.partitions() == 0 || rows[r].group == 0) continue;
    const GroupPart group = {rows[r].group, *code};
    PENSTOCK_TRY(
        groups_.Append(PartitionOf(group.group, groups_.partitions()), &group, sizeof group));
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::uint8_t code = codes[r * Levels()];
    if (Part(code) == Part::kDropped) continue;
    const unsigned before_it = (1U << code) - 1;
    counts_.rows_across += (parts[rows[r].row] & before_it) != 0 ? 1 : 0;
  }
  return codes_.Append(partition, codes.data(), codes.size());
}

Result<void> Passes::CountGroups(std::size_t partition) {
  PENSTOCK_ASSIGN(const auto rows, groups_.ReadAll<GroupPart>(partition));
  std::unordered_map<std::uint64_t, unsigned> parts;
  for (const auto& row : rows) parts[row.group] |= 1U << row.part;
  for (const auto& [group, mask] : parts) counts_.groups_across += std::popcount(mask) > 1 ? 1 : 0;
  return {};
}

Result<void> Passes::Run(sdk::DatasetReader& reader) {
  Strata strata;
  PENSTOCK_TRY(ReadFacts(reader, strata));
  for (std::size_t p = 0; p < facts_.partitions(); ++p) PENSTOCK_TRY(CountOccurrences(p));
  const Scan scan = [this](const VisitRow& visit) -> Result<void> {
    for (std::size_t p = 0; p < facts_.partitions(); ++p) {
      PENSTOCK_ASSIGN(const auto rows, facts_.ReadAll<RowFacts>(p));
      for (const RowFacts& row : rows) {
        if (Part(row.part) != Part::kDropped) visit(row);
      }
    }
    return {};
  };
  PENSTOCK_TRY(placement_.Learn(scan, strata));
  for (std::size_t p = 0; p < facts_.partitions(); ++p) PENSTOCK_TRY(Place(p));
  for (std::size_t p = 0; p < groups_.partitions(); ++p) PENSTOCK_TRY(CountGroups(p));
  for (std::size_t p = 0; p < codes_.partitions(); ++p) PENSTOCK_TRY(codes_.Rewind(p));
  return order_.Rewind(0);
}

Result<void> Passes::NextCodes(std::uint8_t* codes) {
  std::uint8_t partition = 0;
  PENSTOCK_TRY(order_.Read(0, &partition, 1));
  return codes_.Read(partition, codes, Levels());
}

}  // namespace penstock::split
