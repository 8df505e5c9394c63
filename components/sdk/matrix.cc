#include "components/sdk/matrix.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxClasses = 10'000;
constexpr std::size_t kMaxClassesOfAuto = 20;

bool IsNumber(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64;
}

Error NullLabel(const std::string& column, std::int64_t row) {
  return Invalid("label '" + column + "' is null in row " + std::to_string(row) +
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
          if (CellToJson(cell).is_null()) return NullLabel(column, row);
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

// Gives each label its number.
class LabelCoder {
 public:
  explicit LabelCoder(const Label& label) : label_(label) {
    for (std::size_t i = 0; i < label.classes.size(); ++i) {
      const Json& c = label.classes[i];
      const auto number = static_cast<float>(i);
      if (c.is_string()) texts_[c.get<std::string>()] = number;
      if (c.is_boolean()) integers_[c.get<bool>() ? 1 : 0] = number;
      if (c.is_number_integer()) integers_[c.get<std::int64_t>()] = number;
      if (c.is_number_float()) doubles_[c.get<double>()] = number;
    }
  }

  Result<float> Code(const Cell& cell, std::int64_t row) const {
    if (CellToJson(cell).is_null()) return NullLabel(label_.column, row);
    if (label_.task == ModelTask::kRegression) return Number(cell);
    if (const auto* text = std::get_if<std::string_view>(&cell)) {
      return Find(texts_, std::string(*text), cell, row);
    }
    if (const auto* flag = std::get_if<bool>(&cell)) return Find(integers_, *flag, cell, row);
    if (const auto* n = std::get_if<std::int64_t>(&cell)) return Find(integers_, *n, cell, row);
    return Find(doubles_, std::get<double>(cell), cell, row);
  }

 private:
  Result<float> Number(const Cell& cell) const {
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return float(*integer);
    if (const auto* number = std::get_if<double>(&cell)) return float(*number);
    if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1.0F : 0.0F;
    return Invalid("label '" + label_.column + "' is a string; regression needs a number");
  }

  template <typename Map, typename Key>
  Result<float> Find(const Map& map, const Key& key, const Cell& cell, std::int64_t row) const {
    const auto found = map.find(key);
    if (found != map.end()) return found->second;
    return Invalid("label '" + label_.column + "' is " + CellToText(cell) + " in row " +
                   std::to_string(row) + ", which is none of the classes seen in training");
  }

  const Label& label_;
  std::unordered_map<std::string, float> texts_;
  std::unordered_map<std::int64_t, float> integers_;
  std::map<double, float> doubles_;
};

// A column of the transform's own type: straight to the shared functions, without a Cell.
void ApplyTyped(const Transform& t, std::size_t input, const TypedColumn& column, std::int64_t rows,
                float* matrix) {
  const std::size_t width = t.width();
  const arrow::Array& array = *column.array;
  const auto each = [&](auto apply) {
    const bool nulls = array.null_count() > 0;
    for (std::int64_t r = 0; r < rows; ++r, matrix += width) {
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
  label.classes.assign(distinct.begin(), distinct.end());
  return label;
}

Label LabelOf(const ModelManifest& manifest) {
  return {manifest.label, manifest.task, manifest.classes};
}

Result<void> ApplyBatch(const Transform& transform, const arrow::RecordBatch& batch,
                        float* matrix) {
  for (std::size_t i = 0; i < transform.inputs().size(); ++i) {
    const Column& input = transform.inputs()[i];
    PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(batch, input.name));
    if (column.type == input.type) {
      ApplyTyped(transform, i, column, batch.num_rows(), matrix);
      continue;
    }
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      PENSTOCK_TRY(
          transform.ApplyCell(i, CellAt(column, r), matrix + std::size_t(r) * transform.width()));
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
    PENSTOCK_TRY(ApplyBatch(transform, *batch, m.x.data.get() + m.y.size() * m.x.width));
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
  std::vector<std::unordered_map<std::string, std::uint32_t>> codes(columns.size());
  for (const auto& name : columns) slices.push_back({name, {}, {}});
  PENSTOCK_TRY(ForEachBatch(dataset, columns, [&](const arrow::RecordBatch& b) -> Result<void> {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(b, columns[c]));
      for (std::int64_t r = 0; r < b.num_rows(); ++r) {
        std::string text = CellToText(CellAt(column, r));
        const auto [at, added] = codes[c].emplace(text, std::uint32_t(slices[c].values.size()));
        if (added) slices[c].values.push_back(std::move(text));
        slices[c].codes.push_back(at->second);
      }
    }
    return {};
  }));
  return slices;
}

}  // namespace penstock::sdk
