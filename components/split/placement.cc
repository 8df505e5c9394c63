#include "components/split/placement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

constexpr std::uint64_t kAllBelow = std::numeric_limits<std::uint64_t>::max();
constexpr int kBucketBits = 12;

// Another number at each level, so that a fold has rows from all over train.
std::uint64_t ValueAt(const RowFacts& row, std::size_t level) {
  return level == 0 ? row.decides : sdk::MixBits(row.decides ^ sdk::MixBits(level));
}

std::uint8_t CodeOfShare(double u, const std::vector<double>& shares) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] == 0) continue;
    sum += shares[i];
    last = i;
    if (u < sum) return std::uint8_t(i);
  }
  return std::uint8_t(last);  // the shares' sum may be a rounding below 1
}

// Where the ranks of `count` rows are cut. What does not come out even is rounded by chance, else
// many small strata would all fall short on the same side.
std::vector<std::int64_t> Ranks(std::int64_t count, const std::vector<double>& shares,
                                std::uint64_t chance) {
  std::vector<std::int64_t> ranks;
  double sum = 0;
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    sum += shares[i];
    // 3 * 0.1 * 10 is 3 and a little: no whole number may be missed by a rounding.
    const double exact = std::round(sum * double(count) * 1e9) / 1e9;
    ranks.push_back(std::min(count, std::int64_t(exact + sdk::UnitInterval(chance))));
  }
  return ranks;
}

using Histogram = std::vector<std::int64_t>;
using ValueCounts = std::map<std::uint64_t, std::int64_t>;

struct Sought {
  std::size_t bucket = 0;
  std::int64_t rank = 0;  // within the bucket
};

Sought BucketOf(const Histogram& histogram, std::int64_t rank) {
  std::size_t bucket = 0;
  while (bucket + 1 < histogram.size() && rank >= histogram[bucket]) rank -= histogram[bucket++];
  return {bucket, rank};
}

std::uint64_t ValueOfRank(const ValueCounts& values, std::int64_t rank) {
  for (const auto& [value, count] : values) {
    if (rank < count) return value;
    rank -= count;
  }
  return kAllBelow;
}

}  // namespace

Placement::Placement(const SplitOptions& options)
    : by_(options.by),
      stratified_(!options.stratify.empty()),
      grouped_(!options.group.empty()),
      fractions_(options.fractions.begin(), options.fractions.end()),
      folds_(options.folds),
      repeats_(options.repeats),
      bounds_(Levels()) {}

std::vector<double> Placement::Shares(std::size_t level) const {
  if (level == 0) return fractions_;
  return std::vector<double>(std::size_t(folds_), 1.0 / folds_);
}

std::uint8_t Placement::Code(const RowFacts& row, std::size_t level) const {
  if (stratified_ && grouped_) return groups_.at(row.group).codes[level];
  const std::uint64_t value = ValueAt(row, level);
  if (!stratified_) return CodeOfShare(sdk::UnitInterval(value), Shares(level));
  const Bounds& bounds = bounds_[level][row.stratum];
  std::size_t code = 0;
  while (code < bounds.size() && bounds[code] != kAllBelow && value >= bounds[code]) ++code;
  return std::uint8_t(code);
}

void Placement::CodesOf(const RowFacts& row, std::uint8_t* codes) const {
  std::fill(codes, codes + Levels(), std::uint8_t(0));
  const bool is_decided = by_ == SplitOptions::By::kTime || Part(row.part) == Part::kDropped;
  codes[0] = is_decided ? std::uint8_t(row.part) : Code(row, 0);
  if (Part(codes[0]) != Part::kTrain) return;
  for (std::size_t level = 1; level < Levels(); ++level) codes[level] = Code(row, level);
}

Result<void> Placement::Learn(const Scan& scan, const Strata& strata) {
  if (!stratified_) return {};
  if (grouped_) return LearnGroups(scan, strata.hashes().size());
  for (std::size_t level = 0; level < Levels(); ++level) {
    PENSTOCK_TRY(LearnBounds(scan, strata, level));
  }
  return {};
}

