#include "components/audit/rows/near_duplicates.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "components/audit/facts/table.h"
#include "components/audit/rows/sim_hash.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kMostPairsKept = 1000;
constexpr std::size_t kMostPairsSought = 100'000;

struct Looked {
  std::uint32_t part = 0;
  std::int64_t row = 0;
  std::uint64_t exact = 0;
  std::uint64_t rounded = 0;
};

// Which columns are read as what, by the first rows.
struct Shape {
  std::vector<std::string> all;
  std::vector<std::string> texts;    // of several words
  std::vector<std::string> numbers;  // with fractions
};

bool HasFractions(const TableColumn& column) {
  return column.type == sdk::ColumnType::kFloat64 &&
         std::any_of(column.numbers.begin(), column.numbers.end(),
                     [](double x) { return x == x && x != std::trunc(x); });
}

bool HasWords(const TableColumn& column) {
  std::size_t words = 0;
  for (const auto& value : column.values) {
    words += 1 + std::size_t(std::count(value.begin(), value.end(), ' '));
  }
  return !column.values.empty() && words >= 5 * column.values.size();
}

Result<Shape> ShapeOf(const std::vector<Part>& parts, const std::string& label) {
  Shape shape;
  PENSTOCK_ASSIGN(shape.all, ComparedColumns(parts, label, false));
  if (shape.all.empty()) return shape;
  TableOptions some;
  some.most_rows = 1000;
  some.columns = shape.all;
  PENSTOCK_ASSIGN(const auto table, LoadTable(parts.front().path, some));
  for (const auto& column : table.columns) {
    if (column.text() && HasWords(column)) shape.texts.push_back(column.name);
    if (HasFractions(column)) shape.numbers.push_back(column.name);
  }
  return shape;
}

std::uint64_t HashRounded(const sdk::Cell& cell) {
  const auto* real = std::get_if<double>(&cell);
  if (real == nullptr || !std::isfinite(*real)) return 1;
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%.*e", kNearDigits - 1, *real);
  return sdk::HashText({text, std::size_t(size)});
}

// All columns, those with fractions rounded.
Result<std::vector<std::uint64_t>> RoundedHashes(const arrow::RecordBatch& batch,
                                                 const Shape& shape) {
  std::vector<std::string> others;
  for (const auto& name : shape.all) {
    const bool rounded =
        std::find(shape.numbers.begin(), shape.numbers.end(), name) != shape.numbers.end();
    if (!rounded) others.push_back(name);
  }
  PENSTOCK_ASSIGN(auto hashes, sdk::HashRows(batch, others, 0));
  for (const auto& name : shape.numbers) {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
    for (std::size_t r = 0; r < hashes.size(); ++r) {
      hashes[r] = sdk::MixBits(hashes[r] ^ HashRounded(CellAt(column, std::int64_t(r))));
    }
  }
  return hashes;
}

Result<std::vector<std::string>> JoinedTexts(const arrow::RecordBatch& batch, const Shape& shape) {
  std::vector<std::string> joined(std::size_t(batch.num_rows()));
  for (const auto& name : shape.texts) {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
    for (std::size_t r = 0; r < joined.size(); ++r) {
      const auto cell = CellAt(column, std::int64_t(r));
      if (const auto* text = std::get_if<std::string_view>(&cell)) joined[r].append(*text) += ' ';
    }
  }
  return joined;
}

class Looker {
 public:
  Looker(const Shape& shape, double share, std::uint64_t seed)
      : shape_(shape), share_(share), seed_(seed) {}

