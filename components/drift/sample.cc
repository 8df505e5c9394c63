#include "components/drift/sample.h"

#include <arrow/api.h>

#include <algorithm>
#include <unordered_map>

#include "components/drift/null/parallel.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

std::vector<std::int64_t> ChosenOf(RowChoice& choice, std::int64_t rows) {
  std::vector<std::int64_t> chosen;
  chosen.reserve(std::size_t(rows));
  for (std::int64_t r = 0; r < rows; ++r) {
    if (choice.Take()) chosen.push_back(r);
  }
  return chosen;
}

// Blocks by time are numbered by their beginning, others by their value.
class Blocks {
 public:
  explicit Blocks(double hours) : micros_(std::int64_t(hours * 3600e6)) {}

  std::uint32_t Of(const sdk::TypedColumn& column, std::int64_t row) {
    const sdk::Cell cell = CellAt(column, row);
    const auto* integer = std::get_if<std::int64_t>(&cell);
    if (column.type == sdk::ColumnType::kTimestamp && integer != nullptr) {
      std::int64_t block = *integer / micros_;
      if (*integer % micros_ < 0) --block;  // before 1970 too, downwards
      return times_.try_emplace(block, std::uint32_t(size())).first->second;
    }
    const std::string text = cell.index() == 0 ? "null" : "=" + sdk::CellToText(cell);
    return values_.try_emplace(text, std::uint32_t(size())).first->second;
  }
  [[nodiscard]] std::size_t size() const { return times_.size() + values_.size(); }

 private:
  std::int64_t micros_;
  std::unordered_map<std::int64_t, std::uint32_t> times_;
  std::unordered_map<std::string, std::uint32_t> values_;
};

}  // namespace

bool RowChoice::Take() {
  const bool all = wanted_ == left_;
  const bool take =
      all || sdk::UnitInterval(sdk::MixBits(state_++)) * double(left_) < double(wanted_);
  --left_;
  wanted_ -= take ? 1 : 0;
  return take;
}

RowChoice ChoiceOf(std::size_t side, std::int64_t rows, const Options& options) {
  return {rows, options.sample, sdk::MixBits(options.seed * 2 + side)};
}

Result<Sample> Sample::Open(const std::string& reference, const std::string& current,
                            const Options& options) {
  Sample sample;
  sample.options_ = options;
  sample.slice_values_.resize(options.slices.size());
  sample.sides_[kReference].path = reference;
  sample.sides_[kCurrent].path = current;
  for (std::size_t i = 0; i < sample.sides_.size(); ++i) {
    Side& side = sample.sides_[i];
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(side.path));
    side.rows = reader->rows();
    side.chosen = std::min(side.rows, options.sample);
    if (side.rows == 0) {
      return Invalid(std::string("input ") + kSideNames[i] + ": " + side.path +
                     " has no rows, so there is nothing to compare");
    }
    if (auto read = sample.ReadKeys(i, options); !read) {
      return Wrap(std::string("input ") + kSideNames[i], read.error());
    }
  }
  return sample;
}

Result<void> Sample::ReadKeys(std::size_t index, const Options& options) {
  std::vector<std::string> columns = options.slices;
  if (!options.blocks.empty()) columns.push_back(options.blocks);
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  if (columns.empty()) return {};
  Side& side = sides_[index];
  side.slices.resize(options.slices.size());
  Blocks blocks(options.block_hours);
  RowChoice choice = ChoiceOf(index, side.rows, options);
  PENSTOCK_TRY(
      sdk::ForEachBatch(side.path, columns, [&](const arrow::RecordBatch& batch) -> Result<void> {
        const auto chosen = ChosenOf(choice, batch.num_rows());
        for (std::size_t s = 0; s < options.slices.size(); ++s) {
          PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, options.slices[s]));
          for (const std::int64_t row : chosen) {
            side.slices[s].push_back(slice_values_[s].CodeOf(sdk::CellToText(CellAt(column, row))));
          }
        }
        if (options.blocks.empty()) return {};
        PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, options.blocks));
        for (const std::int64_t row : chosen) side.blocks.push_back(blocks.Of(column, row));
        if (blocks.size() <= kMostBlocks) return {};
        return Invalid("parameter blocks: '" + options.blocks + "' makes more than " +
                       std::to_string(kMostBlocks) +
                       " blocks; name a column of fewer values, or make blockHours longer");
      }));
  side.block_count = blocks.size();
  return {};
}

Result<void> Sample::Read(std::vector<ColumnValues*> columns, int threads) const {
  std::vector<std::string> names;
  for (const ColumnValues* column : columns) names.push_back(column->pair.name);
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    RowChoice choice = ChoiceOf(i, sides_[i].rows, options_);
    std::size_t seen = 0;
    for (ColumnValues* column : columns) column->Reserve(i, std::size_t(sides_[i].chosen));
    const auto visit = [&](const arrow::RecordBatch& batch) -> Result<void> {
      auto chosen = ChosenOf(choice, batch.num_rows());
      std::vector<BatchColumn> typed(columns.size());
      for (std::size_t c = 0; c < columns.size(); ++c) {
        PENSTOCK_ASSIGN(typed[c], ColumnOf(batch, columns[c]->pair));
      }
      // Of texts the first rows are enough: a sample's rows are in no order that matters only
      // where it is spread, so these are taken evenly.
      std::vector<std::int64_t> some;
      const auto step = std::max<std::size_t>(1, std::size_t(sides_[i].chosen) / kTextRows + 1);
      for (std::size_t r = 0; r < chosen.size(); ++r) {
        if ((seen + r) % step == 0) some.push_back(chosen[r]);
      }
      seen += chosen.size();
      ForEachParallel(threads, columns.size(), [&](std::size_t c) {
        columns[c]->Add(i, typed[c], columns[c]->pair.kind == Kind::kText ? some : chosen);
      });
      return {};
    };
    if (auto read = sdk::ForEachBatch(sides_[i].path, names, visit); !read) {
      return Wrap(std::string("input ") + kSideNames[i], read.error());
    }
  }
  return {};
}

}  // namespace penstock::drift
