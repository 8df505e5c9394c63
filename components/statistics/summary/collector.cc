#include "components/statistics/summary/collector.h"

#include <arrow/api.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "components/sdk/row_hash.h"
#include "components/statistics/summary/association.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kSampledRows = 20'000;  // for the association with a label

int ThreadsOf(int asked) {
  const auto all = int(std::thread::hardware_concurrency());
  return asked > 0 ? asked : std::max(1, all);
}

std::vector<std::size_t> CorrelatedOf(const std::vector<ColumnShape>& shapes, std::size_t most) {
  std::vector<std::size_t> places;
  for (std::size_t c = 0; c < shapes.size() && places.size() < most; ++c) {
    if (shapes[c].kind == Kind::kNumber) places.push_back(c);
  }
  return places;
}

std::vector<double> NumbersAt(const arrow::ArrayVector& chunks, const ColumnShape& shape) {
  std::vector<double> numbers;
  for (const auto& chunk : chunks) {
    for (std::int64_t r = 0; r < chunk->length(); ++r) {
      numbers.push_back(NumberAt(*chunk, shape, r));
    }
  }
  return numbers;
}

}  // namespace

Result<void> InParallel(std::size_t count, int threads,
                        const std::function<Result<void>(std::size_t)>& work) {
  std::vector<Result<void>> results(count);
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        results[i] = work(i);
      } catch (const std::bad_alloc&) {
        results[i] = Internal("out of memory; give the step more, or fewer columns");
      } catch (const std::exception& e) {
        results[i] = Internal(e.what());
      }
    }
  };
  {
    std::vector<std::jthread> others;
    const auto wanted = std::min<std::size_t>(std::size_t(ThreadsOf(threads)), count);
    for (std::size_t t = 1; t < wanted; ++t) others.emplace_back(run);
    run();
  }
  for (auto& result : results) PENSTOCK_TRY(result);
  return {};
}

Result<Collector> Collector::Create(const arrow::Schema& schema, const CollectOptions& options) {
  std::vector<ColumnShape> shapes;
  for (const auto& field : schema.fields()) shapes.push_back(ShapeOf(field->name(), field->type()));
  Collector collector(std::move(shapes), options);
  for (std::size_t c = 0; c < collector.shapes_.size(); ++c) {
    if (!options.label.empty() && collector.shapes_[c].name == options.label) collector.label_ = c;
  }
  if (!options.label.empty() && !collector.label_) {
    return Invalid("label: there is no column '" + options.label + "'");
  }
  return collector;
}

Collector::Collector(std::vector<ColumnShape> shapes, const CollectOptions& options)
    : options_(options),
      shapes_(std::move(shapes)),
      correlated_(CorrelatedOf(shapes_, options.correlated)),
      pairs_(correlated_.size()),
      sample_(shapes_, options.label.empty() ? 0 : kSampledRows, options.sample, options.seed),
      chunks_(shapes_.size()),
      dense_(correlated_.size()) {
  for (std::size_t c = 0; c < shapes_.size(); ++c) {
    columns_.emplace_back(shapes_[c], options.limits, sdk::MixBits(options.seed ^ sdk::MixBits(c)));
  }
}

Result<void> Collector::AddColumn(std::size_t c, const Block& block, const ReadColumn& read) {
  PENSTOCK_ASSIGN(const auto column, read(c));
  PENSTOCK_ASSIGN(chunks_[c], Readable(*column, shapes_[c], block.first_row));
  const arrow::ChunkedArray readable(
      chunks_[c], chunks_[c].empty() ? column->type() : chunks_[c].front()->type());
  PENSTOCK_TRY(columns_[c].Add(block.number, readable, block.first_row));
  const auto at = std::lower_bound(correlated_.begin(), correlated_.end(), c);
  if (at == correlated_.end() || *at != c || pairs_.pairs() == 0) return {};
  dense_[std::size_t(at - correlated_.begin())] = DenseOf(NumbersAt(chunks_[c], shapes_[c]));
  return {};
}

Result<void> Collector::Add(const Block& block, const ReadColumn& read) {
  PENSTOCK_TRY(InParallel(shapes_.size(), options_.threads,
                          [&](std::size_t c) { return AddColumn(c, block, read); }));
  for (std::size_t c = 0; c < shapes_.size(); ++c) {
    std::int64_t rows = 0;
    for (const auto& chunk : chunks_[c]) rows += chunk->length();
    if (rows == block.rows) continue;
    return Invalid("column '" + shapes_[c].name + "' has " + std::to_string(rows) + " of " +
                   std::to_string(block.rows) + " rows from row " +
                   std::to_string(block.first_row) + " on: the file is damaged");
  }
  PENSTOCK_TRY(InParallel(pairs_.pairs(), options_.threads, [&](std::size_t pair) -> Result<void> {
    pairs_.Add(pair, dense_);
    return {};
  }));
  sample_.Add(block.first_row, block.rows, chunks_);
  rows_ += block.rows;
  for (auto& chunks : chunks_) chunks.clear();
  return {};
}

void Collector::Merge(Collector other) {
  rows_ += other.rows_;
  for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c].Merge(std::move(other.columns_[c]));
  pairs_.Merge(other.pairs_);
  sample_.Merge(other.sample_);
}

Statistics Collector::Describe() const {
  Statistics out;
  out.rows = rows_;
  out.columns.resize(columns_.size());
  const auto done =
      InParallel(columns_.size(), options_.threads, [&](std::size_t c) -> Result<void> {
        out.columns[c] = columns_[c].Describe(options_.top);
        return {};
      });
  if (!done) throw std::runtime_error(done.error().message);
  for (std::size_t p = 0; p < pairs_.pairs(); ++p) {
    const auto [a, b] = pairs_.ColumnsOf(p);
    out.correlations.push_back({shapes_[correlated_[a]].name, shapes_[correlated_[b]].name,
                                pairs_.RowsOf(p), pairs_.Correlation(p)});
  }
  const auto rows = sample_.Rows();
  for (const auto& row : rows) {
    if (!row.shown.empty()) out.sample.push_back(row.shown);
  }
  if (!label_) return out;
  out.label = options_.label;
  out.sampled_rows = std::int64_t(rows.size());
  out.associations = AssociationsOf(shapes_, *label_, out.columns[*label_].top, rows);
  return out;
}

}  // namespace penstock::statistics
