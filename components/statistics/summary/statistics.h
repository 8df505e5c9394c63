// Statistics of a dataset by column: what the artifact `statistics` (statistics.json, docs/data.md)
// holds. Value types and their JSON; how they are made is collect.h.
//
// Numbers stand in one unit by kind: microseconds since 1970 UTC of timestamps, days since 1970 of
// dates, the value itself of integers, floats and decimals. What is estimated says its error
// beside itself; an error of 0 means exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::statistics {

inline constexpr const char* kStatisticsFile = "statistics.json";
inline constexpr int kStatisticsVersion = 1;
inline constexpr int kPercentiles = 100;  // quantiles has one more: 0, 0.01, ... 1
inline constexpr int kBuckets = 10;       // of a histogram

enum class Kind : std::uint8_t {
  kNumber,  // int64, float64, decimal
  kTime,    // timestamp, date
  kText,
  kBoolean,
  kBytes,
  kList,
  kOther  // a struct, a map, ...: only its nulls are counted
};
[[nodiscard]] const char* Name(Kind kind);  // "number", "time", ...
[[nodiscard]] std::optional<Kind> ParseKind(std::string_view name);

// Values from `low` on and below `high`; the last bucket has its `high` too. The count is an
// estimate within rank_error * count of the column where that is not 0.
struct Bucket {
  double low = 0;
  double high = 0;
  double count = 0;
  bool operator==(const Bucket&) const = default;
};

// Of the finite values, of which there is one at least.
struct Numbers {
  std::int64_t count = 0;
  double mean = 0;
  std::optional<double> deviation;  // of the population; none where a square is beyond a double
  double min = 0;
  double max = 0;
  std::int64_t zeros = 0;
  std::int64_t negative = 0;
  std::vector<double> quantiles;  // kPercentiles + 1: the least value with at least that share of
                                  // the values at or below it
  double rank_error = 0;  // of each quantile, as a share of the values, in 99 of 100 columns
  std::vector<Bucket> histogram;           // of equal width; one bucket where all values are equal
  std::vector<Bucket> quantile_histogram;  // of equal counts, as far as ties let them
  bool operator==(const Numbers&) const = default;

  // The share of the values at or below x, between the quantiles by straight lines.
  [[nodiscard]] double ShareAtMost(double x) const;
};

// The value as JSON has it: a text, a number, a boolean; times as text (RFC 3339, a date).
struct ValueCount {
  Json value;
  std::int64_t count = 0;  // at least so often, and at most top_error more
  bool operator==(const ValueCount&) const = default;
};

struct Column {
  std::string name;
  std::string type;  // as a schema writes it (sdk/arrow_types.h)
  Kind kind = Kind::kOther;
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
  std::int64_t nan = 0;  // no nulls, nor counted below
  std::int64_t positive_infinite = 0;
  std::int64_t negative_infinite = 0;

  // Of numbers, times, texts, booleans and bytes. -0 and 0 are one value; NaN is none.
  std::int64_t distinct = 0;
  double distinct_error = 0;    // relative standard error
  std::vector<ValueCount> top;  // by count, then by value
  std::int64_t top_error = 0;
  bool top_complete = false;  // there are no other values

  std::optional<Numbers> numbers;  // of numbers and times with a finite value
  std::optional<Numbers> lengths;  // of texts (characters), bytes (bytes), lists (elements)
  std::int64_t empty = 0;          // of length 0, no nulls: "", []
  std::vector<Column> elements;  // of a list: one, all its elements as a column; rows are elements
  // Exact texts of the ends where a double cannot hold them: an integer beyond 2^53, a decimal, a
  // time. Else null.
  Json least;
  Json most;
  bool operator==(const Column&) const = default;

  // Values that are neither null nor NaN nor infinite.
  [[nodiscard]] std::int64_t count() const {
    return rows - nulls - nan - positive_infinite - negative_infinite;
  }
};

// Pearson's correlation over the rows where both are finite; none without spread.
struct Correlation {
  std::string a;
  std::string b;
  std::int64_t rows = 0;
  std::optional<double> r;
  bool operator==(const Correlation&) const = default;
};

// How a column goes with the label, over the sampled rows (Statistics::sampled_rows) where both
// have a value. What does not apply is left out.
struct Association {
  std::string column;
  std::int64_t rows = 0;
  std::optional<double> auc;                 // number, label of two values: 0.5 is none; towards
                                             // the label's greater value
  std::optional<double> mutual_information;  // nats; numbers in at most 20 bins of equal counts
  std::optional<double> information_share;   // of the label's entropy, 0 to 1
  std::optional<double>
      eta_squared;          // share of a number's variance between the groups of the other
  std::optional<double> r;  // Pearson, number and number
  bool operator==(const Association&) const = default;
};

struct Slice {
  std::string column;
  Json value;
  std::int64_t rows = 0;
  std::vector<Column> columns;
  bool operator==(const Slice&) const = default;
};

struct Statistics {
  std::int64_t rows = 0;
  std::vector<Column> columns;  // in the dataset's order
  std::vector<Correlation> correlations;
  std::string label;  // empty: none
  std::int64_t sampled_rows = 0;
  std::vector<Association> associations;  // with the label
  std::vector<Slice> slices;
  std::vector<std::vector<Json>>
      sample;  // a few rows, by column; chosen by the hash of their place
  bool operator==(const Statistics&) const = default;

  // Null when there is none.
  [[nodiscard]] const Column* Find(const std::string& name) const;
};

[[nodiscard]] Json ToJson(const Statistics& statistics);
// Invalid names the key that is missing or of another type, or another version.
[[nodiscard]] Result<Statistics> StatisticsFromJson(const Json& json);

// `path`: the artifact's folder or its file.
[[nodiscard]] Result<Statistics> LoadStatistics(const std::string& path);
// Creates the folder.
[[nodiscard]] Result<void> SaveStatistics(const std::string& folder, const Statistics& statistics);

}  // namespace penstock::statistics
