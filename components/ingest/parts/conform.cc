// The values of a batch in the types of a plan, and within a given schema.
#include <arrow/api.h>

#include <cmath>
#include <set>

#include "components/ingest/parts/unite.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/cells.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

// Is a value one that the schema allows?
class Domain {
 public:
  explicit Domain(const Json& domain) {
    if (domain.is_array()) {
      listed_ = true;
      for (const auto& value : domain) {
        if (value.is_string()) texts_.insert(value.get<std::string>());
        if (value.is_boolean()) integers_.insert(value.get<bool>() ? 1 : 0);
        if (IsInt64(value)) integers_.insert(value.get<std::int64_t>());
        if (value.is_number()) numbers_.insert(value.get<double>());
      }
    } else {
      if (domain.contains("minimum")) minimum_ = domain["minimum"];
      if (domain.contains("maximum")) maximum_ = domain["maximum"];
    }
  }

  [[nodiscard]] bool Has(const sdk::Cell& cell) const {
    if (const auto* text = std::get_if<std::string_view>(&cell)) return texts_.contains(*text);
    if (const auto* flag = std::get_if<bool>(&cell)) return integers_.contains(*flag ? 1 : 0);
    if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
      return listed_ ? integers_.contains(*whole) : Within(*whole);
    }
    const auto* number = std::get_if<double>(&cell);
    if (number == nullptr || std::isnan(*number)) return true;  // NaN is null to what computes
    return listed_ ? numbers_.contains(*number) : Within(*number);
  }

 private:
  template <typename T>
  [[nodiscard]] bool Within(T value) const {
    return (minimum_.is_null() || Order(minimum_, value) <= 0) &&
           (maximum_.is_null() || Order(maximum_, value) >= 0);
  }
  // A model's bounds of integers may be fractions.
  template <typename T>
  static int Order(const Json& bound, T value) {
    const auto order = [](auto a, auto b) { return a < b ? -1 : int(a > b); };
    return bound.is_number_float() ? order(bound.get<double>(), double(value))
                                   : order(bound.get<T>(), value);
  }

  bool listed_ = false;
  std::set<std::string, std::less<>> texts_;
  std::set<std::int64_t> integers_;
  std::set<double> numbers_;
  Json minimum_;
  Json maximum_;
};

Result<void> CheckNulls(const arrow::Array& array, std::int64_t first_row) {
  if (array.null_count() == 0) return {};
  std::int64_t row = 0;
  while (!array.IsNull(row)) ++row;
  return Invalid("row " + std::to_string(first_row + row) +
                 ": null, and the given schema says nullable: false");
}

Result<void> CheckDomain(const std::shared_ptr<arrow::Array>& array, const Json& allowed,
                         std::int64_t first_row) {
  const auto type = sdk::ColumnTypeOf(*array->type());
  if (!type) return {};
  const Domain domain(allowed);
  const sdk::TypedColumn column{array, *type};
  for (std::int64_t row = 0; row < array->length(); ++row) {
    if (array->IsNull(row)) continue;
    const sdk::Cell cell = CellAt(column, row);
    if (domain.Has(cell)) continue;
    return Invalid("row " + std::to_string(first_row + row) + ": '" +
                   plan::Shown(sdk::CellToText(cell), 80) + "' is outside the domain " +
                   plan::Shown(allowed.dump(), 200) + " of the given schema");
  }
  return {};
}

// Text holds what a number or a time does not.
std::string Advice(const arrow::Field& field) {
  if (!sdk::ColumnTypeOf(*field.type()) || field.type()->id() == arrow::Type::STRING) return "";
  return "; types: {" + plan::Shown(field.name(), 120) + ": string} keeps it as it is written";
}

Result<std::shared_ptr<arrow::Array>> ConformColumn(const arrow::RecordBatch& batch,
                                                    const arrow::Field& field,
                                                    const sdk::SchemaColumn* given,
                                                    std::int64_t first_row) {
  auto source = batch.GetColumnByName(field.name());
  if (source == nullptr) {
    source = std::make_shared<arrow::NullArray>(batch.num_rows());
  }
  PENSTOCK_ASSIGN(auto array, sdk::ToStored(source, field.type(), first_row));
  if (given == nullptr) return array;
  if (!given->nullable) PENSTOCK_TRY(CheckNulls(*array, first_row));
  if (!given->domain.is_null()) PENSTOCK_TRY(CheckDomain(array, given->domain, first_row));
  return array;
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch,
                                                    const UnitePlan& plan, std::int64_t first_row) {
  arrow::ArrayVector columns;
  for (int i = 0; i < plan.target->num_fields(); ++i) {
    const auto& field = *plan.target->field(i);
    const auto* given = plan.given ? &plan.described.columns[std::size_t(i)] : nullptr;
    auto column = ConformColumn(batch, field, given, first_row);
    if (!column) {
      Error error = Wrap("column '" + plan::Shown(field.name(), 120) + "'", column.error());
      if (!plan.given) error.message += Advice(field);
      return error;
    }
    columns.push_back(std::move(*column));
  }
  return arrow::RecordBatch::Make(plan.target, batch.num_rows(), std::move(columns));
}

}  // namespace penstock::ingest
