// Columns of datasets in memory, one array each: what a fit reads as often as it needs. Immutable
// once loaded, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "components/sdk/cells.h"
#include "operator/base/result.h"

namespace penstock::transform {

class ColumnTable {
 public:
  // The inputs' columns of the datasets one after the other, each as its input's type (Coerce);
  // only the rows of `keep` where it is given (numbers over all datasets, ascending). Invalid names
  // dataset (by `names`, or by its path where there are none), column and row: also of a null where
  // the transform's input takes none.
  [[nodiscard]] static Result<ColumnTable> Load(const std::vector<std::string>& datasets,
                                                const std::vector<sdk::Column>& inputs,
                                                const std::vector<std::uint32_t>* keep,
                                                const sdk::Transform& transform,
                                                const std::vector<std::string>& names = {});

  // The named columns as they are. Beyond `most_bytes` only the rows whose hash is below a bound, a
  // power of two that depends on the multiset of rows alone.
  [[nodiscard]] static Result<ColumnTable> LoadSample(const std::string& dataset,
                                                      const std::vector<std::string>& names,
                                                      std::int64_t most_bytes);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t size() const { return columns_.size(); }
  [[nodiscard]] const sdk::TypedColumn& column(std::size_t i) const { return columns_[i]; }
  // Numbers of the dataset's rows that were kept; empty: all.
  [[nodiscard]] const std::vector<std::uint32_t>& kept() const { return kept_; }
  [[nodiscard]] std::int64_t rows_of_dataset() const { return rows_of_dataset_; }
  // Nulls, NaN and infinities of a column over all rows of the dataset.
  [[nodiscard]] std::int64_t nulls(std::size_t i) const { return nulls_[i]; }
  // Some of the columns, in that order; they are shared.
  [[nodiscard]] ColumnTable Columns(const std::vector<std::size_t>& which) const;
  // 0, 1, ... rows() - 1.
  [[nodiscard]] std::vector<std::uint32_t> AllRows() const;

 private:
  std::size_t rows_ = 0;
  std::int64_t rows_of_dataset_ = 0;
  std::vector<sdk::TypedColumn> columns_;
  std::vector<std::int64_t> nulls_;
  std::vector<std::uint32_t> kept_;
};

}  // namespace penstock::transform
