#include "components/train/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "components/train/folds.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kEdge = 1e-7;  // as sdk::Calibrate
constexpr std::uint32_t kParts = 5;
constexpr int kSteps = 100;

// One class against the others.
struct Curve {
  std::vector<double> p;
  std::vector<bool> positive;
  std::vector<double> weight;
};

Curve CurveOf(const HeldOutAnswers& h, const Target& target, std::size_t k,
              const std::vector<std::size_t>& rows) {
  Curve curve;
  const std::size_t width = target.width();
  for (const std::size_t r : rows) {
    curve.p.push_back(h.answers[r * width + k]);
    curve.positive.push_back(width == 1 ? h.y[r] > 0.5 : std::size_t(h.y[r]) == k);
    curve.weight.push_back(h.weight.empty() ? 1 : h.weight[r]);
  }
  return curve;
}

double Logit(double p) {
  p = std::clamp(p, kEdge, 1 - kEdge);
  return std::log(p / (1 - p));
}

struct Line {
  double slope = 1;
  double offset = 0;
};

// log(1 + exp(z)) without overflow.
double Softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

Line FitPlatt(const Curve& curve) {
  double positive = 0;
  double negative = 0;
  for (std::size_t i = 0; i < curve.p.size(); ++i) {
    (curve.positive[i] ? positive : negative) += curve.weight[i];
  }
  const double high = (positive + 1) / (positive + 2);
  const double low = 1 / (negative + 2);
  std::vector<double> x(curve.p.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Logit(curve.p[i]);
  const auto loss = [&](const Line& line) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double z = line.slope * x[i] + line.offset;
      sum += curve.weight[i] * (Softplus(z) - (curve.positive[i] ? high : low) * z);
    }
    return sum;
  };
  Line line{0, std::log((positive + 1) / (negative + 1))};
  double value = loss(line);
  for (int step = 0; step < kSteps; ++step) {
    double g0 = 0, g1 = 0, h00 = 1e-12, h01 = 0, h11 = 1e-12;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double p = 1 / (1 + std::exp(-(line.slope * x[i] + line.offset)));
      const double d = curve.weight[i] * (p - (curve.positive[i] ? high : low));
      const double h = curve.weight[i] * p * (1 - p);
      g0 += d * x[i];
      g1 += d;
      h00 += h * x[i] * x[i];
      h01 += h * x[i];
      h11 += h;
    }
    if (std::abs(g0) < 1e-9 && std::abs(g1) < 1e-9) break;
    const double determinant = h00 * h11 - h01 * h01;
    if (!(determinant > 0)) break;
    const double d0 = -(h11 * g0 - h01 * g1) / determinant;
    const double d1 = -(h00 * g1 - h01 * g0) / determinant;
    Line next = line;
    double next_value = value;
    for (int halved = 0; halved < 34; ++halved) {
      const double size = std::ldexp(1.0, -halved);
      next = {line.slope + size * d0, line.offset + size * d1};
      next_value = loss(next);
      if (next_value < value) break;
    }
    if (!(next_value < value)) break;
    line = next;
    value = next_value;
  }
  return line;
}

