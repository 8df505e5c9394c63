#include "components/drift/batch_column.h"

#include <arrow/api.h>

#include <utility>

#include "components/sdk/arrow_types.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

Result<sdk::TypedColumn> Typed(std::shared_ptr<arrow::Array> array, const std::string& name) {
  const auto field = arrow::field(name, array->type());
  const std::int64_t count = array->length();
  PENSTOCK_ASSIGN(const auto batch, sdk::Canonical(arrow::RecordBatch::Make(
                                        arrow::schema({field}), count, {std::move(array)})));
  return sdk::FindColumn(*batch, name);
}

// Null: it is no list.
std::shared_ptr<arrow::Array> ItemsOf(const arrow::Array& array) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return static_cast<const arrow::ListArray&>(array).values();
    case arrow::Type::LARGE_LIST:
      return static_cast<const arrow::LargeListArray&>(array).values();
    case arrow::Type::FIXED_SIZE_LIST:
      return static_cast<const arrow::FixedSizeListArray&>(array).values();
    default:
      return nullptr;
  }
}

}  // namespace

Result<BatchColumn> ColumnOf(std::shared_ptr<arrow::Array> array, const Pair& pair) {
  BatchColumn column;
  if (pair.is_list) {
    auto items = ItemsOf(*array);
    if (items == nullptr) {
      return Invalid("column '" + pair.name + "' is a " + array->type()->ToString() +
                     ", which is no list");
    }
    column.lists = std::move(array);
    PENSTOCK_ASSIGN(column.values, Typed(std::move(items), pair.name));
    return column;
  }
  if (array->type_id() == arrow::Type::DICTIONARY) {
    const auto& texts = static_cast<const arrow::DictionaryArray&>(*array);
    if (texts.indices()->type_id() != arrow::Type::INT32 ||
        texts.dictionary()->type_id() != arrow::Type::STRING) {
      return Invalid("column '" + pair.name + "' is a " + array->type()->ToString() +
                     ", which is no dictionary of texts");
    }
    column.entries = texts.indices();
    column.values = {texts.dictionary(), sdk::ColumnType::kString};
    return column;
  }
  PENSTOCK_ASSIGN(column.values, Typed(std::move(array), pair.name));
  return column;
}

sdk::Cell TextAt(const BatchColumn& column, std::int64_t row) {
  if (column.entries == nullptr) return CellAt(column.values, row);
  const auto& entries = static_cast<const arrow::Int32Array&>(*column.entries);
  return entries.IsNull(row) ? sdk::Cell() : CellAt(column.values, entries.Value(row));
}

}  // namespace penstock::drift
