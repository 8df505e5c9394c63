// The search for the worst slices.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "components/evaluate/slices.h"
#include "components/sdk/delong.h"

namespace penstock::evaluate {
namespace {

using Where = FoundSlice::Where;

struct Sums {
  double rows = 0;
  double loss = 0;
  double squares = 0;

  void Add(double value) {
    rows += 1;
    loss += value;
    squares += value * value;
  }
};

// Welch, Biometrika 34 (1947): the statistic and the share of Student's distribution above it.
struct Welch {
  double t = 0;
  double p = 1;
};

Welch WelchTest(const Sums& in, const Sums& out) {
  const double mean_in = in.loss / in.rows, mean_out = out.loss / out.rows;
  const auto of = [](const Sums& s, double mean) {
    return std::max(0.0, (s.squares - s.rows * mean * mean) / (s.rows - 1)) / s.rows;
  };
  const double a = of(in, mean_in), b = of(out, mean_out);
  if (a + b <= 0) return {};
  Welch w;
  w.t = (mean_in - mean_out) / std::sqrt(a + b);
  const double freedom = (a + b) * (a + b) / (a * a / (in.rows - 1) + b * b / (out.rows - 1));
  w.p = sdk::StudentTail(w.t, std::size_t(std::max(1.0, freedom)));
  return w;
}

class Beam {
 public:
  Beam(std::span<const SearchColumn> columns, std::span<const double> losses,
       const SearchOptions& options)
      : columns_(columns), losses_(losses), options_(options) {
    for (const double loss : losses) all_.Add(loss);
  }

  Search Run() {
    std::vector<std::uint32_t> every(losses_.size());
    std::iota(every.begin(), every.end(), 0U);
    std::vector<FoundSlice> level = {FoundSlice{{}, std::move(every), 0, 0, 0, 1}};
    for (std::size_t depth = 0; depth < options_.depth; ++depth) {
      std::vector<FoundSlice> next;
      for (const auto& slice : level) Extend(slice, &next);
      Sort(next);
      seen_.insert(seen_.end(), next.begin(), next.end());
      if (next.size() > options_.beam) next.resize(options_.beam);
      level = std::move(next);
      for (auto& slice : level) slice.rows = RowsOf(slice.where);
    }
    return Finish();
  }

 private:
  static void Sort(std::vector<FoundSlice>& slices) {
    std::sort(slices.begin(), slices.end(), [](const FoundSlice& a, const FoundSlice& b) {
      return a.t != b.t ? a.t > b.t : a.where < b.where;
    });
  }

  // All slices of one column more.
  void Extend(const FoundSlice& slice, std::vector<FoundSlice>* next) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto has = [c](const Where& w) { return w.column == c; };
      if (std::any_of(slice.where.begin(), slice.where.end(), has)) continue;
      std::vector<Sums> sums(columns_[c].values.size());
      for (const std::uint32_t r : slice.rows) {
        if (columns_[c].codes[r] != kNoValue) sums[columns_[c].codes[r]].Add(losses_[r]);
      }
      for (std::size_t v = 0; v < sums.size(); ++v) Look(slice, {c, v}, sums[v], next);
    }
  }

  void Look(const FoundSlice& slice, Where more, const Sums& in, std::vector<FoundSlice>* next) {
    const Sums out = {all_.rows - in.rows, all_.loss - in.loss, all_.squares - in.squares};
    const auto least = double(std::max<std::size_t>(2, options_.min_rows));
    if (in.rows < least || out.rows < least) return;
    FoundSlice found{slice.where, {}, 0, 0, 0, 1};
    found.where.push_back(more);
    std::sort(found.where.begin(), found.where.end());
    if (!known_.insert(found.where).second) return;
    const Welch welch = WelchTest(in, out);
    found.loss = in.loss / in.rows;
    found.elsewhere = out.loss / out.rows;
    found.t = welch.t;
    found.p_value = welch.p;
    next->push_back(std::move(found));
  }

  [[nodiscard]] std::vector<std::uint32_t> RowsOf(const std::vector<Where>& where) const {
    std::vector<std::uint32_t> rows;
    for (std::size_t r = 0; r < losses_.size(); ++r) {
      const auto holds = [&](const Where& w) { return columns_[w.column].codes[r] == w.value; };
      if (std::all_of(where.begin(), where.end(), holds)) rows.push_back(std::uint32_t(r));
    }
    return rows;
  }

  Search Finish() {
    Search search;
    search.looked_at = known_.size();
    Sort(seen_);
    for (auto& slice : seen_) {
      if (search.found.size() == options_.most) break;
      slice.p_value = std::min(1.0, slice.p_value * double(search.looked_at));
      if (slice.t <= 0 || slice.p_value > options_.significance) continue;
      const auto holds = [&](const FoundSlice& wider) {
        return std::includes(slice.where.begin(), slice.where.end(), wider.where.begin(),
                             wider.where.end());
      };
      if (std::any_of(search.found.begin(), search.found.end(), holds)) continue;
      slice.rows = RowsOf(slice.where);
      search.found.push_back(std::move(slice));
    }
    return search;
  }

  std::span<const SearchColumn> columns_;
  std::span<const double> losses_;
  const SearchOptions& options_;
  Sums all_;
  std::set<std::vector<Where>> known_;
  std::vector<FoundSlice> seen_;
};

}  // namespace

Search WorstSlices(std::span<const SearchColumn> columns, std::span<const double> losses,
                   const SearchOptions& options) {
  return Beam(columns, losses, options).Run();
}

}  // namespace penstock::evaluate
