#include "components/statistics/summary/block_values.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <cmath>

#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/row_hash.h"
#include "components/statistics/summary/text_counts.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

using arrow::Type;
using Cells = ColumnShape::Cells;

constexpr int kExactDigits = 18;  // of a decimal that an int64 holds

bool IsText(const arrow::DataType& type) {
  return type.id() == Type::STRING || type.id() == Type::BINARY;
}

// Indices of 32 bits into texts: what the Parquet reader makes of dictionary pages.
bool IsTextDictionary(const arrow::Array& array) {
  if (array.type_id() != Type::DICTIONARY) return false;
  const auto& type = static_cast<const arrow::DictionaryType&>(*array.type());
  return IsText(*type.value_type()) && type.index_type()->id() == Type::INT32 &&
         static_cast<const arrow::DictionaryArray&>(array).dictionary()->null_count() == 0;
}

template <typename Array, typename Take>
void TakeValues(const arrow::Array& array, Take take) {
  const auto& values = static_cast<const Array&>(array);
  if (values.null_count() == 0) {
    for (std::int64_t r = 0; r < values.length(); ++r) take(values.Value(r));
    return;
  }
  for (std::int64_t r = 0; r < values.length(); ++r) {
    if (values.IsValid(r)) take(values.Value(r));
  }
}

void ReadReal(double value, BlockValues& block) {
  if (std::isfinite(value)) {
    block.reals.push_back(value);
  } else if (std::isnan(value)) {
    ++block.nan;
  } else {
    ++(value > 0 ? block.positive_infinite : block.negative_infinite);
  }
}

void ReadIntegers(const arrow::Array& array, std::vector<std::int64_t>& to) {
  const auto take = [&to](auto value) { to.push_back(std::int64_t(value)); };
  switch (array.type_id()) {
    case Type::INT64:
      return TakeValues<arrow::Int64Array>(array, take);
    case Type::TIMESTAMP:
      return TakeValues<arrow::TimestampArray>(array, take);
    case Type::DATE32:
      return TakeValues<arrow::Date32Array>(array, take);
    case Type::BOOL:
      return TakeValues<arrow::BooleanArray>(array, take);
    default: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(array);
      for (std::int64_t r = 0; r < decimals.length(); ++r) {
        if (decimals.IsNull(r)) continue;
        const arrow::Decimal128 value(decimals.GetValue(r));
        take(std::int64_t(value.low_bits()));
      }
    }
  }
}

double DecimalAt(const arrow::Array& array, int scale, std::int64_t row) {
  if (array.type_id() == Type::DECIMAL256) {
    return arrow::Decimal256(static_cast<const arrow::Decimal256Array&>(array).GetValue(row))
        .ToDouble(scale);
  }
  return arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(array).GetValue(row))
      .ToDouble(scale);
}

void ReadReals(const arrow::Array& array, int scale, BlockValues& block) {
  if (array.type_id() == Type::DOUBLE) {
    return TakeValues<arrow::DoubleArray>(array, [&](double x) { ReadReal(x, block); });
  }
  for (std::int64_t r = 0; r < array.length(); ++r) {
    if (array.IsValid(r)) ReadReal(DecimalAt(array, scale, r), block);
  }
}

void ReadLists(const arrow::Array& array, BlockValues& block) {
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  for (std::int64_t r = 0; r < lists.length(); ++r) {
    if (lists.IsNull(r)) continue;
    const std::int64_t length = lists.value_length(r);
    block.empty += length == 0 ? 1 : 0;
    block.lengths.emplace_back(length, 1);
  }
  // What a null list covers is no element.
  auto elements = lists.Flatten();
  if (elements.ok()) block.elements.push_back(std::move(elements).ValueUnsafe());
}

}  // namespace

