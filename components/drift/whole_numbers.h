// Whole numbers beyond 2^53, of which several round to one double, told apart though they are
// compared as doubles: each of those that occur gets a double of its own, in their order, as near
// to it as the order leaves room. Value type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::drift {

inline constexpr std::int64_t kExactWhole = std::int64_t{1} << 53;  // up to it doubles are exact

class WholeNumbers {
 public:
  WholeNumbers() = default;  // empty: a double is what it is
  // Of all that occur, in any order, each as often as it likes. Empty where no two round to one.
  [[nodiscard]] static WholeNumbers Of(std::vector<std::int64_t> all);

  [[nodiscard]] bool empty() const { return wholes_.empty(); }
  // Of one that does not occur that of the nearest below it, or of the least.
  [[nodiscard]] double ValueOf(std::int64_t whole) const;
  // The whole number that has the double, else the double itself; as text.
  [[nodiscard]] std::string TextOf(double value) const;

 private:
  std::vector<std::int64_t> wholes_;  // ascending, each once
  std::vector<double> values_;        // ascending
};

}  // namespace penstock::drift
