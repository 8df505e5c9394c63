#include "components/evaluate/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

#include "components/sdk/delong.h"

namespace penstock::evaluate {
namespace {

constexpr std::size_t kMostBins = 15;
constexpr std::size_t kRowsOfBin = 20;
constexpr int kDraws = 2000;

struct Row {
  double answered = 0;
  double actual = 0;
  double weight = 1;
};

// One row after the other, by rising answer.
std::vector<Row> RowsOf(const Scored& scored) {
  const auto& m = scored.manifest;
  const std::size_t width = m.RawWidth();
  std::vector<Row> rows(scored.labels.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    rows[r].weight = scored.weights.empty() ? 1 : scored.weights[r];
    if (m.task == sdk::ModelTask::kClassification && width > 1) {
      const auto* raw = scored.raw.data() + r * width;
      const auto best = std::size_t(std::max_element(raw, raw + width) - raw);
      rows[r].answered = double(raw[best]);
      rows[r].actual = std::size_t(scored.labels[r]) == best ? 1 : 0;
      continue;
    }
    rows[r].answered = double(scored.raw[r]);
    rows[r].actual = scored.exact.empty() ? double(scored.labels[r]) : scored.exact[r];
  }
  std::erase_if(rows, [](const Row& row) { return row.weight <= 0; });
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.answered < b.answered; });
  return rows;
}

// The rows of each bin as [begin, end); equal answers stay together.
std::vector<std::pair<std::size_t, std::size_t>> BinsOf(const std::vector<Row>& rows) {
  const std::size_t count = std::clamp<std::size_t>(rows.size() / kRowsOfBin, 1, kMostBins);
  std::vector<std::pair<std::size_t, std::size_t>> bins;
  std::size_t begin = 0;
  for (std::size_t b = 1; b <= count && begin < rows.size(); ++b) {
    std::size_t end = b * rows.size() / count;
    if (end <= begin) continue;  // all of it went with the equal answers before it
    while (end < rows.size() && rows[end].answered == rows[end - 1].answered) ++end;
    bins.emplace_back(begin, end);
    begin = end;
  }
  return bins;
}

// Sums of a bin.
struct Bin {
  std::size_t begin = 0, end = 0;
  double weight = 0, squares = 0;
  double answered = 0, actual = 0;  // means
};

Bin SumOf(const std::vector<Row>& rows, std::size_t begin, std::size_t end) {
  Bin bin{begin, end, 0, 0, 0, 0};
  for (std::size_t r = begin; r < end; ++r) {
    bin.weight += rows[r].weight;
    bin.squares += rows[r].weight * rows[r].weight;
    bin.answered += rows[r].weight * rows[r].answered;
    bin.actual += rows[r].weight * rows[r].actual;
  }
  bin.answered /= bin.weight;
  bin.actual /= bin.weight;
  return bin;
}

CalibrationBin Shown(const std::vector<Row>& rows, const Bin& bin, bool shares, double z) {
  CalibrationBin shown{std::int64_t(bin.end - bin.begin), bin.answered, bin.actual, 0, 0};
  const double n = bin.weight * bin.weight / bin.squares;
  if (shares) {
    const double zz = z * z / n;
    const double middle = (bin.actual + zz / 2) / (1 + zz);
    const double half = z / (1 + zz) * std::sqrt(bin.actual * (1 - bin.actual) / n + zz / (4 * n));
    shown.low = std::max(0.0, middle - half);
    shown.high = std::min(1.0, middle + half);
    return shown;
  }
  double squares = 0;
  for (std::size_t r = bin.begin; r < bin.end; ++r) {
    squares += rows[r].weight * (rows[r].actual - bin.actual) * (rows[r].actual - bin.actual);
  }
  const double error = n > 1 ? std::sqrt(squares / bin.weight / (n - 1)) : 0;
  shown.low = bin.actual - z * error;
  shown.high = bin.actual + z * error;
  return shown;
}

// Uniform in [0, 1) and standard normal, the same with every library.
class Draws {
 public:
  double Uniform() { return double(random_() >> 11U) * 0x1p-53; }
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }

 private:
  std::mt19937_64 random_{20240229};
};

