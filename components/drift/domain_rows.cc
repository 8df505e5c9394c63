#include "components/drift/domain_rows.h"

#include <algorithm>
#include <utility>

namespace penstock::drift {
namespace {

constexpr std::size_t kCells = 400'000;  // of each side: some seconds of one core
constexpr std::size_t kLeastRows = 250;
constexpr std::size_t kMostWords = 20;

}  // namespace

std::vector<BinnedFeature> WordFeatures(const Bins& bins, std::size_t rows) {
  std::vector<BinnedFeature> features(std::min(kMostWords, bins.size() - 1));
  for (BinnedFeature& feature : features) {
    feature.bin_count = feature.ordered = 2;
    feature.bins.assign(rows, 0);
  }
  return features;
}

void MarkWords(const Bins& bins, const Values& values, std::size_t row, std::size_t at,
               std::vector<BinnedFeature>& features) {
  for (std::size_t w = row == 0 ? 0 : values.ends[row - 1]; w < values.ends[row]; ++w) {
    const std::uint32_t code = values.codes[w];
    const std::uint16_t bin = code < bins.of_code.size() ? bins.of_code[code] : kNoBin;
    if (bin < features.size()) features[bin].bins[at] = 1;
  }
}

DomainCollector::DomainCollector(const Sample& sample) {
  const std::size_t rows =
      std::min({kRows, std::size_t(sample.side(0).chosen), std::size_t(sample.side(1).chosen)});
  for (std::size_t side = 0; side < 2; ++side) {
    const auto chosen = std::size_t(sample.side(side).chosen);
    text_step_[side] = chosen / kTextRows + 1;
    for (std::size_t i = 0; i < rows; ++i) {
      // Of texts only each so manieth row was read.
      const std::size_t at = i * chosen / rows;
      rows_[side].push_back(at / text_step_[side] * text_step_[side]);
      out_.places.push_back(rows_[side].back());
      out_.is_current.push_back(std::uint8_t(side));
      const auto& blocks = sample.side(side).blocks;
      if (!blocks.empty()) out_.blocks.push_back(blocks[rows_[side].back()]);
    }
  }
}

std::vector<BinnedFeature> DomainCollector::FeaturesOf(const ColumnValues& column,
                                                       const Bins& bins) const {
  if (bins.size() < 2) return {};
  if (column.pair.kind != Kind::kText) {
    BinnedFeature feature;
    feature.bin_count = bins.size();
    feature.ordered = bins.shape.ordered;
    for (std::size_t side = 0; side < 2; ++side) {
      for (const std::size_t row : rows_[side]) {
        feature.bins.push_back(std::uint8_t(bins.Of(column.pair.kind, column.sides[side], row)));
      }
    }
    return {std::move(feature)};
  }
  auto features = WordFeatures(bins, out_.is_current.size());
  std::size_t at = 0;
  for (std::size_t side = 0; side < 2; ++side) {
    for (const std::size_t chosen : rows_[side]) {
      MarkWords(bins, column.sides[side], chosen / text_step_[side], at++, features);
    }
  }
  return features;
}

void DomainCollector::Add(const std::string& column, std::vector<BinnedFeature> features) {
  for (BinnedFeature& feature : features) {
    out_.columns.push_back(column);
    out_.features.push_back(std::move(feature));
  }
}

DomainRows DomainCollector::Take() && {
  const std::size_t of_side = rows_[0].size();
  const std::size_t features = std::max<std::size_t>(1, out_.features.size());
  const std::size_t wanted = std::max(kLeastRows, kCells / features);
  if (wanted >= of_side) return std::move(out_);
  std::vector<std::size_t> kept;  // of both sides, evenly spread again
  for (std::size_t side = 0; side < 2; ++side) {
    for (std::size_t i = 0; i < wanted; ++i) kept.push_back(side * of_side + i * of_side / wanted);
  }
  const auto keep = [&](auto& of_rows) {
    if (of_rows.empty()) return;
    auto all = std::move(of_rows);
    of_rows.clear();
    for (const std::size_t row : kept) of_rows.push_back(all[row]);
  };
  keep(out_.is_current);
  keep(out_.blocks);
  keep(out_.places);
  for (BinnedFeature& feature : out_.features) keep(feature.bins);
  return std::move(out_);
}

}  // namespace penstock::drift
