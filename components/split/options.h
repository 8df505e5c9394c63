// What a split was asked to do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::split {

enum class Part : std::uint8_t { kTrain, kValid, kTest, kDropped };
inline constexpr std::array<const char*, 3> kPartNames = {"train", "valid", "test"};

struct SplitOptions {
  enum class By : std::uint8_t { kHash, kTime };
  enum class Duplicates : std::uint8_t { kSpread, kTogether, kDrop };
  By by = By::kHash;
  std::vector<std::string> columns;  // hash: the keys; all when empty
  std::string group;                 // hash: the key; time: looked at for leaks
  std::string time;
  std::string stratify;
  std::string label;  // whose shares are said: what was named, else `stratify`
  Duplicates duplicates = Duplicates::kSpread;
  std::optional<Part> null_times;  // nothing: they are refused
  std::array<double, 3> fractions = {0.8, 0.1, 0.1};
  std::uint64_t seed = 0;
  std::int64_t valid_cut = 0;  // time, in microseconds: valid from here on
  std::int64_t test_cut = 0;   // test from here on
  int folds = 0;               // 0: none
  int repeats = 1;

  // Was this part asked for? Then it may not be empty.
  [[nodiscard]] bool IsExpected(Part part) const;
  // The columns that folds get: "fold", or "fold_1", "fold_2", ...
  [[nodiscard]] std::vector<std::string> FoldColumns() const;
};

// Invalid names the parameter.
[[nodiscard]] Result<SplitOptions> ReadOptions(const Json& parameters);

}  // namespace penstock::split