ColumnShape ShapeOf(const std::string& name, const std::shared_ptr<arrow::DataType>& type) {
  ColumnShape shape;
  shape.name = name;
  shape.stored = sdk::StoredType(type);
  shape.type = sdk::TypeText(shape.stored == nullptr ? *type : *shape.stored);
  const auto is = [&shape](Kind kind, Cells cells) {
    shape.kind = kind;
    shape.cells = cells;
  };
  switch (shape.stored == nullptr ? Type::STRUCT : shape.stored->id()) {
    case Type::INT64:
      is(Kind::kNumber, Cells::kIntegers);
      break;
    case Type::DOUBLE:
      is(Kind::kNumber, Cells::kReals);
      break;
    case Type::TIMESTAMP:
    case Type::DATE32:
      is(Kind::kTime, Cells::kIntegers);
      break;
    case Type::BOOL:
      is(Kind::kBoolean, Cells::kIntegers);
      break;
    case Type::STRING:
      is(Kind::kText, Cells::kTexts);
      break;
    case Type::BINARY:
      is(Kind::kBytes, Cells::kTexts);
      break;
    case Type::LIST:
      is(Kind::kList, Cells::kLists);
      break;
    case Type::DECIMAL128:
    case Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(*shape.stored);
      const bool narrow =
          shape.stored->id() == Type::DECIMAL128 && decimal.precision() <= kExactDigits;
      is(Kind::kNumber, narrow ? Cells::kIntegers : Cells::kReals);
      shape.scale = decimal.scale();
      if (narrow) shape.divisor = std::pow(10.0, decimal.scale());
      break;
    }
    default:
      break;
  }
  return shape;
}

Result<arrow::ArrayVector> Readable(const arrow::ChunkedArray& column, const ColumnShape& shape,
                                    std::int64_t first_row) {
  arrow::ArrayVector chunks;
  for (const auto& chunk : column.chunks()) {
    const bool as_it_is = shape.stored == nullptr || chunk->type()->Equals(*shape.stored) ||
                          (shape.cells == Cells::kTexts && IsTextDictionary(*chunk));
    if (as_it_is) {
      chunks.push_back(chunk);
    } else {
      auto stored = sdk::ToStored(chunk, shape.stored, first_row);
      if (!stored) return Wrap("column '" + shape.name + "'", stored.error());
      chunks.push_back(*std::move(stored));
    }
    first_row += chunk->length();
  }
  return chunks;
}

Result<BlockValues> ReadBlock(const arrow::ChunkedArray& column, const ColumnShape& shape,
                              std::int64_t first_row) {
  PENSTOCK_ASSIGN(const auto chunks, Readable(column, shape, first_row));
  BlockValues block;
  for (const auto& chunk : chunks) {
    block.rows += chunk->length();
    block.nulls += chunk->type_id() == Type::NA ? chunk->length() : chunk->null_count();
    switch (shape.cells) {
      case Cells::kIntegers:
        block.integers.reserve(std::size_t(column.length()));
        ReadIntegers(*chunk, block.integers);
        break;
      case Cells::kReals:
        block.reals.reserve(std::size_t(column.length()));
        ReadReals(*chunk, shape.scale, block);
        break;
      case Cells::kTexts:
        CountTexts(*chunk, shape.kind == Kind::kBytes, block);
        break;
      case Cells::kLists:
        ReadLists(*chunk, block);
        break;
      case Cells::kNone:
        break;
    }
  }
  return block;
}

double NumberAt(const arrow::Array& array, const ColumnShape& shape, std::int64_t row) {
  if (array.IsNull(row)) return std::nan("");
  switch (array.type_id()) {
    case Type::INT64:
      return double(static_cast<const arrow::Int64Array&>(array).Value(row));
    case Type::DOUBLE:
      return static_cast<const arrow::DoubleArray&>(array).Value(row);
    case Type::TIMESTAMP:
      return double(static_cast<const arrow::TimestampArray&>(array).Value(row));
    case Type::DATE32:
      return double(static_cast<const arrow::Date32Array&>(array).Value(row));
    case Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row) ? 1 : 0;
    case Type::DECIMAL128:
    case Type::DECIMAL256:
      return DecimalAt(array, shape.scale, row);
    default:
      return std::nan("");
  }
}

std::uint64_t HashAt(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return 0;
  switch (array.type_id()) {
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return HashAt(*coded.dictionary(), coded.GetValueIndex(row));
    }
    case Type::STRING:
    case Type::BINARY:
      return KeyOf(static_cast<const arrow::BinaryArray&>(array).GetView(row)).hash;
    default:
      return 0;
  }
}

}  // namespace penstock::statistics