// Two looks: how many values are in each of 4,096 ranges, and which are in the few that are cut.
Result<void> Placement::LearnBounds(const Scan& scan, const Strata& strata, std::size_t level) {
  const std::size_t count = strata.hashes().size();
  const auto is_meant = [&](const RowFacts& row) {
    return level == 0 || Part(Code(row, 0)) == Part::kTrain;
  };
  std::vector<Histogram> histograms(count, Histogram(1 << kBucketBits));
  PENSTOCK_TRY(scan([&](const RowFacts& row) {
    if (is_meant(row)) ++histograms[row.stratum][ValueAt(row, level) >> (64 - kBucketBits)];
  }));
  std::vector<std::vector<Sought>> sought(count);
  std::vector<std::map<std::size_t, ValueCounts>> values(count);
  std::vector<Bounds> bounds(count);
  for (std::size_t s = 0; s < count; ++s) {
    std::int64_t rows = 0;
    for (const auto n : histograms[s]) rows += n;
    const auto chance = sdk::MixBits(strata.hashes()[s] ^ level);
    for (const auto rank : Ranks(rows, Shares(level), chance)) {
      const bool all = rank >= rows;
      sought[s].push_back(all ? Sought{0, -1} : BucketOf(histograms[s], rank));
      if (!all) values[s][sought[s].back().bucket];
    }
  }
  PENSTOCK_TRY(scan([&](const RowFacts& row) {
    if (!is_meant(row)) return;
    const std::uint64_t value = ValueAt(row, level);
    auto& buckets = values[row.stratum];
    const auto at = buckets.find(value >> (64 - kBucketBits));
    if (at != buckets.end()) ++at->second[value];
  }));
  for (std::size_t s = 0; s < count; ++s) {
    for (const auto& [bucket, rank] : sought[s]) {
      bounds[s].push_back(rank < 0 ? kAllBelow : ValueOfRank(values[s][bucket], rank));
    }
  }
  bounds_[level] = std::move(bounds);
  return {};
}

Result<void> Placement::LearnGroups(const Scan& scan, std::size_t strata) {
  PENSTOCK_TRY(scan([&](const RowFacts& row) {
    Group& group = groups_[row.group];
    if (group.rows.size() <= row.stratum) group.rows.resize(row.stratum + 1);
    ++group.rows[row.stratum];
    group.codes.resize(Levels());
  }));
  for (std::size_t level = 0; level < Levels(); ++level) DealGroups(strata, level);
  return {};
}

void Placement::DealGroups(std::size_t strata, std::size_t level) {
  struct Entry {
    std::int64_t rows;
    std::uint64_t chance;
    Group* group;
  };
  std::vector<Entry> order;
  std::vector<double> totals(strata);
  for (auto& [hash, group] : groups_) {
    if (level > 0 && Part(group.codes[0]) != Part::kTrain) continue;
    std::int64_t rows = 0;
    for (std::size_t s = 0; s < group.rows.size(); ++s) {
      rows += group.rows[s];
      totals[s] += group.rows[s];
    }
    order.push_back({rows, sdk::MixBits(hash ^ sdk::MixBits(level)), &group});
  }
  std::sort(order.begin(), order.end(), [](const Entry& a, const Entry& b) {
    return a.rows != b.rows ? a.rows > b.rows : a.chance < b.chance;
  });
  const auto shares = Shares(level);
  std::vector<std::vector<double>> given(shares.size(), std::vector<double>(strata));
  for (const Entry& entry : order) {
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t code = 0; code < shares.size(); ++code) {
      if (shares[code] == 0) continue;
      // How much the squared distance from the shares grows, without what is the same for each.
      double cost = 0;
      for (std::size_t s = 0; s < entry.group->rows.size(); ++s) {
        if (entry.group->rows[s] == 0) continue;
        cost += entry.group->rows[s] * (given[code][s] - shares[code] * totals[s]) / totals[s];
      }
      if (cost < least) {
        least = cost;
        best = code;
      }
    }
    entry.group->codes[level] = std::uint8_t(best);
    for (std::size_t s = 0; s < entry.group->rows.size(); ++s) {
      given[best][s] += entry.group->rows[s];
    }
  }
}

}  // namespace penstock::split
