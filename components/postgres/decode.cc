#include "components/postgres/decode.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <bit>
#include <cstring>

#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::postgres {
namespace {

constexpr std::uint64_t kMostBytes = 32ULL << 20;  // held before they are written
constexpr std::int32_t kDaysTo2000 = 10'957;       // PostgreSQL counts from 2000, Arrow from 1970
constexpr std::int64_t kMicrosTo2000 = 946'684'800'000'000;

Result<void> Done(const arrow::Status& status) { return sdk::FromArrow(status, "the rows"); }

Error Malformed() {
  return Internal("the server sent a value of another length than its type has");
}

// Numbers in network order, from the front of a value.
class Bytes {
 public:
  explicit Bytes(std::string_view text) : text_(text) {}
  template <typename T>
  Result<T> Take() {
    if (text_.size() < sizeof(T)) return Malformed();
    std::make_unsigned_t<T> value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<std::make_unsigned_t<T>>((std::uint64_t(value) << 8) |
                                                   static_cast<unsigned char>(text_[i]));
    }
    text_.remove_prefix(sizeof(T));
    return static_cast<T>(value);
  }
  Result<std::string_view> Take(std::size_t size) {
    if (text_.size() < size) return Malformed();
    const auto out = text_.substr(0, size);
    text_.remove_prefix(size);
    return out;
  }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string_view text_;
};

template <typename T>
Result<T> Whole(std::string_view value) {
  Bytes bytes(value);
  PENSTOCK_ASSIGN(const T number, bytes.Take<T>());
  if (!bytes.empty()) return Malformed();
  return number;
}

// The digits of a numeric (numeric.c: numeric_send): groups of four from a weight on.
Result<std::string> NumericText(std::string_view value) {
  Bytes bytes(value);
  PENSTOCK_ASSIGN(const auto count, bytes.Take<std::int16_t>());
  PENSTOCK_ASSIGN(const auto weight, bytes.Take<std::int16_t>());
  PENSTOCK_ASSIGN(const auto sign, bytes.Take<std::uint16_t>());
  PENSTOCK_ASSIGN(const auto scale, bytes.Take<std::int16_t>());
  if (sign == 0xC000) return Invalid("NaN, which no decimal is; CAST(... AS double precision)");
  if (sign != 0 && sign != 0x4000)
    return Invalid("infinite, which no decimal is; CAST(... AS double precision)");
  std::vector<int> groups;
  for (int i = 0; i < count; ++i) {
    PENSTOCK_ASSIGN(const auto group, bytes.Take<std::int16_t>());
    if (group < 0 || group > 9999) return Malformed();
    groups.push_back(group);
  }
  const auto group_at = [&](int place) {  // 0: that before the point
    const int i = weight - place;
    return i >= 0 && i < int(groups.size()) ? groups[std::size_t(i)] : 0;
  };
  const auto four = [](int group) {
    std::string digits = std::to_string(group);
    return std::string(4 - digits.size(), '0') + digits;
  };
  std::string out = sign == 0x4000 ? "-" : "";
  if (weight < 0) out += "0";
  for (int place = weight; place >= 0; --place) out += four(group_at(place));
  if (scale <= 0) return out;
  std::string behind;
  for (int place = -1; int(behind.size()) < scale; --place) behind += four(group_at(place));
  return out + "." + behind.substr(0, std::size_t(scale));
}

Result<void> AppendDecimal(arrow::ArrayBuilder& builder, std::string_view value) {
  PENSTOCK_ASSIGN(const auto text, NumericText(value));
  const auto& type = static_cast<const arrow::Decimal128Type&>(*builder.type());
  arrow::Decimal128 number;
  std::int32_t precision = 0, scale = 0;
  PENSTOCK_TRY(Done(arrow::Decimal128::FromString(text, &number, &precision, &scale)));
  PENSTOCK_ASSIGN(number, sdk::FromArrow(number.Rescale(scale, type.scale()), "the rows"));
  return Done(static_cast<arrow::Decimal128Builder&>(builder).Append(number));
}

