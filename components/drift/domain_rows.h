// The rows that the domain classifier sees, gathered column by column: as many of each side, evenly
// spread, at most kRows and so many that kCells values are not passed (but 250 rows are taken).
// A feature is a column's bin (bins.h); of a text whether it has each of the 20 most frequent
// words.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/drift/bins.h"
#include "components/drift/classifier/domain.h"
#include "components/drift/sample.h"
#include "components/drift/values.h"

namespace penstock::drift {

// Of a text's words, for so many rows: a feature a word, 0 in each row.
[[nodiscard]] std::vector<BinnedFeature> WordFeatures(const Bins& bins, std::size_t rows);
// Sets what the text `row` of a column has to 1 in the features' row `at`.
void MarkWords(const Bins& bins, const Values& values, std::size_t row, std::size_t at,
               std::vector<BinnedFeature>& features);

class DomainCollector {
 public:
  static constexpr std::size_t kRows = 5000;

  explicit DomainCollector(const Sample& sample);

  // Pure: for several columns at once.
  [[nodiscard]] std::vector<BinnedFeature> FeaturesOf(const ColumnValues& column,
                                                      const Bins& bins) const;
  void Add(const std::string& column, std::vector<BinnedFeature> features);
  [[nodiscard]] DomainRows Take() &&;

 private:
  std::array<std::vector<std::size_t>, 2> rows_;  // places among the chosen rows
  std::array<std::size_t, 2> text_step_ = {1, 1};
  DomainRows out_;
};

}  // namespace penstock::drift
