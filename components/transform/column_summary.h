// What a fit must know of one column; gathered in one pass, batch by batch. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "components/model_format/transform.h"
#include "components/sdk/cells.h"
#include "components/sdk/exact_sum.h"

namespace penstock::transform {

class ColumnSummary {
 public:
  ColumnSummary(sdk::ColumnType type, bool numbers, bool categories)
      : type_(type), want_numbers_(numbers), want_categories_(categories) {}

  void Add(const sdk::TypedColumn& column, std::int64_t rows);

  [[nodiscard]] sdk::ColumnType type() const { return type_; }
  [[nodiscard]] bool has_nulls() const { return nulls_ > 0; }
  [[nodiscard]] bool only_nulls() const { return values_ == 0; }

  // Numbers, as Transform sees them (seconds for timestamps). Sorts on the first call.
  [[nodiscard]] sdk::Moments Moments() const { return sdk::MomentsOf(numbers_); }
  [[nodiscard]] double Median();              // the mean of the middle two
  [[nodiscard]] double MostFrequentNumber();  // the smallest of equals

  // Categories with their counts: the most frequent first, equals by value.
  using Counted = std::pair<sdk::Category, std::int64_t>;
  [[nodiscard]] std::vector<Counted> ByCount() const;
  [[nodiscard]] bool HasText(const std::string& text) const { return strings_.contains(text); }

 private:
  void AddCategory(const sdk::Cell& cell);

  sdk::ColumnType type_;
  bool want_numbers_;
  bool want_categories_;
  std::int64_t nulls_ = 0;
  std::int64_t values_ = 0;
  std::vector<double> numbers_;
  std::map<std::string, std::int64_t, std::less<>> strings_;
  std::map<sdk::Category, std::int64_t> others_;
};

}  // namespace penstock::transform
