#include "components/sdk/matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxClasses = 10'000;
constexpr std::size_t kMaxClassesOfAuto = 20;
constexpr std::size_t kShownClasses = 10;

bool IsNumber(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64;
}

bool IsNull(const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return cell.index() == 0 || (number != nullptr && !std::isfinite(*number));
}

Error NoLabel(const std::string& column, const Cell& cell, std::int64_t row) {
  return Invalid("label '" + column + "' is " + ShownCell(cell) + " in row " + std::to_string(row) +
                 "; leave such rows out with query");
}

// Distinct values of the label as JSON, at most `limit` + 1 of them.
Result<std::set<Json>> DistinctLabels(const std::string& dataset, const std::string& column,
                                      std::size_t limit) {
  std::set<Json> distinct;
  std::set<std::string, std::less<>> texts;
  std::int64_t row = 0;
  PENSTOCK_TRY(
      ForEachBatch(dataset, {column}, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const TypedColumn values, FindColumn(batch, column));
        for (std::int64_t r = 0; r < batch.num_rows(); ++r, ++row) {
          const Cell cell = CellAt(values, r);
          if (IsNull(cell)) return NoLabel(column, cell, row);
          if (distinct.size() + texts.size() > limit) continue;
          if (const auto* text = std::get_if<std::string_view>(&cell)) {
            if (!texts.contains(*text)) texts.emplace(*text);
          } else {
            distinct.insert(CellToJson(cell));
          }
        }
        return {};
      }));
  for (const auto& text : texts) distinct.insert(text);
  return distinct;
}

Result<ColumnType> LabelType(const std::string& dataset, const std::string& column) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(dataset, {column}));
  const auto type = ColumnTypeOf(*reader->schema()->field(0)->type());
  if (!type || *type == ColumnType::kTimestamp) {
    return Invalid("label '" + column + "' must be a number, a string or a boolean");
  }
  if (reader->rows() == 0) return Invalid(dataset + ": no rows");
  return *type;
}

// Floats without fractions as the integers that they are.
Result<std::vector<Json>> ClassesOf(const std::set<Json>& distinct, const std::string& column) {
  std::vector<Json> classes;
  for (const Json& value : distinct) {
    const double number = value.is_number_float() ? value.get<double>() : 0;
    if (number != std::trunc(number) || std::abs(number) > 0x1p53) {
      return Invalid("label '" + column + "' is " + value.dump() +
                     ", and a class is text, an integer or a boolean; cast it to text with query, "
                     "or set task: regression");
    }
    classes.push_back(value.is_number_float() ? Json(std::int64_t(number)) : value);
  }
  return classes;
}

// Gives each label its number.
class LabelCoder {
 public:
  explicit LabelCoder(const Label& label) : label_(label) {
    for (std::size_t i = 0; i < label.classes.size(); ++i) {
      const Json& c = label.classes[i];
      const auto number = static_cast<float>(i);
      if (c.is_string()) texts_[c.get<std::string>()] = number;
      if (c.is_boolean()) integers_[c.get<bool>() ? 1 : 0] = number;
      if (IsInt64(c)) integers_[c.get<std::int64_t>()] = number;
    }
  }

  Result<float> Code(const Cell& cell, std::int64_t row) const {
    if (IsNull(cell)) return NoLabel(label_.column, cell, row);
    if (label_.task == ModelTask::kRegression) return Number(cell, row);
    if (const auto* text = std::get_if<std::string_view>(&cell)) {
      return Find(texts_, std::string(*text), cell, row);
    }
    if (const auto* flag = std::get_if<bool>(&cell)) return Find(integers_, *flag, cell, row);
    if (const auto* n = std::get_if<std::int64_t>(&cell)) return Find(integers_, *n, cell, row);
    const double number = std::get<double>(cell);
    const bool whole = number == std::trunc(number) && std::abs(number) <= 0x1p53;
    return whole ? Find(integers_, std::int64_t(number), cell, row) : Unseen(cell, row);
  }

 private:
  Result<float> Number(const Cell& cell, std::int64_t row) const {
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return float(*integer);
    if (const auto* number = std::get_if<double>(&cell)) {
      if (std::abs(*number) <= std::numeric_limits<float>::max()) return float(*number);
      return Invalid("label '" + label_.column + "' is " + ShownCell(cell) + " in row " +
                     std::to_string(row) + ", beyond the range of float32; divide it with query");
    }
    if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1.0F : 0.0F;
    return Invalid("label '" + label_.column + "' is a string; regression needs a number");
  }

  template <typename Map, typename Key>
  Result<float> Find(const Map& map, const Key& key, const Cell& cell, std::int64_t row) const {
    const auto found = map.find(key);
    return found != map.end() ? Result<float>(found->second) : Unseen(cell, row);
  }

