// The rows of training in memory, to fit a recipe again on some of them and to make matrices: what
// `train` needs in each fold, so that nothing of the held-out rows leaks into the constants.
// Immutable once loaded, thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "components/sdk/matrix.h"
#include "operator/base/result.h"

namespace penstock::transform {

// Whether FitOn finds the constants again on its rows, or those of the recipe stay.
enum class Constants : std::uint8_t { kOfRows, kOfRecipe };

class TrainingTable {
 public:
  // The columns that `recipe` (a fitted spec; its constants are not used but for kOfRecipe) reads,
  // of the datasets one after the other; the first are `train`, then `valid`. Only the rows of
  // `keep` where it is given (numbers over all datasets, ascending). Invalid names dataset (by
  // `names`, or by its path where there are none), column and row: also of a null where the recipe
  // takes none, as a server of the model would refuse such a row.
  [[nodiscard]] static Result<TrainingTable> Load(const std::vector<std::string>& datasets,
                                                  sdk::TransformSpec recipe,
                                                  const std::vector<std::uint32_t>* keep = nullptr,
                                                  const std::vector<std::string>& names = {},
                                                  Constants constants = Constants::kOfRows);
  ~TrainingTable();
  TrainingTable(TrainingTable&&) noexcept;

  [[nodiscard]] std::size_t rows() const;

  // A recipe fitted on some rows, with their matrix.
  struct Fit {
    sdk::TransformSpec spec;
    // What these rows are to a learner: as `spec` would make them, but for target encoding, where a
    // row's own label (and those of its part of five) is left out.
    sdk::FloatMatrix x;
  };
  // An input where some row of the table, of these or not, holds a word that is null to the fitted
  // recipe is nullable: a server takes each row that the model is judged by.
  // `y`: of all rows of the table (index of the class, or the value), for target encoding. `seed`
  // chooses the parts. `group`: of all rows of the table, or empty; rows of one are of one part.
  [[nodiscard]] Result<Fit> FitOn(std::span<const std::uint32_t> rows, sdk::View view,
                                  std::span<const double> y, std::size_t classes,
                                  std::uint64_t seed,
                                  std::span<const std::uint32_t> group = {}) const;

  // Rows as the fitted transform makes them, the same bits as in serving.
  [[nodiscard]] Result<sdk::FloatMatrix> Matrix(const sdk::Transform& transform,
                                                std::span<const std::uint32_t> rows) const;

 private:
  struct Impl;
  explicit TrainingTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::transform
