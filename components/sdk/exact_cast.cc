#include "components/sdk/exact_cast.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>

#include <algorithm>

namespace penstock::sdk {
namespace {

constexpr int kDigitsOfDecimal = 76;  // the most
constexpr int kDigitsOfInteger = 20;  // of 64 bits, with or without a sign

bool IsMoment(arrow::Type::type id) {
  return id == arrow::Type::TIMESTAMP || id == arrow::Type::DATE32 || id == arrow::Type::DATE64;
}

// Integers beside times: nothing says in which unit, from when.
bool GuessesUnit(arrow::Type::type from, arrow::Type::type to) {
  return (arrow::is_integer(from) && IsMoment(to)) || (IsMoment(from) && arrow::is_integer(to));
}

// Casts that round without a word: what they give must give back what it was made of.
bool Rounds(arrow::Type::type from, arrow::Type::type to) {
  using arrow::Type;
  return (arrow::is_floating(from) && arrow::is_decimal(to)) ||
         (from != Type::BOOL && to == Type::BOOL) ||
         (from == Type::TIMESTAMP && to == Type::DATE32);
}

bool IsNanos(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
}

// Digits are cut before 1970 too, where Arrow's cast goes on to the next microsecond.
arrow::Result<std::shared_ptr<arrow::Array>> CutNanos(const arrow::Array& array) {
  const auto& nanos = static_cast<const arrow::TimestampArray&>(array);
  arrow::TimestampBuilder micros(arrow::timestamp(arrow::TimeUnit::MICRO),
                                 arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(micros.Reserve(nanos.length()));
  for (std::int64_t i = 0; i < nanos.length(); ++i) {
    if (nanos.IsNull(i)) {
      micros.UnsafeAppendNull();
      continue;
    }
    const std::int64_t value = nanos.Value(i);
    micros.UnsafeAppend(value / 1000 - (value % 1000 < 0 ? 1 : 0));
  }
  return micros.Finish();
}

// The nearest double of each decimal. Arrow multiplies by a power of ten instead, and makes
// 0.30000000000000004 of 0.3.
arrow::Result<std::shared_ptr<arrow::Array>> RealsOf(const arrow::Array& decimals,
                                                     const std::shared_ptr<arrow::DataType>& type) {
  ARROW_ASSIGN_OR_RAISE(const auto texts, arrow::compute::Cast(decimals, arrow::utf8()));
  return arrow::compute::Cast(*texts, type);
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> CastExactly(
    const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type) {
  using arrow::Type;
  const Type::type from = array->type_id(), to = type->id();
  if (GuessesUnit(from, to)) return arrow::Status::Invalid("of no unit");
  if (arrow::is_integer(from) && arrow::is_decimal(to)) {
    // Arrow asks for room for all digits that an integer may have.
    const int scale = static_cast<const arrow::DecimalType&>(*type).scale();
    const auto wide =
        arrow::decimal256(std::min(kDigitsOfInteger + scale, kDigitsOfDecimal), scale);
    if (!type->Equals(*wide)) {
      ARROW_ASSIGN_OR_RAISE(const auto decimals, arrow::compute::Cast(*array, wide));
      return arrow::compute::Cast(*decimals, type);
    }
  }
  if (IsNanos(*array->type()) && to == Type::TIMESTAMP) {
    ARROW_ASSIGN_OR_RAISE(const auto micros, CutNanos(*array));
    return arrow::compute::Cast(*micros, type);
  }
  if (arrow::is_decimal(from) && to == Type::DOUBLE) return RealsOf(*array, type);
  ARROW_ASSIGN_OR_RAISE(auto cast, arrow::compute::Cast(*array, type));
  if (!Rounds(from, to)) return cast;
  ARROW_ASSIGN_OR_RAISE(const auto back, arrow::is_decimal(to)
                                             ? RealsOf(*cast, array->type())
                                             : arrow::compute::Cast(*cast, array->type()));
  if (!back->Equals(*array)) return arrow::Status::Invalid("would be rounded");
  return cast;
}

arrow::Result<std::shared_ptr<arrow::Array>> Decoded(const arrow::DictionaryArray& array) {
  std::shared_ptr<arrow::Array> values = array.dictionary();
  if (values->type_id() == arrow::Type::STRING_VIEW) {
    ARROW_ASSIGN_OR_RAISE(values, arrow::compute::Cast(*values, arrow::utf8()));
  }
  if (values->type_id() == arrow::Type::BINARY_VIEW) {
    ARROW_ASSIGN_OR_RAISE(values, arrow::compute::Cast(*values, arrow::binary()));
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto plain,
      arrow::DictionaryArray::FromArrays(arrow::dictionary(array.indices()->type(), values->type()),
                                         array.indices(), values));
  return arrow::compute::Cast(*plain, values->type());
}

}  // namespace penstock::sdk
