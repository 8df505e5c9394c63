// Two datasets against each other: every column, slices, all columns together, and what follows.
// Reads the files; several threads within; deterministic by seed.
//
// Memory: columns are read in groups whose values take at most kGroupBytes (a single column of text
// may take more: values.h), beside what reading takes and 8 bytes for each chosen row.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/drift/classifier/domain.h"
#include "components/drift/measure.h"
#include "components/drift/options.h"
#include "components/drift/pairing.h"
#include "components/drift/weigher.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::drift {

inline constexpr std::int64_t kGroupBytes = 128LL << 20;

struct SliceDrift {
  std::string column;
  std::string value;
  std::array<std::int64_t, 2> rows = {};
  std::vector<ColumnDrift> columns;
};

struct Comparison {
  std::array<std::int64_t, 2> rows = {};
  std::array<std::int64_t, 2> looked = {};  // at so many of them
  std::array<std::size_t, 2> blocks = {};
  double least_p = 0;  // below which no column's p can be
  Pairing pairing;
  std::vector<Pairing::Said> overruled;  // what the schema asks and the parameters say otherwise
  std::vector<Pairing::Said> unlike_schema;  // of a schema that is given; asked.h
  std::vector<ColumnDrift> columns;
  std::vector<SliceDrift> slices;
  std::int64_t small_slices = 0;  // with too few rows of a side
  bool of_statistics = false;     // stored.h: no rows were seen
  bool classified = false;
  Domain domain;
  bool domain_drifted = false;

  // False: no column was compared and none has another type.
  [[nodiscard]] bool HasCompared() const { return !columns.empty() || !pairing.changed.empty(); }
  // Names of the columns that have drifted, those whose type has changed first.
  [[nodiscard]] std::vector<std::string> Drifted() const;
  // The one whose effect is the largest of its floor; null where there is none.
  // Null also where columns have drifted by their types alone, which have no effect.
  [[nodiscard]] const ColumnDrift* Worst() const;
  // Its name, or that of the first column whose type has changed.
  [[nodiscard]] std::string WorstName() const;
  [[nodiscard]] bool IsDrift() const;
  // Names of the columns of which it is open.
  [[nodiscard]] std::vector<std::string> Undecided() const;
  // "drift", "undecided" where none has drifted and some may have, "stable".
  [[nodiscard]] const char* Verdict() const;
};

// `asked`: the schema whose roles and whose `drift` (asked.h) count; null for the reference's own.
// Invalid as PairColumns and Sample::Open are, where no column's values can be compared, and where
// so few rows or blocks could never reach alpha.
// `weigher`: gets what it takes to weigh the reference's rows; null where that is not wanted.
[[nodiscard]] Result<Comparison> Compare(const std::string& reference, const std::string& current,
                                         const sdk::Schema* asked, const Options& parameters,
                                         Weigher* weigher = nullptr);

// Invalid, with how many are needed, where so few rows can be divided in so few ways that no p is
// below alpha: 2 / C(n + m, n), of the two divisions that part all low rows from all high ones.
[[nodiscard]] Result<void> CheckEnoughRows(const std::array<std::int64_t, 2>& rows, double alpha);

// Adjusts p over the tests and says which have drifted: adjusted p below alpha, effect at least the
// floor.
void Decide(std::vector<ColumnDrift*> tests, double alpha);

}  // namespace penstock::drift
