#include "components/ingest/csv/column.h"

#include <arrow/api.h>

#include "components/ingest/csv/number.h"
#include "components/ingest/csv/time.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"

namespace penstock::ingest {
namespace {

constexpr std::int64_t kMicrosOfDay = 86'400'000'000;
constexpr Seen kNulls = kSeenNull | kSeenBlank;

Seen SeenOf(std::int64_t integer) {
  constexpr std::int64_t kExact = 1LL << 53;
  return integer >= -kExact && integer <= kExact ? kSeenInteger : kSeenLong;
}

double RealOf(const Value& value) {
  return value.kind == kSeenInteger ? double(value.integer) : value.real;
}

class ColumnBuilder {
 public:
  ColumnBuilder(const Rows& rows, const CsvColumn& column, const ConvertRules& rules)
      : rows_(rows), column_(column), rules_(rules) {}

  arrow::Result<BuiltColumn> Build() {
    switch (column_.type) {
      case CsvType::kInt64: {
        arrow::Int64Builder builder;
        return Each(builder,
                    [&](std::string_view text, const Field& f) { Integer(builder, text, f); });
      }
      case CsvType::kFloat64: {
        arrow::DoubleBuilder builder;
        return Each(builder,
                    [&](std::string_view text, const Field& f) { Real(builder, text, f); });
      }
      case CsvType::kBool: {
        arrow::BooleanBuilder builder;
        return Each(builder, [&](std::string_view text, const Field& f) {
          Put(builder, Kind(text, f), kSeenBool, [](const Value& v) { return v.integer != 0; });
        });
      }
      case CsvType::kDate: {
        arrow::Date32Builder builder;
        return Each(builder, [&](std::string_view text, const Field& f) {
          Put(builder, Moment(text, f), kSeenDate, DayOf);
        });
      }
      case CsvType::kLocal:
      case CsvType::kZoned: {
        arrow::TimestampBuilder builder(ArrowType(column_.type), arrow::default_memory_pool());
        const Seen fits = column_.type == CsvType::kZoned ? kSeenZoned : kSeenDate | kSeenLocal;
        return Each(builder, [&](std::string_view text, const Field& f) {
          Put(builder, Moment(text, f), fits, [](const Value& v) { return v.integer; });
        });
      }
      case CsvType::kString:
        break;
    }
    arrow::StringBuilder builder;
    std::int64_t bytes = 0;
    for (std::size_t r = 0; r < rows_.spans.size(); ++r) bytes += rows_.At(r, column_.field).size;
    ARROW_RETURN_NOT_OK(builder.ReserveData(bytes));
    if (column_.made == nullptr) {
      return Each(builder, [&](std::string_view text, const Field& f) { Text(builder, text, f); });
    }
    ARROW_ASSIGN_OR_RAISE(auto built, Each(builder, [&](std::string_view text, const Field& f) {
                            ToBeMade(builder, text, f);
                          }));
    RefuseUnmade(built);
    return built;
  }

 private:
  // `put` appends one value for each row.
  template <typename Builder, typename Append>
  arrow::Result<BuiltColumn> Each(Builder& builder, Append put) {
    ARROW_RETURN_NOT_OK(builder.Reserve(std::int64_t(rows_.spans.size())));
    for (row_ = 0; row_ < rows_.spans.size(); ++row_) {
      const Field& field = rows_.At(row_, column_.field);
      put(rows_.Text(field), field);
    }
    ARROW_ASSIGN_OR_RAISE(built_.array, builder.Finish());
    return std::move(built_);
  }

  static std::int32_t DayOf(const Value& value) {
    return std::int32_t(value.integer / kMicrosOfDay - (value.integer % kMicrosOfDay < 0 ? 1 : 0));
  }

  template <typename Builder, typename As>
  void Put(Builder& builder, const Value& value, Seen fits, As as) {
    built_.seen |= value.kind;
    if ((value.kind & fits) != 0) {
      builder.UnsafeAppend(as(value));
    } else {
      builder.UnsafeAppendNull();
    }
  }

