#include "components/evaluate/slices.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

constexpr std::size_t kMostValues = 20;
constexpr std::size_t kMostNumbers = 12;
constexpr std::size_t kRanges = 4;
constexpr std::size_t kMostTexts = 50'000;  // that are counted

void KeepScored(const Scored& scored, sdk::SliceColumn* column) {
  if (scored.rows.empty()) return;
  for (std::size_t i = 0; i < scored.rows.size(); ++i) {
    column->codes[i] = column->codes[scored.rows[i]];
  }
  column->codes.resize(scored.rows.size());
}

sdk::SliceColumn Cross(const std::vector<const sdk::SliceColumn*>& parts) {
  sdk::SliceColumn cross;
  for (const auto* part : parts) {
    cross.name += (cross.name.empty() ? "" : " x ") + part->name;
    cross.columns.push_back(part->name);
  }
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  std::vector<std::uint32_t> key(parts.size());
  for (std::size_t r = 0; r < parts.front()->codes.size(); ++r) {
    for (std::size_t p = 0; p < parts.size(); ++p) key[p] = parts[p]->codes[r];
    const auto [at, added] = known.try_emplace(key, std::uint32_t(cross.values.size()));
    if (added) {
      Json values = Json::array();
      for (std::size_t p = 0; p < parts.size(); ++p) values.push_back(parts[p]->values[key[p]]);
      cross.values.push_back(std::move(values));
    }
    cross.codes.push_back(at->second);
  }
  return cross;
}

// One column as it is read: numbers where it has them, else texts by code.
class Values {
 public:
  explicit Values(std::string name) : name_(std::move(name)) {}

  void Add(const sdk::Cell& cell, sdk::ColumnType type) {
    is_time_ = type == sdk::ColumnType::kTimestamp;
    const auto* number = std::get_if<double>(&cell);
    const auto* integer = std::get_if<std::int64_t>(&cell);
    const bool null = cell.index() == 0 || (number != nullptr && !std::isfinite(*number));
    if (null) return codes_.push_back(CodeOf(Json()));
    if (number != nullptr || integer != nullptr) {
      numbers_.push_back(number != nullptr ? *number : double(*integer));
      codes_.push_back(kNumber);
      return;
    }
    codes_.push_back(texts_ < kMostTexts || cell.index() == 0 ? CodeOf(sdk::CellToJson(cell))
                                                              : KnownCodeOf(sdk::CellToJson(cell)));
    texts_ = values_.size();
  }

  SearchColumn Finish() {
    AddNumbers();
    // The most frequent, in the order of first sight where they are equally frequent.
    std::vector<std::size_t> counts(values_.size(), 0), order(values_.size());
    for (const std::uint32_t code : codes_) {
      if (code != kNotCounted) ++counts[code];
    }
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
    order.resize(std::min(order.size(), kMostValues));
    SearchColumn column{name_, {}, {}};
    std::vector<std::uint16_t> code_of(values_.size(), kNoValue);
    for (const std::size_t v : order) {
      code_of[v] = std::uint16_t(column.values.size());
      column.values.push_back(values_[v]);
    }
    for (const std::uint32_t code : codes_) {
      column.codes.push_back(code == kNotCounted ? kNoValue : code_of[code]);
    }
    return column;
  }

 private:
  static constexpr std::uint32_t kNumber = 0xFFFFFFFF;
  static constexpr std::uint32_t kNotCounted = 0xFFFFFFFE;

  std::uint32_t KnownCodeOf(const Json& value) const {
    const auto at = known_.find(value);
    return at == known_.end() ? kNotCounted : at->second;
  }

  std::uint32_t CodeOf(const Json& value) {
    const auto [at, added] = known_.try_emplace(value, std::uint32_t(values_.size()));
    if (added) values_.push_back(value);
    return at->second;
  }

  void AddNumbers() {
    if (numbers_.empty()) return;
    std::vector<double> sorted = numbers_;
    std::sort(sorted.begin(), sorted.end());
    const std::vector<double> all = sorted;
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::vector<double> edges;  // ascending; a range goes from one to below the next
    if (sorted.size() > kMostNumbers) {
      for (std::size_t i = 0; i < kRanges; ++i) edges.push_back(all[i * all.size() / kRanges]);
      edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    }
    std::size_t next = 0;
    for (std::uint32_t& code : codes_) {
      if (code != kNumber) continue;
      const double number = numbers_[next++];
      code = CodeOf(edges.empty() ? Shown(number) : RangeOf(edges, number, all.back()));
    }
  }

