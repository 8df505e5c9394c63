#include "components/model_format/column.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace penstock::sdk {
namespace {

constexpr std::array<const char*, 5> kTypeNames = {"string", "int64", "float64", "bool",
                                                   "timestamp"};

const char* KindOf(const Cell& cell) {
  constexpr std::array<const char*, 5> kKinds = {"null", "a boolean", "an integer", "a number",
                                                 "a string"};
  return kKinds[cell.index()];
}

Error Mismatch(const Cell& cell, const Column& column) {
  return Invalid("column '" + column.name + "' takes " + Name(column.type) + ", got " +
                 KindOf(cell));
}

// Takes exactly `digits` digits off the front.
bool TakeDigits(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any) {
  if (text.empty() || any.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456" -> microseconds; further digits are cut. Nothing there is 0.
bool TakeFraction(std::string_view& text, int& micros) {
  micros = 0;
  if (!TakeChar(text, ".")) return true;
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 6) micros = micros * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  for (int i = digits; i < 6; ++i) micros *= 10;
  return digits > 0;
}

// "Z", "+09:00", "+0900" or nothing -> seconds east of UTC.
bool TakeZone(std::string_view& text, int& offset) {
  offset = 0;
  if (text.empty() || TakeChar(text, "Zz")) return true;
  const int sign = text.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!TakeChar(text, "+-") || !TakeDigits(text, 2, hours)) return false;
  TakeChar(text, ":");
  if (!text.empty() && !TakeDigits(text, 2, minutes)) return false;
  offset = sign * (hours * 3600 + minutes * 60);
  return hours < 24 && minutes < 60;
}

Result<Cell> CoerceInteger(const Cell& cell, const Column& column) {
  if (std::holds_alternative<std::int64_t>(cell)) return cell;
  const auto* number = std::get_if<double>(&cell);
  if (number == nullptr) return Mismatch(cell, column);
  if (!std::isfinite(*number)) return Cell();
  if (*number != std::trunc(*number)) {
    return Invalid("column '" + column.name + "' takes int64, got a number with a fraction");
  }
  if (std::abs(*number) >= 0x1p53) {
    return Invalid("column '" + column.name +
                   "' takes int64, got a floating-point number of 2^53 or beyond, which may have "
                   "been rounded; give whole numbers as integers");
  }
  return Cell(static_cast<std::int64_t>(*number));
}

Result<Cell> CoerceFloat(const Cell& cell, const Column& column) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
    const auto rounded = static_cast<double>(*integer);
    if (rounded >= 0x1p63 || static_cast<std::int64_t>(rounded) != *integer) {
      return Invalid("column '" + column.name + "' takes float64, which would round the integer " +
                     std::to_string(*integer));
    }
    return Cell(rounded);
  }
  const auto* number = std::get_if<double>(&cell);
  if (number == nullptr) return Mismatch(cell, column);
  return std::isfinite(*number) ? cell : Cell();
}

Result<Cell> CoerceBool(const Cell& cell, const Column& column) {
  if (std::holds_alternative<bool>(cell)) return cell;
  double value = 2;
  if (const auto* integer = std::get_if<std::int64_t>(&cell))
    value = static_cast<double>(*integer);
  else if (const auto* number = std::get_if<double>(&cell))
    value = *number;
  else
    return Mismatch(cell, column);
  if (!std::isfinite(value)) return Cell();
  if (value != 0 && value != 1)
    return Invalid("column '" + column.name +
                   "' takes bool: true, false, 0 or 1, got another number");
  return Cell(value == 1);
}

Result<Cell> CoerceTimestamp(const Cell& cell, const Column& column) {
  if (std::holds_alternative<std::int64_t>(cell)) return cell;
  const auto* text = std::get_if<std::string_view>(&cell);
  if (text == nullptr) return Mismatch(cell, column);
  const auto micros = ParseTimestamp(*text);
  if (!micros) {
    return Invalid("column '" + column.name +
                   "' takes a timestamp, got a string that is none, as 2024-05-31T12:00:00Z is");
  }
  return Cell(*micros);
}

}  // namespace

const char* Name(ColumnType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

std::optional<ColumnType> ParseColumnType(std::string_view name) {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (name == kTypeNames[i]) return static_cast<ColumnType>(i);
  }
  return std::nullopt;
}

Result<Cell> Coerce(const Cell& cell, const Column& column) {
  if (std::holds_alternative<std::monostate>(cell)) return cell;
  switch (column.type) {
    case ColumnType::kString:
      if (std::holds_alternative<std::string_view>(cell)) return cell;
      return Mismatch(cell, column);
    case ColumnType::kInt64:
      return CoerceInteger(cell, column);
    case ColumnType::kFloat64:
      return CoerceFloat(cell, column);
    case ColumnType::kBool:
      return CoerceBool(cell, column);
    case ColumnType::kTimestamp:
      return CoerceTimestamp(cell, column);
  }
  return Internal("column '" + column.name + "' has no known type");
}

std::optional<std::int64_t> ParseTimestamp(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0, offset = 0;
  if (!TakeDigits(text, 4, year) || !TakeChar(text, "-") || !TakeDigits(text, 2, month) ||
      !TakeChar(text, "-") || !TakeDigits(text, 2, day)) {
    return std::nullopt;
  }
  if (!text.empty()) {
    if (!TakeChar(text, "Tt ") || !TakeDigits(text, 2, hour) || !TakeChar(text, ":") ||
        !TakeDigits(text, 2, minute)) {
      return std::nullopt;
    }
    if (TakeChar(text, ":") && (!TakeDigits(text, 2, second) || !TakeFraction(text, micros))) {
      return std::nullopt;
    }
    if (!TakeZone(text, offset) || !text.empty()) return std::nullopt;
  }
  using namespace std::chrono;  // NOLINT: calendar literals
  const year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                            std::chrono::day(unsigned(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t seconds = sys_days(date).time_since_epoch().count() * 86400LL + hour * 3600 +
                               minute * 60 + second - offset;
  return seconds * 1'000'000 + micros;
}

}  // namespace penstock::sdk