  void Integer(arrow::Int64Builder& builder, std::string_view text, const Field& field) {
    std::int64_t integer = 0;
    if (!text.empty() && !rules_.values.nulls.Begins(text.front()) &&
        FastInteger(text.data(), text.size(), integer)) {
      built_.seen |= SeenOf(integer);
      return builder.UnsafeAppend(integer);
    }
    Put(builder, Kind(text, field), kSeenInteger | kSeenLong,
        [](const Value& v) { return v.integer; });
  }

  void Real(arrow::DoubleBuilder& builder, std::string_view text, const Field& field) {
    const char mark = rules_.dialect.decimal;
    double real = 0;
    if (!text.empty() && !rules_.values.nulls.Begins(text.front()) &&
        FastReal(text.data(), text.size(), mark, real)) {
      built_.seen |= MarkedKind(text, mark);
      return builder.UnsafeAppend(real);
    }
    const Seen marked = column_.told ? KindsWith('.') | KindsWith(',') : KindsWith(mark);
    Put(builder, Kind(text, field), kSeenInteger | kSeenPlain | kSeenWord | marked, RealOf);
  }

  Value Moment(std::string_view text, const Field& field) {
    if (!text.empty() && !rules_.values.nulls.Begins(text.front()) && !column_.told) {
      const auto time = ParseTime(text);
      constexpr Seen kKinds[] = {kSeenDate, kSeenLocal, kSeenZoned};
      if (time) return {kKinds[std::size_t(time->form)], time->micros, 0};
    }
    return Kind(text, field);
  }

  void Text(arrow::StringBuilder& builder, std::string_view text, const Field& field) {
    if (field.quoted == 0 && rules_.values.nulls.Has(text)) {
      built_.seen |= kSeenNull;
      return builder.UnsafeAppendNull();
    }
    if ((built_.seen & kSeenText) == 0) {
      built_.seen |= column_.told ? kSeenText : Kind(text, field).kind;
    }
    if (field.escaped == 0) return builder.UnsafeAppend(text);
    Unescape(text, rules_.dialect, scratch_);
    builder.UnsafeAppend(scratch_);
  }

  // Blanks decide nothing, as around numbers.
  void ToBeMade(arrow::StringBuilder& builder, std::string_view text, const Field& field) {
    if ((Classify(text, field.quoted != 0, rules_.values).kind & kNulls) != 0) {
      built_.seen |= kSeenNull;
      return builder.UnsafeAppendNull();
    }
    built_.seen |= kSeenText;
    if (field.escaped == 0) return builder.UnsafeAppend(WithoutBlanks(text));
    Unescape(text, rules_.dialect, scratch_);
    builder.UnsafeAppend(WithoutBlanks(scratch_));
  }

  void RefuseUnmade(BuiltColumn& built) const {
    if (sdk::ToStored(built.array, column_.made, 0)) return;
    for (std::int64_t row = 0; row < built.array->length(); ++row) {
      if (sdk::ToStored(built.array->Slice(row, 1), column_.made, row)) continue;
      const auto text = rows_.Text(rows_.At(std::size_t(row), column_.field)).substr(0, 80);
      built.refused.push_back(
          {std::size_t(row), "'" + std::string(text) + "' is no " + sdk::TypeText(*column_.made)});
    }
  }

  // By the value's looks, or by the type that was told. A value that a told type refuses is text.
  Value Kind(std::string_view text, const Field& field) {
    if (!column_.told) {
      return field.escaped != 0 ? Value{} : Classify(text, field.quoted != 0, rules_.values);
    }
    const Value looks = Classify(text, field.quoted != 0, rules_.values);
    if ((looks.kind & kNulls) != 0 || *column_.told == sdk::ColumnType::kString) return looks;
    const Value value = AsTold(WithoutBlanks(text), looks);
    if (value.kind == kSeenText) Refuse(text, "");
    return value;
  }