  Error Unseen(const Cell& cell, std::int64_t row) const {
    std::string classes;
    for (std::size_t i = 0; i < label_.classes.size() && i < kShownClasses; ++i) {
      classes += (i > 0 ? ", " : "") + ShownClass(label_.classes[i]);
    }
    if (label_.classes.size() > kShownClasses) classes += ", ...";
    return Invalid("label '" + label_.column + "' is " + ShownCell(cell) + " in row " +
                   std::to_string(row) + ", which is none of the classes seen in training (" +
                   classes + "); leave such rows out with query, or train with them");
  }

  const Label& label_;
  std::unordered_map<std::string, float> texts_;
  std::unordered_map<std::int64_t, float> integers_;
};

// A column of the transform's own type: straight to the shared functions, without a Cell.
// `row_of(i)` is the column's row that becomes the matrix's row i.
template <typename RowOf>
void ApplyTyped(const Transform& t, std::size_t input, const TypedColumn& column, std::size_t rows,
                RowOf row_of, float* matrix) {
  const std::size_t width = t.width();
  const arrow::Array& array = *column.array;
  const auto each = [&](auto apply) {
    const bool nulls = array.null_count() > 0;
    for (std::size_t i = 0; i < rows; ++i, matrix += width) {
      const std::int64_t r = row_of(i);
      if (nulls && array.IsNull(r)) {
        t.ApplyNull(input, matrix);
      } else {
        apply(r);
      }
    }
  };
  switch (column.type) {
    case ColumnType::kString: {
      const auto& values = static_cast<const arrow::StringArray&>(array);
      return each([&](std::int64_t r) { t.ApplyString(input, values.GetView(r), matrix); });
    }
    case ColumnType::kFloat64: {
      const auto& values = static_cast<const arrow::DoubleArray&>(array);
      return each([&](std::int64_t r) { t.ApplyNumber(input, values.Value(r), matrix); });
    }
    case ColumnType::kBool: {
      const auto& values = static_cast<const arrow::BooleanArray&>(array);
      return each([&](std::int64_t r) { t.ApplyInteger(input, values.Value(r), matrix); });
    }
    case ColumnType::kInt64: {
      const auto& values = static_cast<const arrow::Int64Array&>(array);
      return each([&](std::int64_t r) { t.ApplyInteger(input, values.Value(r), matrix); });
    }
    case ColumnType::kTimestamp: {
      const auto& values = static_cast<const arrow::TimestampArray&>(array);
      return each([&](std::int64_t r) { t.ApplyInteger(input, values.Value(r), matrix); });
    }
  }
}

std::vector<std::string> NamesOf(const Transform& transform, const std::string& label) {
  std::vector<std::string> names;
  for (const auto& column : transform.inputs()) names.push_back(column.name);
  if (std::find(names.begin(), names.end(), label) == names.end()) names.push_back(label);
  return names;
}

}  // namespace

Result<Label> LearnLabel(const std::string& dataset, const std::string& column,
                         const std::string& task) {
  PENSTOCK_ASSIGN(const ColumnType type, LabelType(dataset, column));
  Label label;
  label.column = column;
  const bool automatic = task == "auto";
  label.task = task == "regression" || (automatic && type == ColumnType::kFloat64)
                   ? ModelTask::kRegression
                   : ModelTask::kClassification;
  if (label.task == ModelTask::kRegression && !IsNumber(type) && type != ColumnType::kBool) {
    return Invalid("label '" + column + "' is a " + Name(type) + "; regression needs a number");
  }
  const std::size_t limit =
      automatic && type == ColumnType::kInt64 ? kMaxClassesOfAuto : kMaxClasses;
  PENSTOCK_ASSIGN(const auto distinct, DistinctLabels(dataset, column, limit));
  if (automatic && type == ColumnType::kInt64 && distinct.size() > limit) {
    label.task = ModelTask::kRegression;
  }
  if (distinct.size() < 2) {
    return Invalid("label '" + column + "' has only one value, so there is nothing to learn");
  }
  if (label.task == ModelTask::kRegression) return label;
  if (distinct.size() > kMaxClasses) {
    return Invalid("label '" + column + "' has more than 10000 classes");
  }
  PENSTOCK_ASSIGN(label.classes, ClassesOf(distinct, column));
  return label;
}

Label LabelOf(const ModelManifest& manifest) {
  return {manifest.label, manifest.task, manifest.classes};
}

Result<std::vector<float>> LoadLabels(const std::string& dataset, const Label& label,
                                      std::vector<double>* exact,
                                      const std::vector<std::uint32_t>* keep) {
  std::vector<float> y;
  const LabelCoder coder(label);
  std::int64_t row = 0;
  std::size_t next = 0;  // of keep
  PENSTOCK_TRY(
      ForEachBatch(dataset, {label.column}, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const TypedColumn labels, FindColumn(batch, label.column));
        for (std::int64_t r = 0; r < batch.num_rows(); ++r, ++row) {
          if (keep != nullptr) {
            if (next == keep->size()) break;
            if ((*keep)[next] != row) continue;
            ++next;
          }
          const Cell cell = CellAt(labels, r);
          PENSTOCK_ASSIGN(const float code, coder.Code(cell, row));
          y.push_back(code);
          if (exact == nullptr || label.task != ModelTask::kRegression) continue;
          const auto* integer = std::get_if<std::int64_t>(&cell);
          const auto* number = std::get_if<double>(&cell);
          exact->push_back(integer != nullptr  ? double(*integer)
                           : number != nullptr ? *number
                                               : double(code));
        }
        return {};
      }));
  if (y.empty()) return Invalid(dataset + ": no rows");
  return y;
}

