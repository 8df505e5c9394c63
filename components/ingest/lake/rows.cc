#include "components/ingest/lake/rows.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <charconv>

#include "components/ingest/parts/part.h"
#include "components/ingest/parts/widen.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

std::string Quoted(const std::string& name) { return "'" + plan::Shown(name, 120) + "'"; }

// The id that a Parquet field has; 0 for none.
std::int32_t IdOf(const arrow::Field& field) {
  if (field.metadata() == nullptr) return 0;
  const auto text = field.metadata()->Get("PARQUET:field_id");
  std::int32_t id = 0;
  if (!text.ok()) return 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), id);
  return read.ec == std::errc() ? id : 0;
}

bool HasIds(const arrow::Schema& schema) {
  return std::any_of(schema.fields().begin(), schema.fields().end(),
                     [](const auto& field) { return IdOf(*field) > 0; });
}

// Which of a file's columns is the table's; null: it does not have it.
template <typename Is>
Result<const arrow::Field*> OneOf(const arrow::Schema& file, const TableColumn& column,
                                  const Is& is) {
  const arrow::Field* found = nullptr;
  for (const auto& field : file.fields()) {
    if (!is(*field)) continue;
    if (found != nullptr)
      return Invalid("column " + Quoted(column.name) + " stands twice in the file, as '" +
                     plan::Shown(found->name(), 120) + "' and '" + plan::Shown(field->name(), 120) +
                     "'");
    found = field.get();
  }
  return found;
}

Result<const arrow::Field*> FindIn(const arrow::Schema& file, const TableColumn& column,
                                   bool by_id) {
  if (by_id)
    return OneOf(file, column, [&](const auto& field) { return IdOf(field) == column.id; });
  const auto& names = column.file_names;
  PENSTOCK_ASSIGN(const arrow::Field* exact, OneOf(file, column, [&](const auto& field) {
                    return std::find(names.begin(), names.end(), field.name()) != names.end();
                  }));
  // A Delta table's columns are found whatever their case is; those with ids keep their names.
  if (exact != nullptr || column.id > 0) return exact;
  return OneOf(file, column, [&](const auto& field) {
    return std::any_of(names.begin(), names.end(),
                       [&](const auto& name) { return DiffersByCase(field.name(), name); });
  });
}

// Where a column of the table comes from.
struct Origin {
  const TableColumn* column = nullptr;
  std::string in_file;                      // the file's name of it; or empty:
  std::shared_ptr<arrow::Scalar> constant;  // of all rows; null: null
  TypePtr stored;
};

// Integers become decimals of their own width (typeWidening), and int32 is stored as int64.
bool HoldsAll(const arrow::DataType& decimal, const arrow::DataType& integer) {
  if (!arrow::is_integer(integer.id()) || !arrow::is_decimal(decimal.id())) return false;
  constexpr int kDigits[] = {0, 3, 5, 0, 10, 0, 0, 0, 19};  // by bytes
  const auto& type = static_cast<const arrow::DecimalType&>(decimal);
  const int bytes = integer.bit_width() / 8;
  return type.precision() - type.scale() >= kDigits[bytes];
}

Result<void> CheckType(const arrow::Field& field, const Origin& origin) {
  // A column that had no value of any type yet, when the file was written.
  if (origin.column->uuid || field.type()->id() == arrow::Type::NA) return {};
  if (HoldsAll(*origin.stored, *field.type())) return {};
  const TypePtr stored = sdk::StoredType(field.type());
  const TypePtr wider = stored == nullptr ? nullptr : Wider(stored, origin.stored);
  if (wider != nullptr && wider->Equals(*origin.stored)) return {};
  return Invalid("column " + Quoted(origin.column->name) + " is " + field.type()->ToString() +
                 " in the file, and " + origin.column->type->ToString() + " in the table");
}

Result<ArrayPtr> UuidTexts(const arrow::Array& array) {
  const auto* storage = &array;
  if (array.type_id() == arrow::Type::EXTENSION)
    storage = static_cast<const arrow::ExtensionArray&>(array).storage().get();
  if (storage->type_id() != arrow::Type::FIXED_SIZE_BINARY ||
      static_cast<const arrow::FixedSizeBinaryType&>(*storage->type()).byte_width() != 16)
    return Invalid("a uuid is " + array.type()->ToString() + " in the file, and not 16 bytes");
  const auto& bytes = static_cast<const arrow::FixedSizeBinaryArray&>(*storage);
  arrow::StringBuilder out;
  for (std::int64_t row = 0; row < bytes.length(); ++row) {
    if (bytes.IsNull(row)) {
      PENSTOCK_TRY(sdk::FromArrow(out.AppendNull(), "uuid"));
      continue;
    }
    std::string text;
    for (int i = 0; i < 16; ++i) {
      constexpr const char* kDigits = "0123456789abcdef";
      const std::uint8_t byte = bytes.GetValue(row)[i];
      if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 15U];
    }
    PENSTOCK_TRY(sdk::FromArrow(out.Append(text), "uuid"));
  }
  return sdk::FromArrow(out.Finish(), "uuid");
}

