#include "components/statistics/summary/row_sample.h"

#include <arrow/api.h>

#include <algorithm>
#include <bit>

#include "components/sdk/row_hash.h"

namespace penstock::statistics {
namespace {

using Row = RowSample::Row;

bool IsLower(const Row& a, const Row& b) {
  return a.hash != b.hash ? a.hash < b.hash : a.row < b.row;
}

bool IsNumber(const ColumnShape& shape) {
  return shape.cells == ColumnShape::Cells::kIntegers || shape.cells == ColumnShape::Cells::kReals;
}

}  // namespace

RowSample::RowSample(std::vector<ColumnShape> shapes, std::size_t rows, std::size_t shown,
                     std::uint64_t seed)
    : shapes_(std::move(shapes)), most_(std::max(rows, shown)), shown_(shown), seed_(seed) {}

// The lowest of these rows that may still be among the lowest of all, in the order of the rows.
std::vector<Row> RowSample::Choose(std::int64_t first_row, std::int64_t rows) const {
  if (most_ == 0) return {};
  std::vector<std::pair<std::uint64_t, std::int64_t>> low;
  const std::uint64_t below = rows_.size() < most_ ? ~std::uint64_t{0} : rows_.back().hash;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::uint64_t hash = sdk::MixBits(seed_ ^ sdk::MixBits(std::uint64_t(first_row + r)));
    if (hash <= below) low.emplace_back(hash, first_row + r);
  }
  if (low.size() > most_) {
    std::nth_element(low.begin(), low.begin() + std::ptrdiff_t(most_), low.end());
    low.resize(most_);
  }
  std::sort(low.begin(), low.end());
  std::vector<Row> chosen(low.size());
  for (std::size_t i = 0; i < low.size(); ++i) {
    chosen[i].hash = low[i].first;
    chosen[i].row = low[i].second;
    chosen[i].cells.resize(shapes_.size());
    if (i < shown_) chosen[i].shown.resize(shapes_.size());
  }
  return chosen;
}

void RowSample::Add(std::int64_t first_row, std::int64_t rows,
                    const std::vector<arrow::ArrayVector>& columns) {
  std::vector<Row> chosen = Choose(first_row, rows);
  for (std::size_t c = 0; c < shapes_.size(); ++c) {
    std::vector<std::int64_t> begins;
    std::int64_t begin = first_row;
    for (const auto& chunk : columns[c]) {
      begins.push_back(begin);
      begin += chunk->length();
    }
    for (Row& row : chosen) {
      const auto after = std::upper_bound(begins.begin(), begins.end(), row.row);
      const auto chunk = std::size_t(after - begins.begin()) - 1;
      const arrow::Array& array = *columns[c][chunk];
      const std::int64_t at = row.row - begins[chunk];
      row.cells[c] = IsNumber(shapes_[c])
                         ? std::bit_cast<std::uint64_t>(NumberAt(array, shapes_[c], at))
                         : HashAt(array, at);
      if (!row.shown.empty()) row.shown[c] = JsonAt(array, shapes_[c], at);
    }
  }
  Keep(std::move(chosen));
}

void RowSample::Merge(const RowSample& other) { Keep(other.rows_); }

void RowSample::Keep(std::vector<Row> more) {
  std::vector<Row> all;
  all.reserve(rows_.size() + more.size());
  std::merge(std::make_move_iterator(rows_.begin()), std::make_move_iterator(rows_.end()),
             std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()),
             std::back_inserter(all), IsLower);
  if (all.size() > most_) all.resize(most_);
  rows_ = std::move(all);
}

std::vector<Row> RowSample::Rows() const {
  std::vector<Row> rows = rows_;
  for (std::size_t i = shown_; i < rows.size(); ++i) rows[i].shown.clear();
  return rows;
}

}  // namespace penstock::statistics