// Points of the step function that pooling gives: the ends of each block.
void FitIsotonic(const Curve& curve, std::vector<double>& x, std::vector<double>& y) {
  struct Block {
    double sum = 0, weight = 0, low = 0, high = 0;
    [[nodiscard]] double mean() const { return sum / weight; }
  };
  std::vector<std::size_t> order(curve.p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return curve.p[a] < curve.p[b]; });
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < order.size();) {
    Block block;
    block.low = block.high = curve.p[order[i]];
    for (; i < order.size() && curve.p[order[i]] == block.low; ++i) {
      block.sum += curve.positive[order[i]] ? curve.weight[order[i]] : 0;
      block.weight += curve.weight[order[i]];
    }
    if (block.weight <= 0) continue;
    while (!blocks.empty() && blocks.back().mean() >= block.mean()) {
      block.sum += blocks.back().sum;
      block.weight += blocks.back().weight;
      block.low = blocks.back().low;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  for (const Block& block : blocks) {
    const double mean = std::clamp(block.mean(), 0.0, 1.0);
    x.push_back(block.low);
    y.push_back(mean);
    if (block.high <= block.low) continue;
    x.push_back(block.high);
    y.push_back(mean);
  }
}

Result<sdk::Calibration> FitOnRows(sdk::CalibrationMethod method, const HeldOutAnswers& h,
                                   const Target& target, const std::vector<std::size_t>& rows) {
  sdk::Calibration calibration;
  calibration.method = method;
  for (std::size_t k = 0; k < target.width(); ++k) {
    const Curve curve = CurveOf(h, target, k, rows);
    if (method == sdk::CalibrationMethod::kPlatt) {
      const Line line = FitPlatt(curve);
      if (!(line.slope > 0)) return sdk::Calibration{};
      calibration.slope.push_back(line.slope);
      calibration.offset.push_back(line.offset);
    } else {
      calibration.x.emplace_back();
      calibration.y.emplace_back();
      FitIsotonic(curve, calibration.x.back(), calibration.y.back());
    }
  }
  PENSTOCK_TRY(sdk::CheckCalibration(calibration, target.width()));
  return calibration;
}

std::vector<std::size_t> RowsWhere(const std::vector<std::uint32_t>& part, std::uint32_t is,
                                   bool equal) {
  std::vector<std::size_t> rows;
  for (std::size_t r = 0; r < part.size(); ++r) {
    if ((part[r] == is) == equal) rows.push_back(r);
  }
  return rows;
}

void CalibrateRow(const sdk::Calibration& calibration, double* row, std::size_t width) {
  double sum = 0;
  std::vector<double> made(width);
  for (std::size_t k = 0; k < width; ++k) {
    made[k] = sdk::CalibratedOne(calibration, k, row[k]);
    sum += made[k];
  }
  if (width > 1 && !(sum > 0)) return;
  for (std::size_t k = 0; k < width; ++k) row[k] = width > 1 ? made[k] / sum : made[k];
}

// More is better. `tp` and `fp`: weight that is decided positive.
double Worth(const ThresholdOptions& options, double tp, double fp, double positives,
             double negatives) {
  switch (options.by) {
    case ThresholdBy::kF1:
      return 2 * tp / (tp + fp + positives);
    case ThresholdBy::kAccuracy:
      return (tp + negatives - fp) / (positives + negatives);
    case ThresholdBy::kBalancedAccuracy:
    case ThresholdBy::kYouden:
      return tp / positives - fp / negatives;
    case ThresholdBy::kCost:
      return -(options.false_positive * fp + options.false_negative * (positives - tp));
    case ThresholdBy::kFixed:
      break;
  }
  return 0;
}

}  // namespace

Result<sdk::Calibration> FitCalibration(sdk::CalibrationMethod method,
                                        const HeldOutAnswers& held_out, const Target& target) {
  std::vector<std::size_t> all(held_out.y.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return FitOnRows(method, held_out, target, all);
}

Result<std::vector<double>> CrossCalibrated(sdk::CalibrationMethod method, const HeldOutAnswers& h,
                                            const Target& target, std::uint64_t seed) {
  std::vector<std::uint32_t> part = h.fold;
  std::uint32_t parts = part.empty() ? 0 : *std::max_element(part.begin(), part.end()) + 1;
  if (parts < 2) {
    const std::set<std::uint32_t> groups(h.group.begin(), h.group.end());
    const bool whole = groups.size() >= 2;  // of one group none can be held out
    parts = whole ? std::uint32_t(std::min<std::size_t>(kParts, groups.size())) : kParts;
    part = SpreadRows(h.y, true, whole ? h.group : std::vector<std::uint32_t>(), parts, seed);
  }
  std::vector<double> answers = h.answers;
  const std::size_t width = target.width();
  for (std::uint32_t p = 0; p < parts; ++p) {
    PENSTOCK_ASSIGN(const auto calibration,
                    FitOnRows(method, h, target, RowsWhere(part, p, false)));
    if (calibration.method == sdk::CalibrationMethod::kNone) return std::vector<double>();
    for (const std::size_t r : RowsWhere(part, p, true)) {
      CalibrateRow(calibration, answers.data() + r * width, width);
    }
  }
  return answers;
}

double ChooseThreshold(const ThresholdOptions& options, std::span<const double> probability,
                       std::span<const double> y, std::span<const double> weight) {
  double positives = 0;
  double negatives = 0;
  const auto weight_of = [&](std::size_t r) { return weight.empty() ? 1.0 : weight[r]; };
  for (std::size_t r = 0; r < y.size(); ++r) {
    (y[r] > 0.5 ? positives : negatives) += weight_of(r);
  }
  if (options.by == ThresholdBy::kFixed || positives <= 0 || negatives <= 0) return options.fixed;
  std::vector<std::size_t> order(y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
  double best = 0;
  double best_worth = Worth(options, positives, negatives, positives, negatives);
  double tp = 0;
  double fp = 0;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    (y[order[i]] > 0.5 ? tp : fp) += weight_of(order[i]);
    const double above = probability[order[i]];
    const double below = probability[order[i + 1]];
    if (above == below) continue;
    const double threshold = (above + below) / 2;
    const double worth = Worth(options, tp, fp, positives, negatives);
    const bool nearer = std::abs(threshold - 0.5) < std::abs(best - 0.5);
    if (worth > best_worth || (worth == best_worth && nearer)) {
      best = threshold;
      best_worth = worth;
    }
  }
  return best;
}

}  // namespace penstock::train
