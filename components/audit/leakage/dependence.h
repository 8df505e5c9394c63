// Is a column a function of the label, or the label one of the column? Pure; deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace penstock::audit {

// No two rows of which the one has the larger x and the smaller y (or, falling, the other way
// round): the ranges of one do not overlap between values of the other, so that one is a monotone
// function of the other: a copy, rescaled or coarsened. Goodman and Kruskal's gamma is 1 or -1 (J.
// Am. Stat. Assoc. 49, 1954).
struct Order {
  bool falling = false;
  double log10_chance = 0;  // that a random permutation of one has no such pair either
};
// NaN in either leaves the row out. Nothing where there is such a pair, or x or y is constant.
[[nodiscard]] std::optional<Order> OrderOf(std::span<const double> x, std::span<const double> y);

// The same of a column without an order (`codes` below `levels`): the ranges of y of any two levels
// do not overlap but at an end. log10 of the chance, which counts every order of the levels.
[[nodiscard]] std::optional<double> RangesChance(std::span<const std::uint32_t> codes,
                                                 std::uint32_t levels, std::span<const double> y);

// Every level has one class only: log10 of a bound of the chance, (classes ^ levels) / the number
// of ways to give the rows their classes. Nothing where a level has two. Rows with a class of NaN
// are left out.
[[nodiscard]] std::optional<double> PurityChance(std::span<const std::uint32_t> codes,
                                                 std::uint32_t levels,
                                                 std::span<const double> classes);

// Chatterjee's coefficient (J. Am. Stat. Assoc. 116, 2021) of y on x: about 0 where they are
// independent, 1 where y is a function of x; with ties, and divided by what n rows can reach, so
// that a function gives 1 at any n. Equal x are ordered by a hash of the row's number. NaN in
// either leaves the row out; 0 for fewer than 3 rows or a constant y.
[[nodiscard]] double Xi(std::span<const double> x, std::span<const double> y);

}  // namespace penstock::audit
