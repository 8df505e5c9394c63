// Random numbers that are the same on every machine: a counter through splitmix64's finaliser
// (row_hash.h). Value type; used by one thread.
#pragma once

#include <cstdint>

#include "components/sdk/row_hash.h"

namespace penstock::drift {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(sdk::MixBits(seed)) {}
  [[nodiscard]] std::uint64_t Bits() { return sdk::MixBits(state_++); }
  // In (0, 1).
  [[nodiscard]] double Unit() { return (double(Bits() >> 12) + 0.5) * 0x1.0p-52; }
  // In [0, n), n > 0. The bias, n / 2^64, is none that a draw could show.
  [[nodiscard]] std::uint64_t Below(std::uint64_t n) {
    return std::uint64_t((static_cast<unsigned __int128>(Bits()) * n) >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace penstock::drift