Result<void> AppendText(arrow::ArrayBuilder& builder, std::string_view text) {
  if (!IsUtf8(text)) {
    return Invalid(
        "'" + plan::Shown(std::string(text), 80) +
        "' is no UTF-8: the database's encoding does not know what it holds (SQL_ASCII); "
        "CAST(... AS bytea), or convert_from");
  }
  return Done(static_cast<arrow::StringBuilder&>(builder).Append(text));
}

// The text of JSON behind the version that it begins with.
Result<void> AppendJsonb(arrow::ArrayBuilder& builder, std::string_view value) {
  if (value.empty() || value[0] != 1) return Internal("jsonb of a version that is not known here");
  return AppendText(builder, value.substr(1));
}

Result<void> AppendUuid(arrow::ArrayBuilder& builder, std::string_view value) {
  if (value.size() != 16) return Malformed();
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    const auto byte = static_cast<unsigned char>(value[i]);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return Done(static_cast<arrow::StringBuilder&>(builder).Append(out));
}

Error Infinite(const char* what, bool positive) {
  return Invalid(std::string(positive ? "infinity" : "-infinity") + ", which no " + what +
                 " of a dataset is; write NULLIF(..., '" + (positive ? "" : "-") + "infinity')");
}

Result<void> AppendDate(arrow::ArrayBuilder& builder, std::string_view value) {
  PENSTOCK_ASSIGN(const auto days, Whole<std::int32_t>(value));
  if (days == INT32_MAX || days == INT32_MIN) return Infinite("date", days > 0);
  return Done(static_cast<arrow::Date32Builder&>(builder).Append(days + kDaysTo2000));
}

Result<void> AppendTimestamp(arrow::ArrayBuilder& builder, std::string_view value) {
  PENSTOCK_ASSIGN(const auto micros, Whole<std::int64_t>(value));
  if (micros == INT64_MAX || micros == INT64_MIN) return Infinite("timestamp", micros > 0);
  std::int64_t since_1970 = 0;
  if (__builtin_add_overflow(micros, kMicrosTo2000, &since_1970))
    return Invalid("a time beyond microseconds since 1970 in 64 bits (the year 294247)");
  return Done(static_cast<arrow::TimestampBuilder&>(builder).Append(since_1970));
}

template <typename Builder, typename T>
Result<void> AppendInteger(arrow::ArrayBuilder& builder, std::string_view value) {
  PENSTOCK_ASSIGN(const T number, Whole<T>(value));
  return Done(static_cast<Builder&>(builder).Append(number));
}

template <typename Builder, typename Number, typename Bits>
Result<void> AppendFloat(arrow::ArrayBuilder& builder, std::string_view value) {
  PENSTOCK_ASSIGN(const Bits bits, Whole<Bits>(value));
  return Done(static_cast<Builder&>(builder).Append(std::bit_cast<Number>(bits)));
}

Result<void> AppendValue(Wire wire, arrow::ArrayBuilder& builder, std::string_view value) {
  switch (wire) {
    case Wire::kBool: {
      PENSTOCK_ASSIGN(const auto flag, Whole<std::int8_t>(value));
      return Done(static_cast<arrow::BooleanBuilder&>(builder).Append(flag != 0));
    }
    case Wire::kInt16:
      return AppendInteger<arrow::Int16Builder, std::int16_t>(builder, value);
    case Wire::kInt32:
      return AppendInteger<arrow::Int32Builder, std::int32_t>(builder, value);
    case Wire::kInt64:
      return AppendInteger<arrow::Int64Builder, std::int64_t>(builder, value);
    case Wire::kOid:
      return AppendInteger<arrow::UInt32Builder, std::uint32_t>(builder, value);
    case Wire::kTime:
      return AppendInteger<arrow::Time64Builder, std::int64_t>(builder, value);
    case Wire::kFloat32:
      return AppendFloat<arrow::FloatBuilder, float, std::uint32_t>(builder, value);
    case Wire::kFloat64:
      return AppendFloat<arrow::DoubleBuilder, double, std::uint64_t>(builder, value);
    case Wire::kNumeric:
      return AppendDecimal(builder, value);
    case Wire::kText:
      return AppendText(builder, value);
    case Wire::kJsonb:
      return AppendJsonb(builder, value);
    case Wire::kBytes:
      return Done(static_cast<arrow::BinaryBuilder&>(builder).Append(value));
    case Wire::kDate:
      return AppendDate(builder, value);
    case Wire::kTimestamp:
      return AppendTimestamp(builder, value);
    case Wire::kUuid:
      return AppendUuid(builder, value);
  }
  return Internal("a wire form that is not read");
}