class FileRows {
 public:
  FileRows(const TableState& state, const TableFile& file, const OnTableRows& on_batch)
      : state_(state), file_(file), on_batch_(on_batch) {}

  Result<void> Read(Part& part, const std::set<std::string>& wanted) {
    PENSTOCK_TRY(FindColumns(*part.schema(), wanted));
    std::vector<std::string> names;
    for (const auto& origin : origins_)
      if (!origin.in_file.empty()) names.push_back(origin.in_file);
    // Of no column nothing would say how many rows there are.
    if (names.empty() && part.schema()->num_fields() > 0)
      names.push_back(part.schema()->field(0)->name());
    PENSTOCK_TRY(part.Choose(names));
    for (;;) {
      PENSTOCK_ASSIGN(const auto batch, part.Next());
      if (batch == nullptr) break;
      PENSTOCK_TRY(Take(*batch));
      row_ += batch->num_rows();
    }
    if (file_.rows >= 0 && row_ != file_.rows)
      return Invalid("has " + std::to_string(row_) + " rows, and the table says " +
                     std::to_string(file_.rows));
    if (next_deleted_ != file_.deleted.size())
      return Invalid("has " + std::to_string(row_) + " rows, and the table says that row " +
                     std::to_string(file_.deleted.back() + 1) + " is deleted");
    return {};
  }
  // Whether columns were found by the table's names for them, and not by ids.
  [[nodiscard]] bool by_mapping() const { return by_mapping_; }

 private:
  Result<void> FindColumns(const arrow::Schema& schema, const std::set<std::string>& wanted) {
    const bool ids = HasIds(schema);
    for (const auto& column : state_.columns) {
      if (!wanted.contains(column.name)) continue;
      Origin origin{.column = &column, .in_file = "", .constant = nullptr, .stored = nullptr};
      origin.stored = sdk::StoredType(column.type);
      if (origin.stored == nullptr) return Internal("a nested column was asked for");
      const auto constant = file_.constants.find(column.name);
      if (constant != file_.constants.end()) {
        origin.constant = constant->second;
      } else {
        PENSTOCK_TRY(FindInFile(schema, ids, origin));
      }
      fields_.push_back(arrow::field(column.name, origin.stored));
      origins_.push_back(std::move(origin));
    }
    return {};
  }

  Result<void> FindInFile(const arrow::Schema& schema, bool ids, Origin& origin) {
    const TableColumn& column = *origin.column;
    const bool by_id = column.id > 0 && ids;
    if (column.id > 0 && !ids && column.file_names.empty())
      return Invalid(
          "its columns have no field ids, by which the table finds them, and the table " +
          std::string("does not say their names (schema.name-mapping.default)"));
    by_mapping_ = by_mapping_ || (column.id > 0 && !ids);
    PENSTOCK_ASSIGN(const arrow::Field* field, FindIn(schema, column, by_id));
    if (field != nullptr) {
      PENSTOCK_TRY(CheckType(*field, origin));
      origin.in_file = field->name();
      return {};
    }
    const auto fallback = file_.fallbacks.find(column.name);
    if (fallback != file_.fallbacks.end()) origin.constant = fallback->second;
    return {};
  }

  // Which of the batch's rows are left; null: all of them.
  Result<std::shared_ptr<arrow::BooleanArray>> Left(std::int64_t rows) {
    const auto& deleted = file_.deleted;
    if (next_deleted_ == deleted.size() || deleted[next_deleted_] >= row_ + rows)
      return std::shared_ptr<arrow::BooleanArray>();
    arrow::BooleanBuilder mask;
    PENSTOCK_TRY(sdk::FromArrow(mask.Reserve(rows), "deleted rows"));
    for (std::int64_t row = row_; row < row_ + rows; ++row) {
      const bool gone = next_deleted_ < deleted.size() && deleted[next_deleted_] == row;
      if (gone) ++next_deleted_;
      mask.UnsafeAppend(!gone);
    }
    std::shared_ptr<arrow::BooleanArray> out;
    PENSTOCK_TRY(sdk::FromArrow(mask.Finish(&out), "deleted rows"));
    return out;
  }

