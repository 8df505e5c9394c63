#include "components/sdk/model_examples.h"

#include <algorithm>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::sdk {

Result<std::vector<ModelExample>> MakeExamples(const ModelManifest& manifest,
                                               const std::string& dataset,
                                               const std::vector<float>& raw, std::size_t count) {
  const std::size_t width = manifest.RawWidth();
  const std::size_t rows = raw.size() / width;
  count = std::min(count, rows);
  std::vector<std::uint32_t> chosen;
  std::vector<float> answers;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * rows / count;
    chosen.push_back(std::uint32_t(row));
    const auto at = raw.begin() + std::ptrdiff_t(row * width);
    answers.insert(answers.end(), at, at + std::ptrdiff_t(width));
  }
  return MakeExamples(manifest, dataset, answers, chosen);
}

Result<std::vector<ModelExample>> MakeExamples(const ModelManifest& manifest,
                                               const std::string& dataset,
                                               const std::vector<float>& raw,
                                               const std::vector<std::uint32_t>& rows) {
  std::vector<std::string> names;
  for (const Column& column : manifest.inputs) names.push_back(column.name);
  const std::size_t width = manifest.RawWidth();
  std::vector<ModelExample> examples;
  std::size_t first = 0;  // row of the batch's beginning
  PENSTOCK_TRY(ForEachBatch(dataset, names, [&](const arrow::RecordBatch& b) -> Result<void> {
    const std::size_t end = first + std::size_t(b.num_rows());
    for (; examples.size() < rows.size();) {
      const std::size_t row = rows[examples.size()];
      if (row >= end) break;
      ModelExample example;
      for (const Column& input : manifest.inputs) {
        PENSTOCK_ASSIGN(const auto column, FindColumn(b, input.name));
        // As a client of the model writes it: true where the file has 1, a time of any year as
        // text.
        PENSTOCK_ASSIGN(const auto cell, Coerce(CellAt(column, std::int64_t(row - first)), input));
        const auto* time = std::get_if<std::int64_t>(&cell);
        const bool is_time = input.type == ColumnType::kTimestamp && time != nullptr;
        const auto text = is_time ? TimeText(*time) : std::nullopt;
        example.inputs[input.name] = text ? Json(*text) : CellToJson(cell);
      }
      for (const auto& output : manifest.outputs) {
        example.outputs[output.name] =
            OutputValue(manifest, output, {raw.data() + examples.size() * width, width});
      }
      examples.push_back(std::move(example));
    }
    first = end;
    return {};
  }));
  return examples;
}

}  // namespace penstock::sdk
