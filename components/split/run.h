// The component `split`: one dataset into train, valid and test, by hash, group or time. The same
// row goes the same way whatever the other rows are; the order is kept.
#pragma once

#include <arrow/type_fwd.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/sdk/step.h"

namespace penstock::split {

enum class Part : std::uint8_t { kTrain, kValid, kTest };
inline constexpr std::array<const char*, 3> kPartNames = {"train", "valid", "test"};

struct SplitOptions {
  enum class By : std::uint8_t { kHash, kGroup, kTime };
  By by = By::kHash;
  std::vector<std::string> columns;  // hash: the keys (all when empty); group, time: one
  std::array<double, 3> fractions = {0.8, 0.1, 0.1};
  std::uint64_t seed = 0;
  std::int64_t valid_cut = 0;  // time, in microseconds: valid from here on
  std::int64_t test_cut = 0;   // test from here on
};

[[nodiscard]] Result<SplitOptions> ReadOptions(const Json& parameters);

// The part of each row. Invalid for a null group or time, which belongs nowhere.
[[nodiscard]] Result<std::vector<Part>> Assign(const arrow::RecordBatch& batch,
                                               const SplitOptions& options);

[[nodiscard]] Result<void> RunSplit(sdk::Step& step);

}  // namespace penstock::split