  Result<void> Read(std::uint32_t part, const std::string& path) {
    std::int64_t first = 0;
    return sdk::ForEachBatch(
        path, shape_.all, [&](const arrow::RecordBatch& batch) -> Result<void> {
          PENSTOCK_ASSIGN(const auto exact, sdk::HashRows(batch, shape_.all, 0));
          PENSTOCK_ASSIGN(const auto rounded, RoundedHashes(batch, shape_));
          PENSTOCK_ASSIGN(const auto texts, JoinedTexts(batch, shape_));
          for (std::size_t r = 0; r < exact.size(); ++r) {
            const std::int64_t row = first + std::int64_t(r);
            const auto hash = sdk::MixBits(seed_ ^ sdk::MixBits(std::uint64_t(row) << 2 | part));
            if (share_ < 1 && sdk::UnitInterval(hash) >= share_) continue;
            looked.push_back({part, row, exact[r], rounded[r]});
            texts_.push_back(SimHash(texts[r]));
          }
          first += batch.num_rows();
          return {};
        });
  }

  void Pair(NearDuplicates* found) const {
    if (!shape_.texts.empty()) {
      for (const auto& [a, b] : NearPairs(texts_, kMostPairsSought)) Add(a, b, "text", found);
    }
    if (shape_.numbers.size() < 3) return;
    std::map<std::uint64_t, std::uint32_t> seen;  // the first of each
    for (std::uint32_t i = 0; i < looked.size(); ++i) {
      const auto [at, is_new] = seen.try_emplace(looked[i].rounded, i);
      if (!is_new) Add(at->second, i, "numbers", found);
    }
  }

  std::vector<Looked> looked;

 private:
  void Add(std::uint32_t a, std::uint32_t b, const char* by, NearDuplicates* found) const {
    const Looked& first = looked[a];
    const Looked& second = looked[b];
    if (first.exact == second.exact) return;
    ++found->found;
    if (found->pairs.size() == kMostPairsKept) return;
    found->pairs.push_back({second.part, second.row, first.part, first.row, by});
  }

  const Shape& shape_;
  double share_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> texts_;
};

}  // namespace

Result<NearDuplicates> FindNearDuplicates(const std::vector<Part>& parts, const std::string& label,
                                          std::uint64_t seed) {
  NearDuplicates found;
  PENSTOCK_ASSIGN(const auto shape, ShapeOf(parts, label));
  if (shape.texts.empty() && shape.numbers.size() < 3) return found;
  std::int64_t all = 0;
  for (const auto& part : parts) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(part.path));
    all += reader->rows();
  }
  found.share = std::min(1.0, double(kMostNear) / double(std::max<std::int64_t>(1, all)));
  Looker looker(shape, found.share, seed);
  for (std::uint32_t p = 0; p < parts.size(); ++p) PENSTOCK_TRY(looker.Read(p, parts[p].path));
  found.rows = std::int64_t(looker.looked.size());
  looker.Pair(&found);
  return found;
}

void SayNearDuplicates(const std::vector<Part>& parts, const NearDuplicates& found,
                       Findings* findings) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<const NearPair*>> by_parts;
  for (const auto& pair : found.pairs) by_parts[{pair.part, pair.other_part}].push_back(&pair);
  for (const auto& [which, pairs] : by_parts) {
    Json shown = Json::array();
    for (std::size_t i = 0; i < std::min<std::size_t>(10, pairs.size()); ++i) {
      shown.push_back({{"row", pairs[i]->row}, {"like", pairs[i]->other}, {"by", pairs[i]->by}});
    }
    const bool within = which.first == which.second;
    const std::string& of = parts[which.first].name;
    const std::string& with = parts[which.second].name;
    findings->Add(
        {"nearDuplicates",
         within ? Severity::kInfo : Severity::kWarning,
         within ? of : of + ", " + with,
         std::to_string(pairs.size()) +
             (found.pairs.size() < std::size_t(found.found) ? " pairs or more" : " pairs") +
             " of rows are nearly equal " +
             (within ? "within " + of : "in " + of + " and " + with) +
             (within ? "" : ": what is measured there was partly learnt"),
         {{"pairs", pairs.size()}, {"shown", std::move(shown)}}});
  }
}

}  // namespace penstock::audit