Result<void> CheckNoNulls(const Transform& transform, std::size_t input, const TypedColumn& column,
                          std::int64_t rows, std::int64_t first) {
  const bool is_text = column.type == ColumnType::kString;
  if (column.array->null_count() == 0 && column.type != ColumnType::kFloat64 && !is_text) return {};
  for (std::int64_t r = 0; r < rows; ++r) {
    const Cell cell = CellAt(column, r);
    const auto* text = std::get_if<std::string_view>(&cell);
    const bool stands_for_null = text != nullptr && transform.IsNullText(input, *text);
    if (!IsNull(cell) && !stands_for_null) continue;
    return Invalid("row " + std::to_string(first + r) + ", column '" +
                   transform.inputs()[input].name + "', is " + ShownCell(cell) +
                   (stands_for_null ? ", which stands for null" : "") +
                   ", and the rows that the transform was fitted on have no nulls there: a server "
                   "of the model would refuse such a row. Name the column in impute of the "
                   "transform, so that nulls are taken and imputed, or leave such rows out with "
                   "query");
  }
  return {};
}

void ApplyRows(const Transform& transform, std::size_t input, const TypedColumn& column,
               std::span<const std::uint32_t> rows, float* matrix) {
  ApplyTyped(
      transform, input, column, rows.size(), [&](std::size_t i) { return std::int64_t(rows[i]); },
      matrix);
}

Result<void> ApplyBatch(const Transform& transform, const arrow::RecordBatch& batch, float* matrix,
                        std::int64_t first) {
  for (std::size_t i = 0; i < transform.inputs().size(); ++i) {
    const Column& input = transform.inputs()[i];
    PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(batch, input.name));
    if (!input.nullable) {
      PENSTOCK_TRY(CheckNoNulls(transform, i, column, batch.num_rows(), first));
    }
    if (column.type == input.type) {
      ApplyTyped(
          transform, i, column, std::size_t(batch.num_rows()),
          [](std::size_t r) { return std::int64_t(r); }, matrix);
      continue;
    }
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      const auto applied =
          transform.ApplyCell(i, CellAt(column, r), matrix + std::size_t(r) * transform.width());
      if (!applied) return Wrap("row " + std::to_string(first + r), applied.error());
    }
  }
  return {};
}

Result<LabelledMatrix> LoadMatrix(const std::string& dataset, const Transform& transform,
                                  const Label& label) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(dataset, NamesOf(transform, label.column)));
  LabelledMatrix m;
  m.x.rows = std::size_t(reader->rows());
  m.x.width = transform.width();
  m.x.data = std::make_unique_for_overwrite<float[]>(m.x.rows * m.x.width);
  m.y.reserve(m.x.rows);
  const LabelCoder coder(label);
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    PENSTOCK_TRY(ApplyBatch(transform, *batch, m.x.data.get() + m.y.size() * m.x.width,
                            std::int64_t(m.y.size())));
    PENSTOCK_ASSIGN(const TypedColumn labels, FindColumn(*batch, label.column));
    for (std::int64_t r = 0; r < batch->num_rows(); ++r) {
      PENSTOCK_ASSIGN(const float y, coder.Code(CellAt(labels, r), std::int64_t(m.y.size())));
      m.y.push_back(y);
    }
  }
  if (m.y.empty()) return Invalid(dataset + ": no rows");
  return m;
}

Result<std::vector<SliceColumn>> LoadSlices(const std::string& dataset,
                                            const std::vector<std::string>& columns) {
  std::vector<SliceColumn> slices;
  if (columns.empty()) return slices;
  using Key = std::pair<bool, std::string>;  // is it null?, its text
  std::vector<std::map<Key, std::uint32_t>> codes(columns.size());
  for (const auto& name : columns) slices.push_back({name, {}, {}, {}});
  PENSTOCK_TRY(ForEachBatch(dataset, columns, [&](const arrow::RecordBatch& b) -> Result<void> {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(b, columns[c]));
      for (std::int64_t r = 0; r < b.num_rows(); ++r) {
        const Cell cell = CellAt(column, r);
        const bool null = IsNull(cell);
        std::string text = null ? "" : CellToText(cell);
        const auto [at, added] =
            codes[c].try_emplace({null, text}, std::uint32_t(slices[c].values.size()));
        if (added) slices[c].values.push_back(null ? Json() : Json(std::move(text)));
        slices[c].codes.push_back(at->second);
      }
    }
    return {};
  }));
  return slices;
}

}  // namespace penstock::sdk
