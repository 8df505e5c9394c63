#include "components/sdk/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace penstock::sdk {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Json Finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

double F1(double precision, double recall) {
  return Ratio(2 * precision * recall, precision + recall);
}

// The rows chosen, copied together.
struct Selection {
  std::vector<float> raw;
  std::vector<float> labels;
};

Selection Select(std::span<const float> raw, std::size_t width, std::span<const float> labels,
                 std::span<const std::uint32_t> rows) {
  Selection s;
  for (const std::uint32_t r : rows) {
    s.raw.insert(s.raw.end(), raw.begin() + long(r * width), raw.begin() + long((r + 1) * width));
    s.labels.push_back(labels[r]);
  }
  return s;
}

std::vector<std::uint32_t> Decide(const ModelManifest& m, std::span<const float> raw) {
  const std::size_t width = m.RawWidth();
  std::vector<std::uint32_t> decided(raw.size() / width);
  for (std::size_t r = 0; r < decided.size(); ++r) {
    decided[r] = std::uint32_t(DecidedClass(m, raw.subspan(r * width, width)));
  }
  return decided;
}

Json BinaryMetrics(const ModelManifest& m, std::span<const float> raw,
                   std::span<const float> labels) {
  std::vector<std::uint8_t> positive(labels.size());
  double brier = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    positive[r] = labels[r] > 0.5F ? 1 : 0;
    brier += (double(raw[r]) - positive[r]) * (double(raw[r]) - positive[r]);
  }
  const auto c = ConfusionMatrix(Decide(m, raw), labels, 2);
  const auto n = static_cast<double>(labels.size());
  const double precision = Ratio(double(c[1][1]), double(c[0][1] + c[1][1]));
  const double recall = Ratio(double(c[1][1]), double(c[1][0] + c[1][1]));
  return {{"auc", Finite(Auc(raw, positive))},
          {"accuracy", double(c[0][0] + c[1][1]) / n},
          {"precision", precision},
          {"recall", recall},
          {"f1", F1(precision, recall)},
          {"logLoss", Finite(LogLoss(raw, 1, labels))},
          {"brier", brier / n},
          {"positiveRate", double(c[1][0] + c[1][1]) / n}};
}

// Macro averages run over the classes that occur among labels or decisions, as scikit-learn's do.
Json MultiClassMetrics(const ModelManifest& m, std::span<const float> raw,
                       std::span<const float> labels) {
  const std::size_t k = m.classes.size();
  const auto c = ConfusionMatrix(Decide(m, raw), labels, k);
  double hits = 0, precision = 0, recall = 0, f1 = 0, present = 0;
  for (std::size_t i = 0; i < k; ++i) {
    double predicted = 0;
    for (std::size_t j = 0; j < k; ++j) predicted += double(c[j][i]);
    const auto actual = double(std::accumulate(c[i].begin(), c[i].end(), std::int64_t{0}));
    if (predicted + actual == 0) continue;
    const double p = Ratio(double(c[i][i]), predicted);
    const double r = Ratio(double(c[i][i]), actual);
    hits += double(c[i][i]);
    precision += p;
    recall += r;
    f1 += F1(p, r);
    present += 1;
  }
  return {{"accuracy", hits / double(labels.size())},
          {"macroPrecision", precision / present},
          {"macroRecall", recall / present},
          {"macroF1", f1 / present},
          {"logLoss", Finite(LogLoss(raw, k, labels))}};
}

}  // namespace

double Auc(std::span<const float> scores, std::span<const std::uint8_t> positive) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0;  // of the positives, ranks from 1, ties share their mean rank
  double positives = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    double here = 0;
    while (j < order.size() && scores[order[j]] == scores[order[i]]) here += positive[order[j++]];
    rank_sum += here * (double(i + 1) + double(j)) / 2;
    positives += here;
    i = j;
  }
  const double negatives = double(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return kNan;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

double LogLoss(std::span<const float> raw, std::size_t width, std::span<const float> labels) {
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  double sum = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const auto label = static_cast<std::size_t>(labels[r]);
    const double p = width > 1    ? double(raw[r * width + label])
                     : label == 1 ? double(raw[r])
                                  : 1 - double(raw[r]);
    sum -= std::log(std::clamp(p, kEps, 1 - kEps));
  }
  return labels.empty() ? kNan : sum / double(labels.size());
}

std::vector<std::vector<std::int64_t>> ConfusionMatrix(std::span<const std::uint32_t> predicted,
                                                       std::span<const float> labels,
                                                       std::size_t classes) {
  std::vector<std::vector<std::int64_t>> counts(classes, std::vector<std::int64_t>(classes, 0));
  for (std::size_t r = 0; r < labels.size(); ++r) {
    ++counts[std::size_t(labels[r])][predicted[r]];
  }
  return counts;
}

RegressionMetrics Regression(std::span<const float> predicted, std::span<const float> actual) {
  const auto n = static_cast<double>(actual.size());
  double sse = 0, sae = 0, bias = 0, mean = 0, sst = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    const double error = double(predicted[r]) - double(actual[r]);
    sse += error * error;
    sae += std::abs(error);
    bias += error;
    mean += double(actual[r]);
  }
  mean /= n;
  for (const float y : actual) sst += (double(y) - mean) * (double(y) - mean);
  return {std::sqrt(sse / n), sae / n, sst == 0 ? kNan : 1 - sse / sst, bias / n};
}

Json ComputeMetrics(const ModelManifest& manifest, std::span<const float> raw,
                    std::span<const float> labels, std::span<const std::uint32_t> rows) {
  if (!rows.empty()) {
    const Selection chosen = Select(raw, manifest.RawWidth(), labels, rows);
    return ComputeMetrics(manifest, chosen.raw, chosen.labels);
  }
  Json metrics;
  if (manifest.task == ModelTask::kRegression) {
    const RegressionMetrics m = Regression(raw, labels);
    metrics = {{"rmse", m.rmse}, {"mae", m.mae}, {"r2", Finite(m.r2)}, {"bias", m.bias}};
  } else {
    metrics = manifest.IsBinary() ? BinaryMetrics(manifest, raw, labels)
                                  : MultiClassMetrics(manifest, raw, labels);
  }
  metrics["rows"] = labels.size();
  return metrics;
}

Json ConfusionReport(const ModelManifest& manifest, std::span<const float> raw,
                     std::span<const float> labels) {
  return {{"classes", manifest.classes},
          {"counts", ConfusionMatrix(Decide(manifest, raw), labels, manifest.classes.size())},
          {"meaning", "counts[actual][predicted]"}};
}

bool HigherIsBetter(const std::string& metric) {
  static const std::set<std::string> kLower = {"logLoss", "brier", "rmse", "mae", "bias"};
  return !kLower.contains(metric);
}

}  // namespace penstock::sdk
