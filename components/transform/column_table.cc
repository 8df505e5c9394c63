#include "components/transform/column_table.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "components/sdk/matrix.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::Cell;
using sdk::Column;
using sdk::ColumnType;
using sdk::FromArrow;
using sdk::TypedColumn;
using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

constexpr std::uint64_t kSampleSeed = 0x7472616E73666F72ULL;

Result<std::shared_ptr<arrow::Array>> Join(const Arrays& parts, const std::string& column) {
  if (parts.size() == 1) return parts.front();
  return FromArrow(arrow::Concatenate(parts), "column '" + column + "'");
}

Result<std::shared_ptr<arrow::Array>> Pick(const std::shared_ptr<arrow::Array>& array,
                                           const std::vector<std::uint32_t>& rows) {
  arrow::UInt32Builder indices;
  PENSTOCK_TRY(FromArrow(indices.AppendValues(rows), "rows"));
  PENSTOCK_ASSIGN(const auto which, FromArrow(indices.Finish(), "rows"));
  return FromArrow(arrow::compute::Take(*array, *which), "rows");
}

std::unique_ptr<arrow::ArrayBuilder> BuilderOf(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return std::make_unique<arrow::StringBuilder>();
    case ColumnType::kInt64:
      return std::make_unique<arrow::Int64Builder>();
    case ColumnType::kFloat64:
      return std::make_unique<arrow::DoubleBuilder>();
    case ColumnType::kBool:
      return std::make_unique<arrow::BooleanBuilder>();
    case ColumnType::kTimestamp:
      return std::make_unique<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::MICRO),
                                                       arrow::default_memory_pool());
  }
  return nullptr;
}

arrow::Status Append(arrow::ArrayBuilder& builder, const Cell& cell, ColumnType type) {
  if (cell.index() == 0) return builder.AppendNull();
  switch (type) {
    case ColumnType::kString:
      return static_cast<arrow::StringBuilder&>(builder).Append(std::get<std::string_view>(cell));
    case ColumnType::kInt64:
      return static_cast<arrow::Int64Builder&>(builder).Append(std::get<std::int64_t>(cell));
    case ColumnType::kFloat64:
      return static_cast<arrow::DoubleBuilder&>(builder).Append(std::get<double>(cell));
    case ColumnType::kBool:
      return static_cast<arrow::BooleanBuilder&>(builder).Append(std::get<bool>(cell));
    case ColumnType::kTimestamp:
      return static_cast<arrow::TimestampBuilder&>(builder).Append(std::get<std::int64_t>(cell));
  }
  return arrow::Status::OK();
}

// As the input's type; `first` is the number of the first row.
Result<std::shared_ptr<arrow::Array>> AsInput(const TypedColumn& column, const Column& input,
                                              std::int64_t first) {
  if (column.type == input.type) return column.array;
  const auto builder = BuilderOf(input.type);
  for (std::int64_t r = 0; r < column.array->length(); ++r) {
    const auto cell = sdk::Coerce(CellAt(column, r), input);
    if (!cell) return Wrap("row " + std::to_string(first + r), cell.error());
    PENSTOCK_TRY(FromArrow(Append(*builder, *cell, input.type), "column '" + input.name + "'"));
  }
  return FromArrow(builder->Finish(), "column '" + input.name + "'");
}

// Those of `keep` that lie in [first, first + count), from `first` on counted.
std::vector<std::uint32_t> Within(const std::vector<std::uint32_t>& keep, std::int64_t first,
                                  std::int64_t count) {
  std::vector<std::uint32_t> within;
  for (auto at = std::lower_bound(keep.begin(), keep.end(), first);
       at != keep.end() && *at < first + count; ++at) {
    within.push_back(static_cast<std::uint32_t>(*at - first));
  }
  return within;
}

std::int64_t CountNulls(const TypedColumn& column) {
  std::int64_t nulls = column.array->null_count();
  if (column.type != ColumnType::kFloat64) return nulls;
  const auto& numbers = static_cast<const arrow::DoubleArray&>(*column.array);
  for (std::int64_t r = 0; r < numbers.length(); ++r) {
    if (numbers.IsValid(r) && !std::isfinite(numbers.Value(r))) ++nulls;
  }
  return nulls;
}

std::int64_t BytesOf(const TypedColumn& column) {
  constexpr std::int64_t kNumber = 8;
  constexpr std::int64_t kOffset = 4;
  const arrow::Array& array = *column.array;
  if (column.type != ColumnType::kString) return array.length() * kNumber;
  const auto& texts = static_cast<const arrow::StringArray&>(array);
  return texts.total_values_length() + array.length() * kOffset;
}

// What LoadSample keeps while it reads.
struct Sample {
  struct Batch {
    std::vector<TypedColumn> columns;
    std::vector<std::uint64_t> hashes;
    std::vector<std::uint32_t> rows;  // their numbers in the dataset
  };
  std::vector<Batch> batches;
  std::int64_t bytes = 0;
  int level = 0;  // hashes below 2^(64 - level) are kept

  [[nodiscard]] bool Keeps(std::uint64_t hash) const {
    return level == 0 || hash >> (64 - level) == 0;
  }

  Result<void> Thin(Batch& batch) const {
    std::vector<std::uint32_t> own;
    for (std::uint32_t r = 0; r < batch.hashes.size(); ++r) {
      if (Keeps(batch.hashes[r])) own.push_back(r);
    }
    if (own.size() == batch.hashes.size()) return {};
    for (auto& column : batch.columns) {
      PENSTOCK_ASSIGN(column.array, Pick(column.array, own));
    }
    for (std::size_t i = 0; i < own.size(); ++i) {
      batch.hashes[i] = batch.hashes[own[i]];
      batch.rows[i] = batch.rows[own[i]];
    }
    batch.hashes.resize(own.size());
    batch.rows.resize(own.size());
    return {};
  }