// The quantile of what chance makes of the error: labels drawn with `probability` of each row.
template <typename Probability>
double Noise(const std::vector<Row>& rows, const std::vector<Bin>& bins, double confidence,
             const Probability& probability) {
  constexpr double kMostDraws = 2e7;  // else by the normal, which many rows are
  Draws draws;
  const bool exactly = double(rows.size()) * kDraws <= kMostDraws;
  double all = 0;
  std::vector<double> spread;  // of a bin's sum of labels
  for (const Bin& bin : bins) {
    all += bin.weight;
    double variance = 0;
    for (std::size_t r = bin.begin; r < bin.end; ++r) {
      const double p = probability(rows[r], bin);
      variance += rows[r].weight * rows[r].weight * p * (1 - p);
    }
    spread.push_back(std::sqrt(variance));
  }
  std::vector<double> errors(kDraws, 0);
  for (double& error : errors) {
    for (std::size_t b = 0; b < bins.size(); ++b) {
      double off = exactly ? 0 : spread[b] * draws.Normal();
      for (std::size_t r = bins[b].begin; exactly && r < bins[b].end; ++r) {
        const double p = probability(rows[r], bins[b]);
        off += rows[r].weight * ((draws.Uniform() < p ? 1 : 0) - p);
      }
      error += std::abs(off) / all;
    }
  }
  std::sort(errors.begin(), errors.end());
  return errors[std::min(errors.size() - 1, std::size_t(confidence * double(errors.size())))];
}

sdk::Metric ErrorOf(const std::vector<Row>& rows, const std::vector<Bin>& bins, double confidence) {
  sdk::Metric error{0, std::nullopt, std::int64_t(rows.size()), ""};
  double all = 0;
  for (const Bin& bin : bins) {
    all += bin.weight;
    error.value += bin.weight * std::abs(bin.actual - bin.answered);
  }
  error.value /= all;
  const double by_answers = Noise(rows, bins, confidence, [](const Row& row, const Bin&) {
    return std::clamp(row.answered, 0.0, 1.0);
  });
  // As if each answer were off by what its bin is: the rows of a bin still differ.
  const double by_labels = Noise(rows, bins, confidence, [](const Row& row, const Bin& bin) {
    return std::clamp(row.answered + bin.actual - bin.answered, 0.0, 1.0);
  });
  const double q = std::max(by_answers, by_labels);
  error.interval = sdk::Interval{std::max(0.0, error.value - q), std::min(1.0, error.value + q)};
  return error;
}

// y = intercept + slope * x: value and covariance.
struct Fit {
  double intercept = 0, slope = 0;
  double var_intercept = 0, var_slope = 0;
};

std::optional<Fit> LeastSquares(const std::vector<Row>& rows) {
  double all = 0, mean_x = 0, mean_y = 0;
  for (const Row& row : rows) {
    all += row.weight;
    mean_x += row.weight * row.answered;
    mean_y += row.weight * row.actual;
  }
  mean_x /= all;
  mean_y /= all;
  double xx = 0, xy = 0;
  for (const Row& row : rows) {
    xx += row.weight * (row.answered - mean_x) * (row.answered - mean_x);
    xy += row.weight * (row.answered - mean_x) * (row.actual - mean_y);
  }
  if (rows.size() < 3 || rows.front().answered == rows.back().answered || xx <= 0) {
    return std::nullopt;
  }
  Fit fit;
  fit.slope = xy / xx;
  fit.intercept = mean_y - fit.slope * mean_x;
  // White's (Econometrica 48, 1980), which takes errors that differ from row to row.
  const double grow = double(rows.size()) / double(rows.size() - 2);
  for (const Row& row : rows) {
    const double residual = row.actual - fit.intercept - fit.slope * row.answered;
    const double of_slope = (row.answered - mean_x) / xx;
    const double of_intercept = 1 / all - mean_x * of_slope;
    const double w = row.weight * residual;
    fit.var_slope += grow * w * w * of_slope * of_slope;
    fit.var_intercept += grow * w * w * of_intercept * of_intercept;
  }
  return fit;
}

