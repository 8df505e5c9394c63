#include "components/validate/contract/column_check.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>

#include "components/sdk/arrow_types.h"
#include "components/validate/contract/domain.h"
#include "components/validate/findings/pattern.h"
#include "operator/base/try.h"

namespace penstock::validate {
Result<ColumnCheck> ColumnCheck::Create(const sdk::SchemaColumn& column, const std::string& type) {
  ColumnCheck check(column, type);
  if (!column.constraints.pattern.empty()) {
    auto pattern = Pattern::Compile(column.constraints.pattern);
    if (!pattern) return Wrap("schema: column '" + column.name + "': pattern", pattern.error());
    check.pattern_ = std::move(*pattern);
  }
  if (!column.domain.is_null()) check.domain_ = std::make_unique<Domain>(column.domain);
  return check;
}

ColumnCheck::ColumnCheck(const sdk::SchemaColumn& column, const std::string& type)
    : column_(column), type_(type) {}
ColumnCheck::ColumnCheck(ColumnCheck&&) noexcept = default;
ColumnCheck& ColumnCheck::operator=(ColumnCheck&&) noexcept = default;
ColumnCheck::~ColumnCheck() = default;

Result<void> ColumnCheck::Look(const std::shared_ptr<arrow::Array>& array, std::int64_t first_row) {
  counts_.rows += array->length();
  counts_.nulls += array->null_count();
  const bool all = !column_.nullable || column_.constraints.presence_fraction == 1.0;
  for (std::int64_t r = 0; all && array->null_count() > 0 && r < array->length(); ++r) {
    if (array->IsNull(r)) null_.AddShown(first_row + r, "null");
  }
  if (type_ != column_.type) return {};  // nothing is asked of values of another type
  if (array->type_id() == arrow::Type::LIST) {
    LookAtLists(*array, first_row);
    return {};
  }
  return LookAtValues(array, first_row);
}

void ColumnCheck::LookAtLists(const arrow::Array& array, std::int64_t first_row) {
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  const auto& range = column_.constraints.value_count;
  for (std::int64_t r = 0; range.IsGiven() && r < lists.length(); ++r) {
    if (lists.IsNull(r)) continue;
    const std::int64_t length = lists.value_length(r);
    if (range.minimum && length < *range.minimum) {
      few_.AddShown(first_row + r, std::to_string(length) + " elements");
    }
    if (range.maximum && length > *range.maximum) {
      many_.AddShown(first_row + r, std::to_string(length) + " elements");
    }
  }
}

Result<void> ColumnCheck::LookAtValues(const std::shared_ptr<arrow::Array>& array,
                                       std::int64_t first_row) {
  const auto type = sdk::ColumnTypeOf(*array->type());
  const bool looks = domain_ != nullptr || pattern_ != nullptr || type == sdk::ColumnType::kFloat64;
  if (!type || !looks) return {};
  const sdk::TypedColumn column{array, *type};
  for (std::int64_t r = 0; r < array->length(); ++r) {
    if (!array->IsNull(r)) LookAt(CellAt(column, r), first_row + r);
  }
  return {};
}

void ColumnCheck::LookAt(const sdk::Cell& cell, std::int64_t row) {
  if (const auto* number = std::get_if<double>(&cell)) {
    if (std::isnan(*number)) {
      ++counts_.nan;
      if (column_.constraints.disallow_nan) nan_.Add(row, cell);
      return;  // it is in no domain and outside of none
    }
    if (std::isinf(*number) && column_.constraints.disallow_infinite) infinite_.Add(row, cell);
  }
  const auto* text = std::get_if<std::string_view>(&cell);
  if (pattern_ != nullptr && text != nullptr && !pattern_->Matches(*text))
    unmatched_.Add(row, cell);
  if (domain_ == nullptr) return;
  if (domain_->listed) {
    if (!domain_->Lists(cell)) unexpected_.Add(row, cell);
    return;
  }
  const auto bound = [&](auto value) {
    if (Domain::Below(value, domain_->minimum)) {
      least_ = small_.count() == 0 ? double(value) : std::min(least_, double(value));
      small_.Add(row, cell);
    }
    if (Domain::Above(value, domain_->maximum)) {
      most_ = big_.count() == 0 ? double(value) : std::max(most_, double(value));
      big_.Add(row, cell);
    }
  };
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) bound(*whole);
  if (const auto* number = std::get_if<double>(&cell)) bound(*number);
}

bool ColumnCheck::IsBroken(std::int64_t row) const {
  for (const auto* breaches :
       {&null_, &nan_, &infinite_, &unexpected_, &small_, &big_, &unmatched_, &few_, &many_}) {
    if (breaches->rows().Has(row)) return true;
  }
  return false;
}

}  // namespace penstock::validate
