#include "components/ingest/parts/widen.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

#include "components/sdk/arrow_types.h"

namespace penstock::ingest {
namespace {

using arrow::Type;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kDigitsOfInt64 = 19;

bool IsNumber(const arrow::DataType& type) {
  return type.id() == Type::INT64 || type.id() == Type::DOUBLE || arrow::is_decimal(type.id());
}

bool IsTime(const arrow::DataType& type) {
  return type.id() == Type::TIMESTAMP || type.id() == Type::DATE32;
}

// Digits before and behind the point.
std::pair<int, int> DigitsOf(const arrow::DataType& type) {
  if (type.id() == Type::INT64) return {kDigitsOfInt64, 0};
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return {decimal.precision() - decimal.scale(), decimal.scale()};
}

TypePtr WiderDecimal(const arrow::DataType& a, const arrow::DataType& b) {
  const auto [before_a, behind_a] = DigitsOf(a);
  const auto [before_b, behind_b] = DigitsOf(b);
  const int behind = std::max(behind_a, behind_b);
  const int precision = std::max(before_a, before_b) + behind;
  if (precision > 76) return nullptr;
  return precision <= 38 ? arrow::decimal128(precision, behind)
                         : arrow::decimal256(precision, behind);
}

}  // namespace

TypePtr Wider(const TypePtr& a, const TypePtr& b) {
  if (a->Equals(*b)) return a;
  if (arrow::is_decimal(a->id()) || arrow::is_decimal(b->id())) {
    const bool exact =
        IsNumber(*a) && IsNumber(*b) && a->id() != Type::DOUBLE && b->id() != Type::DOUBLE;
    return exact ? WiderDecimal(*a, *b) : nullptr;
  }
  if (IsNumber(*a) && IsNumber(*b)) return arrow::float64();
  if (IsTime(*a) && IsTime(*b)) return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (a->id() == Type::LIST && b->id() == Type::LIST) {
    const auto element = Wider(a->field(0)->type(), b->field(0)->type());
    return element == nullptr ? nullptr : arrow::list(element);
  }
  return nullptr;
}

bool Meets(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.id() == Type::DURATION || b.id() == Type::DURATION) return a.Equals(b);
  if (arrow::is_time(a.id()) || arrow::is_time(b.id())) return a.Equals(b);
  if (a.id() != Type::TIMESTAMP || b.id() != Type::TIMESTAMP) return true;
  return static_cast<const arrow::TimestampType&>(a).timezone().empty() ==
         static_cast<const arrow::TimestampType&>(b).timezone().empty();
}

bool MayBecome(const TypePtr& source, const TypePtr& target, bool text) {
  const auto stored = sdk::StoredType(source);
  if (stored == nullptr) return false;
  if (stored->Equals(*target)) return true;
  if (stored->id() == Type::STRING) return text;
  // Spark and Impala once wrote texts as bytes; UTF-8 is proved.
  if (stored->id() == Type::BINARY) return target->id() == Type::STRING;
  // pandas makes floats of integers where one is missing.
  if (IsNumber(*stored) && IsNumber(*target)) return true;
  if (IsTime(*stored) && IsTime(*target)) return true;
  return stored->id() == Type::LIST && target->id() == Type::LIST &&
         MayBecome(stored->field(0)->type(), target->field(0)->type(), text);
}

}  // namespace penstock::ingest
