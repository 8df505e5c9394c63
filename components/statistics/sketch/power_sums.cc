#include "components/statistics/sketch/power_sums.h"

#include <cmath>

namespace penstock::statistics {
namespace {

constexpr double kLarge = 0x1p960;        // sums of such may overflow
constexpr double kNoSquare = 0x1p470;     // the square times a count may overflow
constexpr double kTinySquare = 0x1p-480;  // the rounding of the square may underflow

// A 128 bit integer in pieces that a double holds.
template <typename Wide>
void AddWide(Wide value, double scale, sdk::ExactSum& to) {
  const bool negative = value < 0;
  unsigned __int128 rest =
      negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  double unit = negative ? -scale : scale;
  while (rest != 0) {
    to.Add(static_cast<double>(static_cast<std::uint32_t>(rest)) * unit);
    rest >>= 32;
    unit *= 0x1p32;
  }
}

}  // namespace

void AddProduct(double a, double b, sdk::ExactSum& to) {
  const double high = a * b;
  const double low = std::fma(a, b, -high);
  to.Add(high);
  if (low != 0) to.Add(low);
}

void AddProduct(const sdk::ExactSum& a, const sdk::ExactSum& b, double sign, sdk::ExactSum& to) {
  for (const double x : a.parts()) {
    for (const double y : b.parts()) AddProduct(sign * x, y, to);
  }
}

void PowerSums::Add(std::int64_t value, std::int64_t count) {
  count_ += count;
  integers_ += Int128(value) * count;
  const auto square = static_cast<unsigned __int128>(Int128(value) * value);
  squares_low_ += (square & ~std::uint64_t{0}) * static_cast<unsigned __int128>(count);
  squares_high_ += Int128(square >> 64) * count;
  has_normal_ = true;
}

void PowerSums::Add(double value, std::int64_t count) {
  count_ += count;
  const auto times = static_cast<double>(count);
  const double magnitude = std::abs(value);
  if (magnitude >= kLarge) {
    AddProduct(value * 0x1p-100, times, large_);
  } else {
    AddProduct(value, times, sum_);
  }
  if (magnitude >= kNoSquare) {
    has_large_ = true;
    return;
  }
  if (value == 0) return;
  (magnitude < kTinySquare ? has_small_ : has_normal_) = true;
  const double high = value * value;
  AddProduct(high, times, squares_);
  AddProduct(std::fma(value, value, -high), times, squares_);
}

void PowerSums::Merge(const PowerSums& other) {
  count_ += other.count_;
  integers_ += other.integers_;
  squares_high_ += other.squares_high_;
  squares_low_ += other.squares_low_;
  sum_.Merge(other.sum_);
  large_.Merge(other.large_);
  squares_.Merge(other.squares_);
  has_large_ |= other.has_large_;
  has_normal_ |= other.has_normal_;
  has_small_ |= other.has_small_;
}

double PowerSums::Mean() const {
  sdk::ExactSum sum = sum_;
  AddWide(integers_, 1, sum);
  const auto n = static_cast<double>(count_);
  const double large = large_.Round() / n;
  return large == 0 ? sum.Round() / n : large * 0x1p100 + sum.Round() / n;
}

std::optional<double> PowerSums::Deviation() const {
  if (has_large_ || (has_small_ && !has_normal_)) return std::nullopt;
  sdk::ExactSum sum = sum_;
  AddWide(integers_, 1, sum);
  sdk::ExactSum squares = squares_;
  AddWide(squares_low_, 1, squares);
  AddWide(squares_high_, 0x1p64, squares);
  const auto n = static_cast<double>(count_);
  sdk::ExactSum difference;  // n * sum(x^2) - sum(x)^2
  for (const double part : squares.parts()) AddProduct(n, part, difference);
  AddProduct(sum, sum, -1, difference);
  const double scaled = difference.Round();
  if (!std::isfinite(scaled)) return std::nullopt;
  return scaled <= 0 ? 0 : std::sqrt(scaled) / n;
}

}  // namespace penstock::statistics
