// Regression, and what all of Measure is made of.
#include "components/sdk/estimate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/sdk/exact_sum.h"

namespace penstock::sdk {
namespace {

double Actual(const Judged& j, std::size_t r) {
  return j.exact.empty() ? double(j.labels[r]) : j.exact[r];
}

double ErrorOf(const Judged& j, std::size_t r) { return double(j.raw[r]) - Actual(j, r); }

// The weighted median: where half of the weight is reached exactly, the mean of the values on both
// sides (Hyndman and Fan, American Statistician 50, 1996, definition 2).
double Median(const Judged& judged, const std::function<double(std::size_t)>& of) {
  std::vector<std::pair<double, double>> values;
  for (std::size_t r = 0; r < judged.labels.size(); ++r) {
    if (const double w = WeightOf(judged, r); w > 0) values.emplace_back(of(r), w);
  }
  std::sort(values.begin(), values.end());
  double all = 0;
  for (const auto& [value, w] : values) all += w;
  double below = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    below += values[i].second;
    if (below < all / 2) continue;
    const bool exactly = below - all / 2 <= std::numeric_limits<double>::epsilon();
    return exactly && i + 1 < values.size() ? (values[i].first + values[i + 1].first) / 2
                                            : values[i].first;
  }
  return values.back().first;
}

Metric Mape(const Judged& judged, Width width) {
  std::int64_t zeros = 0;
  for (std::size_t r = 0; r < judged.labels.size(); ++r) zeros += Actual(judged, r) == 0 ? 1 : 0;
  if (zeros > 0) {
    return Undefined(std::int64_t(judged.labels.size()),
                     std::to_string(zeros) + " labels are 0, of which no error is a share");
  }
  return MeanOf(judged, width, 0, [&](std::size_t r) {
    return std::abs(ErrorOf(judged, r)) / std::abs(Actual(judged, r));
  });
}

// 1 - the mean of (error - `centre`)^2 over the variance of the labels.
Metric Explained(const Judged& judged, Width width, double centre) {
  const auto n = std::int64_t(judged.labels.size());
  std::vector<double> actual(judged.labels.size());
  double mean = 0, all = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    actual[r] = Actual(judged, r);
    mean += WeightOf(judged, r) * actual[r];
    all += WeightOf(judged, r);
  }
  mean /= all;
  double rest = 0, spread = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    const double error = ErrorOf(judged, r) - centre;
    rest += WeightOf(judged, r) * error * error;
    spread += WeightOf(judged, r) * (actual[r] - mean) * (actual[r] - mean);
  }
  if (MomentsOf(actual).constant || spread <= 0) {
    return Undefined(n, n < 2 ? "there is one row" : "all labels are equal, so none is to explain");
  }
  Metric m{1 - rest / spread, std::nullopt, n, ""};
  if (width.z == 0) return m;
  double variance = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    const double error = ErrorOf(judged, r) - centre;
    const double off = actual[r] - mean;
    const double add = WeightOf(judged, r) * (error * error - (1 - m.value) * off * off) / spread;
    variance += add * add;
  }
  m.interval = Around(m.value, std::sqrt(variance), width, -std::numeric_limits<double>::max(), 1);
  return m;
}

}  // namespace

std::optional<Interval> Around(double value, double error, Width width, double least, double most) {
  if (width.z == 0 || !std::isfinite(error)) return std::nullopt;
  return Interval{std::max(least, value - width.z * error),
                  std::min(most, value + width.z * error)};
}

Metric Undefined(std::int64_t rows, std::string why) {
  Metric m;
  m.rows = rows;
  m.why = std::move(why);
  return m;
}

Metric Share(const Part& some, const Part& all, Width width) {
  const double share = some.weight / all.weight;
  Metric m{share, std::nullopt, all.rows, ""};
  if (width.z == 0) return m;
  const double n = all.Effective();
  const double zz = width.z * width.z / n;
  const double middle = (share + zz / 2) / (1 + zz);
  const double half = width.z / (1 + zz) * std::sqrt(share * (1 - share) / n + zz / (4 * n));
  m.interval = Interval{std::max(0.0, middle - half), std::min(1.0, middle + half)};
  return m;
}

Metric MeanOf(const Judged& judged, Width width, double least,
              const std::function<double(std::size_t)>& of) {
  const std::size_t n = judged.labels.size();
  double sum = 0;
  Part all;
  for (std::size_t r = 0; r < n; ++r) {
    const double w = WeightOf(judged, r);
    sum += w * of(r);
    all.Add(w);
  }
  const double mean = sum / all.weight;
  Metric m{mean, std::nullopt, std::int64_t(n), ""};
  if (width.z == 0 || n < 2) return m;
  double squares = 0;
  for (std::size_t r = 0; r < n; ++r) {
    const double off = WeightOf(judged, r) * (of(r) - mean);
    squares += off * off;
  }
  const double error = std::sqrt(squares * double(n) / double(n - 1)) / all.weight;
  m.interval = Around(mean, error, width, least, std::numeric_limits<double>::max());
  return m;
}

Metrics RegressionMetrics(const Judged& judged, Width width) {
  const auto error = [&](std::size_t r) { return ErrorOf(judged, r); };
  const auto absolute = [&](std::size_t r) { return std::abs(ErrorOf(judged, r)); };
  Metrics all;
  all["rmse"] = MeanOf(judged, width, 0, [&](std::size_t r) { return error(r) * error(r); });
  all["rmse"].value = std::sqrt(all["rmse"].value);
  if (auto& i = all["rmse"].interval) i = Interval{std::sqrt(i->low), std::sqrt(i->high)};
  all["mae"] = MeanOf(judged, width, 0, absolute);
  all["medianAbsoluteError"] = {Median(judged, absolute), std::nullopt,
                                std::int64_t(judged.labels.size()), ""};
  all["mape"] = Mape(judged, width);
  all["bias"] = MeanOf(judged, width, -std::numeric_limits<double>::max(), error);
  all["r2"] = Explained(judged, width, 0);
  all["explainedVariance"] = Explained(judged, width, all["bias"].value);
  return all;
}

}  // namespace penstock::sdk
