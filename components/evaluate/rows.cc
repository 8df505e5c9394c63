#include "components/evaluate/rows.h"

#include <arrow/api.h>

#include <algorithm>
#include <numeric>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/page/page.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

std::string ClassText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Texts in quotes where they could be taken for another value.
std::string InputText(const sdk::Cell& cell, sdk::ColumnType type) {
  const auto* integer = std::get_if<std::int64_t>(&cell);
  if (type == sdk::ColumnType::kTimestamp && integer != nullptr) {
    if (const auto time = sdk::TimeText(*integer)) return *time;
  }
  const auto* text = std::get_if<std::string_view>(&cell);
  if (text != nullptr && *text == "null") return "\"null\"";
  return sdk::CellToText(cell);
}

void Describe(const Scored& scored, std::size_t r, ShownRow* shown) {
  const auto& m = scored.manifest;
  const std::size_t width = m.RawWidth();
  const std::span<const float> raw = std::span(scored.raw).subspan(r * width, width);
  if (m.task == sdk::ModelTask::kRegression) {
    const double actual = scored.exact.empty() ? double(scored.labels[r]) : scored.exact[r];
    shown->label = sdk::NumberText(actual);
    shown->answer = sdk::NumberText(double(raw[0]));
    return;
  }
  const std::size_t decided = sdk::DecidedClass(m, raw);
  const double probability = width > 1      ? double(raw[decided])
                             : decided == 1 ? double(raw[0])
                                            : 1 - double(raw[0]);
  shown->label = ClassText(m.classes[std::size_t(scored.labels[r])]);
  shown->answer = ClassText(m.classes[decided]) + " (" + sdk::NumberText(probability) + ")";
}

}  // namespace

std::vector<std::uint32_t> WorstRows(const std::vector<double>& losses, std::size_t most) {
  std::vector<std::uint32_t> order(losses.size());
  std::iota(order.begin(), order.end(), 0U);
  const std::size_t count = std::min(most, losses.size());
  std::partial_sort(order.begin(), order.begin() + long(count), order.end(),
                    [&](std::uint32_t a, std::uint32_t b) {
                      return losses[a] != losses[b] ? losses[a] > losses[b] : a < b;
                    });
  order.resize(count);
  return order;
}

std::vector<std::uint32_t> SpreadRows(std::size_t rows, std::size_t most) {
  std::vector<std::uint32_t> chosen(std::min(rows, most));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = std::uint32_t(i * rows / chosen.size());
  }
  return chosen;
}

Result<std::vector<ShownRow>> ShowRows(const std::string& dataset, const Scored& scored,
                                       const std::vector<double>& losses,
                                       const std::vector<std::uint32_t>& chosen) {
  std::vector<ShownRow> shown(chosen.size());
  std::vector<std::size_t> order(chosen.size());  // of `chosen`, as the dataset has them
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return chosen[a] < chosen[b]; });
  std::vector<std::string> names;
  for (const auto& input : scored.manifest.inputs) names.push_back(input.name);
  std::int64_t first = 0;
  std::size_t next = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        const std::int64_t end = first + batch.num_rows();
        for (; next < order.size() && scored.RowOf(chosen[order[next]]) < end; ++next) {
          const std::uint32_t r = chosen[order[next]];
          ShownRow& row = shown[order[next]];
          row.row = scored.RowOf(r);
          row.loss = losses[r];
          Describe(scored, r, &row);
          for (const auto& name : names) {
            PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
            row.inputs.push_back(InputText(CellAt(column, row.row - first), column.type));
          }
        }
        first = end;
        return {};
      }));
  return shown;
}

}  // namespace penstock::evaluate
