#include "components/sdk/arrow_types.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>

#include <charconv>
#include <cmath>

#include "components/sdk/arrow_result.h"
#include "components/sdk/exact_cast.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr std::size_t kMaxTypeText = 128;  // each list<> in a list is a call

TypePtr CanonicalType(const TypePtr& type) {
  const auto column = ColumnTypeOf(*type);
  if (!column) return type;
  switch (*column) {
    case ColumnType::kString:
      return arrow::utf8();
    case ColumnType::kInt64:
      return arrow::int64();
    case ColumnType::kFloat64:
      return arrow::float64();
    case ColumnType::kBool:
      return arrow::boolean();
    case ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
  }
  return type;
}

// The zone is only a label: the value is UTC already.
arrow::Result<ArrayPtr> WithoutZone(const ArrayPtr& array) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array->type());
  return type.timezone().empty() ? array : array->View(arrow::timestamp(type.unit()));
}

arrow::Result<ArrayPtr> ParseTimes(const arrow::StringArray& texts) {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO),
                                arrow::default_memory_pool());
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsNull(i)) {
      ARROW_RETURN_NOT_OK(times.AppendNull());
      continue;
    }
    const auto micros = ParseTimestamp(texts.GetView(i));
    if (!micros) return arrow::Status::Invalid("no time");
    ARROW_RETURN_NOT_OK(times.Append(*micros));
  }
  return times.Finish();
}

arrow::Result<ArrayPtr> Convert(const ArrayPtr& array, const TypePtr& type);

// Numbers whose text is given back as it was written: neither 007 nor 0x1F is an integer.
arrow::Result<ArrayPtr> ParseIntegers(const ArrayPtr& texts) {
  ARROW_ASSIGN_OR_RAISE(auto integers, arrow::compute::Cast(*texts, arrow::int64()));
  ARROW_ASSIGN_OR_RAISE(const auto back, arrow::compute::Cast(*integers, arrow::utf8()));
  if (!back->Equals(*texts)) return arrow::Status::Invalid("written otherwise");
  return integers;
}

// Digits that a double cannot come near to (1e400, 1e-400) are no number.
arrow::Result<ArrayPtr> ParseReals(const ArrayPtr& texts) {
  ARROW_ASSIGN_OR_RAISE(auto reals, arrow::compute::Cast(*texts, arrow::float64()));
  const auto& written = static_cast<const arrow::StringArray&>(*texts);
  const auto& values = static_cast<const arrow::DoubleArray&>(*reals);
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i) || (values.Value(i) != 0 && !std::isinf(values.Value(i)))) continue;
    const auto text = written.GetView(i);
    const auto digits = text.substr(0, text.find_first_of("eE"));
    if (digits.find_first_of("123456789") != std::string_view::npos) {
      return arrow::Status::Invalid("beyond a double");
    }
  }
  return reals;
}

arrow::Result<ArrayPtr> ConvertText(const ArrayPtr& array, const TypePtr& type) {
  ARROW_RETURN_NOT_OK(static_cast<const arrow::StringArray&>(*array).ValidateUTF8());
  if (type->id() == arrow::Type::STRING) return array;
  if (type->id() == arrow::Type::INT64) return ParseIntegers(array);
  if (type->id() == arrow::Type::DOUBLE) return ParseReals(array);
  if (type->id() == arrow::Type::TIMESTAMP) {
    return ParseTimes(static_cast<const arrow::StringArray&>(*array));
  }
  return arrow::compute::Cast(*array, type);
}

