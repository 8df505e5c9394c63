#include "components/train/memory.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kUsable = 0.8;               // of memory; the rest is the program, Arrow's buffers
constexpr std::uint64_t kBase = 96ULL << 20;  // libraries, one batch of Parquet
constexpr std::uint64_t kAnAnswer = 10 * 8 + 24;  // ten settings' float64, a learner's own float32
constexpr std::uint64_t kCounters = 1ULL << 22;

}  // namespace

std::uint64_t MatrixBytes(const TableSize& size) { return size.rows * size.features * 4; }

std::uint64_t NeededBytes(const TableSize& size) {
  const std::uint64_t a_row =
      size.columns * 16 + size.features * 4 * 3 + 160 + (size.answers - 1) * kAnAnswer;
  return size.rows * a_row;
}

double ShareThatFits(const TableSize& size, std::uint64_t memory) {
  const double usable = std::max(double(memory) * kUsable - double(kBase), double(memory) * 0.1);
  const double needed = double(NeededBytes(size));
  return needed <= usable ? 1 : usable / needed;
}

Result<void> Sample(const std::vector<std::string>& columns, double share, std::uint64_t seed,
                    Source& source) {
  source.sampled = true;
  source.keep.clear();
  std::vector<std::uint32_t> seen(kCounters, 0);
  std::uint64_t row = 0;
  return sdk::ForEachBatch(
      source.path, columns, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto hashes, sdk::HashRows(batch, columns, seed));
        if (row + hashes.size() > UINT32_MAX) {
          return Invalid("dataset " + source.name +
                         ": more than 4294967295 rows; sample it with query");
        }
        for (const std::uint64_t hash : hashes) {
          const std::uint32_t before = seen[hash % kCounters]++;
          const auto draw = sdk::MixBits(hash + sdk::MixBits(before));
          if (sdk::UnitInterval(draw) < share) {
            source.keep.push_back(std::uint32_t(row));
          }
          ++row;
        }
        return {};
      });
}

}  // namespace penstock::train
