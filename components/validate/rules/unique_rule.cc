// A key of one or several columns stands once. Hashes of 128 bits of each row's key go into files
// by their first bits, so that equal keys meet; each file is then sorted in memory.
#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "components/sdk/cells.h"
#include "components/sdk/row_hash.h"
#include "components/sdk/scratch_folder.h"
#include "components/sdk/spill/spill.h"
#include "components/validate/rules/kinds.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

struct KeyOfRow {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::int64_t row = 0;
};

constexpr std::int64_t kPartitionBytes = 32 << 20;
constexpr std::int64_t kMostPartitions = 1000;  // open files

class UniqueRule : public RowRule {
 public:
  UniqueRule(std::vector<std::string> columns, sdk::ScratchFolder folder, sdk::SpillFiles files)
      : columns_(std::move(columns)), folder_(std::move(folder)), files_(std::move(files)) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row) override {
    constexpr std::uint64_t kOtherSeed = 0x5DEECE66DULL;
    PENSTOCK_ASSIGN(const auto high, sdk::HashRows(batch, columns_, 0));
    PENSTOCK_ASSIGN(const auto low, sdk::HashRows(batch, columns_, kOtherSeed));
    std::vector<const arrow::Array*> arrays;
    for (const auto& name : columns_) arrays.push_back(batch.GetColumnByName(name).get());
    for (std::size_t r = 0; r < high.size(); ++r) {
      if (!HasKey(arrays, std::int64_t(r))) continue;
      ++outcome_.considered;
      const KeyOfRow key{high[r], low[r], first_row + std::int64_t(r)};
      PENSTOCK_TRY(files_.Append(high[r] % files_.partitions(), &key, sizeof key));
    }
    return {};
  }

  Result<void> Finish() override {
    std::vector<std::pair<std::int64_t, std::int64_t>> repeated;  // a row and the first of its key
    for (std::size_t p = 0; p < files_.partitions(); ++p) {
      PENSTOCK_ASSIGN(auto keys, files_.ReadAll<KeyOfRow>(p));
      std::sort(keys.begin(), keys.end(), [](const KeyOfRow& a, const KeyOfRow& b) {
        return std::tie(a.high, a.low, a.row) < std::tie(b.high, b.low, b.row);
      });
      std::size_t first = 0;
      for (std::size_t i = 1; i < keys.size(); ++i) {
        if (keys[i].high != keys[first].high || keys[i].low != keys[first].low) {
          first = i;
          continue;
        }
        rows_.Add(keys[i].row);
        // The first of them by row are shown: kept small, whatever their number is.
        repeated.emplace_back(keys[i].row, keys[first].row);
        std::push_heap(repeated.begin(), repeated.end());
        if (repeated.size() > kShown) {
          std::pop_heap(repeated.begin(), repeated.end());
          repeated.pop_back();
        }
      }
    }
    std::sort(repeated.begin(), repeated.end());
    for (const auto& [row, first] : repeated) {
      outcome_.breaches.AddShown(row, "the key of row " + std::to_string(first));
    }
    outcome_.breaches.AddRows(std::move(rows_));
    return {};
  }

 private:
  static constexpr std::size_t kShown = 5;

  // A row with a null in its key has none, as in SQL.
  static bool HasKey(const std::vector<const arrow::Array*>& arrays, std::int64_t r) {
    return std::none_of(arrays.begin(), arrays.end(), [r](const arrow::Array* array) {
      return array->IsNull(r) ||
             (array->type_id() == arrow::Type::DOUBLE &&
              std::isnan(static_cast<const arrow::DoubleArray*>(array)->Value(r)));
    });
  }

  std::vector<std::string> columns_;
  sdk::ScratchFolder folder_;
  sdk::SpillFiles files_;
  RowSet rows_;
};

}  // namespace

Result<std::unique_ptr<RowRule>> MakeUniqueRule(const Rule& rule, const RuleContext& context) {
  const std::int64_t bytes = context.rows * std::int64_t(sizeof(KeyOfRow));
  const auto partitions = std::clamp<std::int64_t>(bytes / kPartitionBytes + 1, 1, kMostPartitions);
  PENSTOCK_ASSIGN(auto folder, sdk::ScratchFolder::Create(context.scratch));
  PENSTOCK_ASSIGN(auto files,
                  sdk::SpillFiles::Create(folder.path(), "keys", std::size_t(partitions)));
  return std::unique_ptr<RowRule>(
      new UniqueRule(rule.columns, std::move(folder), std::move(files)));
}

}  // namespace penstock::validate