// Newton's method on the logistic likelihood; nothing where it has no maximum.
std::optional<Fit> Logistic(const std::vector<Row>& rows) {
  constexpr double kLeast = 1e-6;
  constexpr double kTooSteep = 1e3;
  if (rows.empty() || rows.front().answered == rows.back().answered) return std::nullopt;
  double all = 0, squares = 0;
  for (const Row& row : rows) {
    all += row.weight;
    squares += row.weight * row.weight;
  }
  Fit fit{0, 1, 0, 0};
  for (int step = 0; step < 100; ++step) {
    double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
    for (const Row& row : rows) {
      const double p = std::clamp(row.answered, kLeast, 1 - kLeast);
      const double x = std::log(p / (1 - p));
      const double mu = 1 / (1 + std::exp(-(fit.intercept + fit.slope * x)));
      const double w = row.weight * mu * (1 - mu);
      g0 += row.weight * (row.actual - mu);
      g1 += row.weight * (row.actual - mu) * x;
      h00 += w;
      h01 += w * x;
      h11 += w * x * x;
    }
    const double determinant = h00 * h11 - h01 * h01;
    if (!(determinant > 1e-12 * h00 * h11)) return std::nullopt;
    double d0 = (h11 * g0 - h01 * g1) / determinant;
    double d1 = (h00 * g1 - h01 * g0) / determinant;
    const double most = std::max(std::abs(d0), std::abs(d1));
    if (most > 2) {
      d0 *= 2 / most;
      d1 *= 2 / most;
    }
    fit.intercept += d0;
    fit.slope += d1;
    if (!std::isfinite(fit.slope) || std::abs(fit.slope) > kTooSteep) return std::nullopt;
    if (most > 1e-9) continue;
    // Weights count as Kish's rows, as in metrics.h: twice of all is no news.
    fit.var_intercept = h11 / determinant * squares / all;
    fit.var_slope = h00 / determinant * squares / all;
    return fit;
  }
  return std::nullopt;
}

bool HasBothClasses(const std::vector<Row>& rows) {
  const auto is = [](const Row& row) { return row.actual > 0.5; };
  return std::any_of(rows.begin(), rows.end(), is) && !std::all_of(rows.begin(), rows.end(), is);
}

Json ToJson(const CalibrationLine& line) {
  return {{"value", line.value}, {"low", line.interval.low}, {"high", line.interval.high}};
}

}  // namespace

Calibration CalibrationOf(const Scored& scored, double confidence) {
  const bool regression = scored.manifest.task == sdk::ModelTask::kRegression;
  const bool several = scored.manifest.RawWidth() > 1;
  Calibration c;
  c.of = regression ? "answer" : several ? "confidence" : "probability";
  const std::vector<Row> rows = RowsOf(scored);
  const double z = sdk::NormalQuantile((1 + confidence) / 2);
  std::vector<Bin> bins;
  for (const auto& [begin, end] : BinsOf(rows)) bins.push_back(SumOf(rows, begin, end));
  for (const Bin& bin : bins) c.bins.push_back(Shown(rows, bin, !regression, z));
  if (regression) {
    c.error.why = "it is of probabilities";
    c.error.rows = std::int64_t(rows.size());
  } else {
    c.error = ErrorOf(rows, bins, confidence);
  }
  if (several || (!regression && !HasBothClasses(rows))) return c;
  const std::optional<Fit> fit = regression ? LeastSquares(rows) : Logistic(rows);
  if (!fit) return c;
  const auto line = [z](double value, double variance) {
    const double half = z * std::sqrt(variance);
    return CalibrationLine{value, {value - half, value + half}};
  };
  c.intercept = line(fit->intercept, fit->var_intercept);
  c.slope = line(fit->slope, fit->var_slope);
  return c;
}

Json ToJson(const Calibration& c) {
  Json j = {{"of", c.of}, {"bins", Json::array()}};
  for (const auto& bin : c.bins) {
    j["bins"].push_back({{"rows", bin.rows},
                         {"answered", bin.answered},
                         {"actual", bin.actual},
                         {"low", bin.low},
                         {"high", bin.high}});
  }
  if (c.intercept) j["intercept"] = ToJson(*c.intercept);
  if (c.slope) j["slope"] = ToJson(*c.slope);
  return j;
}

}  // namespace penstock::evaluate
