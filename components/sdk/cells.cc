#include "components/sdk/cells.h"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "operator/base/shown_text.h"

namespace penstock::sdk {

Result<TypedColumn> FindColumn(const arrow::RecordBatch& batch, const std::string& name) {
  auto array = batch.GetColumnByName(name);
  if (array == nullptr) return Invalid("there is no column '" + name + "'");
  const auto type = ColumnTypeOf(*array->type());
  if (!type) {
    return Invalid("column '" + name + "' is a " + array->type()->ToString() +
                   ", which is no string, number, boolean or timestamp");
  }
  return TypedColumn{std::move(array), *type};
}

Json CellToJson(const Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) {
    return std::isfinite(*number) ? Json(*number) : Json();
  }
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return *integer;
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag;
  if (const auto* text = std::get_if<std::string_view>(&cell)) return std::string(*text);
  return {};
}

std::optional<std::string> TimeText(std::int64_t micros) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(micros)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  if (int(date.year()) < 0 || int(date.year()) > 9999) return std::nullopt;
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                    unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                    int(clock.minutes().count()), int(clock.seconds().count()));
  const auto fraction = int(clock.subseconds().count());
  if (fraction != 0) std::snprintf(text + size, sizeof text - std::size_t(size), ".%06d", fraction);
  return std::string(text) + "Z";
}

std::string ShownClass(const Json& value) {
  constexpr std::size_t kMostBytes = 100;
  return plan::Shown(value.dump(-1, ' ', false, Json::error_handler_t::replace), kMostBytes);
}

std::string ShownCell(const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  if (number == nullptr || std::isfinite(*number)) return ShownClass(CellToJson(cell));
  return std::isnan(*number) ? "nan" : *number > 0 ? "inf" : "-inf";
}

std::string CellToText(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return std::string(*text);
  return CellToJson(cell).dump();
}

}  // namespace penstock::sdk
