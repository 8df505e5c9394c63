#include "components/drift/compare.h"

#include <algorithm>
#include <memory>

#include "components/drift/asked.h"
#include "components/drift/domain_rows.h"
#include "components/drift/null/false_discovery.h"
#include "components/drift/null/parallel.h"
#include "components/drift/slices.h"
#include "components/sdk/dataset.h"
#include "components/sdk/page/page.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

class Comparer {
 public:
  Comparer(const Sample& sample, const Options& options, Comparison& out, Weigher* weigher)
      : sample_(sample),
        options_(options),
        out_(out),
        slices_(sample, options),
        measurer_(sample, options,
                  out.pairing.pairs.size() * std::max<std::size_t>(1, slices_.list().size())),
        domain_(sample),
        weigher_(weigher) {
    out_.small_slices = slices_.too_small();
    for (const Slice& slice : slices_.list()) {
      out_.slices.push_back(
          {slice.column,
           slice.value,
           {std::int64_t(slice.rows[0].size()), std::int64_t(slice.rows[1].size())},
           {}});
    }
  }

  Result<void> Run() {
    const std::int64_t bytes = 9 * (sample_.side(0).chosen + sample_.side(1).chosen);
    const auto together = std::size_t(std::max<std::int64_t>(1, kGroupBytes / bytes));
    const auto& pairs = out_.pairing.pairs;
    for (std::size_t from = 0; from < pairs.size(); from += together) {
      const std::size_t to = std::min(pairs.size(), from + together);
      PENSTOCK_TRY(
          RunGroup({pairs.begin() + std::ptrdiff_t(from), pairs.begin() + std::ptrdiff_t(to)}));
    }
    return {};
  }

  [[nodiscard]] DomainRows TakeDomain() { return std::move(domain_).Take(); }

 private:
  using Group = std::vector<std::unique_ptr<ColumnValues>>;

  Result<void> RunGroup(const std::vector<Pair>& pairs) {
    Group group;
    PENSTOCK_TRY(ReadGroup(pairs, group));
    ForEachParallel(options_.threads, group.size(),
                    [&](std::size_t c) { group[c]->TellWholesApart(); });
    std::vector<ColumnDrift> drifts(group.size());
    std::vector<std::vector<ColumnDrift>> of_slices(group.size());
    std::vector<std::vector<BinnedFeature>> features(group.size());
    std::vector<Bins> bins_of(group.size());
    ForEachParallel(options_.threads, group.size(), [&](std::size_t c) {
      Bins& bins = bins_of[c];
      drifts[c] = measurer_.Measure(*group[c], {}, "", &bins);
      for (const Slice& slice : slices_.list()) {
        of_slices[c].push_back(measurer_.Measure(*group[c], {{&slice.rows[0], &slice.rows[1]}},
                                                 slice.column + '\0' + slice.value, nullptr));
      }
      if (options_.classifier) features[c] = domain_.FeaturesOf(*group[c], bins);
    });
    for (std::size_t c = 0; c < group.size(); ++c) {
      out_.columns.push_back(std::move(drifts[c]));
      for (std::size_t s = 0; s < out_.slices.size(); ++s) {
        out_.slices[s].columns.push_back(std::move(of_slices[c][s]));
      }
      const bool is_feature = !features[c].empty();
      domain_.Add(group[c]->pair.name, std::move(features[c]));
      if (weigher_ != nullptr && is_feature) {
        weigher_->Keep(group[c]->pair, std::move(group[c]->dictionary), std::move(bins_of[c]));
      }
    }
    return {};
  }

  // Texts are read twice: only their values say that they are no categories.
  Result<void> ReadGroup(const std::vector<Pair>& pairs, Group& group) {
    std::vector<ColumnValues*> all;
    for (const Pair& pair : pairs) {
      group.push_back(std::make_unique<ColumnValues>(pair));
      all.push_back(group.back().get());
    }
    PENSTOCK_TRY(sample_.Read(all, options_.threads));
    std::vector<ColumnValues*> texts;
    for (auto& column : group) {
      if (!column->LooksLikeText()) continue;
      column = std::make_unique<ColumnValues>(Pair{column->pair.name, Kind::kText, true, false});
      texts.push_back(column.get());
    }
    std::erase_if(group, [&](const auto& column) {
      if (!column->LooksLikeId()) return false;
      out_.pairing.skipped.push_back(
          {column->pair.name, "nearly all its values differ, as those of an id do"});
      return true;
    });
    return texts.empty() ? Result<void>() : sample_.Read(texts, options_.threads);
  }

  const Sample& sample_;
  const Options& options_;
  Comparison& out_;
  Slices slices_;
  Measurer measurer_;
  DomainCollector domain_;
  Weigher* weigher_;
};

Result<void> CheckBlocks(const Sample& sample, const Options& options, Comparison& out) {
  if (options.blocks.empty()) return {};
  for (std::size_t i = 0; i < 2; ++i) out.blocks[i] = sample.side(i).block_count;
  const double least = LeastP(out.blocks[0], out.blocks[1], options.draws);
  out.least_p = least;
  if (least <= options.alpha) return {};
  return Invalid("parameter blocks: " + std::to_string(out.blocks[0]) +
                 " blocks of reference and " + std::to_string(out.blocks[1]) +
                 " of current can be divided in so few ways that "
                 "no p is below " +
                 ShortNumber(least) + ", and alpha is " + ShortNumber(options.alpha) +
                 "; give more data, or make blockHours shorter");
}

}  // namespace

