// A dataset as a model takes it: one float32 matrix in memory, with the label beside it. Pure but
// for the files it reads.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "operator/base/result.h"

namespace penstock::sdk {

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
// regression on strings, more than 10,000 classes.
[[nodiscard]] Result<Label> LearnLabel(const std::string& dataset, const std::string& column,
                                       const std::string& task);
// The label that a model was trained on.
[[nodiscard]] Label LabelOf(const ModelManifest& manifest);

// One batch (canonical) through the transform, rows from `matrix` on. Invalid names the column.
[[nodiscard]] Result<void> ApplyBatch(const Transform& transform, const arrow::RecordBatch& batch,
                                      float* matrix);

struct LabelledMatrix {
  FloatMatrix x;
  std::vector<float> y;
};
// Invalid for a null label or one that is none of the classes (names the row).
[[nodiscard]] Result<LabelledMatrix> LoadMatrix(const std::string& dataset,
                                                const Transform& transform, const Label& label);

// A column's value of each row, as codes into names in the order of first sight.
struct SliceColumn {
  std::string name;
  std::vector<std::string> values;
  std::vector<std::uint32_t> codes;
};
[[nodiscard]] Result<std::vector<SliceColumn>> LoadSlices(const std::string& dataset,
                                                          const std::vector<std::string>& columns);

}  // namespace penstock::sdk
