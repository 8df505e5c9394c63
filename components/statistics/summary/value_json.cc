// Values of the summaries and of the sampled rows as JSON.
#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cmath>

#include "components/sdk/cells.h"
#include "components/statistics/summary/block_values.h"
#include "operator/base/shown_text.h"

namespace penstock::statistics {
namespace {

using arrow::Type;

constexpr std::int64_t kMicrosOfDay = 86'400'000'000;
constexpr std::size_t kShownBytes = 32;      // of bytes
constexpr std::int64_t kShownElements = 20;  // of a list

// What is no UTF-8 loses those bytes, and says so by a replacement character.
Json TextJson(const std::string& text) {
  if (IsUtf8(text)) return text;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string HexOf(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "0x";
  for (const char c : bytes.substr(0, kShownBytes)) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return bytes.size() > kShownBytes ? out + "..." : out;
}

Json DateJson(std::int64_t days) {
  if (std::abs(days) > 4'000'000) return days;
  const auto text = sdk::TimeText(days * kMicrosOfDay);
  return text ? Json(text->substr(0, 10)) : Json(days);
}

Json ListJson(const arrow::Array& array, const ColumnShape& shape, std::int64_t row) {
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  const auto element = ShapeOf(shape.name, lists.value_type());
  const std::int64_t length = lists.value_length(row);
  Json out = Json::array();
  for (std::int64_t i = 0; i < std::min(length, kShownElements); ++i) {
    out.push_back(JsonAt(*lists.values(), element, lists.value_offset(row) + i));
  }
  if (length > kShownElements) out.push_back("...");
  return out;
}

}  // namespace

Json ValueJson(std::int64_t value, const ColumnShape& shape) {
  if (shape.stored == nullptr) return value;
  switch (shape.stored->id()) {
    case Type::BOOL:
      return value != 0;
    case Type::DATE32:
      return DateJson(value);
    case Type::TIMESTAMP: {
      const auto text = sdk::TimeText(value);
      return text ? Json(*text) : Json(value);
    }
    case Type::DECIMAL128:
      return arrow::Decimal128(value).ToString(shape.scale);
    default:
      return value;
  }
}

Json ValueJson(double value, const ColumnShape& /*shape*/) { return value; }

Json ValueJson(const TextKey& value, const ColumnShape& shape) {
  return shape.kind == Kind::kBytes ? Json(HexOf(value.text)) : TextJson(value.text);
}

Json JsonAt(const arrow::Array& array, const ColumnShape& shape, std::int64_t row) {
  if (array.type_id() == Type::NA || array.IsNull(row)) return {};
  switch (array.type_id()) {
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return JsonAt(*coded.dictionary(), shape, coded.GetValueIndex(row));
    }
    case Type::STRING:
    case Type::BINARY:
      return ValueJson(KeyOf(static_cast<const arrow::BinaryArray&>(array).GetView(row)), shape);
    case Type::INT64:
      return static_cast<const arrow::Int64Array&>(array).Value(row);
    case Type::TIMESTAMP:
      return ValueJson(static_cast<const arrow::TimestampArray&>(array).Value(row), shape);
    case Type::DATE32:
      return DateJson(static_cast<const arrow::Date32Array&>(array).Value(row));
    case Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case Type::DOUBLE: {
      const double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      return std::isfinite(value) ? Json(value) : Json(sdk::ShownCell(value));
    }
    case Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
    case Type::DECIMAL256:
      return static_cast<const arrow::Decimal256Array&>(array).FormatValue(row);
    case Type::LIST:
      return ListJson(array, shape, row);
    default: {
      const auto scalar = array.GetScalar(row);
      return scalar.ok() ? TextJson((*scalar)->ToString()) : Json("?");
    }
  }
}

}  // namespace penstock::statistics