  Result<ArrayPtr> ColumnOf(const arrow::RecordBatch& batch, const Origin& origin) {
    if (origin.in_file.empty()) {
      if (origin.constant == nullptr)
        return sdk::FromArrow(arrow::MakeArrayOfNull(origin.stored, batch.num_rows()), "nulls");
      return sdk::FromArrow(arrow::MakeArrayFromScalar(*origin.constant, batch.num_rows()),
                            "a partition's value");
    }
    const ArrayPtr array = batch.GetColumnByName(origin.in_file);
    if (array == nullptr) return Internal("the column " + origin.in_file + " did not come");
    if (origin.column->uuid) return UuidTexts(*array);
    return sdk::ToStored(array, origin.stored, row_ + 1);
  }

  Result<void> Take(const arrow::RecordBatch& batch) {
    arrow::ArrayVector columns;
    for (const auto& origin : origins_) {
      auto column = ColumnOf(batch, origin);
      if (!column) return Wrap("column " + Quoted(origin.column->name), column.error());
      columns.push_back(*std::move(column));
    }
    auto out = arrow::RecordBatch::Make(arrow::schema(fields_), batch.num_rows(), columns);
    PENSTOCK_ASSIGN(const auto left, Left(batch.num_rows()));
    if (left == nullptr) return on_batch_(*out);
    PENSTOCK_ASSIGN(const auto rows,
                    sdk::FromArrow(arrow::compute::Filter(out, left), "deleted rows"));
    return on_batch_(*rows.record_batch());
  }

  const TableState& state_;
  const TableFile& file_;
  const OnTableRows& on_batch_;
  std::vector<Origin> origins_;
  arrow::FieldVector fields_;
  std::int64_t row_ = 0;
  std::size_t next_deleted_ = 0;
  bool by_mapping_ = false;
};

}  // namespace

std::shared_ptr<arrow::Schema> SchemaOfTable(const TableState& state) {
  arrow::FieldVector fields;
  for (const auto& column : state.columns) fields.push_back(arrow::field(column.name, column.type));
  return arrow::schema(std::move(fields));
}

Result<void> ReadTableFile(Place& place, TableState& state, const TableFile& file,
                           const std::set<std::string>& wanted, const OnTableRows& on_batch) {
  const auto fetched = place.Fetch(file.path, file.bytes);
  if (!fetched) {
    Error error = fetched.error();
    if (error.kind == ErrorKind::kNotFound)
      error.message += "; the table still names it: a state whose files were cleaned up is gone";
    return error;
  }
  auto part = OpenParquet(fetched->path());
  if (!part) return Wrap(place.Name(file.path), part.error());
  FileRows rows(state, file, on_batch);
  auto read = rows.Read(**part, wanted);
  if (!read) return Wrap(place.Name(file.path), read.error());
  if (rows.by_mapping() && state.format == "Iceberg" && state.not_cached.empty())
    state.not_cached =
        "a file without field ids is read by the table's current name mapping, which may be "
        "another the next time (schema.name-mapping.default)";
  return {};
}

bool DiffersByCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

Result<std::shared_ptr<arrow::Scalar>> ScalarFromText(const std::string& text,
                                                      const TypePtr& type) {
  const TypePtr stored = sdk::StoredType(type);
  if (stored == nullptr) return Invalid("a " + type->ToString() + " cannot be a partition");
  if (stored->id() == arrow::Type::BINARY)
    return Invalid("a partition by bytes (binary) is not read");
  std::string plain = text;
  // Both are UTC; Arrow takes no zone where none is kept.
  if (stored->id() == arrow::Type::TIMESTAMP && plain.ends_with('Z')) plain.pop_back();
  arrow::StringBuilder builder;
  PENSTOCK_TRY(sdk::FromArrow(builder.Append(plain), "a partition's value"));
  PENSTOCK_ASSIGN(const auto array, sdk::FromArrow(builder.Finish(), "a partition's value"));
  const auto one = sdk::ToStored(array, stored, 1);
  if (!one) return Invalid("its value '" + plan::Shown(text, 80) + "' is no " + type->ToString());
  return sdk::FromArrow((*one)->GetScalar(0), "a partition's value");
}

}  // namespace penstock::ingest