  // A time as people write it, where it has such a form.
  [[nodiscard]] Json Shown(double number) const {
    const auto time = is_time_ ? sdk::TimeText(std::int64_t(number)) : std::nullopt;
    return time ? Json(*time) : Json(number);
  }

  [[nodiscard]] Json RangeOf(const std::vector<double>& edges, double number, double most) const {
    const auto above = std::upper_bound(edges.begin(), edges.end(), number);
    Json range = {{"from", Shown(*(above - 1))}};
    if (above == edges.end()) {
      range["to"] = Shown(most);
    } else {
      range["below"] = Shown(*above);
    }
    return range;
  }

  std::string name_;
  bool is_time_ = false;
  std::size_t texts_ = 0;
  std::map<Json, std::uint32_t> known_;
  std::vector<Json> values_;
  std::vector<std::uint32_t> codes_;
  std::vector<double> numbers_;  // of the codes kNumber, in order
};

}  // namespace

Result<std::vector<sdk::SliceColumn>> LoadSlicesOf(const std::string& dataset,
                                                   const std::vector<std::vector<std::string>>& by,
                                                   const Scored& scored) {
  std::vector<std::string> names;
  for (const auto& columns : by) {
    for (const auto& name : columns) {
      if (std::count(columns.begin(), columns.end(), name) > 1) {
        return Invalid("slices: '" + name + "' is crossed with itself; name it once");
      }
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  PENSTOCK_ASSIGN(auto singles, sdk::LoadSlices(dataset, names));
  for (auto& single : singles) KeepScored(scored, &single);
  std::vector<sdk::SliceColumn> slices;
  for (const auto& columns : by) {
    std::vector<const sdk::SliceColumn*> parts;
    for (const auto& name : columns) {
      const auto at = std::find(names.begin(), names.end(), name) - names.begin();
      parts.push_back(&singles[std::size_t(at)]);
    }
    slices.push_back(parts.size() == 1 ? *parts.front() : Cross(parts));
  }
  return slices;
}

Result<std::vector<SearchColumn>> LoadSearchColumns(const std::string& dataset,
                                                    const std::vector<std::string>& columns,
                                                    const Scored& scored,
                                                    std::span<const std::uint32_t> places) {
  const std::size_t count = places.empty() ? scored.labels.size() : places.size();
  const auto row_of = [&](std::size_t i) { return scored.RowOf(places.empty() ? i : places[i]); };
  std::vector<Values> values;
  for (const auto& name : columns) values.emplace_back(name);
  std::int64_t first = 0;
  std::size_t next = 0;  // of those to read
  if (columns.empty()) return std::vector<SearchColumn>();
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, columns, [&](const arrow::RecordBatch& batch) -> Result<void> {
        std::vector<sdk::TypedColumn> typed;
        for (const auto& name : columns) {
          PENSTOCK_ASSIGN(typed.emplace_back(), sdk::FindColumn(batch, name));
        }
        const std::int64_t end = first + batch.num_rows();
        for (; next < count && row_of(next) < end; ++next) {
          for (std::size_t c = 0; c < typed.size(); ++c) {
            values[c].Add(CellAt(typed[c], row_of(next) - first), typed[c].type);
          }
        }
        first = end;
        return {};
      }));
  std::vector<SearchColumn> result;
  for (auto& of : values) result.push_back(of.Finish());
  return result;
}

std::vector<double> RowLosses(const Scored& scored) {
  std::vector<double> losses(scored.labels.size());
  const std::size_t width = scored.manifest.RawWidth();
  const std::span<const float> raw = scored.raw;
  for (std::size_t r = 0; r < losses.size(); ++r) {
    if (scored.manifest.task == sdk::ModelTask::kClassification) {
      losses[r] = sdk::RowLogLoss(raw.subspan(r * width, width), scored.labels[r]);
      continue;
    }
    const double actual = scored.exact.empty() ? double(scored.labels[r]) : scored.exact[r];
    losses[r] = (double(raw[r]) - actual) * (double(raw[r]) - actual);
  }
  return losses;
}

}  // namespace penstock::evaluate