  Result<void> Add(Batch batch, std::int64_t most_bytes) {
    PENSTOCK_TRY(Thin(batch));
    for (const auto& column : batch.columns) bytes += BytesOf(column);
    batches.push_back(std::move(batch));
    constexpr int kDeepest = 40;
    while (bytes > most_bytes && level < kDeepest) {
      ++level;
      bytes = 0;
      for (Batch& b : batches) {
        PENSTOCK_TRY(Thin(b));
        for (const auto& column : b.columns) bytes += BytesOf(column);
      }
    }
    return {};
  }
};

}  // namespace

std::vector<std::uint32_t> ColumnTable::AllRows() const {
  std::vector<std::uint32_t> all(rows_);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

ColumnTable ColumnTable::Columns(const std::vector<std::size_t>& which) const {
  ColumnTable some;
  some.rows_ = rows_;
  some.rows_of_dataset_ = rows_of_dataset_;
  some.kept_ = kept_;
  for (const std::size_t i : which) {
    some.columns_.push_back(columns_[i]);
    some.nulls_.push_back(nulls_[i]);
  }
  return some;
}

Result<ColumnTable> ColumnTable::Load(const std::vector<std::string>& datasets,
                                      const std::vector<Column>& inputs,
                                      const std::vector<std::uint32_t>* keep,
                                      const sdk::Transform& transform,
                                      const std::vector<std::string>& names) {
  std::vector<std::string> columns;
  for (const Column& input : inputs) columns.push_back(input.name);
  std::vector<Arrays> parts(inputs.size());
  ColumnTable table;
  table.nulls_.resize(inputs.size());
  for (std::size_t d = 0; d < datasets.size(); ++d) {
    const std::string shown = d < names.size() ? "dataset " + names[d] : datasets[d];
    std::int64_t row = 0;
    const auto visit = [&](const arrow::RecordBatch& batch) -> Result<void> {
      const auto own = keep == nullptr ? std::vector<std::uint32_t>()
                                       : Within(*keep, table.rows_of_dataset_, batch.num_rows());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        PENSTOCK_ASSIGN(TypedColumn column, sdk::FindColumn(batch, columns[i]));
        table.nulls_[i] += CountNulls(column);
        if (!inputs[i].nullable) {
          PENSTOCK_TRY(sdk::CheckNoNulls(transform, i, column, batch.num_rows(), row));
        }
        if (keep != nullptr) {
          PENSTOCK_ASSIGN(column.array, Pick(column.array, own));
        }
        PENSTOCK_ASSIGN(auto array, AsInput(column, inputs[i], row));
        parts[i].push_back(std::move(array));
      }
      row += batch.num_rows();
      table.rows_of_dataset_ += batch.num_rows();
      table.rows_ += keep == nullptr ? std::size_t(batch.num_rows()) : own.size();
      return {};
    };
    if (auto ok = sdk::ForEachBatch(datasets[d], columns, visit); !ok) {
      return Wrap(shown, ok.error());
    }
  }
  if (table.rows_ == 0) return Invalid((datasets.empty() ? "" : datasets.front()) + ": no rows");
  if (keep != nullptr) table.kept_ = *keep;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PENSTOCK_ASSIGN(auto array, Join(parts[i], columns[i]));
    parts[i].clear();
    table.columns_.push_back({std::move(array), inputs[i].type});
  }
  return table;
}

Result<ColumnTable> ColumnTable::LoadSample(const std::string& dataset,
                                            const std::vector<std::string>& names,
                                            std::int64_t most_bytes) {
  Sample sample;
  ColumnTable table;
  table.nulls_.resize(names.size());
  const auto visit = [&](const arrow::RecordBatch& batch) -> Result<void> {
    Sample::Batch own;
    for (const auto& name : names) {
      PENSTOCK_ASSIGN(auto column, sdk::FindColumn(batch, name));
      table.nulls_[own.columns.size()] += CountNulls(column);
      own.columns.push_back(std::move(column));
    }
    PENSTOCK_ASSIGN(own.hashes, sdk::HashRows(batch, names, kSampleSeed));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      own.rows.push_back(static_cast<std::uint32_t>(table.rows_of_dataset_ + r));
    }
    table.rows_of_dataset_ += batch.num_rows();
    return sample.Add(std::move(own), most_bytes);
  };
  PENSTOCK_TRY(sdk::ForEachBatch(dataset, names, visit));
  std::vector<Arrays> parts(names.size());
  std::vector<ColumnType> types(names.size());
  for (const auto& batch : sample.batches) {
    table.rows_ += batch.rows.size();
    for (std::size_t i = 0; i < names.size(); ++i) {
      parts[i].push_back(batch.columns[i].array);
      types[i] = batch.columns[i].type;
    }
    if (sample.level > 0) {
      table.kept_.insert(table.kept_.end(), batch.rows.begin(), batch.rows.end());
    }
  }
  sample.batches.clear();
  if (table.rows_ == 0) return Invalid(dataset + ": no rows");
  for (std::size_t i = 0; i < names.size(); ++i) {
    PENSTOCK_ASSIGN(auto array, Join(parts[i], names[i]));
    parts[i].clear();
    table.columns_.push_back({std::move(array), types[i]});
  }
  return table;
}

}  // namespace penstock::transform
