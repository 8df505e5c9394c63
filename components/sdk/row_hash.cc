#include "components/sdk/row_hash.h"

#include <bit>

#include "components/sdk/cells.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

// The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", OOPSLA 2014): every input bit reaches every output bit.
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// FNV-1a, 64 bit.
std::uint64_t HashText(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  return hash;
}

std::uint64_t HashCell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return HashText(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::uint64_t(*integer);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1 : 0;
  if (const auto* number = std::get_if<double>(&cell)) {
    return std::bit_cast<std::uint64_t>(*number == 0 ? 0.0 : *number);
  }
  return 0xD1B54A32D192ED03ULL;  // null: unlikely to be met by a value
}

}  // namespace

Result<std::vector<std::uint64_t>> HashRows(const arrow::RecordBatch& batch,
                                            const std::vector<std::string>& columns,
                                            std::uint64_t seed) {
  std::vector<std::uint64_t> hashes(std::size_t(batch.num_rows()), Mix(seed));
  for (const auto& name : columns) {
    PENSTOCK_ASSIGN(const TypedColumn column, FindColumn(batch, name));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      auto& hash = hashes[std::size_t(r)];
      hash = Mix(hash ^ HashCell(CellAt(column, r)));
    }
  }
  return hashes;
}

}  // namespace penstock::sdk
