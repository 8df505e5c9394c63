#include "components/statistics/summary/slices.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include <bit>
#include <map>

#include "components/sdk/arrow_result.h"
#include "components/statistics/summary/collector.h"
#include "components/statistics/summary/parquet_columns.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kMostColumns = 2'000;
constexpr Limits kSliceLimits = {1024, 128 * 1024, 128, 256};
constexpr std::size_t kSliceTop = 20;

// One column whose values make slices.
struct Slicer {
  std::size_t column = 0;
  std::vector<Json> values;
  std::map<std::uint64_t, std::size_t> slice_of;  // by cell
  std::vector<std::vector<ColumnCollector>> slices;
};

std::uint64_t CellOf(const arrow::Array& array, const ColumnShape& shape, std::int64_t row) {
  if (shape.cells == ColumnShape::Cells::kTexts) return HashAt(array, row);
  return std::bit_cast<std::uint64_t>(NumberAt(array, shape, row));
}

std::uint64_t CellOf(const Json& value) {
  if (value.is_string()) return KeyOf(value.get<std::string>()).hash;
  return std::bit_cast<std::uint64_t>(value.is_boolean() ? double(value.get<bool>())
                                                         : value.get<double>());
}

Result<Slicer> SlicerOf(const std::string& name, const std::vector<ColumnShape>& shapes,
                        const CollectOptions& options, const Statistics& statistics) {
  const Column* column = statistics.Find(name);
  if (column == nullptr) return Invalid("slices: there is no column '" + name + "'");
  const bool fits =
      column->kind == Kind::kText || column->kind == Kind::kBoolean || column->type == "int64";
  if (!fits) {
    return Invalid("slices: column '" + name + "' is " + column->type +
                   "; slices are by texts, booleans or integers");
  }
  Slicer slicer;
  slicer.column = std::size_t(column - statistics.columns.data());
  for (const auto& value : column->top) {
    if (slicer.values.size() == options.slice_values) break;
    slicer.slice_of.emplace(CellOf(value.value), slicer.values.size());
    slicer.values.push_back(value.value);
    auto& columns = slicer.slices.emplace_back();
    for (const auto& shape : shapes) columns.emplace_back(shape, kSliceLimits, options.seed);
  }
  return slicer;
}

using Rows = std::vector<std::vector<std::int64_t>>;  // by slice, within the block

Rows RowsOf(const arrow::ArrayVector& chunks, const ColumnShape& shape, const Slicer& slicer) {
  Rows rows(slicer.slices.size());
  std::int64_t begin = 0;
  for (const auto& chunk : chunks) {
    for (std::int64_t r = 0; r < chunk->length(); ++r) {
      if (chunk->IsNull(r)) continue;
      const auto found = slicer.slice_of.find(CellOf(*chunk, shape, r));
      if (found != slicer.slice_of.end()) rows[found->second].push_back(begin + r);
    }
    begin += chunk->length();
  }
  return rows;
}

Result<std::shared_ptr<arrow::ChunkedArray>> Taken(const arrow::ArrayVector& chunks,
                                                   const std::vector<std::int64_t>& rows) {
  arrow::ArrayVector taken;
  std::int64_t begin = 0;
  std::size_t next = 0;
  for (const auto& chunk : chunks) {
    arrow::Int64Builder indices;
    for (; next < rows.size() && rows[next] < begin + chunk->length(); ++next) {
      PENSTOCK_TRY(sdk::FromArrow(indices.Append(rows[next] - begin), "slices"));
    }
    begin += chunk->length();
    PENSTOCK_ASSIGN(const auto at, sdk::FromArrow(indices.Finish(), "slices"));
    PENSTOCK_ASSIGN(auto array, sdk::FromArrow(arrow::compute::Take(*chunk, *at), "slices"));
    taken.push_back(std::move(array));
  }
  return std::make_shared<arrow::ChunkedArray>(taken, chunks.front()->type());
}

class SlicePass {
 public:
  SlicePass(std::vector<ColumnShape> shapes, std::vector<Slicer> slicers, int threads)
      : shapes_(std::move(shapes)), slicers_(std::move(slicers)), threads_(threads) {}

  Result<void> Add(const Block& block, const Collector::ReadColumn& read) {
    std::vector<arrow::ArrayVector> chunks(shapes_.size());
    PENSTOCK_TRY(InParallel(shapes_.size(), threads_, [&](std::size_t c) -> Result<void> {
      PENSTOCK_ASSIGN(const auto column, read(c));
      PENSTOCK_ASSIGN(chunks[c], Readable(*column, shapes_[c], block.first_row));
      return {};
    }));
    for (Slicer& slicer : slicers_) {
      const Rows rows = RowsOf(chunks[slicer.column], shapes_[slicer.column], slicer);
      PENSTOCK_TRY(InParallel(shapes_.size(), threads_, [&](std::size_t c) -> Result<void> {
        for (std::size_t s = 0; s < rows.size(); ++s) {
          PENSTOCK_ASSIGN(const auto column, Taken(chunks[c], rows[s]));
          PENSTOCK_TRY(slicer.slices[s][c].Add(block.number, *column, block.first_row));
        }
        return {};
      }));
    }
    return {};
  }

  [[nodiscard]] std::vector<Slice> Describe() const {
    std::vector<Slice> out;
    for (const Slicer& slicer : slicers_) {
      for (std::size_t s = 0; s < slicer.slices.size(); ++s) {
        Slice& slice = out.emplace_back();
        slice.column = shapes_[slicer.column].name;
        slice.value = slicer.values[s];
        for (const auto& column : slicer.slices[s]) {
          slice.columns.push_back(column.Describe(kSliceTop));
        }
        slice.rows = slice.columns.front().rows;
      }
    }
    return out;
  }

 private:
  std::vector<ColumnShape> shapes_;
  std::vector<Slicer> slicers_;
  int threads_;
};

}  // namespace

Result<void> AddSlices(const std::string& path, const CollectOptions& options,
                       Statistics& statistics) {
  PENSTOCK_ASSIGN(auto columns, ParquetColumns::Open(path, options.columns));
  std::vector<ColumnShape> shapes;
  for (const auto& field : columns.schema()->fields()) {
    shapes.push_back(ShapeOf(field->name(), field->type()));
  }
  std::vector<Slicer> slicers;
  std::size_t count = 0;
  for (const auto& name : options.slices) {
    PENSTOCK_ASSIGN(auto slicer, SlicerOf(name, shapes, options, statistics));
    count += slicer.slices.size() * shapes.size();
    slicers.push_back(std::move(slicer));
  }
  if (count > kMostColumns) {
    return Invalid("slices: " + std::to_string(count) + " columns of slices are more than " +
                   std::to_string(kMostColumns) + "; name fewer slices or columns, or lower " +
                   "sliceValues");
  }
  SlicePass pass(std::move(shapes), std::move(slicers), options.threads);
  PENSTOCK_TRY(ForEachBlock(columns, [&](const Block& block, const Collector::ReadColumn& read) {
    return pass.Add(block, read);
  }));
  statistics.slices = pass.Describe();
  return {};
}

}  // namespace penstock::statistics
