#include "components/sdk/labels/label_columns.h"

#include <arrow/api.h>

#include <cmath>
#include <functional>
#include <set>

#include "components/model_format/label_models.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

bool IsKnown(const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return cell.index() != 0 && (number == nullptr || std::isfinite(*number));
}

// Floats without fractions are classes as integers are.
Json ClassOf(const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  const bool whole =
      number != nullptr && *number == std::trunc(*number) && std::abs(*number) <= 0x1p53;
  return whole ? Json(std::int64_t(*number)) : CellToJson(cell);
}

Result<void> ForEachCell(const std::string& dataset, const std::string& label,
                         const std::function<void(const Cell&)>& visit) {
  return ForEachBatch(dataset, {label}, [&](const arrow::RecordBatch& batch) -> Result<void> {
    PENSTOCK_ASSIGN(const auto values, FindColumn(batch, label));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) visit(CellAt(values, r));
    return {};
  });
}

Result<void> CheckType(const std::string& dataset, const std::string& label) {
  PENSTOCK_ASSIGN(const auto reader, DatasetReader::Open(dataset, {label}));
  const auto type = ColumnTypeOf(*reader->schema()->field(0)->type());
  if (type && *type != ColumnType::kTimestamp) return {};
  return Invalid("label '" + label + "' must be a number, a string or a boolean");
}

}  // namespace

Result<std::vector<std::string>> LabelColumns(const std::string& named,
                                              const std::vector<std::string>& several,
                                              const std::string& dataset) {
  if (!named.empty() && !several.empty()) {
    return Invalid("parameter labels: leave one of label and labels out");
  }
  if (!named.empty()) return std::vector<std::string>{named};
  if (several.size() > 1) PENSTOCK_TRY(CheckLabels(several));
  if (several.size() == 1 && several.front().empty()) {
    return Invalid("parameter labels: a label's name is empty");
  }
  if (!several.empty()) return several;
  PENSTOCK_ASSIGN(const Schema schema, DatasetSchema(dataset));
  return schema.Of(Role::kLabel);
}

Result<std::vector<std::uint32_t>> LabelledRows(const std::string& dataset,
                                                const std::string& label, std::size_t* rows) {
  std::vector<std::uint32_t> known;
  std::size_t row = 0;
  PENSTOCK_TRY(ForEachCell(dataset, label, [&](const Cell& cell) {
    if (IsKnown(cell)) known.push_back(std::uint32_t(row));
    ++row;
  }));
  *rows = row;
  return known;
}

Result<Label> LearnTwoClasses(const std::string& dataset, const std::string& column) {
  constexpr std::size_t kShown = 10;
  PENSTOCK_TRY(CheckType(dataset, column));
  std::set<Json> distinct;
  PENSTOCK_TRY(ForEachCell(dataset, column, [&](const Cell& cell) {
    if (IsKnown(cell) && distinct.size() <= kShown) distinct.insert(ClassOf(cell));
  }));
  const std::string what = "label '" + column + "'";
  if (distinct.empty()) return Invalid(what + " is null in every row");
  if (distinct.size() == 1) {
    return Invalid(what + " has only one value, so there is nothing to learn");
  }
  if (distinct.size() != 2) {
    std::string shown = distinct.size() > kShown ? "more than " + std::to_string(kShown)
                                                 : std::to_string(distinct.size());
    return Invalid(what + " has " + shown +
                   " values; each of several labels is of two classes (make it so with query, as "
                   "x = 'a' AS a, or train it alone)");
  }
  for (const Json& value : distinct) {
    if (!value.is_number_float()) continue;
    return Invalid(what + " is " + value.dump() +
                   ", and a class is text, an integer or a boolean; cast it with query");
  }
  return Label{column, ModelTask::kClassification, {distinct.begin(), distinct.end()}};
}

}  // namespace penstock::sdk