arrow::Result<ArrayPtr> Convert(const ArrayPtr& array, const TypePtr& type) {
  using arrow::Type;
  switch (array->type_id()) {
    case Type::NA:
      return arrow::MakeArrayOfNull(type, array->length());
    case Type::EXTENSION:
      return Convert(static_cast<const arrow::ExtensionArray&>(*array).storage(), type);
    case Type::DICTIONARY: {
      ARROW_ASSIGN_OR_RAISE(const auto decoded,
                            Decoded(static_cast<const arrow::DictionaryArray&>(*array)));
      return Convert(decoded, type);
    }
    case Type::STRING:
      return ConvertText(array, type);
    case Type::LARGE_STRING:
    case Type::STRING_VIEW: {
      ARROW_ASSIGN_OR_RAISE(const auto text, arrow::compute::Cast(*array, arrow::utf8()));
      return ConvertText(text, type);
    }
    default:
      break;
  }
  ArrayPtr source = array;
  if (source->type_id() == Type::TIMESTAMP) {
    ARROW_ASSIGN_OR_RAISE(source, WithoutZone(source));
  }
  if (!source->type()->Equals(*type)) {
    ARROW_ASSIGN_OR_RAISE(source, CastExactly(source, type));
  }
  // Lists may hold texts.
  if (type->id() == Type::LIST) ARROW_RETURN_NOT_OK(source->ValidateFull());
  return source;
}

// The first row that Convert refuses, by halves.
std::int64_t FirstBadRow(const ArrayPtr& array, const TypePtr& type) {
  std::int64_t begin = 0;
  std::int64_t end = array->length();
  while (end - begin > 1) {
    const std::int64_t middle = begin + (end - begin) / 2;
    if (Convert(array->Slice(begin, middle - begin), type).ok()) {
      begin = middle;
    } else {
      end = middle;
    }
  }
  return begin;
}

// "decimal(10,2)" -> 10, 2.
bool ParseTwoNumbers(std::string_view text, int& first, int& second) {
  const char* end = text.data() + text.size();
  const auto a = std::from_chars(text.data(), end, first);
  if (a.ec != std::errc() || a.ptr == end || *a.ptr != ',') return false;
  const char* rest = a.ptr + 1;
  while (rest != end && *rest == ' ') ++rest;
  const auto b = std::from_chars(rest, end, second);
  return b.ec == std::errc() && b.ptr == end;
}

}  // namespace

std::optional<ColumnType> ColumnTypeOf(const arrow::DataType& type) {
  using arrow::Type;
  if (arrow::is_integer(type.id())) return ColumnType::kInt64;
  if (arrow::is_floating(type.id()) || arrow::is_decimal(type.id())) return ColumnType::kFloat64;
  switch (type.id()) {
    case Type::NA:  // no value, so of no type: as a text column without one
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
      return ColumnType::kString;
    case Type::DICTIONARY:
      return ColumnTypeOf(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case Type::BOOL:
      return ColumnType::kBool;
    case Type::TIMESTAMP:
    case Type::DATE32:
    case Type::DATE64:
      return ColumnType::kTimestamp;
    default:
      return std::nullopt;
  }
}

std::shared_ptr<arrow::Schema> CanonicalSchema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(arrow::field(field->name(), CanonicalType(field->type())));
  }
  return arrow::schema(std::move(fields));
}

Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto schema = CanonicalSchema(*batch->schema());
  arrow::ArrayVector columns;
  for (int i = 0; i < batch->num_columns(); ++i) {
    const auto& field = *schema->field(i);
    if (batch->column(i)->type()->Equals(*field.type())) {
      columns.push_back(batch->column(i));
      continue;
    }
    PENSTOCK_ASSIGN(auto column, FromArrow(Convert(batch->column(i), field.type()),
                                           "column '" + field.name() + "'"));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, batch->num_rows(), std::move(columns));
}

