#include "components/statistics/summary/column_collector.h"

#include <arrow/api.h>

#include "components/statistics/sketch/runs.h"
#include "components/statistics/summary/describe.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

using Cells = ColumnShape::Cells;

// Counts by length, in no order, as runs.
Counted<std::int64_t> RunsOfLengths(Counted<std::int64_t> lengths) {
  std::sort(lengths.begin(), lengths.end());
  Counted<std::int64_t> runs;
  for (const auto& [length, count] : lengths) {
    if (!runs.empty() && runs.back().first == length) {
      runs.back().second += count;
    } else {
      runs.emplace_back(length, count);
    }
  }
  return runs;
}

Limits WithoutCounters(Limits limits) {
  limits.counters = 0;
  return limits;
}

template <typename T>
void MergeInto(std::optional<T>& to, std::optional<T> from) {
  if (to) to->Merge(*std::move(from));
}

}  // namespace

ColumnCollector::ColumnCollector(ColumnShape shape, const Limits& limits, std::uint64_t seed)
    : shape_(std::move(shape)), limits_(limits), seed_(seed) {
  counts_.name = shape_.name;
  counts_.type = shape_.type;
  counts_.kind = shape_.kind;
  if (shape_.cells == Cells::kIntegers) integers_.emplace(limits, seed, shape_.divisor);
  if (shape_.cells == Cells::kReals) reals_.emplace(limits, seed, 1);
  if (shape_.cells == Cells::kTexts) texts_.emplace(limits, seed);
  if (shape_.cells == Cells::kTexts || shape_.cells == Cells::kLists) {
    lengths_.emplace(WithoutCounters(limits), sdk::MixBits(seed), 1);
  }
  if (shape_.cells == Cells::kLists) {
    const auto& list = static_cast<const arrow::ListType&>(*shape_.stored);
    elements_ = std::make_shared<ColumnCollector>(ShapeOf(shape_.name, list.value_type()), limits,
                                                  sdk::MixBits(seed + 1));
  }
}

Result<void> ColumnCollector::Add(std::uint64_t block, const arrow::ChunkedArray& column,
                                  std::int64_t first_row) {
  PENSTOCK_ASSIGN(BlockValues values, ReadBlock(column, shape_, first_row));
  counts_.rows += values.rows;
  counts_.nulls += values.nulls;
  counts_.nan += values.nan;
  counts_.positive_infinite += values.positive_infinite;
  counts_.negative_infinite += values.negative_infinite;
  counts_.empty += values.empty;
  if (integers_) integers_->Add(block, RunsOf(values.integers));
  if (reals_) reals_->Add(block, RunsOf(values.reals));
  if (texts_) texts_->Add(block, RunsOf(std::move(values.texts)), {});
  if (lengths_) lengths_->Add(block, RunsOfLengths(std::move(values.lengths)));
  if (elements_ == nullptr) return {};
  const auto& list = static_cast<const arrow::ListType&>(*shape_.stored);
  return elements_->Add(block, arrow::ChunkedArray(values.elements, list.value_type()), first_row);
}

void ColumnCollector::Merge(ColumnCollector other) {
  counts_.rows += other.counts_.rows;
  counts_.nulls += other.counts_.nulls;
  counts_.nan += other.counts_.nan;
  counts_.positive_infinite += other.counts_.positive_infinite;
  counts_.negative_infinite += other.counts_.negative_infinite;
  counts_.empty += other.counts_.empty;
  MergeInto(integers_, std::move(other.integers_));
  MergeInto(reals_, std::move(other.reals_));
  MergeInto(texts_, std::move(other.texts_));
  MergeInto(lengths_, std::move(other.lengths_));
  if (elements_ != nullptr) elements_->Merge(std::move(*other.elements_));
}

Column ColumnCollector::Describe(std::size_t top) const {
  Column column = counts_;
  if (integers_) DescribeNumbers(*integers_, shape_, top, column);
  if (reals_) DescribeNumbers(*reals_, shape_, top, column);
  if (texts_) DescribeTexts(*texts_, shape_, top, column);
  if (lengths_) column.lengths = NumbersOf(*lengths_);
  if (elements_ != nullptr) column.elements.push_back(elements_->Describe(top));
  return column;
}

}  // namespace penstock::statistics
