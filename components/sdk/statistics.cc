#include "components/sdk/statistics.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/exact_sum.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kTopValues = 100;
constexpr int kQuantiles = 20;
constexpr int kBins = 10;

struct Summary {
  ColumnType type = ColumnType::kString;
  std::int64_t nulls = 0;
  std::vector<double> numbers;
  std::unordered_map<std::string, std::int64_t> values;
};

void Collect(const TypedColumn& column, std::int64_t rows, Summary& summary) {
  summary.type = column.type;
  for (std::int64_t r = 0; r < rows; ++r) {
    const Cell cell = CellAt(column, r);
    const auto* number = std::get_if<double>(&cell);
    if (cell.index() == 0 || (number != nullptr && !std::isfinite(*number))) {
      ++summary.nulls;
    } else if (number != nullptr) {
      summary.numbers.push_back(*number);
    } else if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      summary.numbers.push_back(double(*integer));
    } else {
      ++summary.values[CellToText(cell)];
    }
  }
}

// Of sorted numbers: see statistics.h. What drift is measured by, so the counts are exact.
Json Bins(const std::vector<double>& sorted) {
  std::vector<double> edges;
  for (int b = 1; b < kBins; ++b) {
    const double edge = sorted[sorted.size() * std::size_t(b) / kBins];
    if (edge > sorted.front() && (edges.empty() || edge > edges.back())) edges.push_back(edge);
  }
  std::vector<std::int64_t> counts;
  auto from = sorted.begin();
  for (const double edge : edges) {
    const auto to = std::lower_bound(from, sorted.end(), edge);
    counts.push_back(to - from);
    from = to;
  }
  counts.push_back(sorted.end() - from);
  return {{"edges", edges}, {"counts", counts}};
}

Json NumberSummary(Summary& s) {
  Json j = {{"type", Name(s.type)}, {"count", s.numbers.size()}, {"nulls", s.nulls}};
  if (s.numbers.empty()) return j;
  std::sort(s.numbers.begin(), s.numbers.end());
  const auto n = static_cast<double>(s.numbers.size());
  const Moments moments = MomentsOf(s.numbers);
  Json quantiles = Json::array();
  for (int q = 0; q <= kQuantiles; ++q) {
    const auto at = std::size_t(std::llround(double(q) / kQuantiles * (n - 1)));
    quantiles.push_back(s.numbers[at]);
  }
  j.update({{"mean", moments.mean},
            {"std", moments.std},
            {"min", s.numbers.front()},
            {"max", s.numbers.back()},
            {"quantiles", quantiles},
            {"bins", Bins(s.numbers)}});
  return j;
}

Json ValueSummary(const Summary& s) {
  std::vector<std::pair<std::string, std::int64_t>> top(s.values.begin(), s.values.end());
  std::int64_t count = 0;
  for (const auto& [value, n] : top) count += n;
  std::sort(top.begin(), top.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(top.size(), kTopValues); ++i) {
    list.push_back({{"value", top[i].first}, {"count", top[i].second}});
  }
  return {{"type", Name(s.type)},
          {"count", count},
          {"nulls", s.nulls},
          {"distinct", top.size()},
          {"top", list}};
}

// Those rows of the batch that are kept; `next` moves on in `keep`.
Result<std::shared_ptr<arrow::RecordBatch>> Kept(const arrow::RecordBatch& batch,
                                                 std::int64_t first,
                                                 const std::vector<std::uint32_t>& keep,
                                                 std::size_t& next) {
  arrow::Int64Builder rows;
  for (; next < keep.size() && keep[next] < first + batch.num_rows(); ++next) {
    PENSTOCK_TRY(FromArrow(rows.Append(keep[next] - first), "statistics"));
  }
  PENSTOCK_ASSIGN(const auto at, FromArrow(rows.Finish(), "statistics"));
  PENSTOCK_ASSIGN(const auto taken,
                  FromArrow(arrow::compute::Take(batch.Slice(0), at), "statistics"));
  return taken.record_batch();
}

}  // namespace

Result<Json> ComputeStatistics(const std::string& dataset, const std::vector<std::string>& columns,
                               const std::vector<std::uint32_t>* keep) {
  std::vector<Summary> summaries(columns.size());
  std::int64_t rows = 0;
  std::int64_t first = 0;  // row of the batch's beginning
  std::size_t next = 0;    // of keep
  PENSTOCK_TRY(ForEachBatch(dataset, columns, [&](const arrow::RecordBatch& all) -> Result<void> {
    std::shared_ptr<arrow::RecordBatch> b = all.Slice(0);
    if (keep != nullptr) {
      PENSTOCK_ASSIGN(b, Kept(all, first, *keep, next));
    }
    first += all.num_rows();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(*b, columns[c]));
      Collect(column, b->num_rows(), summaries[c]);
    }
    rows += b->num_rows();
    return {};
  }));
  Json out = {{"rows", rows}, {"columns", Json::object()}};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    Summary& s = summaries[c];
    const bool values = s.type == ColumnType::kString || s.type == ColumnType::kBool;
    out["columns"][columns[c]] = values ? ValueSummary(s) : NumberSummary(s);
  }
  return out;
}

Json OutputStatistics(const ModelManifest& manifest, const std::vector<float>& raw) {
  const std::size_t width = manifest.RawWidth();
  Json out = Json::object();
  for (const ModelOutput& output : manifest.outputs) {
    const bool label = output.name == "label" && manifest.task == ModelTask::kClassification;
    if (!label && width != 1) continue;
    Summary summary;
    for (std::size_t at = 0; at + width <= raw.size(); at += width) {
      if (!label) {
        summary.numbers.push_back(raw[at]);
        continue;
      }
      const Json& decided = manifest.classes[DecidedClass(manifest, {raw.data() + at, width})];
      ++summary.values[decided.is_string() ? decided.get<std::string>() : decided.dump()];
    }
    summary.type = label ? ColumnType::kString : ColumnType::kFloat64;
    out[output.name] = label ? ValueSummary(summary) : NumberSummary(summary);
  }
  return out;
}

}  // namespace penstock::sdk