Result<void> CheckEnoughRows(const std::array<std::int64_t, 2>& rows, double alpha) {
  const auto least_p = [](std::int64_t n, std::int64_t m) {
    return 2 * LeastP(std::size_t(n), std::size_t(m), INT64_MAX / 2);
  };
  const double least = least_p(rows[0], rows[1]);
  const double bound = alpha * (1 - 1e-9);  // logarithms of factorials are rounded
  if (least < bound) return {};
  std::int64_t needed = 1;
  while (least_p(needed, needed) >= bound) ++needed;
  return Invalid("drift: " + std::to_string(rows[0]) + " rows of reference and " +
                 std::to_string(rows[1]) +
                 " of current can be divided in so few ways that no p is below " +
                 sdk::NumberText(least) + ", and alpha is " + ShortNumber(alpha) +
                 "; give at least " + std::to_string(needed) + " rows of each side");
}

void Decide(std::vector<ColumnDrift*> tests, double alpha) {
  std::vector<double> p;
  for (const ColumnDrift* test : tests) p.push_back(test->p);
  const std::vector<double> adjusted = AdjustedP(p);
  for (std::size_t i = 0; i < tests.size(); ++i) {
    tests[i]->adjusted = adjusted[i];
    tests[i]->drifted = adjusted[i] < alpha && tests[i]->effect >= tests[i]->floor;
  }
}

std::vector<std::string> Comparison::Drifted() const {
  std::vector<std::string> names;
  for (const auto& said : pairing.changed) names.push_back(said.column);
  for (const ColumnDrift& column : columns) {
    if (column.drifted) names.push_back(column.name);
  }
  return names;
}

const ColumnDrift* Comparison::Worst() const {
  const ColumnDrift* worst = nullptr;
  const auto weight = [](const ColumnDrift& column) {
    return column.effect / std::max(column.floor, 1e-9);
  };
  for (const ColumnDrift& column : columns) {
    const bool worse = worst == nullptr || (column.drifted && !worst->drifted) ||
                       (column.drifted == worst->drifted && weight(column) > weight(*worst));
    if (worse) worst = &column;
  }
  const bool by_type = !pairing.changed.empty() && (worst == nullptr || !worst->drifted);
  return by_type ? nullptr : worst;
}

std::string Comparison::WorstName() const {
  if (const ColumnDrift* worst = Worst()) return worst->name;
  return pairing.changed.empty() ? "" : pairing.changed.front().column;
}

bool Comparison::IsDrift() const { return domain_drifted || !Drifted().empty(); }

std::vector<std::string> Comparison::Undecided() const {
  std::vector<std::string> names;
  for (const ColumnDrift& column : columns) {
    if (column.undecided) names.push_back(column.name);
  }
  return names;
}

const char* Comparison::Verdict() const {
  return IsDrift() ? "drift" : Undecided().empty() ? "stable" : "undecided";
}

Result<Comparison> Compare(const std::string& reference, const std::string& current,
                           const sdk::Schema* asked, const Options& parameters, Weigher* weigher) {
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(reference));
  PENSTOCK_ASSIGN(const auto now, sdk::DatasetSchema(current));
  const sdk::Schema& contract = asked == nullptr ? schema : *asked;
  Options options = parameters;
  PENSTOCK_TRY(TakeAsked(contract, options));
  Comparison out;
  PENSTOCK_ASSIGN(out.pairing, PairColumns(schema, now, contract, options));
  if (asked != nullptr) out.unlike_schema = UnlikeSchema(*asked, schema, now);
  PENSTOCK_ASSIGN(const auto sample, Sample::Open(reference, current, options));
  for (std::size_t i = 0; i < 2; ++i) {
    out.rows[i] = sample.side(i).rows;
    out.looked[i] = sample.side(i).chosen;
  }
  PENSTOCK_TRY(CheckBlocks(sample, options, out));
  if (options.blocks.empty() && !out.pairing.pairs.empty()) {
    PENSTOCK_TRY(CheckEnoughRows(out.looked, options.alpha));
  }
  Comparer comparer(sample, options, out, weigher);
  PENSTOCK_TRY(comparer.Run());
  if (!out.HasCompared()) return NothingCompared(out.pairing);
  std::vector<ColumnDrift*> tests;
  for (ColumnDrift& column : out.columns) {
    tests.push_back(&column);
    for (auto& why : Overruled(options, column.name, column.kind)) {
      out.overruled.push_back({column.name, std::move(why)});
    }
  }
  Decide(std::move(tests), options.alpha);
  std::vector<ColumnDrift*> of_slices;
  for (SliceDrift& slice : out.slices) {
    for (ColumnDrift& column : slice.columns) of_slices.push_back(&column);
  }
  Decide(std::move(of_slices), options.alpha);
  if (options.classifier) {
    out.classified = true;
    const DomainRows rows = comparer.TakeDomain();
    DomainModel model;
    out.domain =
        TellApart(rows, options.seed, options.threads, weigher == nullptr ? nullptr : &model);
    out.domain_drifted =
        out.domain.p < options.alpha && out.domain.auc - 0.5 >= options.classifier_floor;
    if (weigher != nullptr && out.domain_drifted) weigher->Learn(rows, std::move(model));
  }
  return out;
}

}  // namespace penstock::drift
