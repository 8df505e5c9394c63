#include "components/transform/column_summary.h"

#include <algorithm>
#include <cmath>

namespace penstock::transform {

using sdk::Category;
using sdk::Cell;
using sdk::ColumnType;

void ColumnSummary::AddCategory(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) {
    const auto found = strings_.find(*text);
    if (found != strings_.end()) {
      ++found->second;
    } else {
      strings_.emplace(*text, 1);
    }
  } else if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
    ++others_[*integer];
  } else if (const auto* flag = std::get_if<bool>(&cell)) {
    ++others_[*flag];
  } else if (const auto* number = std::get_if<double>(&cell)) {
    ++others_[*number == 0 ? 0.0 : *number];
  }
}

void ColumnSummary::Add(const sdk::TypedColumn& column, std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const Cell cell = CellAt(column, r);
    const auto* number = std::get_if<double>(&cell);
    if (cell.index() == 0 || (number != nullptr && !std::isfinite(*number))) {
      ++nulls_;
      continue;
    }
    ++values_;
    if (want_categories_) AddCategory(cell);
    if (!want_numbers_) continue;
    if (number != nullptr) numbers_.push_back(*number);
    if (const auto* flag = std::get_if<bool>(&cell)) numbers_.push_back(*flag ? 1 : 0);
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      numbers_.push_back(type_ == ColumnType::kTimestamp ? double(*integer) / 1e6
                                                         : double(*integer));
    }
  }
}

double ColumnSummary::Median() {
  std::sort(numbers_.begin(), numbers_.end());
  const std::size_t n = numbers_.size();
  return n % 2 == 1 ? numbers_[n / 2] : numbers_[n / 2 - 1] / 2 + numbers_[n / 2] / 2;
}

double ColumnSummary::MostFrequentNumber() {
  std::sort(numbers_.begin(), numbers_.end());
  double best = numbers_.front();
  std::size_t best_count = 0;
  for (std::size_t i = 0; i < numbers_.size();) {
    std::size_t j = i;
    while (j < numbers_.size() && numbers_[j] == numbers_[i]) ++j;
    if (j - i > best_count) {
      best_count = j - i;
      best = numbers_[i];
    }
    i = j;
  }
  return best;
}

std::vector<ColumnSummary::Counted> ColumnSummary::ByCount() const {
  std::vector<Counted> counted(others_.begin(), others_.end());
  for (const auto& [text, count] : strings_) counted.emplace_back(Category(text), count);
  std::stable_sort(counted.begin(), counted.end(),
                   [](const Counted& a, const Counted& b) { return a.second > b.second; });
  return counted;
}

}  // namespace penstock::transform
