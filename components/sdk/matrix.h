// A dataset as a model takes it: one float32 matrix in memory, with the label beside it. Pure but
// for the files it reads.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "operator/base/result.h"

namespace penstock::sdk {

struct TypedColumn;  // cells.h

// Row-major, rows x width, not initialised.
struct FloatMatrix {
  std::size_t rows = 0;
  std::size_t width = 0;
  std::unique_ptr<float[]> data;
};

// The label as numbers: an index into classes, or the value itself.
struct Label {
  std::string column;
  ModelTask task = ModelTask::kClassification;
  std::vector<Json> classes;  // sorted; false before true
};

// Reads the label's column. `task`: classification, regression, or auto: regression for a float and
// for an integer of more than 20 values, else classification. Invalid for a null, a single class, a
// regression on strings, more than 10,000 classes, classes with fractions. Floats without fractions
// are classes as integers are.
[[nodiscard]] Result<Label> LearnLabel(const std::string& dataset, const std::string& column,
                                       const std::string& task);
// The label that a model was trained on.
[[nodiscard]] Label LabelOf(const ModelManifest& manifest);

// The label of each row: an index into classes, or the value. Invalid for one that is null, not
// finite or none of the classes (names the row), and for no rows. `exact` gets the values of a
// regression before they were rounded to float32. With `keep` only of these rows (their numbers,
// ascending).
[[nodiscard]] Result<std::vector<float>> LoadLabels(
    const std::string& dataset, const Label& label, std::vector<double>* exact = nullptr,
    const std::vector<std::uint32_t>* keep = nullptr);

// One batch (canonical) through the transform, rows from `matrix` on; `first` is the number of the
// batch's first row. Invalid names the column, and the row of a null (NaN and infinities count as
// nulls) where the transform's input takes none: a server of the model would refuse such a row.
[[nodiscard]] Result<void> ApplyBatch(const Transform& transform, const arrow::RecordBatch& batch,
                                      float* matrix, std::int64_t first = 0);

// One input's column, of the input's type, of some rows, into a matrix of rows.size() rows; as
// Transform::ApplyCells has it.
void ApplyRows(const Transform& transform, std::size_t input, const TypedColumn& column,
               std::span<const std::uint32_t> rows, float* matrix);
// Invalid for a null among the rows where the input takes none; rows are counted from `first`.
[[nodiscard]] Result<void> CheckNoNulls(const Transform& transform, std::size_t input,
                                        const TypedColumn& column, std::int64_t rows,
                                        std::int64_t first);

struct LabelledMatrix {
  FloatMatrix x;
  std::vector<float> y;
};
// Invalid as LoadLabels and ApplyBatch are.
[[nodiscard]] Result<LabelledMatrix> LoadMatrix(const std::string& dataset,
                                                const Transform& transform, const Label& label);

// A column's value of each row, as codes into values in the order of first sight: a value's text,
// or JSON null for nulls, so that the text "null" is a value of its own.
struct SliceColumn {
  std::string name;
  std::vector<Json> values;
  std::vector<std::uint32_t> codes;
  std::vector<std::string> columns = {};  // of a cross of several: its columns, and each value is a
                                          // list of theirs; else empty
};
[[nodiscard]] Result<std::vector<SliceColumn>> LoadSlices(const std::string& dataset,
                                                          const std::vector<std::string>& columns);

}  // namespace penstock::sdk
