// What a schema asks of a column's values, and of the whole dataset, beyond types: what `validate`
// holds the data to, and with which floors `drift` compares them. Nothing else reads them. All may
// be left out. Value types; pure.
//
//   presence: {fraction: 0.95, count: 100}   so many rows have a value, as a share and as a number
//   valueCount: {minimum: 1, maximum: 3}     of the elements of a list, where there is one
//   distinct: {minimum: 2, maximum: 50}      of different values
//   domainMass: 0.99                         so large a share of the values is within the domain
//   disallow: [nan, infinite]
//   pattern: "[A-Z]{3}"                      RE2, of the whole text
//   environments: [training]                 the column is there in these only
//   notIn: [serving]                         the column is not there in these
//   drift: {infinityNorm: 0.1, jensenShannon: 0.2, normalizedAbsoluteDifference: 0.1,
//           floor: 0.1, statistic: ks}       against the run before; the last two are `drift`'s,
//   drift: {ignore: true}                    as is this: another run may have other values
//   skew: {...}                              the same, against what is served
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::sdk {

struct CountRange {
  std::optional<std::int64_t> minimum;  // both inclusive
  std::optional<std::int64_t> maximum;
  [[nodiscard]] bool IsGiven() const { return minimum || maximum; }
  bool operator==(const CountRange&) const = default;
};

// Thresholds: a distance above one is an anomaly.
struct Comparison {
  std::optional<double> infinity_norm;  // of the difference of the shares of values
  std::optional<double> jensen_shannon;
  std::optional<double> normalized_absolute_difference;
  std::optional<double> floor;  // an effect below it is no drift
  std::string statistic;        // that decides; empty: drift's own choice
  bool ignore = false;          // drift does not compare the column
  [[nodiscard]] bool IsGiven() const { return *this != Comparison(); }
  bool operator==(const Comparison&) const = default;
};

struct Constraints {
  std::optional<double> presence_fraction;
  std::optional<std::int64_t> presence_count;
  CountRange value_count;
  CountRange distinct;
  std::optional<double> domain_mass;
  bool disallow_nan = false;
  bool disallow_infinite = false;
  std::string pattern;  // empty: any text
  std::vector<std::string> environments;
  std::vector<std::string> not_in;
  Comparison drift;
  Comparison skew;
  bool operator==(const Constraints&) const = default;
};

// Of the rows of a dataset.
struct RowConstraints {
  CountRange count;
  std::optional<double> least_of_before;  // rows as a multiple of those of the run before
  std::optional<double> most_of_before;
  [[nodiscard]] bool IsGiven() const { return *this != RowConstraints(); }
  bool operator==(const RowConstraints&) const = default;
};

// By key as above; what is not given is not there.
[[nodiscard]] Json ToJson(const Constraints& constraints);
[[nodiscard]] Json ToJson(const RowConstraints& rows);

// The keys of a column that stand for constraints.
[[nodiscard]] const std::vector<std::string>& ConstraintKeys();

}  // namespace penstock::sdk
