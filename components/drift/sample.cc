#include "components/drift/sample.h"

#include <arrow/api.h>

#include <algorithm>
#include <unordered_map>

#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "components/statistics/summary/parquet_columns.h"
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

namespace {

// The rows of a block that are looked at, counted from its first.
struct BlockRows {
  std::vector<std::int64_t> chosen;
  std::vector<std::int64_t> of_texts;
};

// Those of `rows` that lie in a chunk, counted from its first.
std::vector<std::int64_t> Within(const std::vector<std::int64_t>& rows, std::int64_t first,
                                 std::int64_t count) {
  const auto begin = std::lower_bound(rows.begin(), rows.end(), first);
  const auto end = std::lower_bound(begin, rows.end(), first + count);
  std::vector<std::int64_t> within(begin, end);
  if (first > 0) {
    for (std::int64_t& row : within) row -= first;
  }
  return within;
}

// A part without any value of a column may not know its type.
Result<std::shared_ptr<arrow::Array>> WithType(const std::shared_ptr<arrow::Array>& chunk,
                                               const std::shared_ptr<arrow::DataType>& type) {
  if (chunk->type_id() != arrow::Type::NA || type->id() == arrow::Type::NA) return chunk;
  return sdk::FromArrow(arrow::MakeArrayOfNull(type, chunk->length()), "drift");
}

Result<void> AddBlock(const arrow::ChunkedArray& block, const BlockRows& rows,
                      const std::shared_ptr<arrow::DataType>& type, std::size_t side,
                      ColumnValues& column) {
  std::int64_t first = 0;
  const auto& wanted = column.pair.kind == Kind::kText ? rows.of_texts : rows.chosen;
  for (const auto& chunk : block.chunks()) {
    PENSTOCK_ASSIGN(auto known, WithType(chunk, type));
    PENSTOCK_ASSIGN(const auto values, ColumnOf(std::move(known), column.pair));
    column.Add(side, values, Within(wanted, first, chunk->length()));
    first += chunk->length();
  }
  return {};
}

}  // namespace

Result<void> Sample::Read(std::vector<ColumnValues*> columns, int threads) const {
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    auto read = ReadSide(i, columns, threads);
    if (!read) return Wrap(std::string("input ") + kSideNames[i], read.error());
  }
  return {};
}

// Each column is decoded and looked at by one thread at a time.
Result<void> Sample::ReadSide(std::size_t side, const std::vector<ColumnValues*>& columns,
                              int threads) const {
  std::vector<std::string> names;
  for (ColumnValues* column : columns) {
    names.push_back(column->pair.name);
    column->Reserve(side, std::size_t(sides_[side].chosen));
  }
  PENSTOCK_ASSIGN(auto file, statistics::ParquetColumns::Open(sides_[side].path, names));
  RowChoice choice = ChoiceOf(side, sides_[side].rows, options_);
  // Of texts some rows are enough: a sample's rows are in no order that matters only where it is
  // spread, so these are taken evenly.
  const auto step = std::max<std::size_t>(1, std::size_t(sides_[side].chosen) / kTextRows + 1);
  std::size_t seen = 0;
  return statistics::ForEachBlock(
      file,
      [&](const statistics::Block& block,
          const statistics::Collector::ReadColumn& read) -> Result<void> {
        BlockRows rows;
        rows.chosen = ChosenOf(choice, block.rows);
        for (std::size_t r = 0; r < rows.chosen.size(); ++r) {
          if ((seen + r) % step == 0) rows.of_texts.push_back(rows.chosen[r]);
        }
        seen += rows.chosen.size();
        return statistics::InParallel(columns.size(), threads, [&](std::size_t c) -> Result<void> {
          PENSTOCK_ASSIGN(const auto values, read(c));
          if (values->length() != block.rows) {
            return Invalid("column '" + names[c] + "' has " + std::to_string(values->length()) +
                           " of " + std::to_string(block.rows) + " rows from row " +
                           std::to_string(block.first_row) + " on: the file is damaged");
          }
          return AddBlock(*values, rows, file.schema()->field(int(c))->type(), side, *columns[c]);
        });
      });
}

}  // namespace penstock::drift