TypePtr StoredType(const TypePtr& type) {
  using arrow::Type;
  if (arrow::is_integer(type->id())) return arrow::int64();
  if (arrow::is_floating(type->id())) return arrow::float64();
  switch (type->id()) {
    case Type::NA:
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::TIME32:
    case Type::TIME64:
      return arrow::utf8();
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::FIXED_SIZE_BINARY:
      return arrow::binary();
    case Type::BOOL:
      return arrow::boolean();
    case Type::TIMESTAMP:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case Type::DATE32:
    case Type::DATE64:
      return arrow::date32();
    case Type::DURATION:
      return arrow::int64();
    case Type::DECIMAL32:
    case Type::DECIMAL64: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
      return arrow::decimal128(decimal.precision(), decimal.scale());
    }
    case Type::DECIMAL128:
    case Type::DECIMAL256:
      return type;
    case Type::DICTIONARY:
      return StoredType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case Type::EXTENSION:
      return StoredType(static_cast<const arrow::ExtensionType&>(*type).storage_type());
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST: {
      const auto value = StoredType(type->field(0)->type());
      return value == nullptr ? nullptr : arrow::list(value);
    }
    default:
      return nullptr;
  }
}

Result<ArrayPtr> ToStored(const ArrayPtr& array, const TypePtr& type, std::int64_t first_row) {
  auto converted = Convert(array, type);
  if (converted.ok()) return std::move(converted).ValueUnsafe();
  if (array->length() == 0) return FromArrowStatus(converted.status(), "a column without rows");
  const std::int64_t bad = FirstBadRow(array, type);
  auto scalar = array->GetScalar(bad);
  if (scalar.ok() && (*scalar)->type->id() == arrow::Type::DICTIONARY) {
    scalar = static_cast<const arrow::DictionaryScalar&>(**scalar).GetEncodedValue();
  }
  const std::string value = scalar.ok() ? (*scalar)->ToString() : "?";
  const std::string row = "row " + std::to_string(first_row + bad) + ": ";
  if (!IsUtf8(value)) {
    return Invalid(row + "'" + plan::Shown(value, 80) +
                   "' is no UTF-8, so it is no text; its bytes can be kept as binary");
  }
  return Invalid(row + "'" + plan::Shown(value, 80) + "' (" + array->type()->ToString() +
                 ") cannot be kept as " + TypeText(*type));
}

std::string TypeText(const arrow::DataType& type) {
  using arrow::Type;
  switch (type.id()) {
    case Type::STRING:
    case Type::INT64:
    case Type::BINARY:
      return type.ToString();
    case Type::DOUBLE:
      return "float64";
    case Type::BOOL:
      return "bool";
    case Type::TIMESTAMP:
      return "timestamp";
    case Type::DATE32:
      return "date";
    case Type::DECIMAL128:
    case Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "decimal(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    case Type::LIST:
      return "list<" + TypeText(*type.field(0)->type()) + ">";
    default:
      return type.ToString();
  }
}

Result<TypePtr> ParseTypeText(const std::string& text) {
  if (text == "string") return arrow::utf8();
  if (text == "int64") return arrow::int64();
  if (text == "float64") return arrow::float64();
  if (text == "bool") return arrow::boolean();
  if (text == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (text == "date") return arrow::date32();
  if (text == "binary") return arrow::binary();
  int precision = 0;
  int scale = 0;
  if (text.starts_with("decimal(") && text.ends_with(")") &&
      ParseTwoNumbers(std::string_view(text).substr(8, text.size() - 9), precision, scale)) {
    if (precision < 1 || precision > 76 || scale < 0 || scale > precision) {
      return Invalid("type '" + text +
                     "': decimal(p,s) has 1 to 76 digits, s of them behind the point");
    }
    return precision <= 38 ? arrow::decimal128(precision, scale)
                           : arrow::decimal256(precision, scale);
  }
  if (text.starts_with("list<") && text.ends_with(">") && text.size() <= kMaxTypeText) {
    PENSTOCK_ASSIGN(const auto element, ParseTypeText(text.substr(5, text.size() - 6)));
    return arrow::list(element);
  }
  return Invalid("type '" + text + "' is none of string, int64, float64, bool, timestamp, date, " +
                 "decimal(p,s), list<type>, binary");
}

}  // namespace penstock::sdk