  Value AsTold(std::string_view text, const Value& looks) {
    switch (*column_.told) {
      case sdk::ColumnType::kInt64:
        if (const auto integer = ParseIntegerAsTold(text)) return {SeenOf(*integer), *integer, 0};
        return {};
      case sdk::ColumnType::kFloat64:
        return RealAsTold(text, looks);
      case sdk::ColumnType::kBool:
        if (text == "0" || text == "1") return {kSeenBool, text == "1" ? 1 : 0, 0};
        return looks.kind == kSeenBool ? looks : Value{};
      case sdk::ColumnType::kTimestamp:
        return TimeAsTold(text, looks);
      case sdk::ColumnType::kString:
        break;
    }
    return looks;
  }

  Value RealAsTold(std::string_view text, const Value& looks) {
    if (looks.kind == kSeenWord) return looks;
    const bool open = !rules_.all_seen && rules_.values.point && rules_.values.comma;
    const bool comma = text.find(',') != std::string_view::npos;
    const char mark = open ? (comma ? ',' : '.') : rules_.dialect.decimal;
    const auto real = ParseRealAsTold(text, mark);
    if (!real) return {};
    const bool point = text.find('.') != std::string_view::npos;
    return {comma || point ? MarkedKind(text, mark) : kSeenPlain, 0, *real};
  }

  Value TimeAsTold(std::string_view text, const Value& looks) {
    if ((looks.kind & (kSeenDate | kSeenLocal | kSeenZoned)) == 0) return {};
    if (rules_.all_seen && column_.type == CsvType::kZoned && looks.kind != kSeenZoned) {
      Refuse(text, ": it has no zone, and other values of the column have one");
    }
    return looks;
  }

  void Refuse(std::string_view text, const std::string& why) {
    if (!built_.refused.empty() && built_.refused.back().row == row_) return;
    built_.refused.push_back({row_, "'" + std::string(text.substr(0, 80)) + "' is no " +
                                        sdk::Name(*column_.told) + why});
  }

  const Rows& rows_;
  const CsvColumn& column_;
  const ConvertRules& rules_;
  BuiltColumn built_;
  std::size_t row_ = 0;
  std::string scratch_;
};

}  // namespace

std::shared_ptr<arrow::DataType> ArrowType(CsvType type) {
  switch (type) {
    case CsvType::kInt64:
      return arrow::int64();
    case CsvType::kFloat64:
      return arrow::float64();
    case CsvType::kBool:
      return arrow::boolean();
    case CsvType::kDate:
      return arrow::date32();
    case CsvType::kLocal:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case CsvType::kZoned:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case CsvType::kString:
      break;
  }
  return arrow::utf8();
}

CsvType TypeOf(const CsvColumn& column, char decimal) {
  if (!column.told) return TypeOf(column.seen, decimal);
  switch (*column.told) {
    case sdk::ColumnType::kInt64:
      return CsvType::kInt64;
    case sdk::ColumnType::kFloat64:
      return CsvType::kFloat64;
    case sdk::ColumnType::kBool:
      return CsvType::kBool;
    case sdk::ColumnType::kTimestamp:
      return (column.seen & kSeenZoned) != 0 ? CsvType::kZoned : CsvType::kLocal;
    case sdk::ColumnType::kString:
      break;
  }
  return CsvType::kString;
}

bool Contradicts(const CsvColumn& column, char decimal) {
  if (column.told == sdk::ColumnType::kFloat64) {
    return (column.seen & KindsWith(decimal == ',' ? '.' : ',')) != 0;
  }
  return column.told == sdk::ColumnType::kTimestamp && (column.seen & kSeenZoned) != 0 &&
         (column.seen & (kSeenDate | kSeenLocal)) != 0;
}

Result<BuiltColumn> BuildColumn(const Rows& rows, const CsvColumn& column,
                                const ConvertRules& rules) {
  return sdk::FromArrow(ColumnBuilder(rows, column, rules).Build(),
                        "CSV column '" + column.name + "'");
}

}  // namespace penstock::ingest