// arrayfuncs.c: array_send. Bounds other than 1 are dropped: a list has places, no indices.
Result<void> AppendList(Wire wire, arrow::ListBuilder& list, std::string_view value) {
  Bytes bytes(value);
  PENSTOCK_ASSIGN(const auto dimensions, bytes.Take<std::int32_t>());
  PENSTOCK_TRY(bytes.Take(8));  // whether there are nulls, and the elements' type
  PENSTOCK_TRY(Done(list.Append()));
  if (dimensions == 0) return {};
  if (dimensions != 1) {
    return Invalid("an array of " + std::to_string(dimensions) +
                   " dimensions; a list has one: unnest it, or CAST(... AS text)");
  }
  PENSTOCK_ASSIGN(const auto count, bytes.Take<std::int32_t>());
  PENSTOCK_TRY(bytes.Take(4));  // its lower bound
  for (std::int32_t i = 0; i < count; ++i) {
    PENSTOCK_ASSIGN(const auto size, bytes.Take<std::int32_t>());
    if (size < 0) {
      PENSTOCK_TRY(Done(list.value_builder()->AppendNull()));
      continue;
    }
    PENSTOCK_ASSIGN(const auto element, bytes.Take(std::size_t(size)));
    PENSTOCK_TRY(AppendValue(wire, *list.value_builder(), element));
  }
  return {};
}

}  // namespace

Decoder::Decoder(std::vector<ColumnPlan> columns) : columns_(std::move(columns)) {}
Decoder::~Decoder() = default;

Result<std::unique_ptr<Decoder>> Decoder::Make(std::vector<ColumnPlan> columns) {
  std::unique_ptr<Decoder> out(new Decoder(std::move(columns)));
  arrow::FieldVector fields;
  for (const auto& column : out->columns_) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    PENSTOCK_TRY(Done(arrow::MakeBuilder(arrow::default_memory_pool(), column.type, &builder)));
    out->builders_.push_back(std::move(builder));
    fields.push_back(arrow::field(column.name, column.type));
  }
  out->schema_ = arrow::schema(std::move(fields));
  return out;
}

bool Decoder::full() const { return held_ >= sdk::kBatchRows || bytes_ >= kMostBytes; }

Result<void> Decoder::Add(const Row& row) {
  if (row.size() != columns_.size()) return Internal("a row of another width than was described");
  ++rows_;
  ++held_;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const ColumnPlan& column = columns_[i];
    arrow::ArrayBuilder& builder = *builders_[i];
    if (!row[i]) {
      PENSTOCK_TRY(Done(builder.AppendNull()));
      continue;
    }
    bytes_ += row[i]->size();
    auto added = column.list
                     ? AppendList(column.wire, static_cast<arrow::ListBuilder&>(builder), *row[i])
                     : AppendValue(column.wire, builder, *row[i]);
    if (!added) {
      return Wrap(
          "row " + std::to_string(rows_) + ", column '" + plan::Shown(column.name, 120) + "'",
          added.error());
    }
  }
  return {};
}

Result<std::shared_ptr<arrow::RecordBatch>> Decoder::Take() {
  arrow::ArrayVector arrays;
  for (const auto& builder : builders_) {
    std::shared_ptr<arrow::Array> array;
    PENSTOCK_TRY(Done(builder->Finish(&array)));
    arrays.push_back(std::move(array));
  }
  auto batch = arrow::RecordBatch::Make(schema_, held_, std::move(arrays));
  held_ = 0;
  bytes_ = 0;
  return batch;
}

}  // namespace penstock::postgres
