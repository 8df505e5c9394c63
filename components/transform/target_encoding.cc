#include "components/transform/target_encoding.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "components/model_format/prepared_step.h"
#include "components/sdk/exact_sum.h"
#include "components/sdk/row_hash.h"

namespace penstock::transform {
namespace {

using sdk::Cell;
using sdk::TransformStep;

constexpr std::size_t kParts = 5;

// Sums of the label by place and class, exact, so that the order of rows does not count.
class Sums {
 public:
  Sums(std::size_t places, std::size_t width)
      : width_(width), sums_(places * width), counts_(places) {}

  void Add(std::int64_t place, double y, std::size_t classes) {
    ++counts_[std::size_t(place)];
    if (classes > 2) {
      sums_[std::size_t(place) * width_ + std::size_t(y)].Add(1);
    } else {
      sums_[std::size_t(place) * width_].Add(y);
    }
  }

  // The smoothed mean of each place and class.
  [[nodiscard]] std::vector<double> Means(double smoothing) const {
    std::vector<double> means(sums_.size());
    double rows = 0;
    for (const double count : counts_) rows += count;
    for (std::size_t c = 0; c < width_; ++c) {
      sdk::ExactSum all;
      for (std::size_t p = 0; p < counts_.size(); ++p) all.Merge(sums_[p * width_ + c]);
      const double overall = rows > 0 ? all.Round() / rows : 0;
      for (std::size_t p = 0; p < counts_.size(); ++p) {
        const double weight = counts_[p] + smoothing;
        means[p * width_ + c] =
            weight > 0 ? (sums_[p * width_ + c].Round() + smoothing * overall) / weight : overall;
      }
    }
    return means;
  }

  [[nodiscard]] double count(std::size_t place) const { return counts_[place]; }

 private:
  std::size_t width_;
  std::vector<sdk::ExactSum> sums_;
  std::vector<double> counts_;
};

std::size_t WidthOf(const LabelValues& label) { return label.classes > 2 ? label.classes : 1; }

}  // namespace

std::vector<std::int64_t> PlacesOfRows(const std::vector<sdk::Category>& categories,
                                       const sdk::TypedColumn& column,
                                       std::span<const std::uint32_t> rows) {
  const sdk::CategoryIndex index(categories);
  std::vector<std::int64_t> places;
  places.reserve(rows.size());
  for (const std::uint32_t r : rows) {
    const Cell cell = CellAt(column, r);
    std::int64_t place = index.size();
    if (const auto* text = std::get_if<std::string_view>(&cell)) place = index.Find(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) place = index.Find(*integer);
    if (const auto* flag = std::get_if<bool>(&cell)) place = index.Find(std::int64_t(*flag));
    if (const auto* number = std::get_if<double>(&cell)) place = index.Find(sdk::KeyOf(*number));
    places.push_back(place);
  }
  return places;
}

void FitTargetMeans(TransformStep& step, const sdk::TypedColumn& column,
                    std::span<const std::uint32_t> rows, const LabelValues& label) {
  const std::size_t width = WidthOf(label);
  const std::size_t count = step.categories.size() + 1;
  const auto places = PlacesOfRows(step.categories, column, rows);
  Sums sums(count, width);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sums.Add(places[i], label.y[rows[i]], label.classes);
  }
  step.numbers = sums.Means(step.recipe.smoothing);
  step.values.clear();
  for (std::size_t c = 0; c < width; ++c) {
    std::vector<double> of_rows;
    of_rows.reserve(rows.size());
    for (const std::int64_t place : places) {
      of_rows.push_back(step.numbers[std::size_t(place) * width + c]);
    }
    const auto moments = sdk::MomentsOf(of_rows);
    step.values.push_back(moments.mean);
    step.values.push_back(moments.constant ? 1 : moments.std);
  }
}

void CrossFit(const TransformStep& step, std::size_t first, const sdk::TypedColumn& column,
              std::span<const std::uint32_t> rows, const LabelValues& label,
              std::span<const std::uint32_t> group, std::uint64_t seed, sdk::FloatMatrix& x) {
  const std::size_t width = WidthOf(label);
  const std::size_t count = step.categories.size() + 1;
  const auto places = PlacesOfRows(step.categories, column, rows);
  const auto part_of = [&](std::uint32_t row) {
    return sdk::MixBits(seed ^ sdk::MixBits(group.empty() ? row : group[row])) % kParts;
  };
  for (std::size_t part = 0; part < kParts; ++part) {
    Sums others(count, width);
    bool any = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (part_of(rows[i]) == part) continue;
      others.Add(places[i], label.y[rows[i]], label.classes);
      any = true;
    }
    const auto means = others.Means(step.recipe.smoothing);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (part_of(rows[i]) != part) continue;
      for (std::size_t c = 0; c < width; ++c) {
        const double mean = any ? means[std::size_t(places[i]) * width + c] : step.values[2 * c];
        x.data[i * x.width + first + c] =
            float((mean - step.values[2 * c]) / step.values[2 * c + 1]);
      }
    }
  }
}

}  // namespace penstock::transform
