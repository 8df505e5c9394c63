// The rows that break one check. A bit a row, in pieces of 65,536 rows of which those without a
// broken row take no memory; a few examples. Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/model_format/column.h"
#include "components/validate/findings/anomaly.h"

namespace penstock::validate {

class RowSet {
 public:
  // False where it is there already.
  bool Add(std::int64_t row);
  [[nodiscard]] bool Has(std::int64_t row) const;
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  static constexpr std::int64_t kPieceRows = 65'536;
  std::vector<std::unique_ptr<std::vector<bool>>> pieces_;
  std::int64_t size_ = 0;
};

class Breaches {
 public:
  // Examples are the first `most`.
  explicit Breaches(std::size_t most = 5) : most_(most) {}

  // A row twice counts once.
  void Add(std::int64_t row, const sdk::Cell& value);
  void AddShown(std::int64_t row, std::string_view shown);
  // In place of the rows so far, which are among these.
  void AddRows(RowSet rows) { rows_ = std::move(rows); }

  [[nodiscard]] const RowSet& rows() const { return rows_; }
  [[nodiscard]] std::int64_t count() const { return rows_.size(); }
  [[nodiscard]] const std::vector<Example>& examples() const { return examples_; }

 private:
  RowSet rows_;
  std::size_t most_;
  std::vector<Example> examples_;
};

}  // namespace penstock::validate
