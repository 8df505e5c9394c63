#include "components/sdk/cells.h"

#include <cmath>

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

std::string CellToText(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return std::string(*text);
  return CellToJson(cell).dump();
}

}  // namespace penstock::sdk
